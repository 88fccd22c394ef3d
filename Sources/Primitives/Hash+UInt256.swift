// A digest and a 256-bit number are the same 32 bytes, most significant first: storage slots, topics and block hashes
// change between the two (Yellow Paper section 4.1, https://ethereum.github.io/yellowpaper/paper.pdf).
import WideIntegers

extension UInt256 {
  /// A digest read as a big-endian number.
  @inlinable @inline(__always) package init(_ hash: Hash) {
    self.init(
      UInt64(bigEndian: hash.word3), UInt64(bigEndian: hash.word2), UInt64(bigEndian: hash.word1),
      UInt64(bigEndian: hash.word0))
  }
}

extension Hash {
  /// The 32 big-endian bytes of a number.
  @inlinable @inline(__always) package init(_ value: UInt256) {
    self.init(
      word0: value.limb3.bigEndian, word1: value.limb2.bigEndian, word2: value.limb1.bigEndian,
      word3: value.limb0.bigEndian)
  }
}
