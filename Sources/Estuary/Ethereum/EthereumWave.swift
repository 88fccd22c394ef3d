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

/// One transaction on its way through a wave.
struct WaveEntry {
  /// Whether there is a transaction, and not an error: to look at these means to copy them.
  private(set) var isDecoded = false
  /// Wei for the fee recipient.
  var reward = UInt256.zero
  var gasLimit: UInt64 = 0
  var gasUsed: UInt64 = 0
  var blobGasUsed: UInt64 = 0
  /// It names or is sent by the fee recipient, or brings blobs: it runs alone.
  var isAlone = false
  /// It was executed, whatever came of it.
  var hasRun = false
  var sender = Address.zero
  var guesses = AccessPredictor.Guesses()
  /// The last one before it that is guessed to touch the same, and what; for timelines.
  var predecessor: (position: UInt32, key: AccountIndex)?
  var transaction: EthereumTransaction?
  /// What it has to keep to.
  var access: AccessSet?
  /// Why it could not be decoded.
  private(set) var error: EthereumError?

  /// Becomes the transaction.
  mutating func set(
    _ transaction: consuming EthereumTransaction, _ sender: Address, _ access: AccessSet?, _ block: BlockEnvironment
  ) {
    (isDecoded, hasRun, error) = (true, false, nil)
    gasLimit = transaction.gasLimit
    isAlone =
      sender == block.coinbase || transaction.to == block.coinbase
      || access?.contains(account: block.coinbase, writing: false) == true
      || !transaction.blobVersionedHashes.isEmpty
    (self.sender, self.access, self.transaction) = (sender, access, transaction)
  }

  mutating func set(_ error: EthereumError) {
    self = WaveEntry()
    self.error = error
  }
}

/// Belongs to the workers while they decode or run it, to whoever plans it, and else to the thread that settles it.
final class EthereumWave: @unchecked Sendable {
  // Sendable: an entry is written by one worker at a time; the pool's mutex and the cursors keep these apart.
  private static let decodedTogether = 32

  /// Of the block's list.
  @exclusivity(unchecked) private(set) var range = 0..<0
  let entries: UnsafeMutablePointer<WaveEntry>
  private let capacity: Int
  /// Entries from here on are empty.
  @exclusivity(unchecked) private var filledCount = 0
  /// What is planned: entries from `start` to `end`, where the next one that runs alone is.
  @exclusivity(unchecked) private(set) var start = 0
  @exclusivity(unchecked) private(set) var end = 0
  /// By worker, positions in ascending order.
  @exclusivity(unchecked) private(set) var lanes: [[UInt16]]
  /// Positions for anybody, in ascending order; the first that nobody has taken.
  @exclusivity(unchecked) private(set) var shared: [UInt16] = []
  let cursor = Atomic<Int>(0)
  private let decodeCursor = Atomic<Int>(0)
  /// Positions from here on do not count.
  let limit = Atomic<UInt32>(.max)

  // Room for planning.
  @exclusivity(unchecked) private var keys: [UInt32] = []
  @exclusivity(unchecked) private var keyStarts: [Int] = []
  @exclusivity(unchecked) private var groups: [UInt16] = []
  @exclusivity(unchecked) private var sizes: [UInt16] = []
  @exclusivity(unchecked) private var isChanged: [Bool] = []
  @exclusivity(unchecked) private var lastToucher: [Int32] = []

  init(capacity: Int, workerCount: Int) {
    self.capacity = capacity
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: WaveEntry(), count: capacity)
    lanes = [[UInt16]](repeating: [], count: workerCount)
  }

  deinit {
    entries.deinitialize(count: capacity)
    entries.deallocate()
  }

  var count: Int { range.count }

  /// Takes the block's entries `range`, to be decoded.
  func begin(_ range: Range<Int>) {
    self.range = range
    filledCount = max(filledCount, range.count)
    (start, end) = (0, 0)
    decodeCursor.store(0, ordering: .relaxed)
  }

  /// Lets go of the transactions.
  func removeAll() {
    for position in 0..<filledCount { entries[position] = WaveEntry() }
    filledCount = 0
    begin(0..<0)
  }

  // MARK: Decoding

  /// Decodes what nobody has yet; by any worker.
  ///
  /// - Returns: processor time spent on signatures, in nanoseconds.
  func decode(_ wires: ArraySlice<EthereumWire>, in block: BlockEnvironment, verifiesSignatures: Bool) -> UInt64 {
    var nanoseconds: UInt64 = 0
    let chunk = verifiesSignatures ? max(8, SignerBatch.preferredCount) : Self.decodedTogether
    while true {
      // Relaxed: the number alone is shared; the pool's mutex orders what was decoded.
      let first = decodeCursor.wrappingAdd(chunk, ordering: .relaxed).oldValue
      guard first < count else { return nanoseconds }
      let positions = first..<min(first + chunk, count)
      let base = wires.startIndex + range.lowerBound
      if !verifiesSignatures, positions.allSatisfy({ wires[base + $0].sender != nil }) {
        for position in positions { decode(wires, at: base + position, into: entries + position, block) }
        continue
      }
      let decoded = EthereumLane.decode(
        wires[base + positions.lowerBound..<base + positions.upperBound], fork: block.fork,
        verifiesSignatures: verifiesSignatures, nanoseconds: &nanoseconds)
      for (position, found) in zip(positions, decoded) {
        let access = wires[base + position].access
        switch found {
        case .success(let found): entries[position].set(found.transaction, found.sender, access, block)
        case .failure(let error): entries[position].set(error)
        }
      }
    }
  }

  /// Decodes one whose sender is given.
  private func decode(
    _ wires: ArraySlice<EthereumWire>, at place: Int, into entry: UnsafeMutablePointer<WaveEntry>,
    _ block: BlockEnvironment
  ) {
    do throws(EthereumTransactionError) {
      entry.pointee.set(
        try EthereumTransaction(decoding: wires[place].bytes), wires[place].sender ?? .zero, wires[place].access,
        block)
    } catch {
      entry.pointee.set(.malformed(error))
    }
  }

  // MARK: Planning

  /// Divides the entries from `start` to the next one that runs alone among the workers.
  ///
  /// - Parameter keepsKeys: whether what was guessed before keeps its indices.
  func plan(from start: Int, by predictor: AccessPredictor, keepsKeys: Bool) {
    self.start = start
    end = start
    while end < count, !entries[end].isAlone { end += 1 }
    for worker in lanes.indices { lanes[worker].removeAll(keepingCapacity: true) }
    shared.removeAll(keepingCapacity: true)
    cursor.store(0, ordering: .relaxed)
    limit.store(.max, ordering: .relaxed)
    if lanes.count == 1 {
      for position in start..<end where entries[position].isDecoded {
        lanes[0].append(UInt16(truncatingIfNeeded: position))
      }
      return
    }
    if !keepsKeys { predictor.removeAll() }
    guess(by: predictor)
    group(keyCount: predictor.keyCount)
    divide()
  }

  /// Notes what each entry is guessed to touch.
  private func guess(by predictor: AccessPredictor) {
    keys.removeAll(keepingCapacity: true)
    keyStarts.removeAll(keepingCapacity: true)
    isChanged.removeAll(keepingCapacity: true)
    for position in start..<end {
      keyStarts.append(keys.count)
      let entry = entries + position
      entry.pointee.guesses = AccessPredictor.Guesses()
      entry.pointee.predecessor = nil
      // Moved, here and by who runs it: its arrays need not be counted.
      guard let transaction = entry.pointee.transaction.take() else { continue }
      if let access = entry.pointee.access, access.count <= AccessPredictor.declaredLimit {
        predictor.declare(access)
      } else {
        entry.pointee.guesses.callClass = predictor.guess(transaction, from: entry.pointee.sender)
      }
      entry.pointee.transaction = consume transaction
      while isChanged.count < predictor.keyCount { isChanged.append(false) }
      for index in predictor.reads { keys.append(index.rawValue) }
      let firstWrite = keys.count
      for index in predictor.writes {
        keys.append(index.rawValue)
        isChanged[index.position] = true
      }
      // For now where the key is; `group` puts in its place who wrote it.
      for scored in predictor.scored {
        entry.pointee.guesses.set(scored.guess, UInt32(truncatingIfNeeded: firstWrite + scored.place))
      }
    }
    keyStarts.append(keys.count)
  }

  private func group(keyCount: Int) {
    groups.removeAll(keepingCapacity: true)
    for position in 0..<end - start { groups.append(UInt16(truncatingIfNeeded: position)) }
    sizes.removeAll(keepingCapacity: true)
    for _ in start..<end { sizes.append(1) }
    lastToucher.removeAll(keepingCapacity: true)
    for _ in 0..<keyCount { lastToucher.append(-1) }
    for offset in 0..<end - start {
      let entry = entries + start + offset
      let places = keyStarts[offset]..<keyStarts[offset + 1]
      entry.pointee.guesses.forEach { guess, place in
        let last = lastToucher[Int(keys[Int(place)])]
        entry.pointee.guesses.set(
          guess, last < 0 ? AccessPredictor.nobody : UInt32(truncatingIfNeeded: start + Int(last)))
      }
      for place in places {
        let key = Int(keys[place])
        guard isChanged[key] else { continue }
        let last = lastToucher[key]
        lastToucher[key] = Int32(truncatingIfNeeded: offset)
        guard last >= 0, last != offset else { continue }
        join(Int(last), offset)
        if entry.pointee.predecessor.map({ Int($0.position) < start + Int(last) }) ?? true {
          entry.pointee.predecessor = (
            UInt32(truncatingIfNeeded: start + Int(last)), AccountIndex(UInt32(truncatingIfNeeded: key))
          )
        }
      }
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
    var loads = [Int](repeating: 0, count: lanes.count)
    // `sizes` of a root becomes its worker.
    for group in larger {
      var least = 0
      for worker in loads.indices where loads[worker] < loads[least] { least = worker }
      loads[least] += Int(group.size)
      sizes[Int(group.root)] = UInt16(truncatingIfNeeded: least) | 0x8000
    }
    for offset in 0..<end - start where entries[start + offset].isDecoded {
      let position = UInt16(truncatingIfNeeded: start + offset)
      let mark = sizes[root(offset)]
      if mark & 0x8000 != 0 { lanes[Int(mark & 0x7fff)].append(position) } else { shared.append(position) }
    }
  }

  // MARK: Running

  /// What one worker has still to run, in ascending order of positions.
  struct Cursor {
    /// Of its own, and of those that anybody may take.
    fileprivate var own = 0..<0
    fileprivate var taken = 0..<0
  }

  private static let takenTogether = 8

  /// The next position for `worker`; `nil` where there is none.
  ///
  /// - Parameter lookAhead: called with positions that are about to come.
  @inline(__always) func next(
    for worker: Int, _ place: inout Cursor, lookAhead: (ArraySlice<UInt16>) -> Void
  ) -> Int? {
    if place.own.isEmpty && place.own.upperBound < lanes[worker].count {
      let first = place.own.upperBound
      place.own = first..<min(first + Self.takenTogether, lanes[worker].count)
      lookAhead(lanes[worker][place.own])
    }
    let own = place.own.isEmpty ? .max : lanes[worker][place.own.lowerBound]
    if place.taken.isEmpty {
      // Relaxed, here and below: the plan was published before the wave began. Only a position beyond what was run before
      // may be taken, and those that are left only rise.
      let left = cursor.load(ordering: .relaxed)
      if left < shared.count && shared[left] < own {
        let first = cursor.wrappingAdd(Self.takenTogether, ordering: .relaxed).oldValue
        place.taken = min(first, shared.count)..<min(first + Self.takenTogether, shared.count)
        lookAhead(shared[place.taken])
      }
    }
    if let first = place.taken.first, shared[first] < own {
      place.taken = first + 1..<place.taken.upperBound
      return Int(shared[first])
    }
    if place.own.isEmpty { return nil }
    place.own = place.own.lowerBound + 1..<place.own.upperBound
    return Int(own)
  }

  /// Makes positions from `position` on not count.
  func cut(at position: UInt32) {
    var old = limit.load(ordering: .relaxed)
    while position < old {
      // Relaxed: it spares work; what is settled is decided when no worker runs.
      let (exchanged, seen) = limit.compareExchange(expected: old, desired: position, ordering: .relaxed)
      if exchanged { return }
      old = seen
    }
  }
}
