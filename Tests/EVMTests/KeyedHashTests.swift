import Primitives
import Testing
import WideIntegers

@testable import EVM

/// Keys that collide where words cancel each other out or are mixed without a secret.
@Suite struct KeyedHashTests {
  private static let count = 4096

  /// Places in a table of 2^16, of which so many keys at random would take about 3,970.
  private func places(_ hash: (UInt64) -> UInt64) -> Int {
    Set((1...UInt64(Self.count)).map { hash($0) & 0xffff }).count
  }

  @Test func chosenWordsSpread() {
    let hash = KeyedHash.shared
    let golden: UInt64 = 0x9e37_79b9_7f4a_7c15
    #expect(places { hash.of(UInt256($0, 0, 0, 0)) } > 3_800)
    #expect(places { hash.of(UInt256(0, 0, 0, $0)) } > 3_800)
    #expect(places { hash.of(UInt256($0, 0, 0, $0)) } > 3_800)
    #expect(places { hash.of(UInt256($0, 7, 7, $0)) } > 3_800)
    #expect(places { hash.of(UInt256($0 &* golden, $0, 0, 0)) } > 3_800)
    #expect(places { hash.of(3, UInt256($0, 5, 5, $0 ^ 3 << 7)) } > 3_800)
    #expect(places { hash.of(Int($0), UInt256(0, 0, 0, $0 << 7)) } > 3_800)
  }

  @Test func chosenAddressesSpread() {
    let hash = KeyedHash.shared
    #expect(places { hash.of(Address(word0: 1, word1: $0 << 17, word2: UInt32($0))) } > 3_800)
    #expect(places { hash.of(Address(word0: 1, word1: 0, word2: UInt32($0))) } > 3_800)
    #expect(places { hash.of(Address(word0: $0, word1: $0, word2: UInt32($0))) } > 3_800)
  }

  @Test func anAccountsSlotsAreItsOwn() {
    let hash = KeyedHash.shared
    #expect(hash.of(0, .one) != hash.of(1, .one))
    #expect(hash.of(0, .one) == hash.of(.one))
  }
}
