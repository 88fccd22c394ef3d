// Programs by the bytes of the account that holds them. An account's data array is immutable while anyone
// else holds it (copy-on-write), and the cache holds it: so the array's address identifies its content, and
// looking a program up costs no hashing of its bytes. Arrays that are new are compared by SHA-256, so equal
// ELF files share an executable.
//
//   worker ─ ProgramTable (its own, no locks) ─ miss ▶ ProgramCache (one lock) ─ miss ▶ load and verify
//
// Visibility follows LiteSVM: what an account holds when a transaction begins is what runs in it; programs
// that the transaction itself deploys or closes do not run in it (InvokeContext+Programs.swift).

import Glibc
import Ledger
import Primitives
import SBPF

/// Where the ELF file lies in a program's data: programdata accounts have a header before it.
package struct ProgramSource: Sendable {
  package let data: [UInt8]
  package let elfOffset: Int

  /// The code of the program in `account`; `nil` where it is none, or none whose code can be found.
  ///
  /// - Parameter programData: the account at a key; asked for programs of the upgradeable loader.
  package init?(_ account: Account, programData: (Pubkey) -> Account?) {
    guard account.executable else { return nil }
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

  /// Identifies the content for as long as somebody holds `data`.
  var identity: UInt {
    data.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) ^ UInt(elfOffset) }
  }
}

/// One worker's view of the cache: open addressing by identity, read without locks.
final class ProgramTable {
  private struct Slot {
    var identity: UInt = 0
    var source: ProgramSource?
    var entry: ProgramEntry?
  }

  @exclusivity(unchecked) private var slots = [Slot](repeating: Slot(), count: 64)
  @exclusivity(unchecked) private var count = 0

  /// The program in `source`; loads it where no worker has met it yet.
  func entry(_ source: ProgramSource, cache: ProgramCache) -> ProgramEntry {
    let identity = source.identity
    var index = Self.hash(identity) & (slots.count - 1)
    while slots[index].entry != nil {
      if slots[index].identity == identity, let entry = slots[index].entry { return entry }
      index = (index + 1) & (slots.count - 1)
    }
    let entry = cache.entry(source)
    insert(Slot(identity: identity, source: source, entry: entry))
    return entry
  }

  private func insert(_ slot: Slot) {
    if count >= 4096 {
      slots = [Slot](repeating: Slot(), count: 64)
      count = 0
    } else if count * 2 >= slots.count {
      let old = slots
      slots = [Slot](repeating: Slot(), count: old.count * 2)
      for slot in old where slot.entry != nil { place(slot) }
    }
    place(slot)
    count += 1
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
/// The lock is taken only by a worker that meets a data array for the first time. It is held while a program
/// loads, so that two workers never load the same one. `byHash` is touched under the lock alone, which is
/// what makes the unchecked `Sendable` sound; a pthread mutex, because ThreadSanitizer understands it.
package final class ProgramCache: @unchecked Sendable {
  package let syscalls: SyscallRegistry

  /// Entries kept before the cache starts over; workers keep what they use.
  private static let capacity = 4096
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var byHash: [Hash: ProgramEntry] = [:]

  package init(syscalls: SyscallRegistry) {
    self.syscalls = syscalls
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    let status = pthread_mutex_init(mutex, nil)
    precondition(status == 0, "no mutex: \(status)")
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func entry(_ source: ProgramSource) -> ProgramEntry {
    source.data.withUnsafeBytes { data in
      let elf = UnsafeRawBufferPointer(rebasing: data[min(source.elfOffset, data.count)...])
      let hash = SHA256.hash(elf)
      pthread_mutex_lock(mutex)
      defer { pthread_mutex_unlock(mutex) }
      if let entry = byHash[hash] { return entry }
      let entry = ProgramEntry.load(elf, syscalls: syscalls)
      if byHash.count >= Self.capacity { byHash.removeAll(keepingCapacity: true) }
      byHash[hash] = entry
      return entry
    }
  }
}
