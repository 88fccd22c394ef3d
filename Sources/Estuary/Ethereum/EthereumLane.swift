// Runs of Ethereum transactions, one after the other on a thread of the lane's own, on the accounts that Solana's
// transactions use as well. A block begins and ends with what the fork asks of blocks: system calls and withdrawals.

import EVM
import Ledger
import Primitives
import SBPF
import Scheduling
import WideIntegers

/// How often Ethereum's transactions were executed: once each by the serial executor, at most twice in lanes.
public struct EthereumEffort: Sendable, Equatable {
  /// Executions, those that were thrown away included; a transaction that is malformed has none.
  public var executionCount = 0
  /// Executions that were thrown away, each followed by one that counts.
  public var repeatedCount = 0

  mutating func add(_ other: EthereumEffort) {
    executionCount += other.executionCount
    repeatedCount += other.repeatedCount
  }
}

final class EthereumLane {
  private let genesis: EthereumGenesis
  private let fork: Fork
  private let blockHashes: [UInt64: Hash]
  private let state: EthereumState
  private let reader: EVMLedgerState
  private let host: EVMHost
  private let thread: EVMThread
  /// Where the executor runs them ahead.
  private let lanes: EthereumLanes?
  private var effort = EthereumEffort()
  private var environment: BlockEnvironment
  private var gasUsed: UInt64 = 0
  private var blobGasUsed: UInt64 = 0
  private var signatureNanoseconds: UInt64 = 0

  init(_ genesis: EthereumGenesis, on table: AccountTable, executor: any BlockExecutor) throws(ChainError) {
    let engine = executor.engine
    guard let fork = Fork(name: genesis.fork) else { throw .unknownFork(genesis.fork) }
    (self.genesis, self.fork) = (genesis, fork)
    blockHashes = Dictionary(genesis.blockHashes.map { ($0.number, $0.hash) }) { first, _ in first }
    let programs = EVMProgramCache()
    state = EthereumState(table)
    reader = EVMLedgerState(source: state, programs: programs)
    do throws(WideMachineError) { host = try EVMHost(programs: programs, engine: engine) } catch {
      throw .machine(detail: "\(error)")
    }
    do throws(WideMachineError) {
      lanes =
        if let executor = executor as? LockExecutor, executor.runsAhead {
          try EthereumLanes(pool: executor.pool, programs: programs, engine: engine)
        } else {
          nil
        }
    } catch {
      throw .machine(detail: "\(error)")
    }
    do throws(SchedulingError) { thread = try EVMThread() } catch { throw .workers(error) }
    environment = BlockEnvironment(fork: fork)
  }

  // MARK: A block

  /// Starts block `number`; what its system calls change counts as changes of the block.
  func begin(number: UInt64, timestamp: Int64) throws(EVMStateError) {
    let hashes = blockHashes
    environment = BlockEnvironment(
      fork: fork, chainID: genesis.chainID, number: number, timestamp: UInt64(clamping: timestamp),
      gasLimit: genesis.gasLimit, coinbase: genesis.coinbase, baseFeePerGas: genesis.baseFeePerGas,
      difficulty: genesis.difficulty, prevRandao: Hash(genesis.prevRandao),
      excessBlobGas: genesis.excessBlobGas, parentBeaconBlockRoot: genesis.parentBeaconBlockRoot,
      blockHash: { hashes[$0] })
    (gasUsed, blobGasUsed, signatureNanoseconds) = (0, 0, 0)
    try thread.run { () throws(EVMStateError) in
      var failure: EVMStateError?
      try EVMBlockProcessor(host: host).begin(environment, reader: reader) { apply($0, &failure) }
      if let failure { throw failure }
    }
  }

  /// Ends the block.
  func end() throws(EVMStateError) {
    let withdrawals = genesis.withdrawals.map {
      EVMWithdrawal(
        index: $0.index, validatorIndex: $0.validatorIndex, address: $0.address, amount: $0.amount)
    }
    try thread.run { () throws(EVMStateError) in
      var failure: EVMStateError?
      do throws(EVMBlockError) {
        _ = try EVMBlockProcessor(host: host).end(environment, withdrawals: withdrawals, reader: reader) {
          apply($0, &failure)
        }
      } catch {
        // A ledger whose request contracts fail goes on without their requests; there is no consensus layer.
        if case .state(let error) = error { throw error }
      }
      if let failure { throw failure }
      try state.finishBlock()
    }
  }

  private func apply(_ changes: EVMStateChanges, _ failure: inout EVMStateError?) {
    do throws(EVMStateError) { try state.apply(changes, from: reader) } catch { failure = failure ?? error }
  }

  func takeFirstChanges() -> [AccountTable.FirstChange] { state.takeFirstChanges() }

  /// Processor time spent on signatures since it was last asked for.
  func takeSignatureNanoseconds() -> UInt64 {
    defer { signatureNanoseconds = 0 }
    return signatureNanoseconds
  }

  /// Executions since it was last asked for.
  func takeEffort() -> EthereumEffort {
    defer { effort = EthereumEffort() }
    return effort
  }

  /// The table was rolled back.
  func invalidate() { state.invalidate() }

  // MARK: Transactions

  /// Executes `wires` in order; one that may not be in the block is an error of its own result.
  func execute(
    _ wires: [EthereumWire], verifiesSignatures: Bool
  ) throws(EVMStateError) -> [EthereumTransactionResult] {
    state.reserve(transactionCount: wires.count)
    if let lanes {
      let (results, totals) = try lanes.execute(
        wires, verifiesSignatures: verifiesSignatures, in: environment, gasUsed: gasUsed,
        blobGasUsed: blobGasUsed, on: state)
      (gasUsed, blobGasUsed) = (totals.gasUsed, totals.blobGasUsed)
      effort.add(EthereumEffort(executionCount: totals.executionCount, repeatedCount: totals.repeats.count))
      signatureNanoseconds &+= totals.signatureNanoseconds
      return results
    }
    return try thread.run { () throws(EVMStateError) in
      var results: [EthereumTransactionResult] = []
      results.reserveCapacity(wires.count)
      for position in wires.indices {
        lookAhead(wires, from: position)
        results.append(try execute(wires[position], verifiesSignatures: verifiesSignatures))
      }
      return results
    }
  }

  /// Transactions between two looks ahead.
  private static let lookAheadStep = 3

  /// Asks for the memory of senders that are known, each step for what the one before has told the place of, so that
  /// it is near when their turn comes.
  private func lookAhead(_ wires: [EthereumWire], from position: Int) {
    let next = position + Self.lookAheadStep
    let near = next + Self.lookAheadStep
    let far = near + Self.lookAheadStep
    if far < wires.count, let sender = wires[far].sender { state.prefetchSlot(of: sender) }
    if near < wires.count, let sender = wires[near].sender { state.prefetchAccount(at: sender) }
    if next < wires.count, let sender = wires[next].sender { state.prefetchRecord(of: sender) }
  }

  private func execute(
    _ wire: EthereumWire, verifiesSignatures: Bool
  ) throws(EVMStateError) -> EthereumTransactionResult {
    let transaction: EthereumTransaction
    do throws(EthereumTransactionError) {
      transaction = try EthereumTransaction(decoding: wire.bytes)
    } catch {
      return EthereumTransactionResult(wire: wire.bytes, error: error.description)
    }
    let sender: Address
    if let given = wire.sender, !verifiesSignatures {
      sender = given
    } else {
      let start = Clocks.threadNanoseconds()
      defer { signatureNanoseconds &+= Clocks.threadNanoseconds() &- start }
      do throws(EthereumSignatureError) {
        sender = try transaction.recoverSender(fork: fork)
      } catch {
        return EthereumTransactionResult(wire: wire.bytes, error: error.description)
      }
    }
    effort.executionCount += 1
    let outcome = try EVMTransactionProcessor(host: host).process(
      transaction, sender: sender, in: environment, reader: reader, gasUsed: gasUsed, blobGasUsed: blobGasUsed
    )
    switch outcome {
    case .refused(let error): return EthereumTransactionResult(wire: wire.bytes, error: error.description)
    case .executed(let receipt, let changes):
      try state.apply(changes, from: reader)
      gasUsed &+= receipt.gasUsed
      blobGasUsed &+= receipt.blobGasUsed
      return EthereumTransactionResult(wire: wire.bytes, receipt: receipt)
    }
  }

  // MARK: The whole state

  func stateRoot() throws(EVMStateError) -> Hash { try state.contents().stateRoot }

  /// The genesis with the accounts as they are now, as JSON.
  func dump() throws(EVMStateError) -> [UInt8] {
    var writer = JSONWriter()
    genesis.write(accounts: try state.allAccounts(), to: &writer)
    return writer.bytes
  }
}
