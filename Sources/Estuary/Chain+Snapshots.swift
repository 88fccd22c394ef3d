// Going back: while somebody has marked a block to go back to, each later block leaves in its own batch what it replaces, and
// going back is one batch that puts it all in place again, accounts, blocks, histories, indices and tries. So a mark costs
// nothing, each block what it changes, and the size of the state does not matter.
//
//   family     key          value
//   undo       height (8)   what the block replaced: the state lattice before it (2,048) · number of accounts (4) ·
//                           each key (32) · length (4) · AccountRecord, of no bytes where there was none · then
//                           each entry: family (1) · length of its key (4) · key · 1 and length (4) and value, or 0
//   settings   "undo"       the lowest height that has such a value
//
// Heights are big-endian, lengths little-endian. Marks are of this process: what an earlier one left is taken away.
// Earlier versions kept the values in solana-blocks, under height (8) · 3.

import EVM
import Execution
import Ledger
import Primitives

/// Why a chain does not go back.
package enum RevertError: Error, Sendable {
  /// Forks of the chain go on from blocks that would go.
  case hasForks
  /// What later blocks replaced is not there.
  case notKept(height: UInt64)
  case chain(ChainError)
}

extension RevertError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .hasForks: "forks of this chain are still in use: let go of them first"
    case .notKept(let height):
      "what block \(height) replaced was not kept: mark a block before those that are to go"
    case .chain(let error): error.description
    }
  }
}

extension Chain {
  /// A block to go back to.
  package struct Mark: Sendable, Equatable {
    package let height: UInt64
    /// Of the block, so that one that has been replaced by another is noticed.
    fileprivate let blockhash: Hash
  }

  enum Undo {
    static let settingsKey = Array("undo".utf8)
    static func key(_ height: UInt64) -> [UInt8] { withUnsafeBytes(of: height.bigEndian) { Array($0) } }
  }

  /// Marks the last block; what blocks replace is kept from now on.
  package func mark() -> Mark {
    keepsUndo = true
    return Mark(height: head.height, blockhash: head.blockhash)
  }

  /// A block that can be gone back to, the last one that `isEarly` says yes to; those before it are early as well.
  ///
  /// - Returns: `nil` where what came after it was not kept.
  package func mark(lastBefore isEarly: (BlockRecord) -> Bool) throws(ChainError) -> Mark? {
    try stored { () throws(StoreError) in
      var (low, high) = (UInt64(0), head.height)
      while low < high {
        let middle = low + (high - low + 1) / 2
        guard let record = try store.block(middle) else { return nil }
        if isEarly(record) { low = middle } else { high = middle - 1 }
      }
      guard let record = try store.block(low), isEarly(record) else { return nil }
      if low < head.height, try store.value(.undo, Undo.key(low + 1)) == nil { return nil }
      return Mark(height: low, blockhash: record.blockhash)
    }
  }

  /// Keeps no more what blocks replace. What has been kept goes with the next block.
  package func forgetMarks() throws(ChainError) {
    keepsUndo = false
    do throws(StoreError) {
      guard let value = try store.value(.settings, Undo.settingsKey), value.count == 8 else { return }
      let first = EthereumArchive.number(value[...])
      guard first <= head.height else { return }
      for height in first...head.height {
        for (family, key) in [(StoreFamily.undo, Undo.key(height)), (.solanaBlocks, Undo.key(height) + [3])]
        where try store.valueInPassing(family, key) != nil {
          unsavedEntries.append(StoreEntry(family, key, nil))
        }
      }
      unsavedEntries.append(StoreEntry(.settings, Undo.settingsKey, nil))
    } catch { throw .store(error) }
  }

  /// What the batch of a block has besides so that it can be taken back.
  func undoEntries(_ block: BlockCommit) throws(StoreError) -> [StoreEntry] {
    guard keepsUndo else { return [] }
    let entries = block.entries
    var writer = ByteWriter(capacity: 4096)
    writer.write(store.stateLattice)
    writer.write(UInt32(block.changes.count))
    for change in block.changes {
      let record = change.old.map { AccountRecord.encode($0) } ?? []
      writer.write(change.key)
      writer.write(UInt32(record.count))
      writer.write(record)
    }
    var all = entries
    // What an earlier mark left may be about to go.
    let kept = try store.value(.settings, Undo.settingsKey)
    let isFirst =
      kept == nil || entries.contains(where: { $0.family == .settings && $0.key == Undo.settingsKey })
    if isFirst {
      all.append(
        StoreEntry(
          .settings, Undo.settingsKey, withUnsafeBytes(of: block.record.height.bigEndian) { Array($0) }))
    }
    for entry in all {
      writer.write(UInt8(entry.family.rawValue))
      writer.write(UInt32(entry.key.count))
      writer.write(entry.key)
      let old = entry.isNewWithBlock ? nil : try store.valueInPassing(entry.family, entry.key)
      writer.writeOption(old) { writer, value in
        writer.write(UInt32(value.count))
        writer.write(value)
      }
    }
    return all.dropFirst(entries.count) + [
      StoreEntry(.undo, Undo.key(block.record.height), writer.bytes)
    ] + (isFirst ? [] : expiredUndo(before: block.record.height, from: kept))
  }

  /// Records that one block takes away at most.
  private static let expiredUndoCount: UInt64 = 64

  private func expiredUndo(before height: UInt64, from kept: [UInt8]?) -> [StoreEntry] {
    guard let undoBlockCount, let kept, kept.count == 8, height >= undoBlockCount else { return [] }
    let first = EthereumArchive.number(kept[...])
    let next = min(height - undoBlockCount + 1, first + Self.expiredUndoCount)
    guard first < next else { return [] }
    return (first..<next).map { StoreEntry(.undo, Undo.key($0), nil) } + [
      StoreEntry(.settings, Undo.settingsKey, withUnsafeBytes(of: next.bigEndian) { Array($0) })
    ]
  }

  /// Makes the marked block the last one again: nothing is left of those after it.
  package func revert(to mark: Mark) throws(RevertError) {
    guard forks.isEmpty else { throw .hasForks }
    guard mark.height <= head.height else { throw .notKept(height: mark.height) }
    do throws(ChainError) {
      guard let record = try stored({ () throws(StoreError) in try store.block(mark.height) }),
        record.blockhash == mark.blockhash
      else { throw .store(.noSuchBlock(height: mark.height)) }
      if mark.height == head.height { return }
      guard let reversal = try reversal(to: record) else { throw .store(.noSuchBlock(height: mark.height)) }
      try stored { () throws(StoreError) in try store.revert(reversal) }
      try takeUp(reversal)
    } catch {
      throw .chain(error)
    }
  }

  /// `nil` where what a block replaced was not kept.
  private func reversal(to record: BlockRecord) throws(ChainError) -> StoreReversal? {
    var accounts: [Pubkey: Account?] = [:]
    var entries: [StoreEntry] = []
    var places: [EntryPlace: Int] = [:]
    var lattice: [UInt8] = []
    for height in (record.height + 1...head.height).reversed() {
      guard
        let bytes = try stored({ () throws(StoreError) in
          try store.valueInPassing(.undo, Undo.key(height))
        })
      else { return nil }
      let isRead = bytes.withUnsafeBytes { buffer -> Bool in
        var reader = ByteReader(buffer)
        do throws(CodecError) {
          lattice = [UInt8](try reader.read(byteCount: LatticeHash.byteCount))
          for _ in 0..<(try reader.readUInt32()) {
            let key = try reader.readPubkey()
            let old = try reader.read(byteCount: Int(try reader.readUInt32()))
            accounts[key] = .some(old.isEmpty ? nil : AccountRecord.decode(old))
          }
          while !reader.isAtEnd {
            guard let family = StoreFamily(rawValue: Int(try reader.readUInt8())) else { return false }
            let key = [UInt8](try reader.read(byteCount: Int(try reader.readUInt32())))
            let value = try reader.readOption { reader throws(CodecError) in
              [UInt8](try reader.read(byteCount: Int(try reader.readUInt32())))
            }
            let place = EntryPlace(family: family, key: key)
            if let known = places[place] {
              entries[known].value = value
            } else {
              places[place] = entries.count
              entries.append(StoreEntry(family, key, value))
            }
          }
          return true
        } catch { return false }
      }
      guard isRead else { return nil }
    }
    for height in record.height + 1...head.height {
      entries.append(StoreEntry(.undo, Undo.key(height), nil))
    }
    // The index of owners may have been built in between: those that come back are in it.
    for (key, account) in accounts {
      guard let account else { continue }
      for entry in OwnerIndex.entries(key, account) {
        if let known = places[EntryPlace(family: entry.family, key: entry.key)] {
          entries[known].value = entry.value
        } else {
          entries.append(entry)
        }
      }
    }
    return StoreReversal(record: record, stateLattice: lattice, accounts: accounts, entries: entries)
  }

  private struct EntryPlace: Hashable {
    let family: StoreFamily
    let key: [UInt8]
  }

  /// Makes what the store has gone back to the state of this chain.
  private func takeUp(_ reversal: StoreReversal) throws(ChainError) {
    state.revert(reversal.accounts)
    goBack(to: reversal)
    let next = ethereumChain?.next
    // The ledger may have got its Ethereum side since.
    (ethereumSettings, unsavedEntries) = try Self.ethereumSettings(of: store, nil)
    ethereum = try ethereumSettings.map { (settings) throws(ChainError) in try EthereumConfiguration(settings)
    }
    ethereumChain = try Self.ethereumChain(ethereumSettings, of: store, progress)
    if let next { ethereumChain?.next = next }
    sysvars = try Self.readSysvars(table)
  }

  private func stored<Value>(_ body: () throws(StoreError) -> Value) throws(ChainError) -> Value {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
  }
}
