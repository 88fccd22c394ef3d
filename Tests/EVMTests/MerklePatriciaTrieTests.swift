import Primitives
import Testing
import WideIntegers

@testable import EVM

struct MerklePatriciaTrieTests {
  @Test func rootsAreTheSpecifications() {
    var random = SplitMix64(seed: 5)
    for test in EthereumCases.cases("trie") {
      var trie = MerklePatriciaTrie()
      for pair in test["pairs"]!.array!.shuffled(using: &random) {
        let (key, value) = (Hex.decode(pair.array![0].string!)!, Hex.decode(pair.array![1].string!)!)
        if test["secured"]!.bool! {
          trie.insert(key: Keccak256.hash(key)) { $0.writeEncoded(value) }
        } else {
          trie.insert(key: key, value: value)
        }
      }
      #expect(trie.root.bytes == test.hex("root"), "\(test)")
    }
    #expect(EthereumCases.cases("trie").count > 20)
  }

  @Test func laterEntriesReplaceEarlierOnes() {
    var random = SplitMix64(seed: 6)
    for _ in 0..<200 {
      var (all, last) = (MerklePatriciaTrie(), [[UInt8]: [UInt8]]())
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        let key = (0..<Int.random(in: 0...2, using: &random)).map { _ in
          UInt8.random(in: 0...3, using: &random)
        }
        let value = (0..<Int.random(in: 0...40, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        all.insert(key: key, value: value)
        last[key] = value
      }
      var distinct = MerklePatriciaTrie()
      for (key, value) in last where !value.isEmpty { distinct.insert(key: key, value: value) }
      #expect(all.root == distinct.root)
    }
  }

  @Test func emptyTries() {
    let empty = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    #expect(Hex.encode(MerklePatriciaTrie().root.bytes) == empty)
    #expect(Hex.encode(MerklePatriciaTrie.listRoot([]).bytes) == empty)
    #expect(MerklePatriciaTrie.storageRoot([(5, 0)]) == MerklePatriciaTrie.emptyRoot)
    #expect(
      Hex.encode(TrieAccount.emptyCodeHash.bytes)
        == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
  }

  /// The keys of lists are the RLP of places, whose order is not that of the places.
  @Test func listsAreTriesOfPlaces() {
    for count in [1, 2, 127, 128, 129, 300] {
      let items = (0..<count).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0 % 70 + 1) }
      var trie = MerklePatriciaTrie()
      for (index, item) in items.enumerated().reversed() {
        let key: [UInt8] =
          index == 0
          ? [0x80]
          : index < 128
            ? [UInt8(index)]
            : index < 256 ? [0x81, UInt8(index)] : [0x82, UInt8(index >> 8), UInt8(index & 255)]
        trie.insert(key: key, value: item)
      }
      #expect(MerklePatriciaTrie.listRoot(items) == trie.root)
    }
  }
}
