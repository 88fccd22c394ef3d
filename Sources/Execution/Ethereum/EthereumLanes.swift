// Executes runs of Ethereum's transactions, which declare nothing, on all workers of a pool: wave after wave
// (EthereumWave.swift), in effect one transaction after the other.
//
// WHY THAT HOLDS. In a wave each worker executes what was given to it in block order, on the state before the wave and its
// own changes, and claims what it touches (Claim.swift). If no two workers touch the same thing that one of them changes, it
// does not matter in which order they took turns, so block order is one that explains the outcome. If two do, the later of
// them to come notices before it has looked. Of all transactions of the wave, those before the first that any of them has
// touched the thing stand; the others are taken back, and executed one after the other. So nothing is executed more than
// twice.
//
// THE FEE RECIPIENT is credited by every transaction: its rewards are summed up and added when the wave is settled, and
// whoever uses its balance in the wave counts as a conflict. Transactions that name it, or are sent by it, run alone, as do
// those with blobs. Gas and blob gas of the block are judged when the wave is settled.
//
// A wave is planned, and the one behind it decoded, by workers that execute the one before.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling
import Synchronization
import WideIntegers
import WideVM

/// Used by one block at a time.
package final class EthereumLanes {
  /// An execution that was thrown away.
  struct Repeat: Sendable, Equatable {
    let position: Int
    /// What two transactions met on, of which this one or one before it was the first; `nil` where the state could not be read,
    /// or the block may have had no gas left.
    let key: Pubkey?
    /// The first to use it; `nil` where that was no other.
    let writer: Int?
  }

  /// What came of a run.
  struct Outcome {
    /// Of the block so far.
    var totals: EthereumTotals
    /// Executions that were thrown away, in order.
    var repeats: [Repeat] = []
    var signatureNanoseconds: UInt64 = 0
    /// Where asked for.
    var timeline: Timeline?
  }

  typealias Deliver = @Sendable (Int, consuming EthereumTransactionResult) -> Void

  private let pool: WorkerPool
  private let workers: WorkerLocal<WaveWorker>
  private let predictor = AccessPredictor()
  private let programs: EVMProgramCache
  private let waves: [EthereumWave]
  /// Of the last run whose timeline was recorded: what executions were thrown away for, in their order.
  private var discardKeys: [Pubkey?] = []
  /// Transactions a wave; moves with what comes of waves.
  private var waveCount: Int
  private let waveLimit: Int
  /// Transactions between others that run alone which all workers execute; fewer are executed with those.
  private let partCount: Int

  /// Transactions a wave and worker. Fewer, and the workers wait for each other too often; more, and what a wave keeps
  /// leaves the cache.
  package static let defaultWaveSize = 512
  private static let leastWaveSize = 16
  /// Of fewer transactions a worker, the workers would spend more time on meeting than on running.
  static let leastCount = 8
  private static let firstWaveSize = 64

  /// - Parameters:
  ///   - pool: of threads with stack for the EVM's deepest calls.
  ///   - waveSize: most transactions a wave and worker.
  ///   - partCount: fewest transactions for which all workers meet, where others that run alone come before and behind.
  package init(
    pool: WorkerPool, programs: EVMProgramCache, engine: Engine, waveSize: Int = defaultWaveSize, partCount: Int? = nil
  ) throws(WideMachineError) {
    (self.pool, self.programs) = (pool, programs)
    self.partCount = partCount ?? Self.leastCount * pool.workerCount
    let made = Made()
    let isAlone = pool.workerCount == 1
    let lanes = WorkerLocal<WaveWorker?>(pool) { worker in
      do throws(WideMachineError) {
        return try WaveWorker(programs: programs, engine: engine, worker: worker, isAlone: isAlone)
      } catch {
        made.note(error)
        return nil
      }
    }
    if let failure = made.failure { throw failure }
    workers = WorkerLocal(pool) { worker in
      guard let lane = lanes[worker] else { preconditionFailure("a worker that could not be made") }
      return lane
    }
    let limit = min(waveSize * pool.workerCount, Claim.positionLimit)
    (waveLimit, waveCount) = (limit, limit)
    waves = (0..<3).map { _ in EthereumWave(capacity: limit, workerCount: pool.workerCount) }
  }

  private final class Made: @unchecked Sendable {
    // Sendable: written under `lock`, read when all workers are done.
    private let lock = Lock()
    private(set) var failure: WideMachineError?
    func note(_ error: WideMachineError) { lock.withLock { failure = error } }
  }

  /// Executes `wires` in effect one after the other on `state`, which is the state after them when this returns.
  ///
  /// - Parameters:
  ///   - before: what the block's transactions before them came to.
  ///   - side: what contracts reach of programs; `nil`: nothing.
  ///   - deliver: called with the position of each transaction and what came of it, on any thread; where it is called
  ///     again for the same, the last call counts.
  /// - Throws: when the state cannot be read; what has been changed is noted as changes of the block.
  func execute(
    _ wires: ArraySlice<EthereumWire>, verifiesSignatures: Bool, in block: BlockEnvironment,
    after before: EthereumTotals, on state: EthereumState, programs side: ProgramSide? = nil,
    recordsTimeline: Bool = false, deliver: @escaping Deliver
  ) throws(EVMStateError) -> Outcome {
    try wires.withUnsafeBufferPointer { wires throws(EVMStateError) in
      try execute(
        wires, verifiesSignatures: verifiesSignatures, in: block, after: before, on: state, programs: side,
        recordsTimeline: recordsTimeline, deliver: deliver)
    }
  }

  private func execute(
    _ wires: UnsafeBufferPointer<EthereumWire>, verifiesSignatures: Bool, in block: BlockEnvironment,
    after before: EthereumTotals, on state: EthereumState, programs side: ProgramSide?, recordsTimeline: Bool,
    deliver: @escaping Deliver
  ) throws(EVMStateError) -> Outcome {
    if wires.isEmpty { return Outcome(totals: before) }
    let share = wires.count / workers.count + 1
    forEachWorker { $0.begin(state, side, transactionCount: share) }
    defer {
      forEachWorker { $0.end(state, side) }
      for wave in waves { wave.removeAll() }
    }
    predictor.removeAll()
    // The first wave is planned before anybody runs: a small one is soon.
    waveCount = min(waveCount, Self.firstWaveSize * pool.workerCount)
    let run = Run(
      wires, verifiesSignatures: verifiesSignatures, in: block, coinbase: try state.intern(EVMKey.account(block.coinbase)),
      totals: before, on: state, programs: side, recorder: recordsTimeline ? LaneRecorder(count: wires.count, workerCount: pool.workerCount) : nil,
      deliver: deliver)
    var end = 0
    func begin(_ wave: EthereumWave) {
      let next = min(end + waveCount, wires.count)
      wave.begin(end..<next, of: wires)
      end = next
    }
    begin(waves[0])
    begin(waves[1])
    let (first, second) = (waves[0], waves[1])
    pool.perform { worker in
      run.decode(first, on: worker)
      run.decode(second, on: worker)
    }
    first.plan(from: 0, by: predictor, ownsTargets: true, isRecorded: recordsTimeline)
    var number = 0
    while waves[number % 3].count > 0 {
      let (wave, next, later) = (waves[number % 3], waves[(number + 1) % 3], waves[(number + 2) % 3])
      begin(later)
      var isNextPlanned = false
      while true {
        perform(wave, of: run, planning: isNextPlanned ? nil : next, decoding: later)
        isNextPlanned = true
        let isWhole = try settle(wave, of: run)
        let aloneEnd = wave.endOfAlone(partCount: partCount)
        try executeAlone(wave.end..<aloneEnd, of: wave, run)
        if aloneEnd >= wave.count {
          if !isWhole {
            next.plan(from: 0, by: predictor, ownsTargets: run.ownsTargets, isRecorded: recordsTimeline)
          }
          break
        }
        wave.plan(from: aloneEnd, by: predictor, ownsTargets: run.ownsTargets, isRecorded: recordsTimeline)
      }
      number += 1
    }
    run.totals.repeatedCount = before.repeatedCount + run.repeats.count
    var timeline = run.recorder?.timeline
    if timeline != nil {
      discardKeys = run.repeats.map(\.key)
      for (place, key) in discardKeys.enumerated() where key != nil {
        timeline?.discards[place].account = AccountIndex(UInt32(truncatingIfNeeded: predictor.accounts.count + place))
      }
    }
    return Outcome(
      totals: run.totals, repeats: run.repeats, signatureNanoseconds: run.signatureNanoseconds, timeline: timeline)
  }

  /// What the waves of a block share.
  private final class Run: @unchecked Sendable {
    // Sendable: what changes belongs to the thread that settles waves, but for the sum, which is atomic.
    let wires: UnsafeBufferPointer<EthereumWire>
    let verifiesSignatures: Bool
    let block: BlockEnvironment
    let coinbase: AccountIndex
    let state: EthereumState
    let programSide: ProgramSide?
    let recorder: LaneRecorder?
    let deliver: Deliver
    var totals: EthereumTotals
    var repeats: [Repeat] = []
    /// Until one that was taken turned out to be somebody else's as well.
    var ownsTargets = true
    private let nanoseconds = Atomic<UInt64>(0)

    init(
      _ wires: UnsafeBufferPointer<EthereumWire>, verifiesSignatures: Bool, in block: BlockEnvironment,
      coinbase: AccountIndex, totals: EthereumTotals, on state: EthereumState, programs programSide: ProgramSide?,
      recorder: LaneRecorder?, deliver: @escaping Deliver
    ) {
      self.programSide = programSide
      (self.wires, self.verifiesSignatures, self.block) = (wires, verifiesSignatures, block)
      (self.coinbase, self.totals, self.state) = (coinbase, totals, state)
      (self.recorder, self.deliver) = (recorder, deliver)
    }

    /// Processor time; no worker runs.
    var signatureNanoseconds: UInt64 { nanoseconds.load(ordering: .relaxed) }

    func decode(_ wave: EthereumWave, on worker: WorkerIndex) {
      let start = recorder?.now ?? 0
      nanoseconds.wrappingAdd(
        wave.decode(in: block, verifiesSignatures: verifiesSignatures), ordering: .relaxed)
      recorder?.noteFeeding(by: worker, from: start)
    }

    @inline(__always) func note(
      _ position: Int, of wave: EthereumWave, on worker: WorkerIndex, from start: UInt64,
      after predecessor: (position: UInt32, key: AccountIndex)?
    ) {
      guard let recorder else { return }
      let first = UInt32(truncatingIfNeeded: wave.range.lowerBound)
      recorder.noteRun(
        TransactionIndex(first + UInt32(truncatingIfNeeded: position)), on: worker, from: start,
        after: predecessor.map { (TransactionIndex(first + $0.position), $0.key) })
    }

    /// Of an entry that holds no transaction; a timeline has a slice of it like of any other.
    func deliverFailure(_ position: Int, of wave: EthereumWave) {
      guard let error = wave.entries[position].error else { return }
      deliver(position, of: wave, .failure(error))
      note(position, of: wave, on: WorkerIndex(0), from: recorder?.now ?? 0, after: nil)
    }

    func deliver(
      _ position: Int, of wave: EthereumWave, _ outcome: consuming Result<EVMReceipt, EthereumError>,
      programLogs: TransactionLogs = TransactionLogs()
    ) {
      let place = wave.range.lowerBound + position
      deliver(place, EthereumTransactionResult(wires[place].bytes, outcome, programLogs: programLogs))
    }
  }

  // MARK: - On all workers

  /// Executes what is planned of `wave`.
  private func perform(
    _ wave: EthereumWave, of run: Run, planning next: EthereumWave?, decoding later: EthereumWave
  ) {
    let table = run.state.table
    // Most touch a few keys that are new; who finds no room left is executed when the wave is over.
    table.beginWave(room: 8 * (wave.end - wave.start) + 64)
    table.claimForCredits(run.coinbase)
    let programTable = run.programSide?.table
    programTable?.beginWave(room: 4 * (wave.end - wave.start) + 256)
    let (workers, predictor) = (workers, predictor)
    let mayPlan = Atomic<Bool>(next != nil)
    pool.perform { index in
      let worker = workers[index]
      worker.beginWave()
      // Relaxed: who gets it is all that matters.
      if let next, mayPlan.exchange(false, ordering: .relaxed) {
        let start = run.recorder?.now ?? 0
        next.plan(from: 0, by: predictor, ownsTargets: run.ownsTargets, isRecorded: run.recorder != nil)
        run.recorder?.noteFeeding(by: index, from: start)
      }
      Self.execute(wave, of: run, on: worker, index, predictor)
      run.decode(later, on: index)
    }
    table.endWave()
    programTable?.endWaveWithPrograms()
  }

  private static func execute(
    _ wave: EthereumWave, of run: Run, on worker: WaveWorker, _ index: WorkerIndex, _ predictor: AccessPredictor
  ) {
    guard let reader = worker.reader else { return }
    // What all workers refer to is counted once here, and not again for each transaction.
    let (entries, plans, source, recorder) = (wave.entries, wave.plans, reader.source, run.recorder)
    let (block, coinbase, wires, deliver) = (run.block, run.coinbase, run.wires, run.deliver)
    let first = wave.range.lowerBound
    var queue = wave.queue(of: index)
    while let position = queue.next(lookAhead: { WaveWorker.lookAhead($0, of: entries, source) }) {
      let start = recorder?.now ?? 0
      let plan = plans + position
      if let outcome = worker.execute(
        position, of: wave, as: entries + position, ownsTarget: plan.pointee.ownsTarget, in: block, coinbase: coinbase,
        reader)
      {
        deliver(
          first + position,
          EthereumTransactionResult(wires[first + position].bytes, outcome, programLogs: worker.takeProgramLogs()))
      }
      predictor.score(plan.pointee.guesses) { worker.hasRead($0) }
      if recorder != nil { run.note(position, of: wave, on: index, from: start, after: plan.pointee.predecessor) }
    }
  }

  // MARK: - Between waves

  /// Makes what was executed of `wave` final, as far as it stands, and executes the rest one after the other.
  ///
  /// - Returns: whether all of it stood.
  private func settle(_ wave: EthereumWave, of run: Run) throws(EVMStateError) -> Bool {
    let planned = wave.start..<wave.end
    let limit = wave.validEnd
    var reward = UInt256.zero
    var end = planned.lowerBound
    if limit == planned.upperBound, let sum = wave.gasLimitSum,
      sum <= run.block.gasLimit &- min(run.totals.gasUsed, run.block.gasLimit)
    {
      // All of them have room whatever they used, so that nobody need look at each.
      end = limit
      forEachWorker { worker in
        run.totals.gasUsed &+= worker.sums.gasUsed
        run.totals.blobGasUsed &+= worker.sums.blobGasUsed
        reward = reward &+ worker.sums.reward
      }
    }
    while end < limit, accept(end, of: wave, run, &reward) { end += 1 }
    for position in wave.failures where position < end { run.deliverFailure(position, of: wave) }
    forEachWorker { run.totals.executionCount += $0.executionCount }
    if end < planned.upperBound { takeBack(from: end, of: wave, run) }
    try follow(upTo: UInt32(truncatingIfNeeded: end), of: run)
    if !reward.isZero { try run.state.credit(reward, at: run.coinbase) }
    waveCount =
      end < planned.upperBound
      ? max(waveCount / 2, min(Self.leastWaveSize * pool.workerCount, waveLimit)) : min(2 * waveCount, waveLimit)
    try executeAlone(end..<planned.upperBound, of: wave, run)
    return end == planned.upperBound
  }

  /// Adds up what a transaction used; `false` where the block may have no room for it, which is found out when it is
  /// executed alone.
  private func accept(_ position: Int, of wave: EthereumWave, _ run: Run, _ reward: inout UInt256) -> Bool {
    let (entry, digest) = (wave.entries + position, wave.digests + position)
    if !digest.pointee.isDecoded { return true }
    let used = run.totals.gasUsed
    guard run.block.gasLimit >= used, digest.pointee.gasLimit <= run.block.gasLimit - used else { return false }
    run.totals.gasUsed = used &+ entry.pointee.gasUsed
    run.totals.blobGasUsed &+= entry.pointee.blobGasUsed
    reward = reward &+ entry.pointee.reward
    return true
  }

  private func takeBack(from end: Int, of wave: EthereumWave, _ run: Run) {
    let place = UInt32(truncatingIfNeeded: end)
    var conflicts: [WaveWorker.Conflict] = []
    forEachWorker { worker in
      worker.reader?.source.rollBack(from: place)
      worker.programReach?.rollBack(from: place)
      conflicts += worker.conflicts
    }
    for conflict in conflicts {
      guard let other = conflict.other.map({ Int($0) }) else { continue }
      let position = Int(conflict.position)
      if wave.plans[other].ownsTarget { run.ownsTargets = false }
      // Declared sets were not guessed.
      if !wave.entries[position].hasAccess && !wave.entries[other].hasAccess {
        predictor.noteConflict(wave.plans[other].guesses, wave.plans[position].guesses)
      }
    }
    // None where it was the block's gas.
    let cause = conflicts.filter { $0.cut == place }.min { $0.position < $1.position }
    let first = wave.range.lowerBound
    for position in end..<wave.end where wave.entries[position].hasRun {
      let again = Repeat(
        position: first + position, key: cause?.key,
        writer: cause.map { Int($0.cut) }.flatMap { $0 < position ? first + $0 : nil })
      run.repeats.append(again)
      run.recorder?.discard(Self.index(again.position), of: again.writer.map(Self.index))
    }
  }

  /// Adds the credits of transactions before `end`, and takes over what workers noted.
  private func follow(upTo end: UInt32, of run: Run) throws(EVMStateError) {
    var kept: [(position: UInt32, changes: EVMStateChanges)] = []
    var failure: EVMStateError?
    forEachWorker { worker in
      guard let reader = worker.reader else { return }
      run.state.table.add(&reader.source.growth)
      if let (reach, side) = worker.programReach.flatMap({ reach in run.programSide.map { (reach, $0) } }) {
        side.table.add(&reach.growth)
        reach.noteBarrier()
      }
      kept += worker.kept.lazy.filter { $0.position < end }
      do throws(EVMStateError) { try reader.settleCredits(upTo: end) } catch { failure = error }
    }
    if let failure { throw failure }
    if kept.isEmpty { return }
    kept.sort { $0.position < $1.position }
    for (_, changes) in kept { run.state.noteWiping(changes) }
  }

  /// Executes entries whose turn it is on the first worker, whose stack is deep enough for the EVM.
  private func executeAlone(
    _ range: Range<Int>, of wave: EthereumWave, _ run: Run
  ) throws(EVMStateError) {
    if range.isEmpty { return }
    var failure: EVMStateError?
    // Sound: the caller waits, so only one thread at a time touches it.
    nonisolated(unsafe) let place = withUnsafeMutablePointer(to: &failure) { $0 }
    let (workers, programs) = (workers, programs)
    pool.perform { index in
      guard index.position == 0 else { return }
      let reader = EVMLedgerState(source: run.state, programs: programs)
      do throws(EVMStateError) {
        let reach = workers[index].reach(run.programSide)
        for position in range {
          try Self.executeAlone(position, of: wave, run, on: workers[index].host, reader, reach, index)
        }
      } catch {
        place.pointee = error
      }
    }
    if let failure { throw failure }
  }

  private static func executeAlone(
    _ position: Int, of wave: EthereumWave, _ run: Run, on host: EVMHost, _ reader: EVMLedgerState,
    _ reach: ProgramReach?, _ index: WorkerIndex
  ) throws(EVMStateError) {
    let entry = wave.entries + position
    guard let transaction = wave.transaction(at: position) else {
      run.deliverFailure(position, of: wave)
      return
    }
    let start = run.recorder?.now ?? 0
    let outcome = try EthereumLane.execute(
      transaction, from: entry.pointee.sender, keepingTo: wave.wire(at: position).pointee.access, in: run.block,
      on: host, run.state, reader, reach, &run.totals)
    run.deliver(position, of: wave, outcome, programLogs: reach?.session.takeLogs() ?? TransactionLogs())
    run.note(position, of: wave, on: index, from: start, after: nil)
  }

  private static func index(_ position: Int) -> TransactionIndex {
    TransactionIndex(UInt32(truncatingIfNeeded: position))
  }

  /// The key that the last run's timeline names so: of an account that transactions were kept apart for, or whose slots
  /// were; or of what two met on.
  func key(of index: AccountIndex) -> Pubkey {
    if index.position < predictor.accounts.count { return predictor.accounts[index.position] }
    guard let key = discardKeys[index.position - predictor.accounts.count] else {
      preconditionFailure("only what has a key is named")
    }
    return key
  }

  private func forEachWorker(_ body: (WaveWorker) -> Void) {
    for worker in 0..<pool.workerCount { body(workers[WorkerIndex(UInt32(worker))]) }
  }
}
