// What happened in random blocks: how often each situation came up, and how often its transaction succeeded, as one after
// the other executed them. A generator that promises a situation has to show it here.

import Ledger
import Testing

@testable import Estuary
@testable import Execution

struct SituationTally: CustomStringConvertible {
  private var counts: [String: (seen: Int, succeeded: Int)] = [:]

  mutating func add(_ name: String, succeeded: Bool = true) {
    let (seen, old) = counts[name] ?? (0, 0)
    counts[name] = (seen + 1, old + (succeeded ? 1 : 0))
  }

  /// Of a block's entries, each with what it is there for.
  mutating func add(_ entries: some Sequence<(String, Receipt)>) {
    var created: Set<[UInt8]> = []
    for (name, receipt) in entries {
      add(name, succeeded: receipt.isSuccess)
      guard case .ethereum(let result) = receipt else { continue }
      if case .undeclared = result.error { add("outside of its access set") }
      if let text = result.errorText {
        if text.hasPrefix("GAS_ALLOWANCE") { add("block gas used up") }
        if text.hasPrefix("TYPE_3_TX_MAX_BLOB") { add("blob gas used up") }
      }
      if result.contractAddress != nil && result.isSuccess { add("contract deployed") }
      guard let log = result.logs.first else { continue }
      switch name {
      case "ethereum.callsCreated": add("code deployed in the block ran")
      case "ethereum.callsDelegated", "ethereum.delegates": add("code delegated in the block ran")
      case "ethereum.recreates" where log.data.contains { $0 != 0 }:
        if !created.insert(log.data).inserted { add("created again after its destruction") }
      default: break
      }
    }
  }

  func seen(_ name: String) -> Int { counts[name]?.seen ?? 0 }
  func succeeded(_ name: String) -> Int { counts[name]?.succeeded ?? 0 }

  /// Each situation of a generator at least so often, and so often with success unless it is one that cannot succeed.
  func expect<Situation: CaseIterable & Hashable>(
    _ family: String, _: Situation.Type, atLeast least: Int, failing: Set<Situation> = []
  ) {
    for situation in Situation.allCases {
      let name = "\(family).\(situation)"
      #expect(seen(name) >= least, "\(name)")
      if !failing.contains(situation) { #expect(succeeded(name) >= max(1, least / 4), "\(name)") }
    }
  }

  func expect(_ names: String..., atLeast least: Int) {
    for name in names { #expect(seen(name) >= least, "\(name)") }
  }

  var description: String {
    counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.seen) (\($0.value.succeeded))" }
      .joined(separator: ", ")
  }
}

/// How many random blocks a test is to execute: seconds' worth by default; ESTUARY_RANDOM_BLOCKS says otherwise, and
/// ESTUARY_RANDOM_SEED which seed is the first.
enum RandomBlocks {
  static func seeds(_ usual: Int) -> Range<UInt64> {
    firstSeed..<firstSeed + UInt64(given ?? usual)
  }

  /// Prints what was seen where somebody asked for a number.
  static func report(_ what: @autoclosure () -> String) {
    if given != nil { print("seeds from \(firstSeed): \(what())") }
  }

  private static let given = Environment.variable("ESTUARY_RANDOM_BLOCKS").flatMap { Int($0) }
  private static let firstSeed = Environment.variable("ESTUARY_RANDOM_SEED").flatMap { UInt64($0) } ?? 0
}
