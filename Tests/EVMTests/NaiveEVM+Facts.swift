// What the naive interpreter knows of each byte, written apart from the translator's table so that one checks the
// other: words taken and given as text, base gas by price tier and by EIP.

@testable import EVM

enum NaiveFacts {
  /// `byte range: taken, given`, hexadecimal bytes; a first fork after `@`.
  private static let stackEffects = """
    00: 0 0;  01-07: 2 1;  08-09: 3 1;  0a-0b: 2 1;  10-14: 2 1;  15: 1 1;  16-18: 2 1;  19: 1 1;  1a: 2 1
    1b-1d: 2 1 @constantinople;  1e: 1 1 @osaka;  20: 2 1;  30: 0 1;  31: 1 1;  32-34: 0 1;  35: 1 1;  36: 0 1
    37: 3 0;  38: 0 1;  39: 3 0;  3a: 0 1;  3b: 1 1;  3c: 4 0;  3d: 0 1 @byzantium;  3e: 3 0 @byzantium
    3f: 1 1 @constantinople;  40: 1 1;  41-45: 0 1;  46-47: 0 1 @istanbul;  48: 0 1 @london;  49: 1 1 @cancun
    4a: 0 1 @cancun;  50: 1 0;  51: 1 1;  52-53: 2 0;  54: 1 1;  55: 2 0;  56: 1 0;  57: 2 0;  58-5a: 0 1;  5b: 0 0
    5c: 1 1 @cancun;  5d: 2 0 @cancun;  5e: 3 0 @cancun;  5f: 0 1 @shanghai;  60-7f: 0 1;  a0: 2 0;  a1: 3 0
    a2: 4 0;  a3: 5 0;  a4: 6 0;  f0: 3 1;  f1-f2: 7 1;  f3: 2 0;  f4: 6 1 @homestead;  f5: 4 1 @constantinople
    fa: 6 1 @byzantium;  fd: 2 0 @byzantium;  fe: 0 0;  ff: 1 0
    """

  struct Effect: Sendable {
    var pops: Int
    var pushes: Int
    var since: Fork
  }

  static let effects: [Effect?] = {
    var effects = [Effect?](repeating: nil, count: 256)
    for entry in stackEffects.split(whereSeparator: { $0 == ";" || $0 == "\n" }) {
      let parts = entry.split(separator: ":")
      let bounds = parts[0].trimmed.split(separator: "-").map { Int($0, radix: 16)! }
      let facts = parts[1].split(separator: " ")
      let since = facts.count > 2 ? Fork(name: facts[2].dropFirst())! : .frontier
      for byte in bounds[0]...bounds[bounds.count - 1] {
        effects[byte] = Effect(pops: Int(facts[0])!, pushes: Int(facts[1])!, since: since)
      }
    }
    for index in 1...16 {
      effects[0x7f + index] = Effect(pops: index, pushes: index + 1, since: .frontier)
      effects[0x8f + index] = Effect(pops: index + 1, pushes: index + 1, since: .frontier)
    }
    return effects
  }()

  /// Whether the byte is an operation of the fork.
  static func exists(_ byte: UInt8, in fork: Fork) -> Bool {
    guard let effect = effects[Int(byte)] else { return false }
    return fork >= effect.since
  }

  /// Base gas by the Yellow Paper's tiers, the accesses to state by fork.
  static func gas(_ byte: UInt8, in fork: Fork) -> Int64 {
    switch byte {
    case 0x00, 0x55, 0xf3, 0xfd, 0xfe: 0
    case 0x5b: 1
    case 0x30, 0x32...0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41...0x46, 0x48, 0x4a, 0x50, 0x58, 0x59, 0x5a, 0x5f: 2
    case 0x01, 0x03, 0x10...0x1d, 0x35, 0x37, 0x39, 0x3e, 0x49, 0x51...0x53, 0x5e, 0x60...0x9f: 3
    case 0x02, 0x04...0x07, 0x0b, 0x1e, 0x47: 5
    case 0x08, 0x09, 0x56: 8
    case 0x0a, 0x57: 10
    case 0x40: 20
    case 0x20: 30
    case 0x5c, 0x5d: 100
    case 0xa0...0xa4: Int64(375 * (Int(byte) - 0x9f))
    case 0xf0, 0xf5: 32000
    case 0x31: flat(fork, 20, 400, 700)
    case 0x3b, 0x3c: flat(fork, 20, 700, 700)
    case 0x3f: flat(fork, 400, 400, 700)
    case 0x54: flat(fork, 50, 200, 800)
    case 0xf1, 0xf2, 0xf4, 0xfa: flat(fork, 40, 700, 700)
    case 0xff: flat(fork, 0, 5000, 5000)
    default: 0
    }
  }

  /// At first, from EIP-150 on, from EIP-1884 on; nothing from EIP-2929 on.
  private static func flat(_ fork: Fork, _ first: Int64, _ eip150: Int64, _ eip1884: Int64) -> Int64 {
    switch fork {
    case .frontier, .homestead: first
    case .tangerineWhistle, .spuriousDragon, .byzantium, .constantinople, .petersburg: eip150
    case .istanbul: eip1884
    case .berlin, .london, .paris, .shanghai, .cancun, .prague, .osaka, .bpo1, .bpo2: 0
    }
  }
}

extension Substring {
  var trimmed: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}
