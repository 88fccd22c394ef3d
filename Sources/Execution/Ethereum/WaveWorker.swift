// What one worker needs to execute Ethereum's transactions: a machine with frames and journal for as long as the executor
// lives, and for each block its view of the state.

import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling
import WideIntegers
import WideVM

/// Used by one thread at a time.
final class WaveWorker {
  let host: EVMHost
  private let programs: EVMProgramCache
  private let engine: Engine
  private let worker: WorkerIndex
  private let isAlone: Bool
  /// Of the block; `nil` between blocks.
  @exclusivity(unchecked) private(set) var reader: WaveReader?
  /// Of the block; `nil` where contracts reach no programs.
  @exclusivity(unchecked) private(set) var programReach: WaveProgramReach?
  @exclusivity(unchecked) private var session: CrossCallSession?
  /// Executions in the wave.
  @exclusivity(unchecked) private(set) var executionCount = 0
  /// Of those in the wave that were published.
  @exclusivity(unchecked) private(set) var sums = (gasUsed: 0 as UInt64, blobGasUsed: 0 as UInt64, reward: UInt256.zero)
  /// Why transactions of the wave could not be settled where they ran.
  @exclusivity(unchecked) private(set) var conflicts: [Conflict] = []
  /// What transactions of the wave changed, where that is to be followed in order.
  @exclusivity(unchecked) private(set) var kept: [(position: UInt32, changes: EVMStateChanges)] = []

  struct Conflict {
    /// Of the transaction that ran into it, in the wave.
    let position: UInt32
    /// Transactions from here on do not count.
    let cut: UInt32
    /// What it met on; `nil` where the state could not be read.
    let key: Pubkey?
    /// The first transaction of the wave that used it; `nil` where no other one has.
    let other: UInt32?
  }

  init(
    programs: EVMProgramCache, engine: Engine, worker: WorkerIndex, isAlone: Bool
  ) throws(WideMachineError) {
    (self.programs, self.engine, self.worker, self.isAlone) = (programs, engine, worker, isAlone)
    host = try EVMHost(programs: programs, engine: engine)
  }

  /// - Parameter transactionCount: about as many as it will run.
  func begin(_ state: EthereumState, _ side: ProgramSide?, transactionCount: Int) {
    reader = WaveReader(
      state, programs: programs, worker: worker, isAlone: isAlone, transactionCount: transactionCount)
    guard let side else { return }
    let session = session ?? CrossCallSession(environment: side.environment, engine: engine)
    self.session = session
    host.border = session
    programReach = WaveProgramReach(side, session, worker: worker, transactionCount: transactionCount)
  }

  /// How contracts reach programs from transactions that are executed one after the other, while no wave runs.
  func reach(_ side: ProgramSide?) -> ProgramReach? {
    guard let side, let session else { return nil }
    return ProgramReach(side, session)
  }

  func beginWave() {
    executionCount = 0
    sums = (0, 0, .zero)
    conflicts.removeAll(keepingCapacity: true)
    kept.removeAll(keepingCapacity: true)
    reader?.beginWave()
    programReach?.beginWave()
  }

  /// Hands over what it noted of changes, and forgets the block.
  func end(_ state: EthereumState, _ side: ProgramSide?) {
    if let reader { state.add(firstChanges: reader.source.takeFirstChanges()) }
    if let programReach { side?.add(firstChanges: programReach.takeFirstChanges()) }
    host.releaseState()
    host.border = nil
    session?.release()
    (reader, programReach) = (nil, nil)
    kept = []
  }

  /// Executes the entry at `position` of `wave` and publishes what it changed, unless that meets with what another worker
  /// did, which is noted.
  ///
  /// - Returns: what came of it; `nil` where it does not count.
  func execute(
    _ position: Int, of wave: EthereumWave, as entry: UnsafeMutablePointer<WaveEntry>, ownsTarget: Bool,
    in block: BlockEnvironment, coinbase: AccountIndex, _ reader: WaveReader
  ) -> Result<EVMReceipt, EthereumError>? {
    // Moved out: its arrays need not be counted. If it is to run again, it is decoded again.
    guard let transaction = entry.pointee.transaction.take() else { return nil }
    let place = UInt32(truncatingIfNeeded: position)
    reader.begin(
      at: place, sender: entry.pointee.sender, ownTarget: ownsTarget ? transaction.to : nil)
    programReach?.begin(transaction, at: place)
    executionCount += 1
    entry.pointee.hasRun = true
    entry.pointee.gasUsed = 0
    entry.pointee.blobGasUsed = 0
    entry.pointee.reward = .zero
    var outcome: Result<EVMReceipt, EthereumError>?
    do throws(EVMStateError) {
      outcome = try execute(transaction, of: wave, entry, at: place, in: block, coinbase: coinbase, reader)
    } catch {
      note(place, reader.source.conflict ?? programReach?.conflict, in: wave)
    }
    return outcome
  }

  @inline(__always) private func execute(
    _ transaction: EthereumTransaction, of wave: EthereumWave, _ entry: UnsafeMutablePointer<WaveEntry>,
    at place: UInt32,
    in block: BlockEnvironment, coinbase: AccountIndex, _ reader: WaveReader
  ) throws(EVMStateError) -> Result<EVMReceipt, EthereumError> {
    let result = try EVMTransactionProcessor(host: host).process(
      transaction, sender: entry.pointee.sender, in: block, reader: reader)
    try reader.claimUses(of: host, coinbase: coinbase, touchCreates: block.fork < .spuriousDragon)
    switch result {
    case .refused(let error): return .failure(.refused(error))
    case .executed(let receipt, let changes):
      if entry.pointee.hasAccess, let access = wave.wire(at: Int(place)).pointee.access,
        let outside = host.access(outside: access) ?? programReach?.session.access(outside: access)
      {
        return .failure(.undeclared(outside))
      }
      try reader.publish(changes)
      try programReach?.publish()
      entry.pointee.gasUsed = receipt.gasUsed
      entry.pointee.blobGasUsed = receipt.blobGasUsed
      entry.pointee.reward = changes.reward
      sums.gasUsed &+= receipt.gasUsed
      sums.blobGasUsed &+= receipt.blobGasUsed
      sums.reward = sums.reward &+ changes.reward
      if reader.source.state.followsSlots { kept.append((place, changes)) }
      return .success(receipt)
    }
  }

  /// What programs have logged that the transaction which ran last called.
  @inline(__always) func takeProgramLogs() -> TransactionLogs { session?.takeLogs() ?? TransactionLogs() }

  /// Asks for the memory of the senders of the transactions at `positions`, which the worker is about to run.
  static func lookAhead(
    _ positions: UnsafeBufferPointer<UInt16>, of entries: UnsafeMutablePointer<WaveEntry>, _ source: WaveSource
  ) {
    for position in positions { source.prefetchSlot(of: entries[Int(position)].sender) }
    for position in positions { source.prefetchAccount(of: entries[Int(position)].sender) }
    for position in positions { source.prefetchRecord(of: entries[Int(position)].sender, at: UInt32(position)) }
  }

  /// Whether the transaction that ran last read what the one at `position` had changed.
  func hasRead(_ position: UInt32) -> Bool {
    reader?.source.sources.contains(position) ?? false || programReach?.sources.contains(position) ?? false
  }

  private func note(_ position: UInt32, _ conflict: WaveSource.Conflict?, in wave: EthereumWave) {
    let cut = min(position, conflict?.first ?? position)
    let other = conflict.flatMap { $0.first == position || $0.first == Claim.positionLimit ? nil : $0.first }
    conflicts.append(Conflict(position: position, cut: cut, key: conflict?.key, other: other))
    wave.cut(at: cut)
  }
}
