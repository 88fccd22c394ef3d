// What a run over conformance vectors found, case by case.

package enum ConformanceOutcome: Equatable, Sendable {
  case passed
  case failed(String)
  case skipped(String)
}

package struct ConformanceCase: Sendable {
  package let file: String
  /// Counted from 1.
  package let line: Int
  package let name: String
  package let outcome: ConformanceOutcome
  /// What a reader should know of how the case passed.
  package let note: String?

  package init(file: String, line: Int, name: String, outcome: ConformanceOutcome, note: String? = nil) {
    self.file = file
    self.line = line
    self.name = name
    self.outcome = outcome
    self.note = note
  }
}

package struct ConformanceReport: Sendable {
  /// In the order of the sorted files and of the cases in each.
  package var cases: [ConformanceCase] = []

  package init() {}

  package var passedCount: Int { cases.count { $0.outcome == .passed } }
  package var failedCount: Int {
    cases.count { if case .failed = $0.outcome { true } else { false } }
  }
  package var skippedCount: Int {
    cases.count { if case .skipped = $0.outcome { true } else { false } }
  }

  package var summary: String { "\(passedCount) passed, \(failedCount) failed, \(skippedCount) skipped" }
}

package enum ConformanceError: Error, Equatable, Sendable, CustomStringConvertible {
  case unreadable(path: String)
  case noVectors(path: String)
  case notText(path: String)
  case unexpectedToken(String, file: String, line: Int)
  case invalidNumber(String, file: String, line: Int)
  case missingValue(String, file: String, line: Int)

  package var description: String {
    switch self {
    case .unreadable(let path): "cannot read \(path)"
    case .noVectors(let path): "no test vectors in \(path)"
    case .notText(let path): "\(path) is not text"
    case .unexpectedToken(let token, let file, let line): "\(file):\(line): unexpected \(token)"
    case .invalidNumber(let text, let file, let line): "\(file):\(line): invalid number \(text)"
    case .missingValue(let name, let file, let line): "\(file):\(line): \(name) has no value"
    }
  }
}
