// Files of transactions and key pair files.

import Foundation
import Primitives
import Testing

@testable import Ledger

@Suite struct TransactionLinesTests {
  struct Line: CustomTestStringConvertible, Sendable {
    let text: String
    let result: Result<WireTransaction, TransactionLineError>?
    var testDescription: String { text }
  }

  static let lines: [Line] = [
    Line(text: "{\"solana\":\"AQID\"}", result: .success(.solana([1, 2, 3]))),
    Line(text: " { \"solana\" : \"AQID\" } \r", result: .success(.solana([1, 2, 3]))),
    Line(text: "{\"solana\":\"AQ\\u0049D\"}", result: .success(.solana([1, 2, 3]))),
    Line(text: "{\"note\":1,\"solana\":\"AQID\"}", result: .success(.solana([1, 2, 3]))),
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
    Line(text: "{}", result: .failure(.unknownForm)),
    Line(text: "[]", result: .failure(.unknownForm)),
    Line(text: "\"solana\"", result: .failure(.unknownForm)),
    broken("{\"solana\":\"AQID\""),
    broken("{\"solana\":\"AQID\"} x"),
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
    #expect(split == (example.result.map { [TransactionLine(number: 1, transaction: $0)] } ?? []))
  }

  @Test func linesAroundABadOneStand() {
    let text = Self.lines.map(\.text).joined(separator: "\n")
    for end in ["", "\n", "\n\n"] {
      let split = TransactionLines.split(Array((text + end).utf8))
      let expected = Self.lines.enumerated().compactMap { (index, line) in
        line.result.map { TransactionLine(number: index + 1, transaction: $0) }
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

  @Test func unreadableFile() {
    #expect(throws: GenesisError.unreadable(path: "/none", detail: "No such file or directory")) {
      try TransactionLines.read("/none")
    }
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
