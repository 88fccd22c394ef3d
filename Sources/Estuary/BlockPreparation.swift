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
struct DecodedTransaction: Sendable {
  /// `nil` where the bytes are no transaction.
  var transaction: Transaction?
  var hasValidSignatures = true
  var signatureNanoseconds: UInt64 = 0
  /// Whether it may deploy, upgrade or close programs, as far as its static keys tell.
  var namesUpgradeableLoader = false

  /// Decodes and, if asked to, verifies. A transaction that is not sane has no signatures worth verifying.
  init(_ wire: [UInt8], verifiesSignatures: Bool) {
    guard let transaction = try? Transaction.decode(wire) else { return }
    self.transaction = transaction
    let message = transaction.message
    for index in 0..<message.staticKeyCount where message.staticKey(at: index) == ProgramID.bpfLoaderUpgradeable {
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
  /// What executing reads beyond the keys: code of upgradeable programs.
  var implicitKeys: [Pubkey] = []
  /// An earlier transaction of the block with the same signature; -1: none.
  var duplicateOf: Int32 = -1
}

/// A block on its way to the workers. Fields are filled in block order by one thread; a transaction's own are constant
/// once it has been handed to the scheduler.
final class BlockPreparation: @unchecked Sendable {
  // Sendable: the arrays never move, and the scheduler's hand-over orders what the coordinator wrote.
  let block: BlockInput
  let table: AccountTable
  let decoded: UnsafeMutablePointer<DecodedTransaction>
  let prepared: UnsafeMutablePointer<PreparedTransaction>
  /// Account indices of all transactions, one after the other.
  let indices: UnsafeMutablePointer<AccountIndex>
  let count: Int
  /// Account indices over the whole block, at most.
  let accessCapacity: Int
  @exclusivity(unchecked) private var indexEnd = 0
  /// By account: the segment in which it was last locked for writing, and the same for transactions that name the
  /// upgradeable loader; kept only where the block needs them.
  @exclusivity(unchecked) private var writtenIn: [UInt32]
  @exclusivity(unchecked) private var deployedIn: [UInt32]
  private let hasLookups: Bool
  private let hasDeployments: Bool
  @exclusivity(unchecked) private var segment: UInt32 = 1
  /// First transaction of the segment.
  @exclusivity(unchecked) private var segmentStart = 0
  /// Signatures met, by their R; the transaction that had it first.
  @exclusivity(unchecked) private var signatures: AccountInterner
  @exclusivity(unchecked) private var firstWithR: [Int32] = []

  /// - Parameter decoded: one a transaction; taken over.
  init(_ block: BlockInput, on table: AccountTable, decoded: UnsafeMutablePointer<DecodedTransaction>) {
    self.block = block
    self.table = table
    self.decoded = decoded
    count = block.wires.count
    var keyCount = 0
    var lookupCount = 0
    var hasDeployments = false
    for index in 0..<count {
      guard let message = decoded[index].transaction?.message else { continue }
      if decoded[index].namesUpgradeableLoader { hasDeployments = true }
      keyCount += message.staticKeyCount + message.lookedUpKeyCount
      lookupCount += message.addressTableLookups.count
    }
    // Each key may bring one implicit key, and each lookup its table.
    accessCapacity = 2 * keyCount
    table.reserve(accessCapacity + lookupCount)
    hasLookups = lookupCount > 0
    // A lookup table may name the loader, too.
    self.hasDeployments = hasDeployments || hasLookups
    let accountCapacity = table.count + accessCapacity + lookupCount
    writtenIn = hasLookups ? [UInt32](repeating: 0, count: accountCapacity) : []
    deployedIn = self.hasDeployments ? [UInt32](repeating: 0, count: accountCapacity) : []
    indices = .allocate(capacity: max(accessCapacity, 1))
    prepared = .allocate(capacity: max(count, 1))
    prepared.initialize(repeating: PreparedTransaction(), count: count)
    signatures = AccountInterner(expectedCount: count)
    firstWithR.reserveCapacity(count)
  }

  deinit {
    decoded.deinitialize(count: count)
    decoded.deallocate()
    prepared.deinitialize(count: count)
    prepared.deallocate()
    indices.deallocate()
  }

  /// Processor time spent on signatures.
  var signatureNanoseconds: UInt64 {
    UnsafeBufferPointer(start: decoded, count: count).reduce(0) { $0 &+ $1.signatureNanoseconds }
  }

  enum Step { case ready, barrier }

  /// Prepares transaction `position`; positions come in order. After a barrier, the same position is asked for again
  /// once every transaction before it has run.
  func prepare(_ position: Int) throws(StoreError) -> Step {
    prefetch(from: position)
    guard let transaction = decoded[position].transaction else {
      prepared[position].error = .sanitizeFailure
      return .ready
    }
    let isFirstOfSegment = position == segmentStart
    if let earlier = earlierTransaction(with: transaction, at: position) {
      let sameBytes = block.wires[Int(earlier)] == block.wires[position]
      if !sameBytes && earlier >= segmentStart && !isFirstOfSegment { return barrier(at: position) }
      prepared[position].duplicateOf = earlier
    }
    if hasLookups && !isFirstOfSegment && readsWrittenTable(transaction.message) { return barrier(at: position) }
    do throws(TransactionError) {
      let resolved = try resolve(transaction)
      if hasDeployments && !isFirstOfSegment && resolved.keys.contains(where: isDeployedInSegment) {
        return barrier(at: position)
      }
      prepared[position].resolved = resolved
      if !decoded[position].hasValidSignatures { throw .signatureFailure }
    } catch {
      prepared[position].resolved = nil
      prepared[position].error = error
      if let failure = storeFailure { throw failure }
      return .ready
    }
    try intern(position)
    return .ready
  }

  @exclusivity(unchecked) private var storeFailure: StoreError?

  /// Transactions between two looks ahead.
  private static let lookAhead = 4

  /// Looks ahead of `position`, so that the memory that transactions need is near when their turn comes: in the first
  /// look the slots of their keys, in the second the accounts that these lead to.
  @inline(__always) private func prefetch(from position: Int) {
    let near = position + Self.lookAhead
    let far = near + Self.lookAhead
    if far < count, let message = decoded[far].transaction?.message {
      for key in 0..<message.staticKeyCount { table.prefetchSlot(of: message.staticKey(at: key)) }
    }
    if near < count, let message = decoded[near].transaction?.message {
      for key in 0..<message.staticKeyCount { table.prefetchAccount(at: message.staticKey(at: key)) }
    }
  }

  private func barrier(at position: Int) -> Step {
    segment += 1
    segmentStart = position
    return .barrier
  }

  /// The first transaction of the block that has this one's signature; asking twice gives the same answer.
  private func earlierTransaction(with transaction: Transaction, at position: Int) -> Int32? {
    guard let signature = transaction.firstSignature else { return nil }
    let head = AccountKey(
      word0: signature.r.word0, word1: signature.r.word1, word2: signature.r.word2, word3: signature.r.word3)
    let known = signatures.count
    let index = signatures.intern(head).position
    if index == known {
      firstWithR.append(Int32(position))
      return nil
    }
    if firstWithR[index] == position { return nil }
    if decoded[Int(firstWithR[index])].transaction?.firstSignature == signature { return firstWithR[index] }
    // One R, several S: somebody crafted these. A scan is slow and right.
    for earlier in Int(firstWithR[index])..<position
    where decoded[earlier].transaction?.firstSignature == signature {
      return Int32(earlier)
    }
    return nil
  }

  private func readsWrittenTable(_ message: Message) -> Bool {
    message.addressTableLookups.contains { lookup in
      guard let index = table.index(of: lookup.tableKey), index.position < writtenIn.count else { return false }
      return writtenIn[index.position] == segment
    }
  }

  private func isDeployedInSegment(_ key: Pubkey) -> Bool {
    guard let index = table.index(of: key) else { return false }
    return deployedIn[index.position] == segment
  }

  private func resolve(_ transaction: Transaction) throws(TransactionError) -> ResolvedTransaction {
    try ResolvedTransaction(transaction) { message throws(TransactionError) in
      let sysvars = block.environment.sysvars
      return try AddressLookupTable.load(message, slot: sysvars.clock.slot, slotHashes: sysvars.slotHashes) { key in
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

  /// Looks up every key once, and the programdata of upgradeable programs among them as implicit keys.
  private func intern(_ position: Int) throws(StoreError) {
    guard let resolved = prepared[position].resolved else { return }
    let first = indexEnd
    let namesLoader = hasDeployments && resolved.keys.contains(ProgramID.bpfLoaderUpgradeable)
    for (offset, key) in resolved.keys.enumerated() {
      let index = try table.intern(key)
      indices[indexEnd] = index
      indexEnd += 1
      guard hasLookups || namesLoader, resolved.isWritable(offset) else { continue }
      if hasLookups { writtenIn[index.position] = segment }
      if namesLoader { deployedIn[index.position] = segment }
    }
    let keyCount = resolved.keys.count
    for offset in 0..<keyCount {
      guard let programData = table.programData(of: indices[first + offset]) else { continue }
      indices[indexEnd] = try table.intern(programData)
      indexEnd += 1
      prepared[position].implicitKeys.append(programData)
    }
    prepared[position].firstIndex = first
    prepared[position].keyCount = keyCount
  }
}
