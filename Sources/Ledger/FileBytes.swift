// Whole files in and out by the POSIX calls, with the system's own words for what went wrong.

import Glibc

/// What the operating system said.
package struct FileError: Error, Equatable, Sendable {
  package let detail: String
  /// Whether a file that may not be replaced is there already.
  let alreadyExists: Bool

  init(errno code: Int32 = errno) {
    detail = String(cString: strerror(code))
    alreadyExists = code == EEXIST
  }

  fileprivate init(moreThan limit: Int) { self.init("it is longer than \(limit) bytes") }

  fileprivate init(_ detail: String) { (self.detail, alreadyExists) = (detail, false) }
}

package enum FileBytes {
  /// The whole file; one longer than `limit` bytes is refused before memory is spent on it, devices included.
  package static func read(_ path: String, limit: Int = .max) throws(FileError) -> [UInt8] {
    try read(path, limit: limit, isText: false)
  }

  /// - Parameter isText: a null byte ends it, which no text has.
  private static func read(_ path: String, limit: Int, isText: Bool) throws(FileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError() }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError() }
    var bytes: [UInt8] = []
    if status.st_size > limit { throw FileError(moreThan: limit) }
    // The size of a sparse file says little about what memory can hold.
    bytes.reserveCapacity(min(max(0, Int(status.st_size)), 1 << 30) + 1)
    var block = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = block.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError()
      }
      if count > limit - bytes.count { throw FileError(moreThan: limit) }
      bytes += block[..<count]
      if isText, memchr(block, 0, count) != nil {
        _ = try markByteCount(of: bytes)
        throw FileError("it is no text: it holds null bytes")
      }
    }
  }

  /// The whole file as text in UTF-8, without the byte order mark that it may begin with. Without an end of their own
  /// (devices, pipes) files are refused beyond 1 GiB.
  package static func readText(_ path: String, limit: Int = .max) throws(FileError) -> [UInt8] {
    var status = stat()
    let isRegular = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    var text = try read(path, limit: isRegular ? limit : min(limit, 1 << 30), isText: true)
    let mark = try markByteCount(of: text)
    if mark > 0 { text.removeFirst(mark) }
    return text
  }

  /// Bytes of the byte order mark before a text.
  ///
  /// - Throws: for the marks of texts that are not in UTF-8.
  static func markByteCount(of text: some Collection<UInt8>) throws(FileError) -> Int {
    if text.starts(with: [0xef, 0xbb, 0xbf]) { return 3 }
    if text.starts(with: [0xff, 0xfe]) || text.starts(with: [0xfe, 0xff]) {
      throw FileError("it is text in UTF-16 or UTF-32: save it as UTF-8")
    }
    if text.starts(with: [0x1f, 0x8b]) || text.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
      throw FileError("it is compressed: unpack it first (gzip -d, zstd -d)")
    }
    return 0
  }

  /// Makes `path` a file of these bytes: whole and on the disk, or not at all. `mode` applies to a new file.
  package static func writeWhole(
    _ bytes: [UInt8], to path: String, mode: mode_t = 0o644, replacing: Bool = true
  )
    throws(FileError)
  {
    let file = try WholeFileWriter(path, mode: mode, replacing: replacing)
    try file.write(bytes)
    try file.finish()
  }
}

/// Writes a file that appears whole or not at all: into a file of another name in the same directory, which
/// takes the name when everything is on the disk. What is no regular file (a pipe, a terminal, /dev/null) is
/// written as it stands.
package final class WholeFileWriter {
  private let target: String
  /// The file that takes `target`'s name at the end; `nil` where the target is written in place.
  private var temporary: String?
  private let replacing: Bool
  private var file: Int32

  /// - Parameters:
  ///   - mode: of a new file; one that is replaced hands its own on.
  ///   - replacing: whether a file of this name may be there.
  package init(_ path: String, mode: mode_t = 0o644, replacing: Bool = true) throws(FileError) {
    self.replacing = replacing
    var status = stat()
    var mode = mode
    var name = path
    let exists = stat(path, &status) == 0
    if exists {
      guard replacing else { throw FileError(errno: EEXIST) }
      if status.st_mode & S_IFMT != S_IFREG {
        target = path
        file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError() }
        return
      }
      guard access(path, W_OK) == 0 else { throw FileError() }
      mode = status.st_mode & 0o7777
      // A link goes on naming the file that it names.
      if let resolved = realpath(path, nil) {
        name = String(cString: resolved)
        free(resolved)
      }
    }
    target = name
    let temporary = "\(name).\(getpid()).part"
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard file >= 0 else { throw FileError() }
    if exists { fchmod(file, mode) }
    self.temporary = temporary
  }

  deinit {
    if file >= 0 { close(file) }
    if let temporary { unlink(temporary) }
  }

  package func write(_ bytes: [UInt8]) throws(FileError) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError()
      }
      offset += count
    }
  }

  /// Flushes everything to the disk and gives the file its name.
  package func finish() throws(FileError) {
    if fsync(file) != 0 && errno != EINVAL { throw FileError() }  // pipes cannot be flushed
    let result = close(file)
    file = -1
    guard result == 0 else { throw FileError() }
    guard let temporary else { return }
    if replacing {
      guard rename(temporary, target) == 0 else { throw FileError() }
      self.temporary = nil
    } else {
      // Fails where the name was taken meanwhile; some file systems have no links.
      guard link(temporary, target) == 0 || errno == EPERM && rename(temporary, target) == 0 else {
        throw FileError()
      }
    }
    try Self.flushDirectory(of: target)
  }

  /// Makes names in the directory of `path` last.
  private static func flushDirectory(of path: String) throws(FileError) {
    let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return }  // may be written but not read
    defer { close(directory) }
    if fsync(directory) != 0 && errno != EINVAL { throw FileError() }
  }
}
