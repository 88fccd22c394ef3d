// The seeded generator of these tests (Steele, Lea, Flood 2014), simple enough that oracles in other
// languages draw the same numbers.

import Primitives

struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count { withUnsafeBytes(of: next().littleEndian) { bytes += $0 } }
    return Array(bytes[..<count])
  }

  mutating func hash() -> Hash { Hash(bytes(32))! }
  mutating func pubkey() -> Pubkey { Pubkey(bytes(32))! }
}

/// 0, 1, … 250, 0, 1, …: the input of BLAKE3's published vectors.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }

func hex(_ text: String) -> [UInt8] { Hex.decode(text)! }
