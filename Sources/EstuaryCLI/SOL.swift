// Amounts as people write them: SOL with up to nine decimals, 10^9 lamports each.

import Estuary
import Primitives

enum SOL {
  static func lamports(_ text: String) throws -> UInt64 {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    guard parts.count <= 2, fraction.count <= 9, text.utf8.allSatisfy({ $0 == 46 || (48...57).contains($0) }),
      let lamports = UInt64(
        (parts[0].isEmpty ? "0" : parts[0]) + fraction + String(repeating: "0", count: 9 - fraction.count)),
      text.utf8.contains(where: { $0 != 46 })
    else {
      throw CLIError.noAmount(text)
    }
    return lamports
  }

  static func text(_ lamports: UInt64) -> String { Lamports.text(lamports) }

  static func balance(of key: Pubkey, _ chain: any ProgramHost) throws -> String {
    text(try chain.account(key)?.lamports ?? 0)
  }
}
