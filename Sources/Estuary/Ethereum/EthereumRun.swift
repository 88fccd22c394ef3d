// A run of Ethereum's transactions that are executed ahead of their turn and settled in block order.
//
// THE FICTION is serial execution in block order, and what keeps it up is the *frontier*: it passes the transactions in
// order, and at each compares what its execution read with what is there now that everything before is final. If that is
// the same in all that the execution used, what it wrote is final as well; if not, it is executed again, here, where
// nothing changes below it any more. So no transaction is executed more than twice. Gas and blob gas of the block, which
// depend on all transactions before, are judged here too.
//
// Whoever has just executed something and finds the frontier free moves it on; nobody waits for it. Errors of the state
// count only here: ahead of a transaction's turn they may come from a state that never was.
//
// THE FEE RECIPIENT is credited by every transaction. Its rewards are summed up beside the overlay, and become a version
// of its account when somebody uses it, or at the end. Transactions that name it or are sent by it do not run ahead.
//
// Order of locks: there is one, `turn`.

import CThreads
import EVM
import Ledger
import Primitives
import Scheduling
import Synchronization
import WideIntegers

final class EthereumRun: @unchecked Sendable {
  // Sendable: a slot has one owner at a time (EthereumSlot); what the frontier changes belongs to the holder of `turn`.
  typealias Cells = MultiVersionMap<EVMCell>

  /// An execution that was thrown away.
  struct Repeat: Sendable, Equatable {
    let position: Int
    /// What it had read, and who wrote it since; `nil` where it could not be executed ahead at all.
    let key: Pubkey?
    let writer: Int?
  }

  let count: Int
  let slots: UnsafeMutablePointer<EthereumSlot>
  let block: BlockEnvironment
  let verifiesSignatures: Bool
  let predictor: AccessPredictor
  let overlay: EthereumOverlay
  private let wires: ArraySlice<EthereumWire>
  private let workers: WorkerLocal<EthereumWorker>
  private let coinbase: Cells.EntryPointer

  /// True while a worker moves the frontier.
  private let turn = Atomic<Bool>(false)
  private let hasFailed = Atomic<Bool>(false)
  private var next = 0
  private var reward = UInt256.zero
  private(set) var gasUsed: UInt64
  private(set) var blobGasUsed: UInt64
  private(set) var executionCount = 0
  private(set) var repeats: [Repeat] = []
  private(set) var failure: EVMStateError?

  /// - Parameter workers: begun with `overlay`.
  init(
    _ wires: ArraySlice<EthereumWire>, verifiesSignatures: Bool, in block: BlockEnvironment, gasUsed: UInt64,
    blobGasUsed: UInt64, overlay: EthereumOverlay, workers: WorkerLocal<EthereumWorker>,
    predictor: AccessPredictor
  ) throws(EVMStateError) {
    (self.wires, self.verifiesSignatures, self.block) = (wires, verifiesSignatures, block)
    (self.gasUsed, self.blobGasUsed) = (gasUsed, blobGasUsed)
    (self.overlay, self.workers, self.predictor) = (overlay, workers, predictor)
    count = wires.count
    guard let arena = workers[WorkerIndex(0)].arena else { preconditionFailure("workers have begun") }
    coinbase = try OverlayReader(overlay, arena: arena).entry(of: block.coinbase)
    slots = .allocate(capacity: count)
    for position in 0..<count { (slots + position).initialize(to: EthereumSlot()) }
  }

  deinit {
    slots.deinitialize(count: count)
    slots.deallocate()
  }

  @inline(__always) private func wire(_ position: Int) -> EthereumWire { wires[wires.startIndex + position] }

  /// Most accounts and slots that the transactions are taken to touch.
  var accessLimit: Int {
    wires.reduce(0) { sum, wire in
      let declared = wire.access.map(\.count).flatMap { $0 <= AccessPredictor.declaredLimit ? $0 : nil }
      return sum + max(declared ?? 0, AccessPredictor.guessLimit)
    }
  }

  // MARK: - Ahead of the frontier

  /// Decodes the transactions of `range` and finds their senders, those that must be recovered together.
  ///
  /// - Returns: processor time spent on signatures, in nanoseconds.
  func decode(_ range: Range<Int>) -> UInt64 {
    var nanoseconds: UInt64 = 0
    let decoded = EthereumLane.decode(
      range.lazy.map { self.wire($0) }, fork: block.fork, verifiesSignatures: verifiesSignatures,
      nanoseconds: &nanoseconds)
    for (position, found) in zip(range, decoded) {
      slots[position].access = wire(position).access
      switch found {
      case .success(let found): (slots[position].transaction, slots[position].sender) = found
      case .failure(let error): slots[position].outcome = .failure(error)
      }
    }
    return nanoseconds
  }

  /// Transactions that a worker executes between two looks at the frontier.
  private static let batch = 4

  /// Executes the transaction at `position` ahead of its turn and sees to the frontier now and then.
  func execute(_ position: Int, on index: WorkerIndex) {
    let slot = slots + position
    let worker = workers[index]
    // Relaxed: a run that has failed is thrown away, however much more of it is executed.
    if hasFailed.load(ordering: .relaxed) { return }
    lookAhead(from: position)
    if slot.pointee.transaction != nil && !slot.pointee.waitsForAll {
      do throws(EVMStateError) {
        try worker.execute(slot, at: UInt32(truncatingIfNeeded: position), in: block)
        learn(from: slot)
      } catch {
        slot.pointee.outcome = nil
      }
    }
    // Releasing: the execution, to who moves the frontier.
    slot.pointee.isDone.store(true, ordering: .releasing)
    worker.doneCount += 1
    if worker.doneCount >= Self.batch {
      worker.doneCount = 0
      advance(on: worker)
    }
  }

  /// Transactions between two looks ahead.
  private static let lookAheadStep = 3

  /// Asks for the memory of senders that are given, each step for what the one before has told the place of, so that it
  /// is near when their turn comes.
  private func lookAhead(from position: Int) {
    let near = position + 2 * Self.lookAheadStep
    let far = near + Self.lookAheadStep
    if far < count, let sender = wire(far).sender { overlay.state.prefetchSlot(of: sender) }
    if near < count, let sender = wire(near).sender { overlay.state.prefetchAccount(at: sender) }
    let next = position + Self.lookAheadStep
    if next < count, let sender = wire(next).sender { overlay.state.prefetchRecord(of: sender) }
  }

  private func learn(from slot: UnsafeMutablePointer<EthereumSlot>) {
    let reads = slot.pointee.reads
    predictor.score(slot.pointee.guesses) { writer in reads.contains { $0.writer == writer } }
  }

  // MARK: - The frontier

  /// Moves the frontier as far as transactions have been executed, unless somebody else does.
  func advance(on worker: EthereumWorker) {
    while true {
      // Relaxed: a first look spares the exchange.
      if turn.load(ordering: .relaxed) { return }
      // Acquiring: what the one before left behind.
      guard turn.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
        return
      }
      while failure == nil && isNextDone {
        settle(next, on: worker)
        next += 1
      }
      let mayGoOn = failure == nil && next < count
      let seen = next
      turn.store(false, ordering: .sequentiallyConsistent)
      // Done while the turn was taken: its worker went away.
      guard mayGoOn, slots[seen].isDone.load(ordering: .sequentiallyConsistent) else { return }
    }
  }

  /// Acquiring: pairs with the store in `execute`.
  private var isNextDone: Bool { next < count && slots[next].isDone.load(ordering: .acquiring) }

  private func settle(_ position: Int, on worker: EthereumWorker) {
    let slot = slots + position
    guard slot.pointee.transaction != nil else { return }
    do throws(EVMStateError) {
      if !isRefusedByBlock(slot) {
        try validate(slot, position, on: worker)
        finish(slot, on: worker)
      }
      executionCount += Int(slot.pointee.executionCount)
    } catch {
      failure = error
      hasFailed.store(true, ordering: .relaxed)
    }
  }

  /// Whether the transaction does not fit what is left of the block, in which case it is refused without looking at any
  /// account.
  private func isRefusedByBlock(_ slot: UnsafeMutablePointer<EthereumSlot>) -> Bool {
    guard let transaction = slot.pointee.transaction else { return true }
    if gasUsed &+ transaction.gasLimit <= block.gasLimit && gasUsed <= block.gasLimit
      && transaction.gasLimit <= block.gasLimit && transaction.blobVersionedHashes.isEmpty
    {
      return false
    }
    do throws(TransactionValidityError) {
      _ = try transaction.validate(in: block, gasUsed: gasUsed, blobGasUsed: blobGasUsed)
      return false
    } catch {
      drop(slot)
      slot.pointee.outcome = .failure(.refused(error))
      return true
    }
  }

  /// Takes back what an execution wrote.
  private func drop(_ slot: UnsafeMutablePointer<EthereumSlot>) {
    for write in slot.pointee.writes { overlay.cells.kill(write.version) }
    slot.pointee.writes = .init(start: nil, count: 0)
    slot.pointee.changes = EVMStateChanges()
    slot.pointee.outcome = nil
  }

  /// Executes the transaction again unless everything that it used is as it found it.
  private func validate(
    _ slot: UnsafeMutablePointer<EthereumSlot>, _ position: Int, on worker: EthereumWorker
  ) throws(EVMStateError) {
    guard let arena = worker.arena else { return }
    let place = UInt32(truncatingIfNeeded: position)
    if slot.pointee.outcome != nil {
      var conflict: (entry: Cells.EntryPointer, writer: UInt32)?
      for read in slot.pointee.reads {
        if read.entry == coinbase { payReward(below: position, in: arena) }
        let now = overlay.cells.read(read.entry, below: place, in: &arena.memory)
        if now.value != read.seen && !read.seen.pointee.holds(now.value.pointee, for: read.uses) {
          conflict = (read.entry, now.position == Cells.basePosition ? read.writer : now.position)
          break
        }
      }
      guard let conflict else { return }
      note(conflict, at: position)
    } else if slot.pointee.executionCount > 0 {
      repeats.append(Repeat(position: position, key: nil, writer: nil))
    }
    drop(slot)
    payReward(below: position, in: arena)
    try worker.execute(slot, at: place, in: block)
  }

  private func note(_ conflict: (entry: Cells.EntryPointer, writer: UInt32), at position: Int) {
    let writer = conflict.writer == Cells.basePosition ? nil : Int(conflict.writer)
    repeats.append(Repeat(position: position, key: Pubkey(conflict.entry.pointee.key), writer: writer))
    // Declared sets were not guessed.
    if let writer, slots[position].access == nil, slots[writer].access == nil {
      predictor.noteConflict(slots[position].guesses, slots[writer].guesses)
    }
  }

  /// The transaction's outcome is final.
  private func finish(_ slot: UnsafeMutablePointer<EthereumSlot>, on worker: EthereumWorker) {
    guard case .success(let receipt) = slot.pointee.outcome, let arena = worker.arena else { return }
    for place in slot.pointee.writes.indices where slot.pointee.writes[place].part == .credit {
      let write = slot.pointee.writes[place]
      slot.pointee.writes[place].version = overlay.cells.settle(
        write.version, of: write.entry, in: &arena.memory)
    }
    reward = reward &+ slot.pointee.changes.reward
    gasUsed &+= receipt.gasUsed
    blobGasUsed &+= receipt.blobGasUsed
  }

  /// Makes a version of the fee recipient's account of what it has earned so far, as if the last transaction that is
  /// final had written it.
  private func payReward(below position: Int, in arena: OverlayReader.Arena) {
    if reward.isZero || position == 0 { return }
    let place = UInt32(truncatingIfNeeded: position)
    let now = overlay.cells.read(coinbase, below: place, in: &arena.memory).value.pointee
    _ = overlay.cells.insert(
      now.adding(EVMCell(credit: reward)), into: coinbase, at: place - 1, in: &arena.memory)
    reward = .zero
  }

  // MARK: - After the run

  /// Settles what is left; no other worker runs.
  func finish(on worker: EthereumWorker) {
    advance(on: worker)
    guard failure == nil, let arena = worker.arena else { return }
    precondition(next == count, "every transaction has been executed")
    payReward(below: count, in: arena)
  }

  /// Publishes what the transactions of `range` were the last to write, but for keys that are not in the table,
  /// which `worker` keeps. Any worker may publish any range; none runs a transaction any more.
  func publish(_ range: Range<Int>, on worker: EthereumWorker) {
    for position in range {
      let slot = slots + position
      if position + 6 < range.upperBound {
        for write in slots[position + 6].writes {
          estuary_prefetch(write.entry)
          estuary_prefetch(UnsafeRawPointer(write.entry) + 64)
          estuary_prefetch(UnsafeRawPointer(write.entry) + 128)
          estuary_prefetch(write.version)
          estuary_prefetch(UnsafeRawPointer(write.version) + 64)
        }
        for write in slots[position + 2].writes where write.entry.pointee.index != Cells.noIndex {
          overlay.state.prefetch(at: AccountIndex(write.entry.pointee.index))
        }
      }
      for write in slot.pointee.writes where overlay.cells.isNewest(write.version, of: write.entry) {
        let place = Int(write.place)
        let record: Account?
        if write.part == .slot {
          let change = slot.pointee.changes.slots[place]
          record =
            change.value.isZero
            ? nil
            : EVMRecord.account(
              holding: EVMRecord.encode(
                EVMRecord.Slot(
                  address: change.address, incarnation: change.incarnation, slot: change.slot,
                  value: change.value)))
        } else {
          record = Cells.value(of: write.version).pointee.record
        }
        publish(record, write.entry, on: worker)
      }
    }
  }

  /// As above, the fee recipient's account where its rewards were the last that it got.
  func publishCoinbase(on worker: EthereumWorker) {
    guard let arena = worker.arena else { return }
    let last = overlay.cells.read(coinbase, below: .max, in: &arena.memory)
    if last.position != Cells.basePosition { publish(last.value.pointee.record, coinbase, on: worker) }
  }

  private func publish(_ record: Account?, _ entry: Cells.EntryPointer, on worker: EthereumWorker) {
    if entry.pointee.index != Cells.noIndex {
      overlay.state.publish(
        record, at: AccountIndex(entry.pointee.index), noting: &worker.firstChanges)
    } else {
      worker.newRecords.append((Pubkey(entry.pointee.key), record))
    }
  }
}
