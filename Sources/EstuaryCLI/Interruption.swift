// What a long command says when Ctrl-C or a polite kill ends it. Nothing is undone: what is committed stays, as it would
// with a kill that cannot be caught.

import Dispatch
import Glibc

/// While it lives, SIGINT and SIGTERM end the process with one note and the exit code that shells expect (128 and the
/// signal's number).
final class Interruption {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter text: what to say, asked for when it happens, on another thread.
  init(_ text: @escaping @Sendable () -> String) {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        Terminal.progress("")
        Terminal.note(text())
        _exit(128 + number)
      }
      source.resume()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
  }
}
