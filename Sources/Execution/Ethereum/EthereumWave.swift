// Transactions of Ethereum's that follow each other in a block and are executed side by side: decoded by any worker, then
// divided among the workers by what each is guessed, or has declared, to touch.
//
// Transactions that are guessed to meet on something that one of them changes form a group, and a group stays with one
// worker. Groups of several go to whoever has least to do; the others are taken by whoever is free. Each worker runs what is
// its own in block order, so that it needs no thought about what it did before.

import EVM
import Ledger
import Primitives
import Scheduling
import Synchronization
import WideIntegers

/// One transaction on its way through a wave.
struct WaveEntry {
  /// Wei for the fee recipient.
  var reward = UInt256.zero
  var gasUsed: UInt64 = 0
  var blobGasUsed: UInt64 = 0
  /// It was executed, whatever came of it.
  var hasRun = false
  fileprivate(set) var sender = Address.zero
  /// What it calls, creates or pays.
  fileprivate var target = Address.zero
  /// Whether it has to keep to the set that came with it.
  fileprivate(set) var hasAccess = false
  /// Until it runs.
  var transaction: EthereumTransaction?
  /// Why it could not be decoded.
  fileprivate(set) var error: EthereumError?
}

/// What planning reads of a transaction, apart from it: who plans passes over all of them, most of which another worker has
/// decoded.
struct WaveDigest {
  fileprivate var keys = AccessKeys()
  fileprivate(set) var gasLimit: UInt64 = 0
  /// Whether there is a transaction, and not an error.
  fileprivate(set) var isDecoded = false
  /// It names or is sent by the fee recipient, or brings blobs: it runs alone.
  fileprivate var isAlone = false
}

/// What planning says of a transaction.
struct WavePlan: BitwiseCopyable {
  var guesses = AccessPredictor.Guesses()
  /// It is guessed to be the only one of the wave that touches the account that it calls or pays.
  var ownsTarget = false
  /// For timelines, where they are recorded: the last one before it that is guessed to touch the same, and the account.
  var predecessor: (position: UInt32, key: AccountIndex)?
}

/// Belongs to the workers while they decode or run it, to whoever plans it, and else to the thread that settles it.
final class EthereumWave: @unchecked Sendable {
  // Sendable: an entry is written by one worker at a time; the pool's mutex and the cursors keep these apart.
  private static let decodedTogether = 32
  /// Most entries of a set that orders transactions; one with a larger set is guessed at.
  private static let declaredLimit = 1024

  /// The block's list, and of it the part that is the wave's.
  @exclusivity(unchecked) private var wires = UnsafeBufferPointer<EthereumWire>(start: nil, count: 0)
  @exclusivity(unchecked) private(set) var range = 0..<0
  let entries: UnsafeMutablePointer<WaveEntry>
  let digests: UnsafeMutablePointer<WaveDigest>
  let plans: UnsafeMutablePointer<WavePlan>
  private let capacity: Int
  /// Entries from here on are empty.
  @exclusivity(unchecked) private var filledCount = 0
  /// What is planned: entries from `start` to `end`, where the next one that runs alone is.
  @exclusivity(unchecked) private(set) var start = 0
  @exclusivity(unchecked) private(set) var end = 0
  /// Of what is planned: the sum of gas limits, `nil` beyond 2^64 − 1, and positions of entries that hold no transaction.
  @exclusivity(unchecked) private(set) var gasLimitSum: UInt64? = 0
  @exclusivity(unchecked) private(set) var failures: [Int] = []
  /// Positions in ascending order: by worker, and those for anybody, which are the last list. Each has room for all.
  private let lists: UnsafeMutablePointer<UInt16>
  @exclusivity(unchecked) private var listCounts: [Int]
  private let workerCount: Int
  /// Of the positions for anybody, the first that nobody has taken; positions from `limit` on do not count; what nobody
  /// has decoded. Each on cache lines of its own.
  private let cursor: UnsafeMutablePointer<Atomic<Int>>
  private let limit: UnsafeMutablePointer<Atomic<Int>>
  private let decodeCursor: UnsafeMutablePointer<Atomic<Int>>
  private let counters: UnsafeMutableRawPointer

  // Room for planning.
  @exclusivity(unchecked) private var meetings = MeetingTable()
  /// Of all entries, one after the other, where what each touches stands in `meetings`, and from where on.
  @exclusivity(unchecked) private var touches: [UInt32] = []
  @exclusivity(unchecked) private var touchStarts: [Int] = []
  @exclusivity(unchecked) private var groups: [UInt16] = []
  @exclusivity(unchecked) private var sizes: [UInt16] = []

  init(capacity: Int, workerCount: Int) {
    (self.capacity, self.workerCount) = (capacity, workerCount)
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: WaveEntry(), count: capacity)
    digests = .allocate(capacity: capacity)
    digests.initialize(repeating: WaveDigest(), count: capacity)
    plans = .allocate(capacity: capacity)
    plans.initialize(repeating: WavePlan(), count: capacity)
    lists = .allocate(capacity: (workerCount + 1) * capacity)
    listCounts = [Int](repeating: 0, count: workerCount + 1)
    let apart = 128
    let counters = UnsafeMutableRawPointer.allocate(byteCount: 3 * apart, alignment: apart)
    func counter(_ place: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      let counter = (counters + place * apart).bindMemory(to: Atomic<Int>.self, capacity: 1)
      counter.initialize(to: Atomic(0))
      return counter
    }
    self.counters = counters
    (cursor, limit, decodeCursor) = (counter(0), counter(1), counter(2))
  }

  deinit {
    counters.deallocate()
    lists.deallocate()
    plans.deallocate()
    digests.deallocate()
    entries.deinitialize(count: capacity)
    entries.deallocate()
  }

  var count: Int { range.count }

  /// Takes the entries `range` of `wires`, to be decoded.
  func begin(_ range: Range<Int>, of wires: UnsafeBufferPointer<EthereumWire>) {
    (self.range, self.wires) = (range, wires)
    filledCount = max(filledCount, range.count)
    (start, end) = (0, 0)
    decodeCursor.pointee.store(0, ordering: .relaxed)
  }

  /// Lets go of the transactions, and of room that few blocks need.
  func removeAll() {
    for position in 0..<filledCount { (entries[position], digests[position]) = (WaveEntry(), WaveDigest()) }
    filledCount = 0
    if touches.capacity > 16 * capacity + 1024 {
      touches = []
      meetings = MeetingTable()
    }
    begin(0..<0, of: UnsafeBufferPointer(start: nil, count: 0))
  }

  /// Where the block's list has the entry at `position`.
  @inline(__always) func wire(at position: Int) -> UnsafePointer<EthereumWire> {
    // In range, since entries are.
    wires.baseAddress.unsafelyUnwrapped + range.lowerBound + position
  }

  /// The transaction at `position`, also where it has been run before; `nil` where the bytes hold none.
  func transaction(at position: Int) -> EthereumTransaction? {
    guard digests[position].isDecoded else { return nil }
    return entries[position].transaction
      ?? (try? EthereumTransaction(decoding: wire(at: position).pointee.bytes))
  }

  // MARK: Decoding

  /// Decodes what nobody has yet; by any worker.
  ///
  /// - Returns: processor time spent on signatures, in nanoseconds.
  func decode(in block: BlockEnvironment, verifiesSignatures: Bool) -> UInt64 {
    var nanoseconds: UInt64 = 0
    let chunk = verifiesSignatures ? max(8, SignerBatch.preferredCount) : Self.decodedTogether
    while true {
      // Relaxed: the number alone is shared; the pool's mutex orders what was decoded.
      let first = decodeCursor.pointee.wrappingAdd(chunk, ordering: .relaxed).oldValue
      guard first < count else { return nanoseconds }
      let positions = first..<min(first + chunk, count)
      let base = range.lowerBound
      if !positions.contains(where: {
        wire(at: $0).pointee.needsRecovery(verifiesSignatures: verifiesSignatures)
      }) {
        for position in positions { decode(position, block) }
        continue
      }
      let decoded = EthereumLane.decode(
        wires[base + positions.lowerBound..<base + positions.upperBound], fork: block.fork,
        verifiesSignatures: verifiesSignatures, nanoseconds: &nanoseconds, clock: Clocks.threadNanoseconds)
      for (position, found) in zip(positions, decoded) {
        switch found.transaction {
        case .success(let transaction): set(transaction, found.sender, at: position, block)
        case .failure(let error): set(error, at: position)
        }
      }
    }
  }

  /// Decodes one whose sender is given.
  private func decode(_ position: Int, _ block: BlockEnvironment) {
    let wire = wire(at: position)
    do throws(EthereumTransactionError) {
      set(
        try EthereumTransaction(decoding: wire.pointee.bytes), wire.pointee.sender ?? .zero, at: position,
        block)
    } catch {
      set(.malformed(error), at: position)
    }
  }

  private func set(_ error: EthereumError, at position: Int) {
    (entries[position], digests[position]) = (WaveEntry(), WaveDigest())
    entries[position].error = error
  }

  private func set(
    _ transaction: consuming EthereumTransaction, _ sender: Address, at position: Int,
    _ block: BlockEnvironment
  ) {
    let (entry, digest) = (entries + position, digests + position)
    // Looked at in place: a copy counts references.
    let wire = wire(at: position)
    entry.pointee.hasRun = false
    entry.pointee.error = nil
    entry.pointee.sender = sender
    digest.pointee.isDecoded = true
    digest.pointee.gasLimit = transaction.gasLimit
    digest.pointee.isAlone =
      sender == block.coinbase || transaction.to == block.coinbase
      || !transaction.blobVersionedHashes.isEmpty
    if let access = wire.pointee.access {
      entry.pointee.hasAccess = true
      if access.contains(account: block.coinbase, writing: false) { digest.pointee.isAlone = true }
      digest.pointee.keys =
        access.count <= Self.declaredLimit
        ? AccessKeys(declaring: access)
        : AccessKeys(guessing: transaction, from: sender, target: &entry.pointee.target)
    } else {
      entry.pointee.hasAccess = false
      digest.pointee.keys = AccessKeys(guessing: transaction, from: sender, target: &entry.pointee.target)
    }
    entry.pointee.transaction = transaction
  }

  // MARK: Planning

  /// Divides the entries from `start` to the next one that runs alone among the workers.
  ///
  /// - Parameters:
  ///   - ownsTargets: whether a worker may take the account that a transaction pays for its own.
  ///   - isRecorded: whether plans name predecessors.
  func plan(from start: Int, by predictor: AccessPredictor, ownsTargets: Bool, isRecorded: Bool) {
    self.start = start
    end = start
    gasLimitSum = 0
    var touchCount = 0
    failures.removeAll(keepingCapacity: true)
    while end < count, !digests[end].isAlone {
      gasLimitSum = gasLimitSum.flatMap {
        let (sum, isBeyond) = $0.addingReportingOverflow(digests[end].gasLimit)
        return isBeyond ? nil : sum
      }
      if !digests[end].isDecoded { failures.append(end) }
      plans[end] = WavePlan()
      touchCount += Int(digests[end].keys.count)
      end += 1
    }
    for list in listCounts.indices { listCounts[list] = 0 }
    cursor.pointee.store(0, ordering: .relaxed)
    limit.pointee.store(.max, ordering: .relaxed)
    if workerCount == 1 {
      for position in start..<end where digests[position].isDecoded { append(position, to: 0) }
      return
    }
    noteTouches(by: predictor, count: touchCount)
    group(by: predictor, ownsTargets: ownsTargets, isRecorded: isRecorded)
    divide()
  }

  /// The end of the entries behind the planned ones that are executed one after the other: those that run alone, and what
  /// lies between them, or behind the last one, where it is less than `partCount`.
  func endOfAlone(partCount: Int) -> Int {
    var aloneEnd = end
    for position in end..<count {
      if digests[position].isAlone { aloneEnd = position + 1 }
      if position + 1 - aloneEnd >= partCount { return aloneEnd }
    }
    return count
  }

  /// Notes what each entry is guessed to touch.
  ///
  /// - Parameter count: of touches, at most.
  private func noteTouches(by predictor: AccessPredictor, count: Int) {
    meetings.removeAll(expectedCount: count)
    touches.removeAll(keepingCapacity: true)
    touchStarts.removeAll(keepingCapacity: true)
    for position in start..<end {
      touchStarts.append(touches.count)
      let (keys, plan) = (digests[position].keys, plans + position)
      plan.pointee.guesses.callClass = keys.callClass
      predictor.forEachTouch(keys, { wire(at: position).pointee.access }) { hash, isWritten, guess in
        // For now where the touch is; `group` puts in its place who wrote it.
        if let guess { plan.pointee.guesses.set(guess, UInt32(truncatingIfNeeded: touches.count)) }
        touches.append(meetings.touch(hash, isWritten: isWritten))
      }
    }
    touchStarts.append(touches.count)
  }

  private func group(by predictor: AccessPredictor, ownsTargets: Bool, isRecorded: Bool) {
    groups.removeAll(keepingCapacity: true)
    for position in 0..<end - start { groups.append(UInt16(truncatingIfNeeded: position)) }
    sizes.removeAll(keepingCapacity: true)
    for _ in start..<end { sizes.append(1) }
    for offset in 0..<end - start {
      let places = touchStarts[offset]..<touchStarts[offset + 1]
      let (position, plan) = (start + offset, plans + start + offset)
      // What a transaction calls is what it is guessed to touch behind its sender.
      plan.pointee.ownsTarget =
        ownsTargets && digests[position].keys.isPayment && !meetings.isShared(touches[places.lowerBound + 1])
      plan.pointee.guesses.resolve { place in
        meetings.last(touches[Int(place)]).map { UInt32(truncatingIfNeeded: start + $0) }
      }
      for place in places where meetings.keepsApart(touches[place]) {
        guard let last = meetings.exchangeLast(touches[place], offset), last != offset else { continue }
        join(last, offset)
        if isRecorded, plan.pointee.predecessor.map({ Int($0.position) < start + last }) ?? true {
          plan.pointee.predecessor = (
            UInt32(truncatingIfNeeded: start + last),
            predictor.index(of: account(place - places.lowerBound, of: position))
          )
        }
      }
    }
  }

  /// The account of what the entry at `position` touches, by the number of the touch.
  private func account(_ number: Int, of position: Int) -> Pubkey {
    guard digests[position].keys.source != .guess, let set = wire(at: position).pointee.access else {
      return EVMKey.account(number == 0 ? entries[position].sender : entries[position].target)
    }
    return switch set.keys[number].key {
    case .account(let address), .slot(let address, _): EVMKey.account(address)
    case .solana(let key): key
    }
  }

  private func root(_ offset: Int) -> Int {
    var place = offset
    while Int(groups[place]) != place {
      groups[place] = groups[Int(groups[place])]
      place = Int(groups[place])
    }
    return place
  }

  private func join(_ left: Int, _ right: Int) {
    let (first, second) = (root(left), root(right))
    if first == second { return }
    let (root, other) = (min(first, second), max(first, second))
    groups[other] = UInt16(truncatingIfNeeded: root)
    sizes[root] += sizes[other]
  }

  private func divide() {
    var larger: [(size: UInt16, root: UInt16)] = []
    for offset in 0..<end - start where Int(groups[offset]) == offset && sizes[offset] > 1 {
      larger.append((sizes[offset], UInt16(truncatingIfNeeded: offset)))
    }
    larger.sort { ($1.size, $0.root) < ($0.size, $1.root) }
    // What is shared goes to whoever has less to do.
    var loads = [Int](repeating: 0, count: workerCount)
    // `sizes` of a root becomes its worker.
    for group in larger {
      var least = 0
      for worker in loads.indices where loads[worker] < loads[least] { least = worker }
      loads[least] += Int(group.size)
      sizes[Int(group.root)] = UInt16(truncatingIfNeeded: least) | 0x8000
    }
    for offset in 0..<end - start where digests[start + offset].isDecoded {
      let mark = sizes[root(offset)]
      append(start + offset, to: mark & 0x8000 != 0 ? Int(mark & 0x7fff) : workerCount)
    }
  }

  private func append(_ position: Int, to list: Int) {
    lists[list * capacity + listCounts[list]] = UInt16(truncatingIfNeeded: position)
    listCounts[list] += 1
  }

  // MARK: Running

  /// What one worker has still to run, in ascending order of positions: plain pointers, so that nothing that all workers
  /// refer to is counted.
  struct Queue {
    private let list: UnsafeMutablePointer<UInt16>
    private let listCount: Int
    private let shared: UnsafeMutablePointer<UInt16>
    private let sharedCount: Int
    private let cursor: UnsafeMutablePointer<Atomic<Int>>
    private let limit: UnsafeMutablePointer<Atomic<Int>>
    /// Of its own, and of those that anybody may take.
    private var own = 0..<0
    private var taken = 0..<0

    fileprivate init(_ wave: EthereumWave, worker: Int) {
      list = wave.lists + worker * wave.capacity
      listCount = wave.listCounts[worker]
      shared = wave.lists + wave.workerCount * wave.capacity
      sharedCount = wave.listCounts[wave.workerCount]
      (cursor, limit) = (wave.cursor, wave.limit)
    }

    private static let takenTogether = 8

    /// The next position; `nil` where there is none that counts.
    ///
    /// - Parameter lookAhead: called with positions that are about to come.
    @inline(__always) mutating func next(lookAhead: (UnsafeBufferPointer<UInt16>) -> Void) -> Int? {
      if own.isEmpty && own.upperBound < listCount {
        own = own.upperBound..<min(own.upperBound + Self.takenTogether, listCount)
        lookAhead(UnsafeBufferPointer(start: list + own.lowerBound, count: own.count))
      }
      let mine = own.isEmpty ? .max : list[own.lowerBound]
      if taken.isEmpty {
        // Relaxed, here and below: the plan was published before the wave began. Only a position beyond what was run before
        // may be taken, and those that are left only rise.
        let left = cursor.pointee.load(ordering: .relaxed)
        if left < sharedCount && shared[left] < mine {
          let first = cursor.pointee.wrappingAdd(Self.takenTogether, ordering: .relaxed).oldValue
          taken = min(first, sharedCount)..<min(first + Self.takenTogether, sharedCount)
          lookAhead(UnsafeBufferPointer(start: shared + taken.lowerBound, count: taken.count))
        }
      }
      let position: UInt16
      if !taken.isEmpty && shared[taken.lowerBound] < mine {
        position = shared[taken.lowerBound]
        taken = taken.lowerBound + 1..<taken.upperBound
      } else if !own.isEmpty {
        position = mine
        own = own.lowerBound + 1..<own.upperBound
      } else {
        return nil
      }
      // Relaxed: a position that does not count may be executed.
      return Int(position) < limit.pointee.load(ordering: .relaxed) ? Int(position) : nil
    }
  }

  func queue(of worker: WorkerIndex) -> Queue { Queue(self, worker: worker.position) }

  /// Positions before this count, of those that were planned; no worker runs.
  var validEnd: Int { min(limit.pointee.load(ordering: .relaxed), end) }

  /// Makes positions from `position` on not count.
  func cut(at position: UInt32) {
    let position = Int(position)
    var old = limit.pointee.load(ordering: .relaxed)
    while position < old {
      // Relaxed: it spares work; what is settled is decided when no worker runs.
      let (exchanged, seen) = limit.pointee.compareExchange(
        expected: old, desired: position, ordering: .relaxed)
      if exchanged { return }
      old = seen
    }
  }
}
