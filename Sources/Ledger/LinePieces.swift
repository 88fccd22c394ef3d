// A file's text in pieces of whole lines, so that files longer than memory, pipes and devices can be read: what is kept
// is one piece and the beginning of the line that it ends in. A line has a greatest length, which ends what has none.

import Glibc

/// Bytes that were read, at a fixed place.
final class TextPiece: @unchecked Sendable {
  // Sendable: filled before it is handed on, then only read.
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  fileprivate(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

  fileprivate func grow(to capacity: Int) {
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    (base, self.capacity) = (larger, capacity)
  }
}

struct LinePieces {
  enum Problem: Error, Equatable, Sendable {
    case file(FileError)
    /// The first line of the piece to come is longer than a line may be.
    case lineTooLong
  }

  private let file: Int32
  /// Whether a read gives as much as is asked for: what a pipe gives is handed on as it comes.
  private let isRegular: Bool
  private let pieceByteCount: Int
  private let lineByteLimit: Int
  private var rest = TextPiece(capacity: 0)
  private var isAtStart = true
  private var isAtEnd = false

  /// - Parameters:
  ///   - file: open for reading; stays the caller's.
  ///   - pieceByteCount: that a piece of a regular file has, about.
  ///   - lineByteLimit: that no line may exceed; at least as much.
  init(_ file: Int32, pieceByteCount: Int, lineByteLimit: Int) {
    precondition(pieceByteCount <= lineByteLimit, "only the line that a piece begins with can be too long")
    var status = stat()
    isRegular = fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    self.file = file
    self.pieceByteCount = pieceByteCount
    self.lineByteLimit = lineByteLimit
  }

  /// The next lines, each with its line feed but for the file's last; `nil` at the end. A byte order mark before the
  /// first line is passed over.
  mutating func next() throws(Problem) -> TextPiece? {
    if isAtEnd { return nil }
    let piece = rest
    var lineStart = 0  // of the last line
    while true {
      if piece.capacity - piece.count < pieceByteCount { piece.grow(to: 2 * piece.count + pieceByteCount) }
      let count = try read(into: piece.base + piece.count, pieceByteCount)
      let before = piece.count
      piece.count += count
      if isAtStart, piece.count >= 4 || count == 0 {
        isAtStart = false
        try skipMark(of: piece)
      }
      if count == 0 {
        isAtEnd = true
        rest = TextPiece(capacity: 0)
        try checkFirstLine(of: piece)
        return piece.count == 0 ? nil : piece
      }
      if let end = Self.lastLineFeed(in: piece, from: min(before, piece.count)) { lineStart = end + 1 }
      if lineStart > 0 && (piece.count >= pieceByteCount || !isRegular) {
        isAtStart = false
        let left = TextPiece(capacity: piece.count - lineStart + pieceByteCount)
        left.base.update(from: piece.base + lineStart, count: piece.count - lineStart)
        left.count = piece.count - lineStart
        rest = left
        piece.count = lineStart
        try checkFirstLine(of: piece)
        return piece
      }
      if piece.count > lineByteLimit { try checkFirstLine(of: piece) }
    }
  }

  private func checkFirstLine(of piece: TextPiece) throws(Problem) {
    if piece.count <= lineByteLimit { return }
    if memchr(piece.base, 0x0a, lineByteLimit + 1) == nil { throw .lineTooLong }
  }

  private func skipMark(of piece: TextPiece) throws(Problem) {
    let skipped: Int
    do throws(FileError) { skipped = try FileBytes.markByteCount(of: piece.bytes) } catch {
      throw .file(error)
    }
    if skipped > 0 {
      piece.base.update(from: piece.base + skipped, count: piece.count - skipped)
      piece.count -= skipped
    }
  }

  private func read(into target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(Problem) -> Int {
    while true {
      let result = Glibc.read(file, target, count)
      if result >= 0 { return result }
      if errno != EINTR { throw .file(FileError()) }
    }
  }

  private static func lastLineFeed(in piece: TextPiece, from start: Int) -> Int? {
    var offset = piece.count
    while offset > start {
      offset -= 1
      if piece.base[offset] == 0x0a { return offset }
    }
    return nil
  }
}
