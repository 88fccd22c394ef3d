// What a ledger remembers of one block, and what one atomic batch of a store writes.
//
// A replay is one logical block, however many records its commits make: what its header counts over all of them is
// stored with each, so that a replay that was killed goes on inside the same block.
//
// The stored form, little-endian: u8 version = 2 · u64 height · u64 slot · i64 Unix seconds · blockhash ·
// state hash · genesis hash · u64 transaction count · u8 1 where the logical block goes on · u64 gas · u64 blob gas ·
// signatures to the end. Version 1 lacks the three before the signatures: its blocks were whole.

import Primitives

package struct BlockRecord: Sendable, Equatable {
  /// Blocks before this one; the genesis is block 0.
  package var height: UInt64
  package var slot: UInt64
  /// Unix seconds.
  package var unixTimestamp: Int64
  /// The one recent blockhash for transactions after this block.
  package var blockhash: Hash
  /// Identifies the state after this block (`StateLattice.stateHash`).
  package var stateHash: Hash
  /// Identifies the genesis that the ledger began with (`Genesis.identity`).
  package var genesisHash: Hash
  /// How many lines of a replayed file are in this block and those before it; of a ledger that makes its own blocks, how
  /// many transactions were processed.
  package var transactionCount: UInt64
  /// Whether the logical block that this commit belongs to has more to come: its beginning is done, its end is not.
  package var isOpen = false
  /// Gas and blob gas that Ethereum's transactions of the logical block have used so far.
  package var gasUsed: UInt64 = 0
  package var blobGasUsed: UInt64 = 0
  /// First signatures of the block's executed transactions, for the status cache.
  package var signatures: [Signature]

  package init(
    height: UInt64, slot: UInt64, unixTimestamp: Int64, blockhash: Hash, stateHash: Hash, genesisHash: Hash,
    transactionCount: UInt64 = 0, signatures: [Signature] = []
  ) {
    self.height = height
    self.slot = slot
    self.unixTimestamp = unixTimestamp
    self.blockhash = blockhash
    self.stateHash = stateHash
    self.genesisHash = genesisHash
    self.transactionCount = transactionCount
    self.signatures = signatures
  }

  /// The most that slots and heights, which are counted on, and seconds may be: more than any chain gets to.
  package static let countLimit: UInt64 = 1 << 62

  private static let version: UInt8 = 2

  func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: 146 + signatures.count * 64)
    writer.write(Self.version)
    writer.write(height)
    writer.write(slot)
    writer.write(unixTimestamp)
    writer.write(blockhash)
    writer.write(stateHash)
    writer.write(genesisHash)
    writer.write(transactionCount)
    writer.write(UInt8(isOpen ? 1 : 0))
    writer.write(gasUsed)
    writer.write(blobGasUsed)
    for signature in signatures { writer.write(signature) }
    return writer.bytes
  }

  /// `nil` where `bytes` are not exactly what `encoded` writes.
  init?(decoding bytes: UnsafeRawBufferPointer) {
    var reader = ByteReader(bytes)
    do throws(CodecError) {
      let version = try reader.readUInt8()
      guard version == 1 || version == Self.version else { return nil }
      height = try reader.readUInt64()
      slot = try reader.readUInt64()
      unixTimestamp = try reader.readInt64()
      blockhash = try reader.readHash()
      stateHash = try reader.readHash()
      genesisHash = try reader.readHash()
      transactionCount = try reader.readUInt64()
      if version >= 2 {
        let flag = try reader.readUInt8()
        guard flag <= 1 else { return nil }
        isOpen = flag == 1
        gasUsed = try reader.readUInt64()
        blobGasUsed = try reader.readUInt64()
      }
      guard reader.remaining % 64 == 0 else { return nil }
      signatures = []
      signatures.reserveCapacity(reader.remaining / 64)
      while !reader.isAtEnd { signatures.append(try reader.readSignature()) }
    } catch {
      return nil
    }
  }
}

/// One account's change over a block; `nil` means that there is no account.
package struct AccountChange: Sendable, Equatable {
  package var key: Pubkey
  package var old: Account?
  package var new: Account?

  package init(key: Pubkey, old: Account?, new: Account?) {
    self.key = key
    self.old = old
    self.new = new
  }
}

extension [AccountChange] {
  /// In ascending order of keys. What the sort moves about are keys and places: changes are large and hold references.
  package consuming func sortedByKey() -> [AccountChange] {
    let order = indices.map { (key: self[$0].key, place: $0) }.sorted { $0.key < $1.key }
    return order.map { self[$0.place] }
  }
}

/// What one atomic batch writes.
package struct BlockCommit: Sendable {
  package var record: BlockRecord
  /// Each changed account once; `new == nil` deletes.
  package var changes: [AccountChange]
  /// The 2,048 bytes of the lattice after this block.
  package var stateLattice: [UInt8]
  /// What else the block leaves; of entries with the same key the last counts.
  package var entries: [StoreEntry]

  package init(
    record: BlockRecord, changes: [AccountChange], stateLattice: [UInt8], entries: [StoreEntry] = []
  ) {
    self.record = record
    self.changes = changes
    self.stateLattice = stateLattice
    self.entries = entries
  }
}

/// What one batch of a store puts back to make an earlier block the head again.
package struct StoreReversal: Sendable {
  /// Of the block to go back to, which is there.
  package var record: BlockRecord
  /// The 2,048 bytes of the lattice after it.
  package var stateLattice: [UInt8]
  /// Every account that a later block has changed, as it was; `nil`: there was none.
  package var accounts: [Pubkey: Account?]
  /// The same of entries; each key once.
  package var entries: [StoreEntry]

  package init(record: BlockRecord, stateLattice: [UInt8], accounts: [Pubkey: Account?], entries: [StoreEntry]) {
    (self.record, self.stateLattice, self.accounts, self.entries) = (record, stateLattice, accounts, entries)
  }
}
