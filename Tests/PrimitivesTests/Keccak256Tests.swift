import Primitives
import Testing

@Suite struct Keccak256Tests {
  @Test(arguments: [
    ("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
    ("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ("testing", "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"),
  ])
  func vectors(text: String, digest: String) {
    #expect(Hex.encode(Keccak256.hash(Array(text.utf8)).bytes) == digest)
  }

  // Around the rate, by another implementation (Crypto.Hash.keccak of Python).
  @Test(arguments: [
    (135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62"),
    (136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e"),
    (137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db"),
  ])
  func aroundTheRate(count: Int, digest: String) {
    #expect(Hex.encode(Keccak256.hash(pattern(count)).bytes) == digest)
  }

  /// The digests of the patterns of 0 to 599 bytes, hashed: by that implementation.
  @Test func everyLength() {
    let all = (0..<600).flatMap { Keccak256.hash(pattern($0)).bytes }
    #expect(
      Hex.encode(SHA256.hash(all).bytes) == "cc25be5855166d423dd0bfb49f058ee746aaf1667434df6350f8f973044db8c6"
    )
  }

  @Test func slicesMakeNoDifference() {
    for count in [0, 1, 7, 8, 9, 135, 136, 137, 271, 272, 273, 500] {
      let bytes = pattern(count)
      for cut in 0...count {
        var hasher = Keccak256()
        hasher.update(Array(bytes[..<(cut / 2)]))
        hasher.update(Array(bytes[(cut / 2)..<cut]))
        hasher.update(Array(bytes[cut...]))
        if hasher.finalize() != Keccak256.hash(bytes) { Issue.record("\(cut) of \(count)") }
      }
    }
  }
}
