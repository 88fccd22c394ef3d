// Files of transactions and key pair files.

import Foundation
import Primitives
import Testing

@testable import Ledger

@Suite struct TransactionLinesTests {
  struct Line: CustomTestStringConvertible, Sendable {
    let text: String
    let result: Result<WireTransaction, TransactionLineError.Reason>?
    var testDescription: String { text }
  }

  static let lines: [Line] = [
    Line(text: "{\"solana\":\"AQID\"}", result: .success(.solana([1, 2, 3]))),
    Line(text: " { \"solana\" : \"AQID\" } \r", result: .success(.solana([1, 2, 3]))),
    Line(text: "{\"solana\":\"AQ\\u0049D\"}", result: .success(.solana([1, 2, 3]))),
    Line(text: "{\"note\":1,\"solana\":\"AQID\"}", result: .failure(.unknownMember("note"))),
    Line(text: "{\"solana\":\"AQID\",\"from\":\"0x\"}", result: .failure(.unknownMember("from"))),
    Line(text: "{\"ethereum\":\"0x02\",\"acess\":{}}", result: .failure(.unknownMember("acess"))),
    Line(text: "{\"ethereum\":\"0x02\",\"solana\":\"\"}", result: .failure(.twoTransactions)),
    Line(text: "{\"solana\":\"\"}", result: .success(.solana([]))),
    Line(text: "", result: nil),
    Line(text: "  \t", result: nil),
    Line(text: "{\"solana\":\"AQI\"}", result: .failure(.invalidBase64)),
    Line(text: "{\"solana\":\"A*ID\"}", result: .failure(.invalidBase64)),
    Line(text: "{\"solana\":7}", result: .failure(.invalidBase64)),
    Line(text: "{\"ethereum\":\"0x02\"}", result: .success(.ethereum(EthereumWire([2])))),
    Line(text: "{\"ethereum\":\"02AB\"}", result: .success(.ethereum(EthereumWire([2, 0xab])))),
    Line(
      text: "{\"ethereum\":\"0x02\",\"from\":\"0x00000000000000000000000000000000000000aa\"}",
      result: .success(.ethereum(EthereumWire([2], sender: Address(0xaa))))),
    Line(text: "{\"ethereum\":\"0x2\"}", result: .failure(.invalidHex)),
    Line(text: "{\"ethereum\":2}", result: .failure(.invalidHex)),
    Line(text: "{\"ethereum\":\"0x02\",\"from\":\"0xaa\"}", result: .failure(.invalidSender)),
    Line(text: "{\"ethereum\":\"0x02\",\"from\":null}", result: .failure(.invalidSender)),
    Line(
      text: "{\"ethereum\":\"0x02\",\"access\":{\"solana\":[]}}",
      result: .success(.ethereum(EthereumWire([2], access: AccessSet())))),
    Line(
      text: "{\"ethereum\":\"0x02\",\"access\":{\"readSlots\":[7]}}",
      result: .failure(
        .invalidAccess(.entry(list: "readSlots", index: 0, expected: "[ADDRESS, SLOT]")))),
    Line(text: "{}", result: .failure(.unknownForm)),
    Line(text: "{\"transaction\":\"AQID\"}", result: .failure(.unknownForm)),
    Line(text: "[]", result: .failure(.noObject)),
    Line(text: "\"solana\"", result: .failure(.noObject)),
    broken("{\"solana\":\"AQID\""),
    broken("{\"solana\":\"AQID\"} x"),
    broken("{\"solana\":\"AQID\"}{\"solana\":\"AQID\"}"),
    broken("solana"),
  ]

  /// A line whose error is the JSON reader's.
  private static func broken(_ text: String) -> Line {
    do throws(JSONError) {
      _ = try JSONValue.parse(text)
      return Line(text: text, result: nil)
    } catch {
      return Line(text: text, result: .failure(.json(error)))
    }
  }

  @Test(arguments: lines)
  func oneLine(example: Line) {
    let split = TransactionLines.split(Array(example.text.utf8))
    #expect(split == (example.result.map { [Self.line(1, $0)] } ?? []))
  }

  private static func line(
    _ number: Int, _ result: Result<WireTransaction, TransactionLineError.Reason>
  ) -> TransactionLine {
    result.mapError { TransactionLineError(line: number, $0) }
  }

  @Test func aByteOrderMarkIsPassedOver() {
    let text = "{\"solana\":\"AQID\"}\r\n"
    #expect(TransactionLines.split([0xef, 0xbb, 0xbf] + Array(text.utf8)) == [.success(.solana([1, 2, 3]))])
    #expect(TransactionLines.split([0xef, 0xbb, 0xbf]) == [])
    // Only before the first line.
    let second = TransactionLines.split(Array((text + "\u{feff}" + text).utf8))
    #expect(second.count == 2 && second[0] == .success(.solana([1, 2, 3])))
    #expect(throws: TransactionLineError.self) { try second[1].get() }
  }

  @Test func errorsSayWhere() {
    let text = "\n{\"solana\":7}\n[]\n\n{\"ethereum\":\"0x0\"}\n{\"solana\" 7}\n"
    let errors = TransactionLines.split(Array(text.utf8)).map { line -> String in
      if case .failure(let error) = line { "\(error.namesTransaction) \(error)" } else { "" }
    }
    #expect(
      errors == [
        "true line 2: the value of \"solana\" is no base64 text",
        "false line 3: no JSON object; {\"solana\": BASE64} or {\"ethereum\": HEX} is expected",
        "true line 5: the value of \"ethereum\" is no hexadecimal text of whole bytes",
        "false line 6, byte 10: unexpected '7'",
      ])
  }

  @Test func linesAroundABadOneStand() {
    let text = Self.lines.map(\.text).joined(separator: "\n")
    for end in ["", "\n", "\n\n"] {
      let split = TransactionLines.split(Array((text + end).utf8))
      let expected = Self.lines.enumerated().compactMap { (index, line) in
        line.result.map { Self.line(index + 1, $0) }
      }
      #expect(split == expected)
    }
  }

  @Test func randomTextNeverTraps() {
    var generator = SplitMix64(seed: 1)
    let good = Array("{\"solana\":\"AQID\"}\n{\"ethereum\":\"0x\"}\n".utf8)
    for _ in 0..<20_000 {
      var text = good
      for _ in 0..<3 {
        text[Int(generator.next() % UInt64(text.count))] = UInt8(truncatingIfNeeded: generator.next())
      }
      _ = TransactionLines.split(text)
    }
  }

  /// The reader of plain lines and the JSON reader agree on what both take.
  @Test func plainLinesReadAsJSONDoes() throws {
    var generator = SplitMix64(seed: 2)
    let pieces = [
      "{", "}", "\"solana\"", "\"ethereum\"", "\"from\"", ":", ",", "\"AQID\"", "\"0x01\"",
      "\"0x00000000000000000000000000000000000000aa\"", " ", "\"", "\\u0041", "\t", "7",
    ]
    var count = 0
    for _ in 0..<20_000 {
      // Mostly a whole line with one piece changed.
      var parts = [
        "{", pieces[Int(generator.next() % 2) + 2], ":", pieces[Int(generator.next() % 2) + 7], "}",
      ]
      if generator.next() % 2 == 0 { parts.insert(contentsOf: [",", "\"from\"", ":", pieces[9]], at: 4) }
      let place = Int(generator.next() % UInt64(parts.count))
      let piece = pieces[Int(generator.next() % UInt64(pieces.count))]
      switch generator.next() % 4 {
      case 0: parts[place] = piece
      case 1: parts.insert(piece, at: place)
      default: break
      }
      let text = parts.joined()
      // A member more sends the same line to the JSON reader.
      guard let end = text.lastIndex(of: "}"), text.hasPrefix("{\"e") else { continue }
      let long = text[..<end] + ",\"access\":{}" + text[end...]
      guard case .success(.ethereum(var wire))? = TransactionLines.split(Array(long.utf8)).first else {
        continue
      }
      wire.access = nil
      #expect(TransactionLines.split(Array(text.utf8)) == [.success(.ethereum(wire))], "\(text)")
      count += 1
    }
    #expect(count > 1000)
  }
}

@Suite struct KeyPairFileTests {
  @Test func pairsRoundTrip() throws {
    var generator = SplitMix64(seed: 1)
    let directory = TemporaryDirectory()
    let path = directory.path + "/id.json"
    let (pair, other) = (generator.keyPair(), generator.keyPair())
    try KeyPairFile.write(pair, to: path)
    #expect(try KeyPairFile.read(path).bytes == pair.bytes)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(throws: KeyPairFileError.alreadyExists(path: path)) {
      try KeyPairFile.write(other, to: path)
    }
    #expect(try KeyPairFile.read(path).bytes == pair.bytes)
    try KeyPairFile.write(other, to: path, replacing: true)
    #expect(try KeyPairFile.read(path).pubkey == other.pubkey)
  }

  @Test func malformedFilesAreRefused() throws {
    let directory = TemporaryDirectory()
    var generator = SplitMix64(seed: 2)
    var numbers = generator.keyPair().bytes.map(String.init)
    func read(_ text: String) throws(KeyPairFileError) -> Ed25519.KeyPair {
      try KeyPairFile.read(directory.write(text, to: "id.json"))
    }
    let path = directory.path + "/id.json"
    func joined() -> String { "[" + numbers.joined(separator: ", ") + "]\n" }
    _ = try read(joined())
    numbers[63] = numbers[63] == "0" ? "1" : "0"
    #expect(throws: KeyPairFileError.inconsistent(path: path)) { try read(joined()) }
    for bad in ["256", "-1", "1.5", "\"1\"", "null"] {
      numbers[5] = bad
      #expect(throws: KeyPairFileError.malformed(path: path)) { try read(joined()) }
    }
    for text in ["{}", "[]", "[1,2,3]", "7"] {
      #expect(throws: KeyPairFileError.malformed(path: path)) { try read(text) }
    }
    #expect(throws: KeyPairFileError.self) { try read("[1,") }
    #expect(throws: KeyPairFileError.inaccessible(path: "/none", detail: "No such file or directory")) {
      try KeyPairFile.read("/none")
    }
  }
}
