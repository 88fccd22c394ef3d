// Solana's transactions of the last blocks with the accounts as they met them, so that one can be executed again and
// looked at. Kept by ledgers in directories:
//
//   family           key              value
//   solana-blocks    height (8) · 1   accounts that the block changed as they were before: key (32) · length (4) ·
//                                     record (AccountRecord), of no bytes where there was none
//                    height (8) · 0   of older ledgers: wire bytes of the block's transactions of Solana's, each behind
//                                     its length (4); SolanaHistory keeps them now
//
// Heights are big-endian, lengths little-endian. The state that a block met is the present one with what the blocks since
// have replaced put back, the oldest last.

import EVM
import Ledger
import Primitives

package enum SolanaArchive {
  /// How many blocks are kept, and how large one may be: what is larger is nothing that a person sends.
  package static let keptBlocks: UInt64 = 1024
  private static let byteLimit = 8 << 20

  private enum Part: UInt8 { case transactions, accounts }

  private static func key(_ height: UInt64, _ part: Part) -> [UInt8] {
    withUnsafeBytes(of: height.bigEndian) { Array($0) } + [part.rawValue]
  }

  /// What the batch of a block has for it; an old block's goes.
  static func entries(height: UInt64, _ changes: [AccountChange]) -> [StoreEntry] {
    var entries: [StoreEntry] = []
    if height >= keptBlocks {
      for part in [Part.transactions, .accounts] {
        entries.append(StoreEntry(.solanaBlocks, key(height - keptBlocks, part), nil))
      }
    }
    let changes = changes.filter { !EVMKey.contains($0.key) }
    let byteCount = changes.reduce(0) { $0 + ($1.old?.data.count ?? 0) }
    guard byteCount <= byteLimit else { return entries }
    var accounts = ByteWriter(capacity: byteCount)
    for change in changes {
      let record = change.old.map { AccountRecord.encode($0) } ?? []
      accounts.write(change.key)
      accounts.write(UInt32(record.count))
      accounts.write(record)
    }
    entries.append(StoreEntry(.solanaBlocks, key(height, .accounts), accounts.bytes))
    return entries
  }

  /// The wire bytes of a block's processed transactions of Solana's; `nil` where they are not kept.
  static func transactions(_ height: UInt64, of store: any AccountStore) throws(StoreError) -> [[UInt8]]? {
    let kept = try SolanaHistory(of: store).transactions(height)
    if !kept.isEmpty { return kept.map(\.wire) }
    guard let value = try store.value(.solanaBlocks, key(height, .transactions)) else { return nil }
    return decode(value) { reader throws(CodecError) in
      let count = Int(try reader.readUInt32())
      return [UInt8](try reader.read(byteCount: count))
    }
  }

  /// The accounts that a block changed as they were before it; `nil` where they are not kept.
  static func accountsBefore(
    _ height: UInt64, of store: any AccountStore
  ) throws(StoreError) -> [(key: Pubkey, account: Account?)]? {
    guard let value = try store.value(.solanaBlocks, key(height, .accounts)) else { return nil }
    return decode(value) { reader throws(CodecError) in
      let key = try reader.readPubkey()
      let count = Int(try reader.readUInt32())
      let record = try reader.read(byteCount: count)
      return (key, count == 0 ? nil : AccountRecord.decode(record))
    }
  }

  private static func decode<Element>(
    _ value: [UInt8], _ body: (inout ByteReader) throws(CodecError) -> Element
  ) -> [Element]? {
    value.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      var elements: [Element] = []
      do throws(CodecError) {
        while !reader.isAtEnd { elements.append(try body(&reader)) }
      } catch {
        return nil
      }
      return elements
    }
  }
}
