// The memory in which a program finds its accounts and instruction data, one buffer a nesting level, grown
// and never shrunk. Layouts: https://solana.com/docs/programs/faq#input-parameter-serialization

import Ledger
import Primitives
import SBPF

/// Where an instruction account lies in the guest's input.
struct SerializedAccount {
  /// Bytes of data when the instruction began.
  var originalByteCount = 0
  var keyAddress: UInt64 = 0
  var ownerAddress: UInt64 = 0
  var lamportsAddress: UInt64 = 0
  var dataAddress: UInt64 = 0
}

/// Owned by one worker.
final class InputBuffer {
  /// 16-byte aligned: programs and syscalls rely on the alignment of host addresses.
  @exclusivity(unchecked) private(set) var base: UnsafeMutableRawPointer
  @exclusivity(unchecked) private var capacity: Int
  @exclusivity(unchecked) private(set) var byteCount = 0
  /// One for each account of the instruction.
  @exclusivity(unchecked) private(set) var accounts: [SerializedAccount] = []
  @exclusivity(unchecked) private(set) var instructionDataAddress: UInt64 = 0

  /// Bytes by which an account's data may grow in one instruction.
  static let maximumGrowth = 10_240
  static let maximumAccountCount = 255
  static let alignment = 8
  private static let notDuplicate: UInt8 = 0xff

  init() {
    capacity = 64 * 1024
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  private func reserve(_ byteCount: Int) {
    self.byteCount = byteCount
    guard byteCount > capacity else { return }
    base.deallocate()
    capacity = byteCount + byteCount / 4
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  static func padding(after byteCount: Int) -> Int { -byteCount & (alignment - 1) }
}

// MARK: - Serialising

extension InputBuffer {
  /// Writes the input of `frame`'s program; `isUnaligned` selects the layout of the first loader.
  func serialize(
    _ frame: InstructionContext, of transaction: TransactionContext, isUnaligned: Bool
  ) throws(InstructionError) {
    if frame.accounts.count > Self.maximumAccountCount { throw .maxAccountsExceeded }
    reserve(Self.byteCount(of: frame, of: transaction, isUnaligned: isUnaligned))
    accounts.removeAll(keepingCapacity: true)
    var cursor = base
    cursor.store(UInt64(frame.accounts.count))
    for (index, account) in frame.accounts.enumerated() {
      if let first = frame.firstDuplicate(of: index) {
        accounts.append(accounts[first])
        cursor.store(UInt8(first))
        if !isUnaligned { cursor.fill(7) }
        continue
      }
      let state = transaction.accounts + account.indexInTransaction
      cursor.store(Self.notDuplicate)
      cursor.store(account.isSigner ? 1 : 0 as UInt8)
      cursor.store(account.isWritable ? 1 : 0 as UInt8)
      let key = transaction.keys[account.indexInTransaction]
      accounts.append(
        isUnaligned
          ? writeUnaligned(state, key: key, at: &cursor) : writeAligned(state, key: key, at: &cursor))
    }
    cursor.store(UInt64(frame.data.count))
    instructionDataAddress = address(of: cursor)
    cursor.copy(frame.data)
    cursor.store(transaction.keys[frame.programIndex])
  }

  private static func byteCount(
    of frame: InstructionContext, of transaction: TransactionContext, isUnaligned: Bool
  ) -> Int {
    var total = 8 + 8 + frame.data.count + 32
    for (index, account) in frame.accounts.enumerated() {
      if frame.firstDuplicate(of: index) != nil {
        total += isUnaligned ? 1 : 8
        continue
      }
      let dataCount = transaction.accounts[account.indexInTransaction].data.count
      total += isUnaligned ? 3 + 32 + 8 + 8 + 32 + 1 + 8 : 8 + 32 + 32 + 8 + 8 + 8
      total += dataCount + (isUnaligned ? 0 : maximumGrowth + padding(after: dataCount))
    }
    return total
  }

  private func writeAligned(
    _ state: UnsafeMutablePointer<Account>, key: Pubkey, at cursor: inout UnsafeMutableRawPointer
  ) -> SerializedAccount {
    var place = SerializedAccount()
    cursor.store(state.pointee.executable ? 1 : 0 as UInt8)
    cursor.fill(4)
    place.keyAddress = address(of: cursor)
    cursor.store(key)
    place.ownerAddress = address(of: cursor)
    cursor.store(state.pointee.owner)
    place.lamportsAddress = address(of: cursor)
    cursor.store(state.pointee.lamports)
    place.originalByteCount = state.pointee.data.count
    cursor.store(UInt64(place.originalByteCount))
    place.dataAddress = address(of: cursor)
    state.pointee.data.withUnsafeBytes { cursor.copy($0) }
    cursor.fill(Self.maximumGrowth + Self.padding(after: place.originalByteCount))
    cursor.store(UInt64.max)  // rent epoch, masked
    return place
  }

  private func writeUnaligned(
    _ state: UnsafeMutablePointer<Account>, key: Pubkey, at cursor: inout UnsafeMutableRawPointer
  ) -> SerializedAccount {
    var place = SerializedAccount()
    place.keyAddress = address(of: cursor)
    cursor.store(key)
    place.lamportsAddress = address(of: cursor)
    cursor.store(state.pointee.lamports)
    place.originalByteCount = state.pointee.data.count
    cursor.store(UInt64(place.originalByteCount))
    place.dataAddress = address(of: cursor)
    state.pointee.data.withUnsafeBytes { cursor.copy($0) }
    place.ownerAddress = address(of: cursor)
    cursor.store(state.pointee.owner)
    cursor.store(state.pointee.executable ? 1 : 0 as UInt8)
    cursor.store(UInt64.max)  // rent epoch, masked
    return place
  }

  private func address(of cursor: UnsafeMutableRawPointer) -> UInt64 {
    GuestMemory.inputStart + UInt64(cursor - base)
  }
}

// MARK: - Reading back

extension InputBuffer {
  /// Takes over what the program left in its input, checked against the runtime's rules.
  func deserialize(
    _ frame: InstructionContext, of transaction: TransactionContext, isUnaligned: Bool
  ) throws(InstructionError) {
    for (index, named) in frame.accounts.enumerated() where frame.firstDuplicate(of: index) == nil {
      let place = accounts[index]
      let account = BorrowedAccount(
        transaction: transaction, account: named, programIndex: frame.programIndex)
      let lamports = host(place.lamportsAddress).loadUnaligned(as: UInt64.self)
      if lamports != account.lamports { try account.setLamports(lamports) }
      var byteCount = place.originalByteCount
      if !isUnaligned {
        let written = host(place.dataAddress - 8).loadUnaligned(as: UInt64.self)
        guard written <= UInt64(place.originalByteCount + Self.maximumGrowth),
          written <= UInt64(Account.maximumDataByteCount)
        else { throw .invalidRealloc }
        byteCount = Int(written)
      }
      try account.takeOver(UnsafeRawBufferPointer(start: host(place.dataAddress), count: byteCount))
      if isUnaligned { continue }
      let owner = Pubkey(reading: host(place.ownerAddress))
      if owner != account.owner { try account.setOwner(owner) }
    }
  }

  private func host(_ address: UInt64) -> UnsafeRawPointer {
    UnsafeRawPointer(base + Int(address - GuestMemory.inputStart))
  }
}

extension BorrowedAccount {
  /// Makes `bytes` the account's data where the program may change it; else they must be what the account
  /// holds.
  func takeOver(_ bytes: UnsafeRawBufferPointer) throws(InstructionError) {
    do throws(InstructionError) {
      try checkDataCanBeResized(to: bytes.count)
    } catch {
      if hasData(bytes) { return }
      throw error
    }
    try setData(bytes)
  }
}

extension UnsafeMutableRawPointer {
  /// Writes `value` and moves past it; the pointer needs no alignment. Solana's integers are little-endian,
  /// as is every machine that Estuary runs on.
  @inline(__always) fileprivate mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value
  ) {
    storeBytes(of: value, as: Value.self)
    self += MemoryLayout<Value>.size
  }

  @inline(__always) fileprivate mutating func store(_ key: Pubkey) {
    key.write(to: self)
    self += 32
  }

  @inline(__always) fileprivate mutating func fill(_ byteCount: Int) {
    initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    self += byteCount
  }

  @inline(__always) fileprivate mutating func copy(_ bytes: UnsafeRawBufferPointer) {
    if let source = bytes.baseAddress { copyMemory(from: source, byteCount: bytes.count) }
    self += bytes.count
  }
}
