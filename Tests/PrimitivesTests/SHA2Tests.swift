import Primitives
import Testing

@Suite struct SHA2Tests {
  // FIPS 180-4 examples.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256(text: String, digest: String) {
    #expect(Hex.encode(SHA256.hash(Array(text.utf8)).bytes) == digest)
  }

  /// The digests of the patterns of 0 to 599 bytes, hashed: by hashlib.
  @Test func everyLength() {
    let all256 = (0..<600).flatMap { SHA256.hash(pattern($0)).bytes }
    #expect(
      Hex.encode(SHA256.hash(all256).bytes)
        == "3169ccfcbfca8292692b7b7ca58d8ee5ceb2eb20262c9708a42474af6b6deaee")
    let all512 = (0..<600).flatMap { SHA512.hash(pattern($0)) }
    #expect(
      Hex.encode(SHA256.hash(all512).bytes)
        == "cab6767eea5aea86ed7ade157a21af752aa385f53ab98aee9a25bd3fa00a87eb")
  }

  @Test func slicesMakeNoDifference() {
    for count in [0, 1, 55, 56, 64, 65, 500] {
      let bytes = pattern(count)
      for cut in 0...count {
        var hasher = SHA256()
        hasher.update(Array(bytes[..<cut]))
        hasher.update([])
        hasher.update(Array(bytes[cut...]))
        if hasher.finalize() != SHA256.hash(bytes) { Issue.record("\(cut) of \(count)") }
      }
    }
  }

  @Test func threadsDoNotDisturbEachOther() async {
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          let bytes = pattern(100 + task)
          let (digest, wide) = (SHA256.hash(bytes), Keccak256.hash(bytes))
          return (0..<500).allSatisfy { _ in SHA256.hash(bytes) == digest && Keccak256.hash(bytes) == wide }
        }
      }
      for await same in group { #expect(same) }
    }
  }
}
