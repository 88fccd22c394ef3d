// Tests/Cases/ethereum.jsonl: what Ethereum's executable specification makes of transactions, tries, logs and blob fees
// (Tools/oracle/ethereum_cases.py writes it). ESTUARY_ETHEREUM_CASES names another file of the same form.

import Foundation
import Primitives
import WideIntegers

@testable import EVM

enum EthereumCases {
  static let all: [JSONValue] = {
    let file =
      ProcessInfo.processInfo.environment["ESTUARY_ETHEREUM_CASES"].map { URL(filePath: $0) }
      ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Cases/ethereum.jsonl")
    do {
      return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
        try JSONValue.parse(Array($0))
      }
    } catch { fatalError("\(file): \(error)") }
  }()

  static func cases(_ kind: String) -> [JSONValue] { all.filter { $0["kind"]?.string == kind } }
}

extension JSONValue {
  func text(_ name: String) -> String { self[name]!.string! }
  func hex(_ name: String) -> [UInt8] { Hex.decode(text(name))! }
  func number(_ name: String) -> UInt64 { self[name]!.uint64! }
  func word(_ name: String) -> UInt256 { UInt256(hex: text(name))! }
}
