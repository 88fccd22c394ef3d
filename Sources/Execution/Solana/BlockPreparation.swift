// From decoded transactions to what a worker needs: resolving lookup tables and interning keys, in block
// order, because lookup tables are read from the state and indices are handed out.
//
// Entries of other families are passed over: they are ready at once, for somebody else to run. Beside workers that is when
// all of Solana's before the next barrier have run, so a transaction that reads what is Ethereum's waits at a barrier.
//
// One that may call contracts (it names the EVM program) is a segment of its own, because what it will use nobody knows.
//
// Three things cannot be settled ahead of the transactions before: a lookup table that one of them may write,
// a program that one of them may deploy or upgrade, and two different transactions under one signature.
// `prepare` then answers with a barrier, and is asked again once all that was prepared so far has run. It
// does the same where the room runs out that workers' pointers lead into.

import CThreads
import Ledger
import Primitives
import Runtime
import Scheduling

/// A block on its way to the workers. Fields are filled in block order by one thread at a time; a
/// transaction's own are constant once it has been handed to the scheduler, until it has run.
final class BlockPreparation: @unchecked Sendable {
  // Sendable: the arrays never move while workers run, and the scheduler's hand-over orders what was written
  // before it.
  let block: BlockInput
  let state: BlockState
  let table: AccountTable
  private let wires: [[UInt8]]
  let count: Int
  let hasher: AccountKeyHasher
  /// Signatures decoded and not yet checked; `nil` where none are checked.
  @exclusivity(unchecked) private var signaturesAhead: Ed25519.Batch?
  /// Account indices, one transaction's after the other's; in order, those of the current one alone.
  let indices: UnsafeMutablePointer<AccountIndex>
  /// Account indices that one segment has room for; 0 in order.
  let accessCapacity: Int
  /// Transactions by position; in order, a ring that holds those that are near.
  private let slots: UnsafeMutablePointer<PreparedTransaction>
  private let slotCount: Int
  private let slotMask: Int
  /// Whether each transaction is prepared when all before it have run.
  private let isInOrder: Bool
  /// In order: transactions decoded so far, a few more than are prepared.
  @exclusivity(unchecked) private var decodedCount = 0
  /// In order: processor time spent on signatures.
  @exclusivity(unchecked) private(set) var signatureNanoseconds: UInt64 = 0
  @exclusivity(unchecked) private var indexEnd = 0
  /// By account: the segment in which it was last locked for writing, once a transaction has read a lookup
  /// table, and the same for transactions that name the upgradeable loader.
  @exclusivity(unchecked) private var writtenIn: [UInt32] = []
  @exclusivity(unchecked) private var deployedIn: [UInt32] = []
  @exclusivity(unchecked) private var tracksWrites = false
  @exclusivity(unchecked) private var segment: UInt32 = 1
  /// First transaction of the segment.
  @exclusivity(unchecked) private var segmentStart = 0
  /// A transaction that may call contracts and is the only one of its segment.
  @exclusivity(unchecked) private var aloneAt: Int?
  /// Signatures met, by their R; the last transaction handed over that had it, -1 where none was.
  @exclusivity(unchecked) private var signatures: AccountInterner
  @exclusivity(unchecked) private var lastWithR: [Int32] = []
  /// Where the first signature of each transaction handed over so far lies.
  private let signaturePlaces: UnsafeMutablePointer<UnsafeRawPointer?>
  @exclusivity(unchecked) private var storeFailure: StoreError?
  /// Whether Ethereum's entries run after Solana's around them.
  private let hasEthereumBeside: Bool

  /// Slots of the ring in order: as many as are looked ahead, and the transactions whose signatures are
  /// checked together.
  private static let ringSlotCount = 16
  private static let ringSlotCountWithSignatures = 32
  /// Account indices that one transaction may need: its keys and an implicit one each.
  private static let largestAccessCount = 2 * ResolvedTransaction.maximumLockCount
  /// Keys new to the table that one transaction may bring: those, and its lookup tables.
  private static let largestNewKeyCount = largestAccessCount + 64

  /// - Parameters:
  ///   - isInOrder: for one thread that prepares and runs transactions in turn; otherwise workers run transactions while
  ///     later ones are prepared, and somebody else decodes.
  init(_ block: BlockInput, on state: BlockState, isInOrder: Bool) {
    hasEthereumBeside = !isInOrder && block.ethereum != nil && block.transactions.ethereumCount > 0
    self.block = block
    self.state = state
    self.isInOrder = isInOrder
    table = state.table
    wires = block.transactions.wires
    count = wires.count
    hasher = table.hasher
    signaturesAhead = block.verifiesSignatures ? Ed25519.Batch() : nil
    accessCapacity = isInOrder ? 0 : 24 * count + 64 * Self.largestAccessCount
    indices = .allocate(capacity: isInOrder ? Self.largestAccessCount : accessCapacity)
    let ringSlotCount =
      block.verifiesSignatures ? Self.ringSlotCountWithSignatures : Self.ringSlotCount
    slotCount = isInOrder ? ringSlotCount : max(count, 1)
    slotMask = isInOrder ? ringSlotCount - 1 : -1
    slots = .allocate(capacity: slotCount)
    if isInOrder { slots.initialize(repeating: PreparedTransaction(), count: slotCount) }
    signaturePlaces = .allocate(capacity: max(count, 1))
    signatures = AccountInterner(expectedCount: count)
    lastWithR.reserveCapacity(count)
  }

  /// Transactions that somebody else has decoded are let go of by `forget`.
  deinit {
    if isInOrder { slots.deinitialize(count: slotCount) }
    slots.deallocate()
    indices.deallocate()
    signaturePlaces.deallocate()
  }

  /// Whether an earlier block has executed or charged a transaction of this signature.
  @inline(__always) func wasProcessedBefore(_ signature: Signature?) -> Bool {
    guard let signature else { return false }
    return state.statusCache.contains(signature)
  }

  /// Whether the entry at `position` is for the EVM to execute.
  @inline(__always) func isEthereum(_ position: Int) -> Bool {
    block.ethereum != nil && block.transactions.isEthereum(position)
  }

  /// Whether the entry at `position` is one of Solana's transactions.
  @inline(__always) func isTransaction(_ position: Int) -> Bool { block.transactions.isSolana(position) }

  /// Of an entry that is none of Solana's transactions and not for the EVM to execute.
  func receiptWithoutExecution(at position: Int) -> Receipt {
    switch block.transactions[position] {
    case .success(.solana): .solana(TransactionResult(signature: nil, error: .sanitizeFailure))
    case .success(.ethereum(let wire)): .ethereum(EthereumTransactionResult(wire, .failure(.noEthereum)))
    case .failure(let error): .malformed(error)
    }
  }

  /// Where the transaction at `position` lies.
  @inline(__always) func slot(_ position: Int) -> UnsafeMutablePointer<PreparedTransaction> {
    slots + position & slotMask
  }

  /// Decodes the transactions of `range`; called once for each, by any thread.
  ///
  /// - Returns: processor time spent on signatures, in nanoseconds.
  func decode(_ range: Range<Int>) -> UInt64 {
    var signatures = block.verifiesSignatures ? Ed25519.Batch() : nil
    for position in range {
      let entry = slot(position)
      entry.initialize(to: PreparedTransaction())
      guard isTransaction(position) else { continue }
      entry.pointee.decode(wires[position], hasher: hasher, position: position, signatures: &signatures)
    }
    return verify(&signatures)
  }

  /// Checks the signatures that wait.
  ///
  /// - Returns: processor time spent, in nanoseconds.
  private func verify(_ signatures: inout Ed25519.Batch?) -> UInt64 {
    guard signatures != nil else { return 0 }
    let start = Clocks.threadNanoseconds()
    signatures?.verify { slot($0).pointee.hasValidSignatures = false }
    return Clocks.threadNanoseconds() &- start
  }

  /// Lets go of the slots of `range`, which `decode` has filled and nobody will look at again.
  @inline(__always) func forget(_ range: Range<Int>) {
    slot(range.lowerBound).deinitialize(count: range.count)
  }

  /// Lets the table grow for some keys of the next segment; no worker runs.
  func reserveKeys() { table.reserve(max(count - segmentStart, 32 * Self.largestNewKeyCount)) }

  enum Step { case ready, barrier }

  /// Prepares transaction `position`; positions come in order. After a barrier, the same position is asked
  /// for again once every transaction before it has run.
  ///
  /// - Parameter decodedEnd: transactions before it have been decoded; ignored in order.
  func prepare(_ position: Int, decodedEnd: Int) throws(StoreError) -> Step {
    // While it runs it adds keys to the table, at which nobody else may then look.
    if let alone = aloneAt, position == alone + 1 {
      aloneAt = nil
      return barrier(at: position)
    }
    if isInOrder {
      decodeAhead(of: position)
      lookAhead(from: position, decodedEnd: decodedCount)
      indexEnd = 0
    } else {
      lookAhead(from: position, decodedEnd: decodedEnd)
      if hasNoRoom { return barrier(at: position) }
    }
    let entry = slot(position)
    signaturePlaces[position] = nil
    guard entry.pointee.isTransaction else { return .ready }
    let isFirstOfSegment = position == segmentStart
    let sameR = signatureIndex(entry)
    if let earlier = lastTransaction(with: entry.pointee.firstSignature, sameR) {
      let sameBytes = wires[Int(earlier)] == wires[position]
      if !sameBytes && earlier >= segmentStart && !isFirstOfSegment { return barrier(at: position) }
      entry.pointee.duplicateOf = earlier
    }
    if let transaction = entry.pointee.unresolved {
      let mayReadWritten = !tracksWrites || readsWrittenTable(transaction.message)
      tracksWrites = true
      if mayReadWritten && !isFirstOfSegment { return barrier(at: position) }
      resolve(transaction, in: entry)
      if let failure = storeFailure { throw failure }
    }
    guard entry.pointee.isResolved else { return .ready }
    // What it reads of the EVM's accounts is copied, when no earlier transaction can change it any more.
    if hasEthereumBeside && entry.pointee.namesEVM && !isFirstOfSegment { return barrier(at: position) }
    if !isInOrder && reachesContracts(entry) {
      if !isFirstOfSegment { return barrier(at: position) }
      aloneAt = position
    }
    if !deployedIn.isEmpty && !isFirstOfSegment && callsDeployed(entry) { return barrier(at: position) }
    if !entry.pointee.hasValidSignatures {
      entry.pointee.refuse(.signatureFailure)
      return .ready
    }
    try intern(entry)
    if let sameR {
      lastWithR[sameR] = Int32(position)
      signaturePlaces[position] = entry.pointee.signature
    }
    return .ready
  }

  /// Whether a transaction may call contracts; beside workers it is a segment of its own.
  func reachesContracts(_ entry: UnsafeMutablePointer<PreparedTransaction>) -> Bool {
    entry.pointee.namesEthereumProgram && block.ethereum != nil
  }

  /// Tells the accounts that a prepared transaction locks, and whether for writing.
  @inline(__always) func forEachLock(
    of entry: UnsafeMutablePointer<PreparedTransaction>, _ body: (AccountIndex, _ isWritten: Bool) -> Void
  ) {
    guard entry.pointee.isResolved else { return }
    // The payer is written even where a reserved key demotes it: a transaction that fails costs it the fee.
    let mask = entry.pointee.writableMask | 1
    let indices = indices + entry.pointee.firstIndex
    let keyCount = entry.pointee.keyCount
    for key in 0..<keyCount { body(indices[key], mask >> UInt64(key) & 1 != 0) }
    for implicit in 0..<entry.pointee.implicitKeys.count { body(indices[keyCount + implicit], false) }
  }

  private var hasNoRoom: Bool {
    indexEnd + Self.largestAccessCount > accessCapacity || table.freeCount < Self.largestNewKeyCount
  }

  /// Transactions between two looks ahead.
  private static let lookAheadStep = 4

  /// Decodes as far as looking ahead reaches, so that a transaction's memory is still near when it runs;
  /// where signatures are checked, as many transactions further as fill the lanes with one signature each.
  @inline(__always) private func decodeAhead(of position: Int) {
    let near = position + 2 * Self.lookAheadStep
    if decodedCount > near || decodedCount >= count { return }
    let end = min(count, near + (signaturesAhead == nil ? 1 : Ed25519.Batch.preferredCount))
    while decodedCount < end {
      guard isTransaction(decodedCount) else {
        slot(decodedCount).pointee.reset()
        decodedCount += 1
        continue
      }
      slot(decodedCount).pointee.decode(
        wires[decodedCount], hasher: hasher, position: decodedCount, signatures: &signaturesAhead)
      decodedCount += 1
    }
    signatureNanoseconds &+= verify(&signaturesAhead)
  }

  /// Looks ahead of `position`, so that the memory that transactions need is near when their turn comes: in
  /// the first look the slots of their keys and signature, in the second the accounts that the keys lead to.
  @inline(__always) private func lookAhead(from position: Int, decodedEnd: Int) {
    let near = position + Self.lookAheadStep
    let far = near + Self.lookAheadStep
    if far < decodedEnd {
      let entry = slot(far)
      for key in 0..<entry.pointee.staticKeyCount {
        table.prefetchSlot(tag: entry.pointee.tag(at: key, hasher))
      }
      if let signature = entry.pointee.firstSignature {
        estuary_prefetch(signatures.slotPlace(tag: hasher.tag(of: AccountKey(signature.r))))
      }
    }
    if near < decodedEnd {
      let entry = slot(near)
      for key in 0..<entry.pointee.staticKeyCount {
        table.prefetchAccount(tag: entry.pointee.tag(at: key, hasher))
      }
    }
  }

  private func barrier(at position: Int) -> Step {
    segment += 1
    segmentStart = position
    indexEnd = 0
    return .barrier
  }

  /// The place in `lastWithR` of this one's signature; asking twice gives the same answer.
  private func signatureIndex(_ entry: UnsafeMutablePointer<PreparedTransaction>) -> Int? {
    guard let signature = entry.pointee.firstSignature else { return nil }
    let index = signatures.intern(AccountKey(signature.r)).position
    if index == lastWithR.count { lastWithR.append(-1) }
    return index
  }

  /// The last transaction with this signature that was handed to the workers. It stands for those before it
  /// (`BlockReceipts.hasUsedSignature`), and has run when a later one with its bytes does: they lock the same payer.
  private func lastTransaction(with signature: Signature?, _ sameR: Int?) -> Int32? {
    guard let signature, let sameR else { return nil }
    let last = lastWithR[sameR]
    if last < 0 { return nil }
    if hasSignature(Int(last), signature) { return last }
    // One R, several S: somebody crafted these. A scan is slow and right.
    return (0..<Int(last)).last { hasSignature($0, signature) }.map(Int32.init)
  }

  /// Whether an earlier transaction has `signature`.
  private func hasSignature(_ earlier: Int, _ signature: Signature) -> Bool {
    guard let bytes = signaturePlaces[earlier] else { return false }
    return Signature(reading: bytes) == signature
  }

  private func readsWrittenTable(_ message: Message) -> Bool {
    message.addressTableLookups.contains { lookup in
      if hasEthereumBeside && EVMKey.contains(lookup.tableKey) { return true }
      guard let index = table.index(of: lookup.tableKey), index.position < writtenIn.count else {
        return false
      }
      return writtenIn[index.position] == segment
    }
  }

  private func callsDeployed(_ entry: UnsafeMutablePointer<PreparedTransaction>) -> Bool {
    guard let keys = entry.pointee.resolved?.keys else { return false }
    return keys.contains { key in
      guard let index = table.index(of: key) else { return false }
      return index.position < deployedIn.count && deployedIn[index.position] == segment
    }
  }

  /// Notes in `segments` that the present segment touched `index`.
  private func note(_ index: AccountIndex, in segments: inout [UInt32]) {
    let missing = index.position + 1 - segments.count
    if missing > 0 { segments.append(contentsOf: repeatElement(0, count: max(missing, segments.count))) }
    segments[index.position] = segment
  }

  private func resolve(_ transaction: Transaction, in entry: UnsafeMutablePointer<PreparedTransaction>) {
    entry.pointee.resolve(transaction) { message throws(TransactionError) in
      let sysvars = block.environment.sysvars
      return try AddressLookupTable.load(message, slot: sysvars.clock.slot, slotHashes: sysvars.slotHashes) {
        key in
        do throws(StoreError) {
          let account = try state.account(key)
          return account.lamports == 0 ? nil : account
        } catch {
          storeFailure = error
          return nil
        }
      }
    }
  }

  /// Looks up every key once, and the programdata of upgradeable programs among them as implicit keys.
  private func intern(_ entry: UnsafeMutablePointer<PreparedTransaction>) throws(StoreError) {
    let first = indexEnd
    let keyCount = entry.pointee.keyCount
    let staticKeyCount = entry.pointee.staticKeyCount
    var hasProgramData = false
    for offset in 0..<staticKeyCount {
      let index = try table.intern(
        entry.pointee.key(at: offset), tag: entry.pointee.tag(at: offset, hasher))
      indices[first + offset] = index
      if table.hasProgramData(index) { hasProgramData = true }
    }
    if keyCount > staticKeyCount {
      hasProgramData = try internLookedUp(entry, from: first) || hasProgramData
    }
    indexEnd = first + keyCount
    if tracksWrites || entry.pointee.namesUpgradeableLoader { noteWrites(of: entry, from: first) }
    entry.pointee.firstIndex = first
    if entry.pointee.namesEVM { try copyEVMAccounts(first..<first + keyCount) }
    guard hasProgramData else { return }
    for offset in 0..<keyCount {
      guard let programData = table.programData(of: indices[first + offset]) else { continue }
      indices[indexEnd] = try table.intern(programData)
      indexEnd += 1
      entry.pointee.implicitKeys.append(programData)
    }
  }

  /// Copies the EVM's accounts among those at `places` of `indices`, as they are now.
  private func copyEVMAccounts(_ places: Range<Int>) throws(StoreError) {
    for place in places {
      let key = table.key(of: indices[place])
      if EVMKey.contains(key) { table.copy(try state.ethereumTable.account(key), at: indices[place]) }
    }
  }

  /// Interns the keys that lookup tables gave; says whether one of them is an upgradeable program.
  private func internLookedUp(
    _ entry: UnsafeMutablePointer<PreparedTransaction>, from first: Int
  ) throws(StoreError) -> Bool {
    guard let keys = entry.pointee.resolved?.keys else { return false }
    var hasProgramData = false
    for offset in entry.pointee.staticKeyCount..<keys.count {
      let index = try table.intern(keys[offset])
      indices[first + offset] = index
      if table.hasProgramData(index) { hasProgramData = true }
      // A transaction may name the loader through a table as well.
      if keys[offset] == ProgramID.bpfLoaderUpgradeable { entry.pointee.namesUpgradeableLoader = true }
    }
    return hasProgramData
  }

  private func noteWrites(of entry: UnsafeMutablePointer<PreparedTransaction>, from first: Int) {
    let mask = entry.pointee.writableMask | 1
    for offset in 0..<entry.pointee.keyCount where mask >> UInt64(offset) & 1 != 0 {
      let index = indices[first + offset]
      if tracksWrites { note(index, in: &writtenIn) }
      if entry.pointee.namesUpgradeableLoader { note(index, in: &deployedIn) }
    }
  }
}
