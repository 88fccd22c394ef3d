// The networks that block tests name: a fork from the first block on (`Cancun`), or two with the moment of the change
// (`BerlinToLondonAt5`, `ShanghaiToCancunAtTime15k`, `ArrowGlacierToParisAtDiffC0000`).

import EVM
import WideIntegers

package enum TestNetwork {
  /// The chain's configuration; `nil` for a name of another form.
  package static func configuration(named name: String) -> ChainConfiguration? {
    guard let arrow = name.firstRange(of: "To"), let at = name.ranges(of: "At").last,
      arrow.upperBound < at.lowerBound
    else {
      return rules(named: name).map {
        configuration(steps: [.init($0.fork, .block(0))], delays: [(0, $0.delay)])
      }
    }
    let moment = name[at.upperBound...]
    guard let old = rules(named: String(name[..<arrow.lowerBound])), let activation = activation(moment)
    else {
      return nil
    }
    let block: UInt64? = if case .block(let first) = activation { first } else { nil }
    let target = String(name[arrow.upperBound..<at.lowerBound])
    if target.lowercased() == "dao" {
      guard let block else { return nil }
      var configuration = configuration(steps: [.init(old.fork, .block(0))], delays: [(0, old.delay)])
      configuration.daoForkBlock = block
      return configuration
    }
    guard let new = rules(named: target) else { return nil }
    var delays: [(block: UInt64, delay: UInt64)] = [(0, old.delay)]
    if let block { delays.append((block, new.delay)) }
    return configuration(steps: [.init(old.fork, .block(0)), .init(new.fork, activation)], delays: delays)
  }

  private static func configuration(
    steps: [ChainConfiguration.Step], delays: [(block: UInt64, delay: UInt64)]
  ) -> ChainConfiguration {
    ChainConfiguration(
      steps: steps, bombDelays: delays.map { ChainConfiguration.BombDelay(block: $0.block, delay: $0.delay) })
  }

  /// `5`, `Time15k` or `DiffC0000`, the last in hexadecimal.
  private static func activation(_ text: Substring) -> ChainConfiguration.Activation? {
    if text.hasPrefix("Time") {
      let digits = text.dropFirst(4)
      if digits.hasSuffix("k") { return UInt64(digits.dropLast()).map { .time($0 * 1000) } }
      return UInt64(digits).map { .time($0) }
    }
    if text.hasPrefix("Diff") { return UInt256(hex: text.dropFirst(4)).map { .totalDifficulty($0) } }
    return UInt64(text).map { .block($0) }
  }

  /// A fork and how far it has put the difficulty bomb off, in blocks.
  private static func rules(named name: String) -> (fork: Fork, delay: UInt64)? {
    switch name.lowercased() {
    case "muirglacier": return (.istanbul, 9_000_000)
    case "arrowglacier": return (.london, 10_700_000)
    case "grayglacier": return (.london, 11_400_000)
    default: break
    }
    guard let fork = Fork(name: name) else { return nil }
    let delays: [(since: Fork, delay: UInt64)] = [
      (.frontier, 0), (.byzantium, 3_000_000), (.constantinople, 5_000_000), (.berlin, 9_000_000),
      (.london, 9_700_000),
    ]
    return (fork, delays.last { $0.since <= fork }?.delay ?? 0)
  }
}
