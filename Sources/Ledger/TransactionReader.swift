// Reads a file of transactions ahead of whoever executes them: threads of the reader's own take turns at the file, parse
// what they have read at the same time, and hand the pieces over in order. What is read and not yet taken is bounded, so
// that a file of any length, or a pipe, needs the memory of a few pieces.
//
// A file that cannot go on ends the reading with an error: one whose line has no end within `lineByteLimit`, and one
// whose first lines hold no transaction at all. Any other line that holds none is an entry of its own.

import Glibc
import Primitives

/// Why a file of transactions cannot be read on.
public struct TransactionFileError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Problem: Equatable, Sendable {
    case unreadable(detail: String)
    /// Counted from 1.
    case lineTooLong(line: Int)
    /// The file's first `count` lines hold no transaction.
    case noTransactions(count: Int, first: TransactionLineError)
    /// More than one block holds in memory.
    case tooMuchAtOnce
  }

  public let path: String
  public let problem: Problem

  package init(path: String, _ problem: Problem) { (self.path, self.problem) = (path, problem) }

  public var description: String {
    switch problem {
    case .unreadable(let detail): "'\(path)' cannot be read: \(detail)"
    case .lineTooLong(let line):
      "'\(path)', line \(line): it is longer than \(TransactionReader.lineByteLimit >> 20) MiB, which no transaction is"
    case .noTransactions(let count, let first):
      "'\(path)' is no file of transactions: its first \(count) lines hold none; \(first)"
    case .tooMuchAtOnce:
      "'\(path)' has more than can be executed at once: give --block-size, which changes no result"
    }
  }
}

/// Used by one thread.
package final class TransactionReader {
  /// Of one line: a block of Ethereum's has at most 10 MiB (EIP-7934), which are 20 MiB in hex.
  package static let lineByteLimit = 32 << 20
  /// So many lines without any transaction among them, from the first on, are no file of transactions.
  package static let strayLineLimit = 1000

  package let path: String
  private let shared: Shared
  private var nextPiece = 0
  private var lineCount = 0
  /// Entries taken so far.
  package private(set) var entryCount = 0
  private var hasTransactions = false
  private var firstStray: TransactionLineError?
  private var failure: TransactionFileError?

  /// - Parameters:
  ///   - threadCount: at least 1.
  ///   - pieceByteCount: text that is parsed at once.
  ///   - lineByteLimit: lower in tests.
  package init(
    _ path: String, threadCount: Int = 2, pieceByteCount: Int = 1 << 19, lineByteLimit: Int = lineByteLimit
  ) throws(TransactionFileError) {
    self.path = path
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw TransactionFileError(path: path, .unreadable(detail: FileError().detail)) }
    shared = Shared(
      file, LinePieces(file, pieceByteCount: pieceByteCount, lineByteLimit: lineByteLimit),
      window: threadCount + 2)
    for _ in 0..<threadCount {
      guard shared.start() else {
        throw TransactionFileError(path: path, .unreadable(detail: "no thread can be started"))
      }
    }
  }

  deinit { shared.stop() }

  /// The next entries in order, as many as one piece of the file has; `nil` at the end.
  package func next() throws(TransactionFileError) -> [TransactionLine]? {
    while true {
      if let failure { throw failure }
      switch shared.take(nextPiece) {
      case .end: return nil
      case .failure(.file(let error)): return try fail(.unreadable(detail: error.detail))
      case .failure(.lineTooLong): return try fail(.lineTooLong(line: lineCount + 1))
      case .entries(var entries, let failures, let pieceLineCount):
        nextPiece += 1
        for position in failures {
          if case .failure(let error) = entries[position] {
            entries[position] = .failure(TransactionLineError(line: lineCount + error.line, error.reason))
          }
        }
        lineCount += pieceLineCount
        if entries.isEmpty { continue }
        try judge(entries)
        entryCount += entries.count
        return entries
      }
    }
  }

  /// All that are left.
  package func rest() throws(TransactionFileError) -> [TransactionLine] {
    var all: [TransactionLine] = []
    while let entries = try next() { if all.isEmpty { all = entries } else { all += entries } }
    return all
  }

  private func fail(_ problem: TransactionFileError.Problem) throws(TransactionFileError)
    -> [TransactionLine]?
  {
    let error = TransactionFileError(path: path, problem)
    failure = error
    throw error
  }

  /// Gives up on a file that has had no transaction for too long.
  private func judge(_ entries: [TransactionLine]) throws(TransactionFileError) {
    if hasTransactions { return }
    for entry in entries {
      guard case .failure(let error) = entry, !error.namesTransaction else {
        hasTransactions = true
        return
      }
      if firstStray == nil { firstStray = error }
    }
    if let firstStray, entryCount + entries.count >= Self.strayLineLimit {
      _ = try fail(.noTransactions(count: entryCount + entries.count, first: firstStray))
    }
  }
}

/// What the threads share, apart from the reader so that a thread that waits for a pipe does not keep it alive.
private final class Shared: @unchecked Sendable {
  // Sendable: every field is read and written with `mutex` held, but for `pieces` and `readCount`, which belong to who
  // holds `turn`. Lock order: `turn` before `mutex`.

  enum Outcome {
    /// Entries whose errors' lines count from 1; where the errors are; the number of lines.
    case entries([TransactionLine], failures: [Int], lineCount: Int)
    case end
    case failure(LinePieces.Problem)
  }

  private let file: Int32
  private var pieces: LinePieces
  private var readCount = 0
  private let window: Int
  private var outcomes: [Int: Outcome] = [:]
  private var takenCount = 0
  private var isStopping = false
  private var isAtEnd = false
  private let turn = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// A piece was parsed, or taken.
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init(_ file: Int32, _ pieces: LinePieces, window: Int) {
    (self.file, self.pieces, self.window) = (file, pieces, window)
    pthread_mutex_init(turn, nil)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    close(file)
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    pthread_mutex_destroy(turn)
    changed.deallocate()
    mutex.deallocate()
    turn.deallocate()
  }

  /// Starts a thread that reads and parses until the end, or until `stop`.
  func start() -> Bool {
    var thread = pthread_t()
    let own = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { own in
        if let own { Unmanaged<Shared>.fromOpaque(own).takeRetainedValue().work() }
        return nil
      }, own.toOpaque())
    if code == 0 { pthread_detach(thread) } else { own.release() }
    return code == 0
  }

  func stop() { withMutex { isStopping = true } }

  /// Waits for piece `number`, which is the next; an end or a failure stays.
  func take(_ number: Int) -> Outcome {
    withMutex {
      while true {
        switch outcomes[number] {
        case nil: pthread_cond_wait(changed, mutex)
        case .entries(let entries, let failures, let lineCount):
          outcomes[number] = nil
          takenCount = number + 1
          return .entries(entries, failures: failures, lineCount: lineCount)
        case .end: return .end
        case .failure(let problem): return .failure(problem)
        }
      }
    }
  }

  private func work() {
    while let (number, piece) = read() {
      var entries: [TransactionLine] = []
      entries.reserveCapacity(piece.count / 256)
      let lineCount = TransactionLines.append(piece.bytes, to: &entries)
      let failures = entries.indices.filter { if case .failure = entries[$0] { true } else { false } }
      note(.entries(entries, failures: failures, lineCount: lineCount), number)
    }
  }

  /// The next piece, once there is room for it; `nil` where there is none.
  private func read() -> (number: Int, piece: TextPiece)? {
    pthread_mutex_lock(turn)
    defer { pthread_mutex_unlock(turn) }
    let number = readCount
    let goesOn = withMutex {
      while !isStopping && !isAtEnd && number >= takenCount + window { pthread_cond_wait(changed, mutex) }
      return !isStopping && !isAtEnd
    }
    guard goesOn else { return nil }
    readCount += 1
    do throws(LinePieces.Problem) {
      if let piece = try pieces.next() { return (number, piece) }
      note(.end, number)
    } catch {
      note(.failure(error), number)
    }
    return nil
  }

  private func note(_ outcome: Outcome, _ number: Int) {
    withMutex {
      outcomes[number] = outcome
      if case .entries = outcome { return }
      isAtEnd = true
    }
  }

  /// Runs `body` and wakes who waits for what it changed.
  private func withMutex<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(mutex)
    }
    return body()
  }
}
