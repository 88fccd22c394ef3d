// Where compute units or gas went, by function: what a stack of functions used itself, whatever it called left out. As a
// table, and as folded stacks (`a;b;c 123` a line, https://www.brendangregg.com/flamegraphs.html), which flame-graph tools
// read.

import Primitives

/// Costs by stack of functions.
package struct ExecutionProfile {
  /// A function's share.
  package struct Row: Sendable, Equatable {
    package let function: String
    /// Used by the function itself.
    package let own: UInt64
    /// With what it called, each unit counted once where the function calls itself.
    package let total: UInt64
  }

  private var costs: [String: UInt64] = [:]
  private var stack: [String] = []
  private var folded = ""

  package init() {}

  package mutating func push(_ function: String) {
    // Semicolons and line ends are what folded stacks are read by.
    stack.append(String(function.map { $0 == ";" || $0.isNewline ? "," : $0 }))
    folded = stack.joined(separator: ";")
  }

  package mutating func pop() {
    _ = stack.popLast()
    folded = stack.joined(separator: ";")
  }

  package var depth: Int { stack.count }

  /// Adds to what the innermost function used.
  package mutating func charge(_ cost: UInt64) {
    if cost > 0 { costs[folded.isEmpty ? "(outside)" : folded, default: 0] += cost }
  }

  package var total: UInt64 { costs.values.reduce(0, +) }

  /// The most expensive first, equal ones by name.
  package var rows: [Row] {
    var (own, total): ([String: UInt64], [String: UInt64]) = ([:], [:])
    for (stack, cost) in costs {
      let functions = stack.split(separator: ";").map(String.init)
      if let last = functions.last { own[last, default: 0] += cost }
      for function in Set(functions) { total[function, default: 0] += cost }
    }
    return total.map { Row(function: $0.key, own: own[$0.key] ?? 0, total: $0.value) }
      .sorted { ($1.own, $1.total, $0.function) < ($0.own, $0.total, $1.function) }
  }

  /// A line a stack, in the order of their texts.
  package var foldedStacks: String {
    costs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
  }

  /// - Parameter unit: what is counted, in the plural.
  package func table(of unit: String) -> String {
    let all = max(total, 1)
    var lines = [
      "\(Self.pad("own", 12)) \(Self.pad("%", 6)) \(Self.pad("total", 12)) \(Self.pad("%", 6))  function"
    ]
    for row in rows {
      lines.append(
        "\(Self.pad("\(row.own)", 12)) \(Self.pad(Self.percent(row.own, all), 6)) "
          + "\(Self.pad("\(row.total)", 12)) \(Self.pad(Self.percent(row.total, all), 6))  \(row.function)")
    }
    return (lines + ["\(total) \(unit)"]).joined(separator: "\n")
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func percent(_ part: UInt64, _ all: UInt64) -> String {
    let tenths = part.multipliedFullWidth(by: 1000)
    let (quotient, _) = all.dividingFullWidth((tenths.high % all, tenths.low))
    return "\(quotient / 10).\(quotient % 10)"
  }

  package func write(to writer: inout JSONWriter) {
    writer.array { writer in
      for row in rows {
        writer.object { writer in
          writer.member("function", row.function)
          writer.member("own", row.own)
          writer.member("total", row.total)
        }
      }
    }
  }
}
