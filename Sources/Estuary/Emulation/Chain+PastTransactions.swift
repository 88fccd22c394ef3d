// A transaction of a stored block executed again, on the state that it met, changed by what stands before it in its block: the
// accounts of both worlds after the ledger's block before (AccountHistory), or where these are not kept the tries
// (EthereumArchive), which know no accounts of programs.

import EVM
import Ledger
import Primitives
import WideIntegers

extension Chain {
  /// Executes a transaction of one of Ethereum's blocks again, which changes nothing.
  ///
  /// - Returns: the rules of its block and what came of it; `nil` where there is no such transaction.
  /// - Throws: `ethereum` where the state before its block is no longer kept.
  package func retrace(
    _ hash: Hash, tracer: EVMTracer
  ) throws(ChainError) -> (fork: Fork, emulation: Emulation)? {
    let archive = ethereumArchive
    let all: [EthereumTransactionRecord]
    let parent: EthereumArchive.StoredHeader
    do throws(StoreError) {
      guard let record = try archive.transaction(hash) else { return nil }
      let number = record.block.header.number
      guard number > 0, let before = try archive.header(number - 1),
        let others = try archive.transactions(number), record.index < others.count
      else { throw archive.damaged("Ethereum's block \(number)") }
      (parent, all) = (before, Array(others[...record.index]))
    } catch {
      throw .store(error)
    }
    let last = all[all.count - 1]
    if contracts.isEmpty, let ledger = try EthereumLedger(store),
      let replay = try ledger.replay(of: last.block, through: head.height, isTraced: true)
    {
      do throws(EmulationError) {
        return (replay.emulator.block.fork, try replay.run(last.index, tracer: tracer))
      } catch {
        throw .ethereum(detail: error.description)
      }
    }
    let programs = EVMProgramCache(natives: contracts)
    let state = PastState(
      tries: try ethereumTries(before: parent.header.number + 1), ledger: committedState(programs))
    let block = try environment(of: all[0].block.header, after: parent)
    // The accounts of programs as that block met them are not kept with the tries.
    let (environment, _) = try environmentOfNextBlock(unixTimestamp: Int64(clamping: block.timestamp))
    let reach = EmulatedPrograms(environment: environment, engine: .fastest) { (key) throws(EVMStateError) in
      throw .pastState(detail: "the account \(key) of programs")
    }
    let emulator = try Emulator(over: state, in: block, programs: programs, reaching: reach, tracer: tracer)
    emulator.tracer = nil
    do throws(EmulationError) {
      for record in all.dropLast() {
        emulator.apply(try emulator.run(record.transaction, from: record.sender, checks: .all))
      }
      emulator.tracer = tracer
      return (emulator.block.fork, try emulator.run(last.transaction, from: last.sender, checks: .all))
    } catch {
      throw .ethereum(detail: error.description)
    }
  }

  private func environment(
    of header: EthereumHeader, after parent: EthereumArchive.StoredHeader
  ) throws(ChainError) -> BlockEnvironment {
    guard let configuration = try ethereumConfiguration() else {
      throw .ethereum(detail: "the ledger has no Ethereum side")
    }
    let fork = configuration.fork(
      number: header.number, timestamp: header.timestamp, totalDifficulty: parent.totalDifficulty)
    let archive = ethereumArchive
    return BlockEnvironment(header, fork: fork, configuration) { number in
      (try? archive.header(number))?.hash
    }
  }
}

/// The state after a block, from its tries; codes are the ledger's, under their hashes.
private final class PastState: EVMStateReader {
  private let tries: StateTries
  private let ledger: EVMLedgerState

  init(tries: StateTries, ledger: EVMLedgerState) { (self.tries, self.ledger) = (tries, ledger) }

  func account(_ address: Address) throws(EVMStateError) -> EVMAccount? {
    do throws(TrieError) {
      guard let account = try tries.account(address) else { return nil }
      return EVMAccount(
        balance: account.balance, nonce: account.nonce, codeHash: account.codeHash,
        hasOrphanStorage: account.nonce == 0 && account.codeHash == EVMAccount.emptyCodeHash
          && account.storageRoot != MerklePatriciaTrie.emptyRoot)
    } catch {
      throw .pastState(detail: "\(error)")
    }
  }

  func incarnation(of address: Address) -> UInt64 { 0 }

  func storage(
    _ address: Address, incarnation: UInt64, slot: UInt256
  ) throws(EVMStateError) -> UInt256 {
    // A later incarnation began in the block itself, without storage.
    if incarnation > 0 { return .zero }
    do throws(TrieError) { return try tries.storage(address, slot: slot) } catch {
      throw .pastState(detail: "\(error)")
    }
  }

  func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    guard let present = try ledger.account(address), present.codeHash == account.codeHash else {
      throw .missingCode(address)
    }
    return try ledger.code(address, present)
  }
}
