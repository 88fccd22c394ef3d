// Ethereum's transactions of a block, one after the other on the thread that calls, which has a stack for the deepest
// calls (`EVMHost.stackByteCount`). A block begins and ends with what the fork asks of blocks: system calls and
// withdrawals.

import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling
import WideIntegers
import WideVM

/// One worker's machine, journal and frames. Used by one thread at a time; lives as long as the executor.
final class EthereumLane {
  /// One block on its way through the lane.
  private final class Run {
    let block: EthereumBlockPart
    let verifiesSignatures: Bool
    let state: EthereumState
    let reader: EVMLedgerState
    let reach: ProgramReach?

    init(
      _ block: EthereumBlockPart, verifiesSignatures: Bool, state: EthereumState, reader: EVMLedgerState,
      reach: ProgramReach?
    ) {
      (self.block, self.verifiesSignatures) = (block, verifiesSignatures)
      (self.state, self.reader, self.reach) = (state, reader, reach)
    }
  }

  private let host: EVMHost
  private let programs: EVMProgramCache
  private let engine: Engine
  private var session: CrossCallSession?
  private var run: Run?
  private(set) var totals = EthereumTotals()
  private(set) var signatureNanoseconds: UInt64 = 0
  /// Ethereum's transactions of the block from the one at place `aheadStart` among them on, where their senders must be
  /// recovered.
  private var ahead: [Decoded] = []
  private var aheadStart = 0

  /// - Parameter tracer: told of every opcode; code runs slower then.
  init(
    programs: EVMProgramCache, engine: Engine, tracer: EVMTracer? = nil
  ) throws(BlockExecutionError) {
    (self.programs, self.engine) = (programs, engine)
    do throws(WideMachineError) {
      host = try EVMHost(programs: programs, engine: engine, mode: tracer == nil ? .fast : .tracing)
    } catch {
      throw .machine(error)
    }
    host.tracer = tracer
  }

  // MARK: A block

  /// Starts the Ethereum side of `block`; what its system calls change counts as changes of the block.
  func begin(_ block: BlockInput, on state: BlockState) throws(BlockExecutionError) {
    (run, totals, signatureNanoseconds, failure) = (nil, EthereumTotals(), 0, nil)
    (ahead, aheadStart) = ([], 0)
    guard let ethereum = block.ethereum, let ethereumState = state.ethereum else { return }
    let reader = EVMLedgerState(source: ethereumState, programs: programs)
    run = Run(
      ethereum, verifiesSignatures: block.verifiesSignatures, state: ethereumState, reader: reader,
      reach: reach(state.programSide))
    (totals.gasUsed, totals.blobGasUsed) = (ethereum.gasUsed, ethereum.blobGasUsed)
    ethereumState.reserve(transactionCount: block.transactions.ethereumCount)
    guard ethereum.begins else { return }
    do throws(EVMStateError) {
      var failure: EVMStateError?
      try EVMBlockProcessor(host: host).begin(ethereum.environment, reader: reader) {
        Self.apply($0, to: ethereumState, from: reader, &failure)
      }
      if let failure { throw failure }
    } catch {
      throw .ethereum(error)
    }
  }

  /// How contracts of the block reach programs.
  private func reach(_ side: ProgramSide?) -> ProgramReach? {
    guard let side else {
      host.border = nil
      return nil
    }
    let session = session ?? CrossCallSession(environment: side.environment, engine: engine)
    self.session = session
    host.border = session
    return ProgramReach(side, session)
  }

  /// Ends the part of the block, and the block with its last part.
  func end() throws(BlockExecutionError) {
    guard let run else { return }
    self.run = nil
    run.reach?.session.release()
    defer { host.releaseState() }
    do throws(EVMStateError) {
      if run.block.ends { try end(run) }
      try run.state.finishBlock()
    } catch {
      throw .ethereum(error)
    }
  }

  private func end(_ run: Run) throws(EVMStateError) {
    var failure: EVMStateError?
    if run.block.rewards && run.block.environment.fork < .paris {
      let reward = try EVMBlockProcessor(host: host).reward(ommers: [], run.block.environment, run.reader)
      Self.apply(reward, to: run.state, from: run.reader, &failure)
    }
    do throws(EVMBlockError) {
      totals.requests = try EVMBlockProcessor(host: host).end(
        run.block.environment, withdrawals: run.block.withdrawals, reader: run.reader
      ) { Self.apply($0, to: run.state, from: run.reader, &failure) }
    } catch {
      // A ledger whose request contracts fail goes on without their requests; there is no consensus layer.
      if case .state(let error) = error { throw error }
    }
    if let failure { throw failure }
  }

  private static func apply(
    _ changes: EVMStateChanges, to state: EthereumState, from reader: EVMLedgerState,
    _ failure: inout EVMStateError?
  ) {
    do throws(EVMStateError) { try state.apply(changes, from: reader) } catch { failure = failure ?? error }
  }

  // MARK: Transactions

  /// Executes Ethereum's entry at `position` and publishes what it changed; one that may not be in the block is an
  /// error of its own receipt.
  func execute(
    _ position: Int, of transactions: BlockTransactions
  ) throws(BlockExecutionError) -> EthereumTransactionResult {
    let wire = transactions.ethereum(at: position)
    guard let run else { return EthereumTransactionResult(wire, .failure(.noEthereum)) }
    lookAhead(transactions, from: position, run.state)
    do throws(EVMStateError) {
      let outcome = try execute(wire, decoded(position, of: transactions, run), run)
      return EthereumTransactionResult(wire, outcome, programLogs: run.reach?.session.takeLogs() ?? TransactionLogs())
    } catch {
      throw .ethereum(error)
    }
  }

  /// Executes `entries` in `lanes`; in effect as above.
  func execute(
    _ entries: EthereumEntries, in lanes: EthereumLanes, _ programSide: ProgramSide?, recordsTimeline: Bool,
    into receipts: BlockReceipts
  ) throws(BlockExecutionError) -> Timeline? {
    guard let run else { return nil }
    let part: EthereumLanes.Outcome
    do throws(EVMStateError) {
      part = try lanes.execute(
        entries.wires, verifiesSignatures: run.verifiesSignatures, in: run.block.environment, after: totals,
        on: run.state, programs: programSide, recordsTimeline: recordsTimeline
      ) { place, result in receipts.replace(entries.positions[place], .ethereum(result)) }
    } catch {
      throw .ethereum(error)
    }
    totals = part.totals
    signatureNanoseconds &+= part.signatureNanoseconds
    return part.timeline
  }

  /// Transactions between two looks ahead.
  private static let lookAheadStep = 3

  /// Asks for the memory of senders that are known, each step for what the one before has told the place of, so that
  /// it is near when their turn comes.
  private func lookAhead(_ transactions: BlockTransactions, from position: Int, _ state: EthereumState) {
    let next = position + Self.lookAheadStep
    let near = next + Self.lookAheadStep
    let far = near + Self.lookAheadStep
    if let sender = transactions.sender(at: far) { state.prefetchSlot(of: sender) }
    if let sender = transactions.sender(at: near) { state.prefetchAccount(at: sender) }
    if let sender = transactions.sender(at: next) { state.prefetchRecord(of: sender) }
  }

  /// A transaction and its sender, which can be told without the state; of an error, the sender means nothing.
  struct Decoded {
    var transaction: Result<EthereumTransaction, EthereumError>
    var sender: Address
  }

  /// Decodes transactions; senders that must be recovered are recovered together.
  ///
  /// - Parameters:
  ///   - nanoseconds: added to by the time that signatures took.
  ///   - clock: tells it.
  static func decode(
    _ wires: some Collection<EthereumWire>, fork: Fork, verifiesSignatures: Bool, nanoseconds: inout UInt64,
    clock: () -> UInt64
  ) -> [Decoded] {
    var decoded: [Decoded] = []
    decoded.reserveCapacity(wires.count)
    var waiting: [Int] = []
    waiting.reserveCapacity(wires.count)
    var batch = SignerBatch()
    for wire in wires {
      decoded.append(Decoded(transaction: transaction(of: wire), sender: wire.sender ?? .zero))
      if wire.needsRecovery(verifiesSignatures: verifiesSignatures),
        case .success(let transaction) = decoded[decoded.count - 1].transaction
      {
        waiting.append(decoded.count - 1)
        batch.add(transaction, wire: wire.bytes, fork: fork)
      }
    }
    if waiting.isEmpty { return decoded }
    let start = clock()
    let senders = batch.signers()
    nanoseconds &+= clock() &- start
    for (index, sender) in zip(waiting, senders) {
      switch sender {
      case .success(let sender): decoded[index].sender = sender
      case .failure(let error): decoded[index].transaction = .failure(.signature(error))
      }
    }
    return decoded
  }

  private static func transaction(of wire: EthereumWire) -> Result<EthereumTransaction, EthereumError> {
    do throws(EthereumTransactionError) {
      return .success(try EthereumTransaction(decoding: wire.bytes))
    } catch {
      return .failure(.malformed(error))
    }
  }

  /// The transaction at `position`; where its sender must be recovered, it is together with those of the next ones, whatever
  /// lies between them.
  private func decoded(_ position: Int, of transactions: BlockTransactions, _ run: Run) -> Decoded {
    let wire = transactions.ethereum(at: position)
    if let given = wire.sender, !wire.needsRecovery(verifiesSignatures: run.verifiesSignatures) {
      return Decoded(transaction: Self.transaction(of: wire), sender: given)
    }
    let (place, next) = transactions.ethereum(from: position, count: SignerBatch.preferredCount)
    if place < aheadStart || place >= aheadStart + ahead.count {
      ahead = Self.decode(
        next, fork: run.block.environment.fork, verifiesSignatures: run.verifiesSignatures,
        nanoseconds: &signatureNanoseconds, clock: Clocks.monotonicNanoseconds)
      aheadStart = place
    }
    return ahead[place - aheadStart]
  }

  private func execute(
    _ wire: EthereumWire, _ decoded: Decoded, _ run: Run
  ) throws(EVMStateError) -> Result<EVMReceipt, EthereumError> {
    switch decoded.transaction {
    case .success(let transaction):
      try Self.execute(
        transaction, from: decoded.sender, keepingTo: wire.access, in: run.block.environment,
        on: host, run.state, run.reader, run.reach, &totals)
    case .failure(let error): .failure(error)
    }
  }

  // MARK: Solana's

  /// Why a transaction of Solana's that reached contracts could not go on; forgotten when the next block begins.
  private(set) var failure: EVMStateError?

  /// Starts a transaction of Solana's beside which nothing runs, and which may call contracts.
  ///
  /// - Returns: the EVM program; `nil` where the block has no Ethereum side.
  func beginSolana(firstSigner: Pubkey) -> CrossCallSession? {
    guard let run, let reach = run.reach else { return nil }
    reach.beginSolana(on: host)
    host.beginSolana(
      reader: run.reader, block: run.block.environment, origin: SignerIdentity.address(of: firstSigner))
    return reach.session
  }

  /// Ends it: what it did beyond the accounts that `isPublished` knows becomes the state if it succeeded.
  ///
  /// - Returns: what contracts emitted.
  func endSolana(isSuccess: Bool, except isPublished: (Pubkey) -> Bool) -> [EVMLog] {
    guard let run, let reach = run.reach else { return [] }
    do throws(EVMStateError) {
      if let failure = reach.session.failure { throw failure }
      guard isSuccess else { return [] }
      let logs = host.takeLogs()
      try run.state.apply(try host.finish(), from: run.reader)
      try reach.publish(except: isPublished)
      return logs
    } catch {
      failure = failure ?? error
      return []
    }
  }

  /// Executes a transaction whose turn it is and publishes what it changed.
  static func execute(
    _ transaction: EthereumTransaction, from sender: Address, keepingTo access: AccessSet?,
    in block: BlockEnvironment, on host: EVMHost, _ state: EthereumState, _ reader: EVMLedgerState,
    _ reach: ProgramReach?, _ totals: inout EthereumTotals
  ) throws(EVMStateError) -> Result<EVMReceipt, EthereumError> {
    totals.executionCount += 1
    reach?.begin(transaction)
    let outcome = try EVMTransactionProcessor(host: host).process(
      transaction, sender: sender, in: block, reader: reader, gasUsed: totals.gasUsed,
      blobGasUsed: totals.blobGasUsed)
    switch outcome {
    case .refused(let error): return .failure(.refused(error))
    case .executed(let receipt, let changes):
      if let access, let outside = host.access(outside: access) ?? reach?.session.access(outside: access) {
        return .failure(.undeclared(outside))
      }
      try state.apply(changes, from: reader)
      try reach?.publish()
      totals.gasUsed &+= receipt.gasUsed
      totals.blobGasUsed &+= receipt.blobGasUsed
      return .success(receipt)
    }
  }
}
