// Standard output and error, and progress lines that only a person's terminal gets to see.

import FoundationEssentials
import Glibc
import Ledger

public enum Terminal {
  static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 }

  /// Columns of standard output's terminal; 80 where it is none.
  static var width: Int {
    var size = winsize()
    guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0
    else {
      return 80
    }
    return Int(size.ws_col)
  }

  /// Whether standard output shows colours: a terminal that is not dumb, unless NO_COLOR is set (https://no-color.org).
  static var hasColour: Bool {
    let environment = ProcessInfo.processInfo.environment
    return isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb"
      && (environment["NO_COLOR"] ?? "").isEmpty
  }

  static func write(_ bytes: [UInt8]) {
    if !write(bytes, to: STDOUT_FILENO) { failOutput() }
  }

  /// - Returns: whether all of them were written; else `errno` says why not.
  private static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Writes out what `print` left in its buffer.
  public static func flush() {
    if fflush(nil) != 0 { failOutput() }
  }

  /// Results that nobody can read are no success.
  private static func failOutput() -> Never {
    note("Error: standard output cannot be written: \(String(cString: strerror(errno)))")
    _exit(EXIT_FAILURE)
  }

  /// The progress line, which notes do not mix with.
  private final class ProgressLine: @unchecked Sendable {
    // Sendable: `text` is read and written under `lock`.
    private let lock = Lock()
    private var text = ""

    func replace(with text: String) {
      lock.withLock {
        if text.isEmpty && self.text.isEmpty { return }
        self.text = text
        Terminal.writeError(Array("\r\u{1b}[K\(text)".utf8))
      }
    }

    /// Writes a line of its own above the progress line.
    func write(above line: [UInt8]) {
      lock.withLock {
        if text.isEmpty { return Terminal.writeError(line) }
        Terminal.writeError(Array("\r\u{1b}[K".utf8) + line + Array(text.utf8))
      }
    }
  }

  private static let progressLine = ProgressLine()

  /// Replaces the progress line, cut to what the terminal shows; an empty text removes it.
  static func progress(_ text: @autoclosure () -> String) {
    guard isInteractive else { return }
    progressLine.replace(with: String(text().prefix(79)))
  }

  static func note(_ text: String) { progressLine.write(above: Array((text + "\n").utf8)) }

  /// What standard error does not take is lost: there is nowhere to say so.
  static func writeError(_ bytes: [UInt8]) { _ = write(bytes, to: STDERR_FILENO) }
}
