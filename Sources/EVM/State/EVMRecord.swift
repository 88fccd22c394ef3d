// How Ethereum's state is written as the data of runtime accounts, in fields of fixed places, because every
// transaction reads and writes several. Reading checks every byte: a record is what writing gives, or damaged.
// Nonce and incarnation are little-endian; balance, slot and value big-endian.
//
//   account  u8 version = 1 · u8 flags (1 has code, 2 orphan storage) · nonce (8) · incarnation (8) · balance (32) ·
//            code hash (32), if flagged
//   gone     u8 version = 1 · u8 4 · incarnation (8): no account, only what the next one here starts with
//   slot     u8 version = 1 · address (20) · incarnation (8) · slot (32) · value (32)
//   code     the bytecode as it is

import Ledger
import Primitives
import WideIntegers

package enum EVMRecord {
  private static let version: UInt8 = 1

  private enum Flag {
    static let code: UInt8 = 1
    static let orphanStorage: UInt8 = 2
    static let gone: UInt8 = 4
  }

  /// What lies under an account's key.
  package enum AccountState: Equatable, Sendable {
    case account(EVMAccount)
    /// No account; the next one here starts with this incarnation.
    case gone(incarnation: UInt64)
  }

  package struct Slot: Equatable, Sendable {
    package let address: Address
    package let incarnation: UInt64
    package let slot: UInt256
    package let value: UInt256

    package init(address: Address, incarnation: UInt64, slot: UInt256, value: UInt256) {
      (self.address, self.incarnation, self.slot, self.value) = (address, incarnation, slot, value)
    }
  }

  /// A runtime account of the key space around a record.
  package static func account(holding data: [UInt8], isCode: Bool = false) -> Account {
    Account(lamports: 0, data: data, owner: ProgramID.ethereum, executable: isCode, rentEpoch: .max)
  }

  // MARK: Accounts

  private enum ByteCount {
    static let account = 50
    static let accountWithCode = 82
    static let gone = 10
    static let slot = 93
  }

  package static func encode(_ account: EVMAccount) -> [UInt8] {
    let hasCode = account.codeHash != EVMAccount.emptyCodeHash
    return bytes(hasCode ? ByteCount.accountWithCode : ByteCount.account) { start in
      start.storeBytes(of: version, as: UInt8.self)
      let flags = (hasCode ? Flag.code : 0) | (account.hasOrphanStorage ? Flag.orphanStorage : 0)
      start.storeBytes(of: flags, toByteOffset: 1, as: UInt8.self)
      start.storeBytes(of: account.nonce.littleEndian, toByteOffset: 2, as: UInt64.self)
      start.storeBytes(of: account.incarnation.littleEndian, toByteOffset: 10, as: UInt64.self)
      account.balance.writeBigEndian(to: start + 18)
      if hasCode { account.codeHash.write(to: start + 50) }
    }
  }

  package static func encode(goneAt incarnation: UInt64) -> [UInt8] {
    bytes(ByteCount.gone) { start in
      start.storeBytes(of: version, as: UInt8.self)
      start.storeBytes(of: Flag.gone, toByteOffset: 1, as: UInt8.self)
      start.storeBytes(of: incarnation.littleEndian, toByteOffset: 2, as: UInt64.self)
    }
  }

  /// `nil` where `data` is no account's record.
  package static func decodeAccount(_ data: [UInt8]) -> AccountState? { decodeAccount(data.span.bytes) }

  package static func decodeAccount(_ span: RawSpan) -> AccountState? {
    span.withUnsafeBytes { decodeAccount($0) }
  }

  @inline(__always) private static func decodeAccount(_ bytes: UnsafeRawBufferPointer) -> AccountState? {
    guard bytes.count >= ByteCount.gone, let start = bytes.baseAddress, bytes[0] == version else {
      return nil
    }
    let flags = bytes[1]
    if flags == Flag.gone {
      return bytes.count == ByteCount.gone ? .gone(incarnation: integer(start, 2)) : nil
    }
    let hasCode = flags & Flag.code != 0
    guard flags & ~(Flag.code | Flag.orphanStorage) == 0,
      bytes.count == (hasCode ? ByteCount.accountWithCode : ByteCount.account)
    else { return nil }
    let codeHash = hasCode ? Hash(reading: start + 50) : EVMAccount.emptyCodeHash
    if hasCode && codeHash == EVMAccount.emptyCodeHash { return nil }
    return .account(
      EVMAccount(
        balance: UInt256(bigEndianAt: start + 18), nonce: integer(start, 2), codeHash: codeHash,
        incarnation: integer(start, 10), hasOrphanStorage: flags & Flag.orphanStorage != 0))
  }

  // MARK: Slots

  package static func encode(_ slot: Slot) -> [UInt8] {
    bytes(ByteCount.slot) { start in
      start.storeBytes(of: version, as: UInt8.self)
      slot.address.write(to: start + 1)
      start.storeBytes(of: slot.incarnation.littleEndian, toByteOffset: 21, as: UInt64.self)
      slot.slot.writeBigEndian(to: start + 29)
      slot.value.writeBigEndian(to: start + 61)
    }
  }

  /// `nil` where `data` is no slot's record; slots of value 0 have none.
  package static func decodeSlot(_ data: [UInt8]) -> Slot? { decodeSlot(data.span.bytes) }

  package static func decodeSlot(_ span: RawSpan) -> Slot? { span.withUnsafeBytes { decodeSlot($0) } }

  @inline(__always) private static func decodeSlot(_ bytes: UnsafeRawBufferPointer) -> Slot? {
    guard bytes.count == ByteCount.slot, let start = bytes.baseAddress, bytes[0] == version else {
      return nil
    }
    let value = UInt256(bigEndianAt: start + 61)
    guard !value.isZero else { return nil }
    return Slot(
      address: Address(reading: start + 1), incarnation: integer(start, 21),
      slot: UInt256(bigEndianAt: start + 29), value: value)
  }

  // MARK: Bytes

  private static func integer(_ start: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// `write` fills all of `count` bytes. Copying them is cheaper than an array that is filled in place: it spares the
  /// look-up of the array's generic type.
  @inline(__always)
  private static func bytes(_ count: Int, _ write: (UnsafeMutableRawPointer) -> Void) -> [UInt8] {
    withUnsafeTemporaryAllocation(byteCount: ByteCount.slot, alignment: 8) { buffer in
      write(buffer.baseAddress.unsafelyUnwrapped)  // room for the largest record
      return [UInt8](UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }
}
