// The file HEAD beside the database: which block was committed last. RocksDB takes a log or a manifest that was cut short
// for a write that never ended, and goes on from an older state; this file, on the disk after each opening for writing and
// each commit, tells. The manifest's length is in it because a manifest may lose tables while the log still has the last
// block: the block would be there, and changes before it would not. The settled height is in it because the database passes
// over a damaged part of a log and takes what follows: blocks above it may be in logs, so an opening looks for each of them.
//
// Two slots of 512 bytes, used in turn, so that a torn write leaves the one before: "ESTHEAD2" · u64 height · state hash ·
// u64 number of the manifest · u64 its bytes · u64 settled height · BLAKE3 of these 72 bytes; little-endian.

import Glibc
import Primitives

final class HeadFile: Sendable {
  /// A block that was committed.
  struct Mark: Equatable {
    var height: UInt64
    var stateHash: Hash
    var manifest: Manifest
    /// All blocks up to this one are there and in tables, whose checksums cover them.
    var settledHeight: UInt64
  }

  /// How far the database's list of its files has come: later lists have higher numbers, and each only grows.
  struct Manifest: Equatable, Comparable {
    var number: UInt64
    var byteCount: UInt64

    /// Of the database in `directory`; `nil` where there is none.
    init?(of directory: String) {
      let prefix = "MANIFEST-"
      guard let current = try? FileBytes.read(directory + "/CURRENT", limit: 1 << 12) else { return nil }
      let name = String(decoding: current.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
      var status = stat()
      guard name.hasPrefix(prefix), let number = UInt64(name.dropFirst(prefix.count)),
        stat(directory + "/" + name, &status) == 0
      else { return nil }
      self.number = number
      byteCount = UInt64(clamping: status.st_size)
    }

    fileprivate init(number: UInt64, byteCount: UInt64) {
      self.number = number
      self.byteCount = byteCount
    }

    static func < (left: Manifest, right: Manifest) -> Bool {
      (left.number, left.byteCount) < (right.number, right.byteCount)
    }
  }

  static let fileName = "HEAD"
  private static let magic = Array("ESTHEAD2".utf8)
  private static let slotByteCount = 512
  private static let markByteCount = 72
  private let file: Int32

  /// Opens the file of the ledger in `directory` for writing; makes an empty one where there is none.
  init(_ directory: String) throws(FileError) {
    let path = directory + "/" + Self.fileName
    if access(path, F_OK) != 0 {
      try FileBytes.writeWhole([UInt8](repeating: 0, count: 2 * Self.slotByteCount), to: path)
    }
    file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError() }
  }

  deinit { close(file) }

  /// The newest mark in `directory`; `nil` where there is none that is whole.
  static func read(_ directory: String) throws(FileError) -> Mark? {
    let path = directory + "/" + fileName
    if access(path, F_OK) != 0 && errno == ENOENT { return nil }
    let bytes = try FileBytes.read(path, limit: 1 << 16)
    let marks = stride(from: 0, to: bytes.count, by: slotByteCount).compactMap { mark(bytes[$0...]) }
    return marks.max { $0.height < $1.height }
  }

  private static func mark(_ slot: ArraySlice<UInt8>) -> Mark? {
    let body = slot.prefix(markByteCount)
    let sum = slot.dropFirst(markByteCount).prefix(32)
    guard sum.elementsEqual(BLAKE3.hash(Array(body)).bytes), body.starts(with: magic) else { return nil }
    return body.withUnsafeBytes { bytes in
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[magic.count...]))
      do throws(CodecError) {
        let height = try reader.readUInt64()
        let stateHash = try reader.readHash()
        let number = try reader.readUInt64()
        let byteCount = try reader.readUInt64()
        return Mark(
          height: height, stateHash: stateHash, manifest: Manifest(number: number, byteCount: byteCount),
          settledHeight: try reader.readUInt64())
      } catch {
        return nil
      }
    }
  }

  /// Marks `head` as the last block of the ledger in `directory`, on the disk.
  ///
  /// - Parameter isGoingBack: whether a later block may be marked, which is forgotten.
  func write(
    _ head: BlockRecord, settledHeight: UInt64, of directory: String, isGoingBack: Bool = false
  ) throws(FileError) {
    guard let manifest = Manifest(of: directory) else { throw FileError(errno: ENOENT) }
    let mark = Mark(
      height: head.height, stateHash: head.stateHash, manifest: manifest, settledHeight: settledHeight)
    try write(mark, slot: mark.height % 2)
    // One after the other, so that a torn write leaves a whole slot.
    if isGoingBack { try write(mark, slot: 1 - mark.height % 2) }
  }

  private func write(_ mark: Mark, slot: UInt64) throws(FileError) {
    var writer = ByteWriter(capacity: Self.markByteCount + 32)
    for byte in Self.magic { writer.write(byte) }
    writer.write(mark.height)
    writer.write(mark.stateHash)
    writer.write(mark.manifest.number)
    writer.write(mark.manifest.byteCount)
    writer.write(mark.settledHeight)
    writer.write(BLAKE3.hash(writer.bytes))
    let bytes = writer.bytes
    let offset = off_t(slot) * off_t(Self.slotByteCount)
    let count = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, offset) }
    guard count == bytes.count else { throw FileError(errno: count < 0 ? errno : ENOSPC) }
    guard fdatasync(file) == 0 else { throw FileError() }
  }

  /// Whether the file still has its name: not where somebody has deleted the directory, which an open database does not
  /// notice.
  var isThere: Bool {
    var status = stat()
    return fstat(file, &status) == 0 && status.st_nlink > 0
  }
}
