// The last blocks' transactions of Solana's with the accounts as they met them, so that one can be executed again and looked
// at: transactions are SolanaHistory's, accounts AccountHistory's. Ledgers from before these have
//
//   family           key              value
//   solana-blocks    height (8) · 0   wire bytes of the block's transactions of Solana's, each behind its length (4)
//
// Heights are big-endian, lengths little-endian.

import Ledger
import Primitives

package enum SolanaArchive {
  /// How many blocks can be looked at: those with versions of sysvars.
  package static let keptBlocks = AccountHistory.keptSysvarBlocks

  /// The wire bytes of a block's processed transactions of Solana's; `nil` where they are not kept.
  static func transactions(_ height: UInt64, of store: any AccountStore) throws(StoreError) -> [[UInt8]]? {
    let kept = try SolanaHistory(of: store).transactions(height)
    if !kept.isEmpty { return kept.map(\.wire) }
    let key = withUnsafeBytes(of: height.bigEndian) { Array($0) } + [0]
    guard let value = try store.value(.solanaBlocks, key) else { return nil }
    return value.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      var wires: [[UInt8]] = []
      do throws(CodecError) {
        while !reader.isAtEnd {
          let count = Int(try reader.readUInt32())
          wires.append([UInt8](try reader.read(byteCount: count)))
        }
      } catch {
        return nil
      }
      return wires
    }
  }
}
