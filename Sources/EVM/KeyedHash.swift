// Hashes for tables whose keys come from transactions: keyed by secrets of the process, so that nobody can choose keys
// that collide. What a table holds never depends on them, only where.

import WideIntegers

struct KeyedHash {
  private let k0 = UInt64.random(in: 0 ... .max)
  private let k1 = UInt64.random(in: 0 ... .max)
  private let k2 = UInt64.random(in: 0 ... .max)
  private let k3 = UInt64.random(in: 0 ... .max)
  private let k4 = UInt64.random(in: 0 ... .max)
  private let k5 = UInt64.random(in: 0 ... .max)
  private let odd = UInt64.random(in: 0 ... .max) | 1

  /// The one of this process.
  static let shared = KeyedHash()

  private init() {}

  @inline(__always) func of(_ word: UInt256) -> UInt64 {
    // Two halves of words that had a secret each; in what they become, every bit depends on both.
    fold(fold(word.limb0 ^ k0, word.limb1 ^ k1) ^ k4, fold(word.limb2 ^ k2, word.limb3 ^ k3) ^ k5)
  }

  /// Of a slot of the account at a position.
  @inline(__always) func of(_ account: Int, _ key: UInt256) -> UInt64 {
    of(key) &+ UInt64(truncatingIfNeeded: account) &* odd
  }

  @inline(__always) private func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}
