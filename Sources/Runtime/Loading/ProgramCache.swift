// Programs by the bytes of the account that holds them. An account's data array is immutable while anyone
// else holds it (copy-on-write), and a table that knows it holds it: so the array's address identifies its content,
// and looking a program up costs no hashing of its bytes. Arrays that are new are compared by SHA-256, so equal
// ELF files share an executable.
//
//   worker ─ ProgramTable (its own, no locks) ─ miss ▶ ProgramCache (one lock) ─ miss ▶ load and verify
//
// At the end of a block the programs that were not used for longest are let go of, if there are too many or they
// take too much memory. Whoever runs one keeps it; tables forget it at their next look.
//
// Visibility follows LiteSVM: what an account holds when a transaction begins is what runs in it; programs
// that the transaction itself deploys or closes do not run in it (InvokeContext+Programs.swift).

import Ledger
import Primitives
import SBPF
import Synchronization

/// Where the ELF file lies in a program's data: programdata accounts have a header before it.
package struct ProgramSource: Sendable {
  package let data: [UInt8]
  package let elfOffset: Int

  /// The code of the program in `account`; `nil` where it is none, or none whose code can be found.
  ///
  /// - Parameter programData: the account at a key; asked for programs of the upgradeable loader.
  package init?(_ account: Account, programData: (Pubkey) -> Account?) {
    switch account.owner {
    case ProgramID.bpfLoader1, ProgramID.bpfLoader2:
      self.init(data: account.data, elfOffset: 0)
    case ProgramID.bpfLoaderUpgradeable:
      let headerByteCount = UpgradeableProgram.programDataHeaderByteCount
      guard let key = ImplicitRead.programData(of: account), let held = programData(key),
        held.data.count >= headerByteCount
      else { return nil }
      self.init(data: held.data, elfOffset: headerByteCount)
    default: return nil
    }
  }

  init(data: [UInt8], elfOffset: Int) {
    self.data = data
    self.elfOffset = elfOffset
  }
}

/// One worker's view of the cache: open addressing by identity, read without locks and without counting references,
/// which workers that run the same programs would pass to and fro.
final class ProgramTable {
  private struct Slot {
    var identity: UInt = 0
    /// Keeps the storage in place that gives the identity.
    var source: ProgramSource?
    var entry: ProgramEntry?
    /// `entry`, for looks that count no reference.
    var known: Unmanaged<ProgramEntry>?
  }

  @exclusivity(unchecked) private var slots = [Slot](repeating: Slot(), count: 64)
  @exclusivity(unchecked) private var count = 0
  /// Of the data that the table holds, which accounts may have replaced long since.
  @exclusivity(unchecked) private(set) var heldByteCount = 0
  /// How many evictions of the cache the table has followed.
  @exclusivity(unchecked) private var evictionCount: UInt64 = 0

  /// Forgets what the cache has evicted, and everything where that is much. Called before a transaction: what the
  /// table gives is alive until the next call.
  @inline(__always) func begin(_ cache: ProgramCache) {
    let evictions = cache.evictionCount
    if evictions != evictionCount || isFull { forget(evictions) }
  }

  @inline(__always) private var isFull: Bool {
    count >= Self.limit || heldByteCount > Self.heldByteLimit
  }

  private static let limit = 4096
  /// Far more than a block's programs take. What is forgotten and used again is hashed again, which as much new data costs
  /// as well.
  static let heldByteLimit = 128 << 20

  @inline(never) private func forget(_ evictions: UInt64) {
    // What another cache has loaded may have been checked against other features.
    let isSameCache = evictions >> ProgramCache.evictionBits == evictionCount >> ProgramCache.evictionBits
    evictionCount = evictions
    let keeps = isSameCache && !isFull
    let kept = keeps ? slots.filter { $0.entry.map { !$0.isEvicted } ?? false } : []
    slots = [Slot](repeating: Slot(), count: keeps ? slots.count : 64)
    (count, heldByteCount) = (0, 0)
    for slot in kept { add(slot) }
  }

  /// The program in the data of `account`; loads it where no worker has met it yet.
  func entry(
    _ account: UnsafePointer<Account>, elfOffset: Int, cache: ProgramCache
  ) -> Unmanaged<ProgramEntry> {
    let identity = UInt(bitPattern: account.dataStorage) ^ UInt(elfOffset)
    var index = Self.hash(identity) & (slots.count - 1)
    while let entry = slots[index].known {
      if slots[index].identity == identity {
        entry._withUnsafeGuaranteedRef { $0.noteUse(inBlock: cache.blockCount) }
        return entry
      }
      index = (index + 1) & (slots.count - 1)
    }
    let source = ProgramSource(data: account.pointee.data, elfOffset: elfOffset)
    let entry = cache.entry(source)
    insert(Slot(identity: identity, source: source, entry: entry, known: .passUnretained(entry)))
    return .passUnretained(entry)
  }

  /// The program in `source`, as above, ahead of transactions.
  func entry(_ source: ProgramSource, cache: ProgramCache) -> ProgramEntry {
    begin(cache)
    var account = Account(data: source.data, owner: .zero)
    return entry(&account, elfOffset: source.elfOffset, cache: cache).takeUnretainedValue()
  }

  private func insert(_ slot: Slot) {
    if count * 2 >= slots.count {
      let old = slots
      slots = [Slot](repeating: Slot(), count: old.count * 2)
      for slot in old where slot.entry != nil { place(slot) }
    }
    add(slot)
  }

  private func add(_ slot: Slot) {
    place(slot)
    count += 1
    heldByteCount += slot.source?.data.count ?? 0
  }

  private func place(_ slot: Slot) {
    var index = Self.hash(slot.identity) & (slots.count - 1)
    while slots[index].entry != nil { index = (index + 1) & (slots.count - 1) }
    slots[index] = slot
  }

  private static func hash(_ identity: UInt) -> Int {
    Int(truncatingIfNeeded: (identity &* 0x9e37_79b9_7f4a_7c15) >> 32)
  }
}

/// The programs of a ledger, shared by its workers; thread-safe.
///
/// The lock is taken only by a worker that meets a data array for the first time and at the end of a block. It is
/// held while a program loads, so that two workers never load the same one. `byHash` is touched under the lock
/// alone, which is what makes the unchecked `Sendable` sound. The two counts are relaxed atomics: they decide when
/// memory is freed, never what a program does.
package final class ProgramCache: @unchecked Sendable {
  /// What is kept beyond the end of a block.
  package struct Limits: Sendable {
    package var programCount: Int
    /// Of code, machine code and read-only data.
    package var byteCount: Int

    package init(programCount: Int = 4096, byteCount: Int = 768 << 20) {
      self.programCount = programCount
      self.byteCount = byteCount
    }
  }

  private struct Held {
    let entry: ProgramEntry
    /// The order in which programs came.
    let number: Int
  }

  /// A syscall beside the runtime's own.
  package typealias Syscall = (name: String, function: SyscallFunction)

  /// Of the ledger whose programs these are.
  package let features: Features
  let syscalls: SyscallRegistry
  /// What a new program may import.
  let deploymentSyscalls: SyscallRegistry
  private let additionalSyscalls: [Syscall]
  /// Native programs beside the runtime's own.
  package let builtins: [Builtin]
  private let limits: Limits
  private let lock = Lock()
  private var byHash: [Hash: Held] = [:]
  private var nextNumber = 0
  /// Of what was loaded since the limits were last looked at.
  private var newByteCount = 0
  private let blocks = Atomic<UInt64>(1)
  /// The lower bits count evictions, those above tell this cache from others: no table takes one for another.
  private let evictions: Atomic<UInt64>
  static let evictionBits: UInt64 = 40
  private static let caches = Atomic<UInt64>(0)

  /// - Parameter additionalSyscalls: none of them has the name of one of the runtime's, whatever the features, nor the
  ///   same hash (`SyscallTable.registry(.all)`).
  package init(
    features: Features = .mainnet, additionalSyscalls: [Syscall] = [], builtins: [Builtin] = [],
    limits: Limits = Limits()
  ) {
    var (running, deployment) = (SyscallTable.registry(features), SyscallTable.deployment(features))
    for syscall in additionalSyscalls {
      running.register(syscall.name, syscall.function)
      deployment.register(syscall.name, syscall.function)
    }
    (syscalls, deploymentSyscalls) = (running, deployment)
    (self.features, self.additionalSyscalls, self.builtins) = (features, additionalSyscalls, builtins)
    self.limits = limits
    let number = Self.caches.wrappingAdd(1, ordering: .relaxed).newValue
    evictions = Atomic(number << Self.evictionBits)
  }

  /// This one, or one with the same additions for a ledger with other features.
  package func serving(_ features: Features) -> ProgramCache {
    features == self.features
      ? self
      : ProgramCache(
        features: features, additionalSyscalls: additionalSyscalls, builtins: builtins, limits: limits)
  }

  /// Blocks begun.
  var blockCount: UInt64 { blocks.load(ordering: .relaxed) }
  var evictionCount: UInt64 { evictions.load(ordering: .relaxed) }

  package var programCount: Int { lock.withLock { byHash.count } }

  func entry(_ source: ProgramSource) -> ProgramEntry {
    source.data.withUnsafeBytes { data in
      let elf = UnsafeRawBufferPointer(rebasing: data[min(source.elfOffset, data.count)...])
      let hash = SHA256.hash(elf)
      return lock.withLock {
        if let held = byHash[hash] {
          held.entry.noteUse(inBlock: blockCount)
          return held.entry
        }
        let entry = ProgramEntry.load(elf, syscalls: syscalls)
        entry.noteUse(inBlock: blockCount)
        // One block may bring more programs than are kept, but not without end.
        if byHash.count >= 2 * max(limits.programCount, 1) || newByteCount > limits.byteCount { evict() }
        newByteCount += entry.byteCount
        byHash[hash] = Held(entry: entry, number: nextNumber)
        nextNumber += 1
        return entry
      }
    }
  }

  /// A block has ended: lets go of what exceeds the limits, the least recently used first.
  package func finishBlock() {
    lock.withLock { evict() }
    blocks.wrappingAdd(1, ordering: .relaxed)
  }

  private func evict() {
    newByteCount = 0
    var byteCount = byHash.values.reduce(0) { $0 + $1.entry.byteCount }
    if byHash.count <= limits.programCount && byteCount <= limits.byteCount { return }
    // In one block's uses, the older program goes first.
    let oldestFirst = byHash.sorted { first, second in
      (first.value.entry.lastUsedBlock, first.value.number)
        < (second.value.entry.lastUsedBlock, second.value.number)
    }
    for (hash, held) in oldestFirst {
      if byHash.count <= limits.programCount && byteCount <= limits.byteCount { break }
      byteCount -= held.entry.byteCount
      held.entry.evict()
      byHash[hash] = nil
    }
    evictions.wrappingAdd(1, ordering: .relaxed)
  }
}
