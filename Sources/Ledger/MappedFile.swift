// A file's bytes where the system maps them: read as they are looked at, and larger than memory if need be. What cannot be
// mapped (pipes, devices) is read whole.

import Glibc

package struct MappedFile: ~Copyable {
  private enum Contents {
    case mapped(UnsafeMutableRawPointer, byteCount: Int)
    case read([UInt8])
  }

  private let contents: Contents

  package init(_ path: String) throws(FileError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError() }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError() }
    let byteCount = Int(status.st_size)
    guard status.st_mode & S_IFMT == S_IFREG, byteCount > 0 else {
      contents = .read(try FileBytes.read(path))
      return
    }
    guard let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file, 0), start != MAP_FAILED else {
      throw FileError()
    }
    contents = .mapped(start, byteCount: byteCount)
  }

  deinit {
    if case .mapped(let start, let byteCount) = contents { munmap(start, byteCount) }
  }

  /// The bytes are there while `body` runs. A file that is cut short meanwhile ends the process, as the system has it.
  package func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    switch contents {
    case .mapped(let start, let byteCount):
      try body(UnsafeRawBufferPointer(start: start, count: byteCount))
    case .read(let bytes): try bytes.withUnsafeBytes(body)
    }
  }
}
