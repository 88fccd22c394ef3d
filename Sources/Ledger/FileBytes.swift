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

  fileprivate init(moreThan limit: Int) {
    detail = "it is longer than \(limit) bytes"
    alreadyExists = false
  }
}

package enum FileBytes {
  /// The whole file; one longer than `limit` bytes is refused before memory is spent on it, devices included.
  package static func read(_ path: String, limit: Int = .max) throws(FileError) -> [UInt8] {
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
    }
  }

  /// Writes and flushes to the disk. `mode` applies to a new file.
  package static func write(_ bytes: [UInt8], to path: String, mode: mode_t, replacing: Bool)
    throws(FileError)
  {
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (replacing ? O_TRUNC : O_EXCL)
    try write(bytes, to: open(path, flags, mode), flushing: true)
  }

  /// Writes behind what the file at `path` holds.
  static func append(_ bytes: [UInt8], to path: String) throws(FileError) {
    try write(bytes, to: open(path, O_WRONLY | O_APPEND | O_CLOEXEC), flushing: false)
  }

  private static func write(_ bytes: [UInt8], to file: Int32, flushing: Bool) throws(FileError) {
    guard file >= 0 else { throw FileError() }
    defer { close(file) }
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError()
      }
      offset += count
    }
    if flushing && fsync(file) != 0 && errno != EINVAL { throw FileError() }  // pipes cannot be flushed
  }
}
