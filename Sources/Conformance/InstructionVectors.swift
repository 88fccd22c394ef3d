// The grammar of Firedancer's instruction vectors (https://github.com/firedancer-io/firedancer,
// src/flamenco/vm): `$` opens a case, `:` its expectation, `name=value` sets a field, `#` starts a comment. A
// field keeps its value from case to case until it is set again, registers too, and a case expects the
// registers it was given unless it says otherwise. Numbers are hexadecimal.

package enum InstructionExpectation: Equatable, Sendable { case succeeds, faults, isRefused }

package struct InstructionVector: Equatable, Sendable {
  package var line = 0
  package var input: [UInt8] = []
  /// Ends of the parts of the input region; none: it is one part.
  package var boundaries: [Int] = []
  package var opcode: UInt8 = 0
  package var destination: UInt8 = 0
  package var source: UInt8 = 0
  package var offset: UInt16 = 0
  package var immediate: UInt64 = 0
  /// r0–r10 before and, where the case succeeds, after.
  package var registers = [UInt64](repeating: 0, count: 11)
  package var expectedRegisters = [UInt64](repeating: 0, count: 11)
  package var expectation = InstructionExpectation.succeeds
  /// The registers that this case itself sets, by number; the others are left from cases before.
  package var givenRegisters: Set<Int> = []
}

package struct InstructionVectorParser {
  private let file: String
  private var bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var current = InstructionVector()
  private var isExpecting = false
  private var vectors: [InstructionVector] = []

  package static func parse(_ text: String, file: String) throws(ConformanceError) -> [InstructionVector] {
    var parser = InstructionVectorParser(text, file: file)
    try parser.parse()
    return parser.vectors
  }

  private init(_ text: String, file: String) {
    self.file = file
    bytes = Array(text.utf8)
  }

  private mutating func parse() throws(ConformanceError) {
    while skipSpace() {
      switch bytes[position] {
      case UInt8(ascii: "#"):
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      case UInt8(ascii: "$"):
        finish()
        current.line = line
        current.givenRegisters = []
        position += 1
      case UInt8(ascii: ":"):
        isExpecting = true
        current.expectedRegisters = current.registers
        position += 1
      default: try parseWord()
      }
    }
    finish()
  }

  private mutating func finish() {
    if isExpecting { vectors.append(current) }
    isExpecting = false
  }

  /// False at the end of the text.
  private mutating func skipSpace() -> Bool {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
      default: return true
      }
      position += 1
    }
    return false
  }

  /// Letters, digits and underscores from here on.
  private mutating func takeWord() -> String {
    let start = position
    while position < bytes.count, isWordByte(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func parseWord() throws(ConformanceError) {
    let word = takeWord()
    switch word {
    case "":
      throw .unexpectedToken(String(decoding: [bytes[position]], as: UTF8.self), file: file, line: line)
    case "ok": current.expectation = .succeeds
    case "err": current.expectation = .faults
    case "vfy", "vfyub": current.expectation = .isRefused
    case "input":
      current.input = try hexBytes(value(of: word))
      current.boundaries = []
    case "region_boundary": current.boundaries.append(Int(try number(word, below: 1 << 32)))
    case "op": current.opcode = UInt8(try number(word, below: 1 << 8))
    case "dst": current.destination = UInt8(try number(word, below: 16))
    case "src": current.source = UInt8(try number(word, below: 16))
    case "off": current.offset = UInt16(try number(word, below: 1 << 16))
    case "imm": current.immediate = try number(word, below: nil)
    default:
      guard word.hasPrefix("r"), let index = Int(word.dropFirst()), current.registers.indices.contains(index)
      else {
        throw .unexpectedToken(word, file: file, line: line)
      }
      let number = try number(word, below: nil)
      if isExpecting {
        current.expectedRegisters[index] = number
      } else {
        current.registers[index] = number
        current.givenRegisters.insert(index)
      }
    }
  }

  private mutating func value(of name: String) throws(ConformanceError) -> String {
    guard skipSpace(), bytes[position] == UInt8(ascii: "=") else {
      throw .missingValue(name, file: file, line: line)
    }
    position += 1
    guard skipSpace() else { throw .missingValue(name, file: file, line: line) }
    return takeWord()
  }

  private mutating func number(_ name: String, below limit: UInt64?) throws(ConformanceError) -> UInt64 {
    let text = try value(of: name)
    guard let number = UInt64(text, radix: 16), limit.map({ number < $0 }) ?? true else {
      throw .invalidNumber(text, file: file, line: line)
    }
    return number
  }

  private func hexBytes(_ text: String) throws(ConformanceError) -> [UInt8] {
    guard let bytes = Hex.bytes(text) else { throw .invalidNumber(text, file: file, line: line) }
    return bytes
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

enum Hex {
  /// The bytes that pairs of digits spell, or nil.
  static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16),
        digits[index] != UInt8(ascii: "+"), digits[index] != UInt8(ascii: "-")
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
