// Address lookup tables: accounts that list keys, so that a v0 message can name a key by one byte
// (https://docs.rs/solana-address-lookup-table-interface; Agave's rules for when a table's entries may be
// used).
//
//   0 u32 tag (0 uninitialised, 1 table) · 4 u64 deactivation slot · 12 u64 last extended slot ·
//   20 u8 start of the last extension · 21 u8 + 32 authority · u16 padding · 56… 32-byte addresses

import Primitives

/// A table's header; slots as on chain.
package struct AddressLookupTable: Sendable, Equatable {
  /// 2^64−1 while the table is active.
  package var deactivationSlot: UInt64
  /// Addresses added in this slot are usable from the next one on.
  package var lastExtendedSlot: UInt64
  /// Index of the first address added in `lastExtendedSlot`.
  package var lastExtendedStartIndex: UInt8
  /// Who may change the table; `nil` when frozen.
  package var authority: Pubkey?
  package var addresses: [Pubkey]

  package static let headerByteCount = 56
  package static let maximumAddressCount = 256

  package enum DecodingError: Error, Equatable, Sendable {
    case uninitialized
    case malformed
  }

  package init(
    deactivationSlot: UInt64 = .max, lastExtendedSlot: UInt64 = 0, lastExtendedStartIndex: UInt8 = 0,
    authority: Pubkey?, addresses: [Pubkey] = []
  ) {
    self.deactivationSlot = deactivationSlot
    self.lastExtendedSlot = lastExtendedSlot
    self.lastExtendedStartIndex = lastExtendedStartIndex
    self.authority = authority
    self.addresses = addresses
  }

  /// Reads account data.
  package init(decoding data: [UInt8]) throws(DecodingError) {
    self = try Self.decodeHeader(data)
    addresses = data.withUnsafeBytes { bytes in
      stride(from: Self.headerByteCount, to: bytes.count, by: 32).map {
        Pubkey(reading: bytes.baseAddress.unsafelyUnwrapped + $0)
      }
    }
  }

  /// The header alone, once the whole account has the right shape; `addresses` stays empty.
  private static func decodeHeader(_ data: [UInt8]) throws(DecodingError) -> AddressLookupTable {
    guard data.count >= 4 else { throw .malformed }
    let tag = data.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)) }
    if tag == 0 { throw .uninitialized }
    guard tag == 1, data.count >= headerByteCount, (data.count - headerByteCount) % 32 == 0, data[21] <= 1
    else { throw .malformed }
    return data.withUnsafeBytes { bytes in
      func slot(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      }
      return AddressLookupTable(
        deactivationSlot: slot(4), lastExtendedSlot: slot(12), lastExtendedStartIndex: bytes[20],
        authority: bytes[21] == 1 ? Pubkey(reading: bytes.baseAddress.unsafelyUnwrapped + 22) : nil)
    }
  }

  /// The account data.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = [1, 0, 0, 0]
    bytes.reserveCapacity(Self.headerByteCount + addresses.count * 32)
    bytes += SysvarWriter.uint64(deactivationSlot) + SysvarWriter.uint64(lastExtendedSlot)
    bytes.append(lastExtendedStartIndex)
    if let authority { bytes += [1] + authority.bytes } else { bytes.append(0) }
    bytes += [UInt8](repeating: 0, count: Self.headerByteCount - bytes.count)
    for address in addresses { bytes += address.bytes }
    return bytes
  }

  /// Whether lookups still work: a deactivated table stays usable while its deactivation slot is a recent
  /// one.
  package func isActive(slot: UInt64, slotHashes: [SlotHash]) -> Bool {
    deactivationSlot == .max || deactivationSlot == slot
      || slotHashes.contains { $0.slot == deactivationSlot }
  }
}

extension AddressLookupTable {
  /// The addresses that `message`'s lookups load, at `slot`.
  ///
  /// - Parameter account: the state of a table's account at this transaction.
  package static func load(
    _ message: Message, slot: UInt64, slotHashes: [SlotHash], account: (Pubkey) -> Account?
  ) throws(TransactionError) -> LoadedAddresses {
    var loaded = LoadedAddresses()
    for lookup in message.addressTableLookups {
      guard let account = account(lookup.tableKey) else { throw .addressLookupTableNotFound }
      guard account.owner == ProgramID.addressLookupTable else { throw .invalidAddressLookupTableOwner }
      guard let header = try? decodeHeader(account.data) else { throw .invalidAddressLookupTableData }
      guard header.isActive(slot: slot, slotHashes: slotHashes) else { throw .addressLookupTableNotFound }
      let count = (account.data.count - headerByteCount) / 32
      let activeCount = slot > header.lastExtendedSlot ? count : Int(header.lastExtendedStartIndex)
      guard activeCount <= count else { throw .invalidAddressLookupTableData }
      try append(
        message.bytes[lookup.writableIndices], of: account.data, count: activeCount, to: &loaded.writable)
      try append(
        message.bytes[lookup.readonlyIndices], of: account.data, count: activeCount, to: &loaded.readonly)
    }
    return loaded
  }

  private static func append(
    _ indices: ArraySlice<UInt8>, of data: [UInt8], count: Int, to keys: inout [Pubkey]
  ) throws(TransactionError) {
    for index in indices {
      guard index < count else { throw .invalidAddressLookupTableIndex }
      keys.append(
        data.withUnsafeBytes {
          Pubkey(reading: $0.baseAddress.unsafelyUnwrapped + (headerByteCount + Int(index) * 32))
        })
    }
  }
}
