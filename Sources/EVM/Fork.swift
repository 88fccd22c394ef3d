// The rule sets of Ethereum's execution layer, oldest first, by the names its tests use
// (https://ethereum.org/en/history/). Rules ask `fork >= .berlin`; the order is the chain's.

/// A hard fork: its rules hold from it on until a later one changes them.
package enum Fork: UInt8, Comparable, CaseIterable, Sendable {
  case frontier, homestead, tangerineWhistle, spuriousDragon, byzantium
  /// With EIP-1283, which `petersburg` takes back.
  case constantinople
  case petersburg, istanbul, berlin, london, paris, shanghai, cancun, prague, osaka
  /// Osaka with other blob parameters (EIP-7892).
  case bpo1, bpo2

  /// What a new ledger runs.
  package static var latest: Fork { .osaka }

  @inlinable @inline(__always) package static func < (left: Fork, right: Fork) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The fork of a name in any case, by its own name or one of its other ones (`EIP150`, `EIP158`,
  /// `ConstantinopleFix`, `Merge`); `nil` for other names.
  package init?(name: some StringProtocol) {
    let name = name.lowercased()
    let other: [String: Fork] = [
      "eip150": .tangerineWhistle, "eip158": .spuriousDragon, "constantinoplefix": .petersburg,
      "merge": .paris,
    ]
    guard let fork = other[name] ?? Fork.allCases.first(where: { $0.name.lowercased() == name }) else {
      return nil
    }
    self = fork
  }

  /// The fork's name as Ethereum writes it: `TangerineWhistle`. At most 16 letters, which is what fits a translated
  /// file.
  package var name: String {
    let name = String(describing: self)
    return self == .bpo1 || self == .bpo2 ? name.uppercased() : name.prefix(1).uppercased() + name.dropFirst()
  }
}
