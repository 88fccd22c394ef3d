// Coding against eth_abi: the cases that Tools/oracle/abi_cases.py writes, named by ESTUARY_ABI_CASES.

import Foundation
import Primitives
import Testing

@testable import Contracts

@Suite struct ABICaseTests {
  private struct Case {
    var isMalformed: Bool, types: String, json: JSONValue, bytes: [UInt8]
  }

  private static let path = ProcessInfo.processInfo.environment["ESTUARY_ABI_CASES"]

  private static func cases() throws -> [Case] {
    let text = try String(contentsOfFile: path ?? "", encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
      return Case(
        isMalformed: columns[0] == "malformed", types: String(columns[1]),
        json: try JSONValue.parse(String(columns[2])), bytes: try #require(Hex.decode(columns[3])))
    }
  }

  private static func strings(_ json: JSONValue?) -> [String]? { json?.array?.compactMap(\.string) }

  @Test(.enabled(if: path != nil, "ESTUARY_ABI_CASES names no file of cases")) func matchesReference() throws
  {
    var (values, refused, read) = (0, 0, 0)
    for sample in try Self.cases() {
      let item = try ABIItem(signature: "f" + sample.types)
      #expect(item.signature == "f" + sample.types)
      if sample.isMalformed {
        let decoded = try? item.inputs.texts(item.inputs.decode(sample.bytes))
        #expect(decoded == Self.strings(sample.json), "\(sample.types) \(Hex.encode(sample.bytes))")
        if decoded == nil { refused += 1 } else { read += 1 }
        continue
      }
      let arguments = try #require(Self.strings(sample.json.array?[0]))
      let texts = try #require(Self.strings(sample.json.array?[1]))
      let parsed = try item.arguments(texts: arguments)
      #expect(try item.inputs.encode(parsed) == sample.bytes, "\(sample.types) \(arguments)")
      let decoded = try item.inputs.decode(sample.bytes)
      #expect(decoded == parsed, "\(sample.types)")
      #expect(item.inputs.texts(decoded) == texts, "\(sample.types)")
      values += 1
    }
    #expect(values >= 20_000 && refused >= 1_000 && read >= 100)
  }
}
