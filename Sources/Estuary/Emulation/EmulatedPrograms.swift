// The accounts of programs that emulated transactions see: the ledger's, and over them what the block that would come next
// has changed (its sysvars) and what earlier emulations have.

import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import SBPF

/// Used by one thread at a time.
package final class EmulatedPrograms: ProgramAccountSource {
  let session: CrossCallSession
  private let base: (Pubkey) throws(EVMStateError) -> Account
  private var changed: [Pubkey: Account]

  /// - Parameters:
  ///   - environment: of the block that would come next.
  ///   - changed: accounts that differ from those of `base` in that block.
  ///   - base: the account at a key, `Account.empty` where there is none.
  package init(
    environment: ExecutionEnvironment, engine: Engine, changed: [Pubkey: Account] = [:],
    base: @escaping (Pubkey) throws(EVMStateError) -> Account
  ) {
    session = CrossCallSession(environment: environment, engine: engine)
    (self.base, self.changed) = (base, changed)
  }

  package func programAccount(_ key: Pubkey) throws(EVMStateError) -> LoadedAccount {
    if let account = changed[key] { return .owned(account) }
    return .owned(try base(key))
  }

  /// Makes what an emulation changed what later ones see.
  func apply(_ changes: [(key: Pubkey, account: Account?)]) {
    for change in changes { changed[change.key] = change.account ?? .empty }
  }

  /// What the running transaction has changed.
  var changes: [(key: Pubkey, account: Account?)] {
    get throws(EVMStateError) {
      var all: [(key: Pubkey, account: Account?)] = []
      try session.forEachChange { (key, account) throws(EVMStateError) in all.append((key, account)) }
      return all
    }
  }
}

extension Chain {
  /// The accounts of programs in the block that would come next.
  ///
  /// - Parameter unixTimestamp: of that block.
  func emulatedPrograms(engine: Engine, unixTimestamp: Int64) throws(ChainError) -> EmulatedPrograms {
    let (environment, sysvars) = try environmentOfNextBlock(unixTimestamp: unixTimestamp)
    return EmulatedPrograms(environment: environment, engine: engine, changed: sysvars) {
      [state] (key) throws(EVMStateError) in
      do throws(StoreError) { return try state.account(key) } catch { throw .store(error) }
    }
  }
}
