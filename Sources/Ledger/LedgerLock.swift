// One writer a ledger: a lock on the file WRITER in its directory, which also says who holds it. The system gives the
// lock back when its holder ends, however it ends. Readers take none.

import Glibc

/// How long a writer waits for the one before it.
package struct LockPatience: Sendable {
  package var milliseconds: Int
  /// Called once, half a second into the wait, with the holder's process where it is known.
  package var notice: @Sendable (_ path: String, _ holder: Int32?) -> Void

  package init(
    milliseconds: Int = 3000, notice: @escaping @Sendable (String, Int32?) -> Void = { _, _ in }
  ) {
    self.milliseconds = milliseconds
    self.notice = notice
  }

  /// Commands that follow one another at once need no more than this.
  package static let brief = LockPatience()
  package static let none = LockPatience(milliseconds: 0)
}

final class LedgerLock: Sendable {
  static let fileName = "WRITER"
  private let file: Int32

  /// Takes the lock of the ledger in `directory`.
  init(_ directory: String, _ patience: LockPatience) throws(StoreError) {
    let file = open(directory + "/" + Self.fileName, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .failed(path: directory, detail: FileError().detail) }
    let stepMilliseconds = 10
    var waited = 0
    // Not fcntl's locks: those of a process go when any of its descriptors of the file is closed.
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      guard code == EWOULDBLOCK else {
        close(file)
        throw .failed(path: directory, detail: FileError(errno: code).detail)
      }
      let holder = Self.holder(file)
      guard waited < patience.milliseconds else {
        close(file)
        throw .locked(path: directory, holder: holder)
      }
      if waited == 500 { patience.notice(directory, holder) }
      usleep(UInt32(stepMilliseconds) * 1000)
      waited += stepMilliseconds
    }
    self.file = file
    // Only a message needs it: a lock that cannot say whose it is still locks.
    let text = Array("\(getpid())\n".utf8)
    _ = text.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
    _ = ftruncate(file, off_t(text.count))
  }

  deinit { close(file) }

  /// The process that wrote its number when it took the lock.
  private static func holder(_ file: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
    guard count > 0 else { return nil }
    return Int32(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}
