// What the tests draw from the seeded generator, simple enough that oracles in other languages draw the same.

import Primitives

extension SplitMix64 {
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
