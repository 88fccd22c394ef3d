// Looking at Ethereum's accounts after the last block.

import EVM
import Ledger
import Primitives
import WideIntegers

extension Chain {
  /// `nil` where there is none.
  package func ethereumAccount(_ address: Address) throws(ChainError) -> EVMAccount? {
    do throws(EVMStateError) { return try committedState.account(address) } catch {
      throw ChainError(error)
    }
  }

  /// Empty where there is none.
  package func ethereumCode(at address: Address) throws(ChainError) -> [UInt8] {
    do throws(EVMStateError) {
      guard let account = try committedState.account(address), account.codeHash != EVMAccount.emptyCodeHash
      else { return [] }
      return try committedState.code(address, account).array
    } catch {
      throw ChainError(error)
    }
  }

  /// 0 where there is none.
  package func ethereumStorage(of address: Address, slot: UInt256) throws(ChainError) -> UInt256 {
    do throws(EVMStateError) {
      guard let account = try committedState.account(address) else { return .zero }
      return try committedState.storage(address, incarnation: account.incarnation, slot: slot)
    } catch {
      throw ChainError(error)
    }
  }

  private var committedState: EVMLedgerState { committedState(EVMProgramCache(natives: contracts)) }

  func committedState(_ programs: EVMProgramCache) -> EVMLedgerState {
    EVMLedgerState(source: EVMStoreSource(store: store), programs: programs)
  }
}
