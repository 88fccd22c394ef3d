import Primitives
import Testing

@Suite struct BLAKE3Tests {
  // The published vectors' inputs.
  @Test(arguments: [
    (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
    (64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"),
    (65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"),
    (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
    (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
    (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
    (2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"),
    (2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"),
    (3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"),
    (3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3"),
    (4096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"),
    (4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"),
    (5120, "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833"),
    (8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"),
    (8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"),
    (16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"),
    (31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"),
    (102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
  ])
  func vectors(count: Int, digest: String) {
    #expect(Hex.encode(BLAKE3.hash(pattern(count)).bytes) == digest)
  }

  /// The digests of the patterns of 0 to 2,199 bytes, hashed: by the reference implementation.
  @Test func everyLength() {
    let all = (0..<2200).flatMap { BLAKE3.hash(pattern($0)).bytes }
    #expect(
      Hex.encode(SHA256.hash(all).bytes) == "5eb1ca051b04961eb353aa915f4fb0baea7ad5909a161052563a244d9f228be4"
    )
  }

  /// n + 1 bytes of output for the pattern of n bytes, n = 0, 7, …, 1,393.
  @Test func everyOutputLength() {
    var all: [UInt8] = []
    for count in stride(from: 0, to: 1400, by: 7) {
      var hasher = BLAKE3()
      hasher.update(pattern(count))
      var output = [UInt8](repeating: 0, count: count + 1)
      output.withUnsafeMutableBytes { hasher.finalize(into: $0) }
      #expect(output.starts(with: hasher.finalize().bytes.prefix(count + 1)))
      all += output
    }
    #expect(
      Hex.encode(SHA256.hash(all).bytes) == "3f951920cd99d1dd47d96973d423b59d05e07a61d91c7943971770c7a490a30b"
    )
  }

  @Test func slicesMakeNoDifference() {
    var random = SplitMix64(seed: 2)
    for count in [0, 1, 63, 64, 65, 1024, 1025, 2048, 4096, 4097, 5120, 9000, 20_000] {
      let bytes = pattern(count)
      for _ in 0..<40 {
        var hasher = BLAKE3()
        var at = 0
        while at < count {
          let step = 1 + Int(random.next() % (random.next() % 2 == 0 ? 100 : 6000))
          let end = min(count, at + step)
          hasher.update(Array(bytes[at..<end]))
          hasher.update([])
          at = end
        }
        if hasher.finalize() != BLAKE3.hash(bytes) { Issue.record("\(count) in random slices") }
      }
    }
  }

  @Test func goesOnAfterADigest() {
    var hasher = BLAKE3()
    for count in stride(from: 0, to: 6000, by: 250) {
      #expect(hasher.finalize() == BLAKE3.hash(pattern(count)))
      hasher.update((count..<count + 250).map { UInt8($0 % 251) })
    }
  }
}
