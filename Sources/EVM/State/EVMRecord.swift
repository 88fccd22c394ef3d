// How Ethereum's state is written as the data of runtime accounts. Reading checks every byte: a record is what
// writing gives, or damaged.
//
//   account  u8 version = 1 · u8 flags (1 has code, 2 orphan storage, 4 no account, only its incarnation) ·
//            nonce (LEB128) · incarnation (LEB128) · balance (u8 length, big-endian bytes) · code hash, if flagged
//   slot     u8 version = 1 · address (20) · incarnation (LEB128) · slot and value (u8 length, big-endian bytes each)
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

  package static func encode(_ account: EVMAccount) -> [UInt8] {
    var bytes = [version, 0]
    append(account.nonce, to: &bytes)
    append(account.incarnation, to: &bytes)
    append(account.balance, to: &bytes)
    if account.codeHash != EVMAccount.emptyCodeHash {
      bytes[1] |= Flag.code
      bytes += account.codeHash.bytes
    }
    if account.hasOrphanStorage { bytes[1] |= Flag.orphanStorage }
    return bytes
  }

  package static func encode(goneAt incarnation: UInt64) -> [UInt8] {
    var bytes = [version, Flag.gone]
    append(incarnation, to: &bytes)
    return bytes
  }

  /// `nil` where `data` is no account's record.
  package static func decodeAccount(_ data: [UInt8]) -> AccountState? {
    var reader = RecordReader(data[...])
    guard reader.byte() == version, let flags = reader.byte() else { return nil }
    if flags == Flag.gone {
      guard let incarnation = reader.integer(), reader.isAtEnd else { return nil }
      return .gone(incarnation: incarnation)
    }
    guard flags & ~(Flag.code | Flag.orphanStorage) == 0, let nonce = reader.integer(),
      let incarnation = reader.integer(), let balance = reader.word()
    else { return nil }
    var codeHash = EVMAccount.emptyCodeHash
    if flags & Flag.code != 0 {
      guard let bytes = reader.bytes(32), let hash = Hash(bytes), hash != codeHash else { return nil }
      codeHash = hash
    }
    guard reader.isAtEnd else { return nil }
    return .account(
      EVMAccount(
        balance: balance, nonce: nonce, codeHash: codeHash, incarnation: incarnation,
        hasOrphanStorage: flags & Flag.orphanStorage != 0))
  }

  // MARK: Slots

  package static func encode(_ slot: Slot) -> [UInt8] {
    var bytes = [version] + slot.address.bytes
    append(slot.incarnation, to: &bytes)
    append(slot.slot, to: &bytes)
    append(slot.value, to: &bytes)
    return bytes
  }

  /// `nil` where `data` is no slot's record; slots of value 0 have none.
  package static func decodeSlot(_ data: [UInt8]) -> Slot? {
    var reader = RecordReader(data[...])
    guard reader.byte() == version, let bytes = reader.bytes(20), let address = Address(bytes),
      let incarnation = reader.integer(), let slot = reader.word(), let value = reader.word(),
      reader.isAtEnd, !value.isZero
    else { return nil }
    return Slot(address: address, incarnation: incarnation, slot: slot, value: value)
  }

  // MARK: Numbers

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  private static func append(_ value: UInt256, to bytes: inout [UInt8]) {
    bytes.append(UInt8(value.byteWidth))
    bytes += value.bigEndianBytes.suffix(value.byteWidth)
  }
}

/// Reads what `EVMRecord` writes; `nil` where it is something else.
private struct RecordReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func byte() -> UInt8? { rest.popFirst() }

  mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  /// LEB128, no longer than it needs to be.
  mutating func integer() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0 as UInt64, through: 63, by: 7) {
      guard let byte = byte() else { return nil }
      if shift == 63 && byte > 1 || byte == 0 && shift > 0 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  mutating func word() -> UInt256? {
    guard let count = byte(), count <= 32, let digits = bytes(Int(count)), digits.first != 0 else { return nil }
    return UInt256(bigEndian: digits)
  }
}
