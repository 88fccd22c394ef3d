// What a ledger on disk must prove. Each opening: that HEAD, which is on the disk after every commit, is not
// ahead of the database, whose last records are what RocksDB silently leaves out where its log or manifest
// was cut short; and that every block that may still be in a log is there. A batch of the log is one block with
// all it changed, so what RocksDB passes over in the middle of a log is missing among the blocks' heights.
// (RocksDB's stricter recovery modes do not help: none notices a record whose header was zeroed, and the strictest
// refuses what a kill leaves.) Each read: RocksDB's checksums, and records that decode. `verify` reads everything
// and adds it up.

import Glibc
import Primitives

extension RocksDBStore {
  /// What `verify` has read.
  package struct Verification: Sendable {
    package var accountCount = 0
    package var blockCount: UInt64 = 0
  }

  /// Reads all of the ledger as of its opening: the accounts must add up to the state that the last block
  /// names, and no block may be missing.
  ///
  /// - Parameter progress: called now and then with the accounts read so far.
  package func verify(
    parallelFor: StateLattice.ParallelFor = StateLattice.serialFor, progress: (Int) -> Void = { _ in }
  ) throws(StoreError) -> Verification {
    guard let last = lastBlock else { throw .missing(path: path) }
    var found = Verification()
    found.accountCount = try Self.checkSum(database, last, path, parallelFor: parallelFor, progress: progress)
    var previous: BlockRecord?
    try forEachBlock { record throws(StoreError) in
      guard record.height == found.blockCount else {
        throw .corrupted(path: self.path, detail: "block \(found.blockCount) is missing")
      }
      found.blockCount += 1
      previous = record
    }
    guard previous == last.head else {
      throw .corrupted(path: path, detail: "the record of block \(last.head.height) is not that of the head")
    }
    return found
  }

  /// Throws where `mark` is ahead of the database, or of another history. Where there is none, all accounts
  /// are added up instead.
  static func check(
    _ mark: HeadFile.Mark?, _ database: RocksDatabase, _ last: Last?, _ path: String
  ) throws(StoreError) {
    guard let mark else {
      // Killed between the first commit and its mark, or HEAD was lost.
      guard let last, last.head.height > 0 else { return }
      try checkBlocks(from: 0, to: last.head.height, database, path)
      _ = try checkSum(database, last, path)
      return
    }
    guard let head = last?.head, mark.height <= head.height else {
      let rest = last.map { "ends at block \($0.head.height)" } ?? "holds no block"
      throw .corrupted(
        path: path,
        detail: "block \(mark.height) was committed, but the database \(rest): a part of it is missing")
    }
    let marked = mark.height == head.height ? head : try block(mark.height, database, path)
    guard marked?.stateHash == mark.stateHash else {
      throw .corrupted(path: path, detail: "block \(mark.height) is not the one that was committed")
    }
    guard let manifest = HeadFile.Manifest(of: path), manifest >= mark.manifest else {
      throw .corrupted(path: path, detail: "a part of its manifest is missing")
    }
    try checkBlocks(from: mark.settledHeight &+ 1, to: head.height, database, path)
  }

  /// Throws unless the blocks that there are from height `first` on are those up to `last`.
  private static func checkBlocks(
    from first: UInt64, to last: UInt64, _ database: RocksDatabase, _ path: String
  ) throws(StoreError) {
    var next = first
    try database.forEach(
      Family.blocks, from: blockKey(first),
      { (key, _) throws(StoreError) in
        guard next <= last, key.elementsEqual(blockKey(next)) else {
          throw .corrupted(path: path, detail: "block \(next) is missing: a part of a log is damaged")
        }
        next &+= 1
      }, orThrow: { storeError($0, path: path) })
    guard next == last &+ 1 else {
      throw .corrupted(path: path, detail: "block \(next) is missing: a part of a log is damaged")
    }
  }

  /// Adds up all accounts; gives their number.
  private static func checkSum(
    _ database: RocksDatabase, _ last: Last, _ path: String,
    parallelFor: StateLattice.ParallelFor = StateLattice.serialFor, progress: (Int) -> Void = { _ in }
  ) throws(StoreError) -> Int {
    let pieceCount = 1 << 13
    var sum = StateLattice()
    var count = 0
    var piece: [AccountChange] = []
    try forEachAccount(database, path, in: .all, unless: { _ in false }) { (key, account) throws(StoreError) in
      piece.append(AccountChange(key: key, old: nil, new: account))
      if piece.count == pieceCount {
        sum.apply(piece, parallelFor: parallelFor)
        count += piece.count
        piece.removeAll(keepingCapacity: true)
        progress(count)
      }
      return true
    }
    sum.apply(piece, parallelFor: parallelFor)
    guard sum.bytes == last.lattice, sum.stateHash == last.head.stateHash else {
      throw .corrupted(path: path, detail: "its accounts are not those of its last block")
    }
    return count + piece.count
  }

  // MARK: Records

  static func forEachAccount(
    _ database: RocksDatabase, _ path: String, in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try database.forEach(
      Family.accounts, from: keys.lowerBound.bytes,
      while: { (keyBytes, value) throws(StoreError) in
        func damaged() -> StoreError {
          .corrupted(path: path, detail: "account 0x\(Hex.encode(keyBytes)) is malformed")
        }
        guard keyBytes.count == 32, let start = keyBytes.baseAddress else { throw damaged() }
        let key = Pubkey(reading: start)
        if key > keys.upperBound { return false }
        if isKnown(key) { return true }
        guard let account = AccountRecord.decode(value) else { throw damaged() }
        return try body(key, account)
      }, orThrow: { storeError($0, path: path) })
  }

  static func forEachBlock(
    _ database: RocksDatabase, _ path: String, _ body: (BlockRecord) throws(StoreError) -> Void
  ) throws(StoreError) {
    try database.forEach(
      Family.blocks,
      { (key, value) throws(StoreError) in
        guard let record = BlockRecord(decoding: value), key.elementsEqual(blockKey(record.height)) else {
          throw .corrupted(path: path, detail: "block 0x\(Hex.encode(key)) is malformed")
        }
        try body(record)
      }, orThrow: { storeError($0, path: path) })
  }

  /// The record of the block at `height`; `nil` where there is none.
  package func block(_ height: UInt64) throws(StoreError) -> BlockRecord? {
    try Self.block(height, database, path)
  }

  /// The record of the block at `height`; `nil` where there is none.
  private static func block(
    _ height: UInt64, _ database: RocksDatabase, _ path: String
  ) throws(StoreError) -> BlockRecord? {
    let found = try attempt(path) { () throws(RocksDBError) in
      try database.get(Family.blocks, blockKey(height)) { BlockRecord(decoding: $0) }
    }
    guard let found else { return nil }
    guard let record = found, record.height == height else {
      throw .corrupted(path: path, detail: "block \(height) is malformed")
    }
    return record
  }

  // MARK: Copies and figures

  /// Copies the ledger as of now into a new directory; cheap, because unchanged files are shared. The copy
  /// appears whole or not at all.
  package func checkpoint(to copyPath: String) throws(StoreError) {
    func refuse(_ code: Int32) -> StoreError {
      .unwritable(path: copyPath, detail: FileError(errno: code).detail)
    }
    guard let head else { throw .missing(path: path) }
    if access(copyPath, F_OK) == 0 { throw refuse(EEXIST) }
    let name = copyPath.hasSuffix("/") ? String(copyPath.dropLast()) : copyPath
    let unfinished = name + ".part"
    if access(unfinished, F_OK) == 0 {
      throw .unwritable(
        path: copyPath, detail: "'\(unfinished)' is there, left over from one that was stopped: remove it")
    }
    do throws(RocksDBError) {
      try database.checkpoint(to: unfinished)
    } catch {
      throw .unwritable(path: copyPath, detail: error.text)
    }
    do throws(FileError) {
      try HeadFile(unfinished).write(head, settledHeight: settled, of: unfinished)
    } catch {
      throw .unwritable(path: copyPath, detail: error.detail)
    }
    try Self.writeMarker(unfinished)
    guard rename(unfinished, name) == 0 else { throw refuse(errno) }
  }

  /// Sizes on the disk.
  package struct Figures: Sendable {
    package var fileCount = 0
    package var byteCount: UInt64 = 0
    /// As the database estimates them without reading them.
    package var accountCount: UInt64 = 0
  }

  package func figures() throws(StoreError) -> Figures {
    var figures = Figures()
    for name in try Self.directoryEntries(path) ?? [] {
      var status = stat()
      guard stat(path + "/" + name, &status) == 0 else { continue }
      figures.fileCount += 1
      figures.byteCount += UInt64(clamping: status.st_size)
    }
    figures.accountCount = database.estimatedKeyCount(Family.accounts)
    return figures
  }
}
