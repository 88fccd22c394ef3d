// The files of bpf_conformance (https://github.com/Alan-Jowett/bpf_conformance): sections that open with `--
// name`. `asm` or `raw` is the program, `mem` the bytes that r1 points at, `result` r0, `error` that it has
// to fail; `c` and `no register offset` are for other tools.

package struct BPFVector: Equatable, Sendable {
  package enum Program: Equatable, Sendable {
    case assembly(String)
    case raw([UInt8])
  }

  package enum Expectation: Equatable, Sendable {
    case result(UInt64)
    case error
  }

  package var program: Program
  package var memory: [UInt8]
  package var expectation: Expectation

  package static func parse(_ text: String, file: String) throws(ConformanceError) -> BPFVector {
    var sections: [String: [Substring]] = [:]
    var name: String?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("--") {
        let title = trimmed(line.dropFirst(2))
        guard knownSections.contains(title) else {
          throw .unexpectedToken("section \(title)", file: file, line: index + 1)
        }
        name = title
        sections[title] = sections[title] ?? []
      } else if let name {
        sections[name, default: []].append(line)
      } else if !trimmed(line).isEmpty, !line.hasPrefix("#") {
        throw .unexpectedToken(trimmed(line), file: file, line: index + 1)
      }
    }
    return try vector(sections, file: file)
  }

  private static let knownSections: Set = ["asm", "raw", "mem", "result", "error", "c", "no register offset"]

  private static func vector(
    _ sections: [String: [Substring]], file: String
  ) throws(ConformanceError) -> BPFVector {
    let program: Program
    if let assembly = sections["asm"], !assembly.isEmpty {
      program = .assembly(assembly.joined(separator: "\n"))
    } else if let raw = sections["raw"] {
      program = .raw(try bytes(raw, file: file))
    } else {
      throw .missingValue("the program", file: file, line: 1)
    }
    let memory = try bytes(sections["mem"] ?? [], file: file)
    let expectation: Expectation
    if sections["error"] != nil {
      expectation = .error
    } else if let lines = sections["result"] {
      let text = words(lines).first ?? ""
      guard let result = UInt64(text.lowercased().hasPrefix("0x") ? text.dropFirst(2) : text[...], radix: 16)
      else {
        throw .invalidNumber(text, file: file, line: 1)
      }
      expectation = .result(result)
    } else {
      throw .missingValue("the result", file: file, line: 1)
    }
    return BPFVector(program: program, memory: memory, expectation: expectation)
  }

  private static func bytes(_ lines: [Substring], file: String) throws(ConformanceError) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in words(lines) {
      guard let part = Hex.bytes(word) else { throw .invalidNumber(word, file: file, line: 1) }
      bytes += part
    }
    return bytes
  }

  /// What stands between spaces, comments left out.
  private static func words(_ lines: [Substring]) -> [String] {
    lines.flatMap { line in
      line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
    }
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
