// From wire bytes to what a worker needs: decoding and signatures, which any thread can do for any transaction at any
// time, and resolving and interning, which one thread does in block order because lookup tables are read from the
// state and indices are handed out.
//
// Three things cannot be settled ahead of the transactions before: a lookup table that one of them may write, a program
// that one of them may deploy or upgrade, and two different transactions under one signature. `prepare` then answers
// with a barrier, and is asked again once all that was prepared so far has run.

import Ledger
import Primitives
import Runtime
import Scheduling

/// A transaction after decoding; independent of all state.
struct DecodedTransaction: @unchecked Sendable {
  // Sendable: the pointers lead to bytes that nobody changes.
  /// `nil` where the bytes are no transaction.
  var transaction: Transaction?
  var hasValidSignatures = true
  var signatureNanoseconds: UInt64 = 0
  /// Whether it may deploy, upgrade or close programs, as far as its static keys tell.
  var namesUpgradeableLoader = false
  /// Where the static keys and the first signature lie in the block's wire bytes, which outlive this: looking at them
  /// there costs no reference counting.
  private var keys: UnsafeRawPointer?
  private(set) var keyCount = 0
  private(set) var signature: UnsafeRawPointer?

  @inline(__always) var firstSignature: Signature? { signature.map { Signature(reading: $0) } }

  /// The static key at `index` in `[0, keyCount)`.
  @inline(__always) func key(at index: Int) -> Pubkey {
    guard let keys, index < keyCount else { return .zero }
    return Pubkey(reading: keys + index * 32)
  }

  /// Decodes and, if asked to, verifies. A transaction that is not sane has no signatures worth verifying.
  init(_ wire: [UInt8], verifiesSignatures: Bool) {
    guard let transaction = try? Transaction.decode(wire) else { return }
    self.transaction = transaction
    let message = transaction.message
    // The message holds `wire` itself, not a copy, and the block keeps it in place.
    message.bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      keys = UnsafeRawPointer(base) + message.keysOffset
      keyCount = message.staticKeyCount
      if transaction.signatureCount > 0 { signature = UnsafeRawPointer(base) + 1 }
    }
    for index in 0..<keyCount where key(at: index) == ProgramID.bpfLoaderUpgradeable {
      namesUpgradeableLoader = true
    }
    guard verifiesSignatures, (try? transaction.sanitize()) != nil else { return }
    let start = Clocks.threadNanoseconds()
    hasValidSignatures = transaction.hasValidSignatures
    signatureNanoseconds = Clocks.threadNanoseconds() &- start
  }
}

/// A transaction ready to be scheduled, or the reason why it is not.
struct PreparedTransaction: Sendable {
  var resolved: ResolvedTransaction?
  /// Why it will not run; `nil` where `resolved` is there.
  var error: TransactionError?
  /// Where its account indices lie in `BlockPreparation.indices`: one a key, then one an implicit key.
  var firstIndex = 0
  var keyCount = 0
  /// Accounts that executing reads beyond the keys: code of upgradeable programs. Kept here because workers must not
  /// ask the table for keys: its interner grows while they run.
  var implicitKeys: [Pubkey] = []
  /// An earlier transaction of the block with the same signature; -1: none.
  var duplicateOf: Int32 = -1
}

/// A block on its way to the workers. Fields are filled in block order by one thread; a transaction's own are constant
/// once it has been handed to the scheduler, until it has run.
final class BlockPreparation: @unchecked Sendable {
  // Sendable: the arrays never move, and the scheduler's hand-over orders what the coordinator wrote.
  let block: BlockInput
  let table: AccountTable
  let decoded: UnsafeMutablePointer<DecodedTransaction>
  let prepared: UnsafeMutablePointer<PreparedTransaction>
  /// Account indices of all transactions, one after the other; in order, those of the current one alone.
  let indices: UnsafeMutablePointer<AccountIndex>
  let count: Int
  /// Account indices over the whole block, at most; 0 in order.
  let accessCapacity: Int
  /// Whether each transaction is prepared when all before it have run.
  private let isInOrder: Bool
  /// Transactions decoded so far; in order, they are decoded a few ahead of the one that is prepared.
  @exclusivity(unchecked) private var decodedCount: Int
  @exclusivity(unchecked) private var indexEnd = 0
  /// By account: the segment in which it was last locked for writing, once a transaction has read a lookup table, and
  /// the same for transactions that name the upgradeable loader.
  @exclusivity(unchecked) private var writtenIn: [UInt32] = []
  @exclusivity(unchecked) private var deployedIn: [UInt32] = []
  @exclusivity(unchecked) private var tracksWrites = false
  @exclusivity(unchecked) private var segment: UInt32 = 1
  /// First transaction of the segment.
  @exclusivity(unchecked) private var segmentStart = 0
  /// Signatures met, by their R; the transaction that had it first.
  @exclusivity(unchecked) private var signatures: AccountInterner
  @exclusivity(unchecked) private var firstWithR: [Int32] = []

  /// For workers that run transactions while later ones are prepared.
  ///
  /// - Parameter decoded: one a transaction; taken over.
  convenience init(
    _ block: BlockInput, on table: AccountTable, decoded: UnsafeMutablePointer<DecodedTransaction>
  ) {
    var keyCount = 0
    var lookupCount = 0
    for index in 0..<block.wires.count {
      guard let message = decoded[index].transaction?.message else { continue }
      keyCount += message.staticKeyCount + message.lookedUpKeyCount
      lookupCount += message.addressTableLookups.count
    }
    // Each key may bring one implicit key, and each lookup its table.
    table.reserve(2 * keyCount + lookupCount)
    self.init(block, table, decoded: decoded, decodedCount: block.wires.count, accessCapacity: 2 * keyCount)
  }

  /// For one thread that prepares and runs transactions in turn.
  convenience init(inOrder block: BlockInput, on table: AccountTable) {
    self.init(
      block, table, decoded: .allocate(capacity: max(block.wires.count, 1)), decodedCount: 0,
      accessCapacity: nil)
  }

  private init(
    _ block: BlockInput, _ table: AccountTable, decoded: UnsafeMutablePointer<DecodedTransaction>,
    decodedCount: Int, accessCapacity: Int?
  ) {
    self.block = block
    self.table = table
    self.decoded = decoded
    self.decodedCount = decodedCount
    self.accessCapacity = accessCapacity ?? 0
    isInOrder = accessCapacity == nil
    count = block.wires.count
    indices = .allocate(capacity: max(accessCapacity ?? 2 * ResolvedTransaction.maximumLockCount, 1))
    prepared = .allocate(capacity: max(count, 1))
    prepared.initialize(repeating: PreparedTransaction(), count: count)
    signatures = AccountInterner(expectedCount: count)
    firstWithR.reserveCapacity(count)
  }

  deinit {
    decoded.deinitialize(count: decodedCount)
    decoded.deallocate()
    prepared.deinitialize(count: count)
    prepared.deallocate()
    indices.deallocate()
  }

  /// Processor time spent on signatures.
  var signatureNanoseconds: UInt64 {
    UnsafeBufferPointer(start: decoded, count: decodedCount).reduce(0) { $0 &+ $1.signatureNanoseconds }
  }

  /// Lets go of a transaction that has run.
  @inline(__always) func release(_ position: Int) {
    decoded[position].transaction = nil
    prepared[position].resolved = nil
  }

  enum Step { case ready, barrier }

  /// Prepares transaction `position`; positions come in order. After a barrier, the same position is asked for again
  /// once every transaction before it has run.
  func prepare(_ position: Int) throws(StoreError) -> Step {
    lookAhead(from: position)
    if isInOrder { indexEnd = 0 }
    guard let transaction = decoded[position].transaction else {
      prepared[position].error = .sanitizeFailure
      return .ready
    }
    let isFirstOfSegment = position == segmentStart
    if let earlier = earlierTransaction(at: position) {
      let sameBytes = block.wires[Int(earlier)] == block.wires[position]
      if !sameBytes && earlier >= segmentStart && !isFirstOfSegment { return barrier(at: position) }
      prepared[position].duplicateOf = earlier
    }
    if !transaction.message.addressTableLookups.isEmpty {
      let mayReadWritten = !tracksWrites || readsWrittenTable(transaction.message)
      tracksWrites = true
      if mayReadWritten && !isFirstOfSegment { return barrier(at: position) }
    }
    let resolved: ResolvedTransaction
    do throws(TransactionError) {
      resolved = try resolve(transaction)
      if !deployedIn.isEmpty && !isFirstOfSegment && resolved.keys.contains(where: isDeployedInSegment) {
        return barrier(at: position)
      }
      if !decoded[position].hasValidSignatures { throw .signatureFailure }
    } catch {
      prepared[position].error = error
      if let failure = storeFailure { throw failure }
      return .ready
    }
    try intern(resolved, at: position)
    return .ready
  }

  @exclusivity(unchecked) private var storeFailure: StoreError?

  /// Transactions between two looks ahead.
  private static let lookAheadStep = 4

  /// Looks ahead of `position`, so that the memory that transactions need is near when their turn comes: in the first
  /// look the slots of their keys and signature, in the second the accounts that the keys lead to.
  @inline(__always) private func lookAhead(from position: Int) {
    let near = position + Self.lookAheadStep
    let far = near + Self.lookAheadStep
    while decodedCount < count && decodedCount <= far {
      (decoded + decodedCount).initialize(
        to: DecodedTransaction(block.wires[decodedCount], verifiesSignatures: block.verifiesSignatures))
      decodedCount += 1
    }
    if far < count {
      let transaction = decoded + far
      for key in 0..<transaction.pointee.keyCount { table.prefetchSlot(of: transaction.pointee.key(at: key)) }
      if let signature = transaction.pointee.firstSignature {
        signatures.prefetchSlot(of: AccountKey(signature.r))
      }
    }
    if near < count {
      let transaction = decoded + near
      for key in 0..<transaction.pointee.keyCount {
        table.prefetchAccount(at: transaction.pointee.key(at: key))
      }
    }
  }

  private func barrier(at position: Int) -> Step {
    segment += 1
    segmentStart = position
    return .barrier
  }

  /// The first transaction of the block that has this one's signature; asking twice gives the same answer.
  private func earlierTransaction(at position: Int) -> Int32? {
    guard let signature = decoded[position].firstSignature else { return nil }
    let known = signatures.count
    let index = signatures.intern(AccountKey(signature.r)).position
    if index == known {
      firstWithR.append(Int32(position))
      return nil
    }
    if firstWithR[index] == position { return nil }
    if hasSignature(Int(firstWithR[index]), signature) { return firstWithR[index] }
    // One R, several S: somebody crafted these. A scan is slow and right.
    for earlier in Int(firstWithR[index])..<position where hasSignature(earlier, signature) {
      return Int32(earlier)
    }
    return nil
  }

  /// Whether an earlier transaction has `signature`. A worker may be letting go of it, so this reads one stored field
  /// and nothing else of it.
  private func hasSignature(_ earlier: Int, _ signature: Signature) -> Bool {
    guard let bytes = (decoded + earlier).pointee.signature else { return false }
    return Signature(reading: bytes) == signature
  }

  private func readsWrittenTable(_ message: Message) -> Bool {
    message.addressTableLookups.contains { lookup in
      guard let index = table.index(of: lookup.tableKey), index.position < writtenIn.count else {
        return false
      }
      return writtenIn[index.position] == segment
    }
  }

  private func isDeployedInSegment(_ key: Pubkey) -> Bool {
    guard let index = table.index(of: key) else { return false }
    return index.position < deployedIn.count && deployedIn[index.position] == segment
  }

  /// Notes in `segments` that the present segment touched `index`.
  private func note(_ index: AccountIndex, in segments: inout [UInt32]) {
    let missing = index.position + 1 - segments.count
    if missing > 0 { segments.append(contentsOf: repeatElement(0, count: max(missing, segments.count))) }
    segments[index.position] = segment
  }

  private func resolve(_ transaction: Transaction) throws(TransactionError) -> ResolvedTransaction {
    try ResolvedTransaction(transaction) { message throws(TransactionError) in
      let sysvars = block.environment.sysvars
      return try AddressLookupTable.load(message, slot: sysvars.clock.slot, slotHashes: sysvars.slotHashes) {
        key in
        do throws(StoreError) {
          let account = try table.account(key)
          return account.lamports == 0 ? nil : account
        } catch {
          storeFailure = error
          return nil
        }
      }
    }
  }

  /// Whether it names the upgradeable loader, which it may do through a lookup table.
  private func mayDeploy(_ resolved: ResolvedTransaction, at position: Int) -> Bool {
    decoded[position].namesUpgradeableLoader
      || !resolved.message.addressTableLookups.isEmpty
        && resolved.keys.contains(ProgramID.bpfLoaderUpgradeable)
  }

  /// Looks up every key once, and the programdata of upgradeable programs among them as implicit keys.
  private func intern(_ resolved: ResolvedTransaction, at position: Int) throws(StoreError) {
    let first = indexEnd
    let namesLoader = mayDeploy(resolved, at: position)
    let keyCount = resolved.keys.count
    for offset in 0..<keyCount {
      let index = try table.intern(resolved.keys[offset])
      indices[indexEnd] = index
      indexEnd += 1
      guard tracksWrites || namesLoader, resolved.isWritable(offset) else { continue }
      if tracksWrites { note(index, in: &writtenIn) }
      if namesLoader { note(index, in: &deployedIn) }
    }
    for offset in 0..<keyCount {
      guard let programData = table.programData(of: indices[first + offset]) else { continue }
      indices[indexEnd] = try table.intern(programData)
      indexEnd += 1
      prepared[position].implicitKeys.append(programData)
    }
    prepared[position].firstIndex = first
    prepared[position].keyCount = keyCount
    prepared[position].resolved = resolved
  }
}
