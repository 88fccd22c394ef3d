import Primitives
import Testing

@Suite struct MerlinTranscriptTests {
  /// The vector that Merlin's implementations share.
  @Test func publishedVector() {
    var transcript = MerlinTranscript(label: "test protocol")
    transcript.append("some label", "some data")
    #expect(
      Hex.encode(transcript.challenge("challenge", byteCount: 32))
        == "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615")
  }

  /// Messages and challenges longer than a block, by Tools/oracle/zk_proofs.py.
  @Test func longMessages() {
    var transcript = MerlinTranscript(label: "long")
    let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    message.withUnsafeBytes { transcript.append("message", $0) }
    transcript.append("number", 0x0102_0304_0506_0708)
    let first = transcript.challenge("first", byteCount: 400)
    #expect(first.count == 400)
    #expect(
      Hex.encode(SHA256.hash(first).bytes)
        == "61f1b3a8271ecabc60f915a29038f235c90eed8c68e1896e13e926d72be5e6a9")
    #expect(
      Hex.encode(transcript.challenge("second", byteCount: 32))
        == "a4db6b9c910241ffa0e9ef183faa0b0de2e59e826b8921481f186014c3734bfb")
    #expect(
      Hex.encode(transcript.challengeScalar("third").bytes.bytes)
        == "e3de4d65cf69ce2625988fdb2ca5be8d6960e873d6c9375461f82ec411437c06")
  }

  /// Each byte of a label or message, and where one ends and the other begins, counts.
  @Test func everythingCounts() {
    func challenge(_ body: (inout MerlinTranscript) -> Void) -> [UInt8] {
      var transcript = MerlinTranscript(label: "test")
      body(&transcript)
      return transcript.challenge("c", byteCount: 16)
    }
    let all = [
      challenge { _ in }, challenge { $0.append("a", "b") }, challenge { $0.append("a", "c") },
      challenge { $0.append("ab", "") }, challenge { $0.append("", "ab") },
      challenge {
        $0.append("a", "b")
        $0.append("a", "b")
      }, challenge { _ = $0.challenge("c", byteCount: 16) },
    ]
    #expect(Set(all).count == all.count)
  }
}

@Suite struct SHA3Tests {
  @Test func publishedVectors() {
    #expect(
      Hex.encode(SHA3.hash512(Array("abc".utf8)))
        == "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
        + "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0")
    #expect(
      Hex.encode(SHA3.shake256([], byteCount: 48))
        == "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762fd75dc4ddd8c0f200cb05019d67b592f6")
  }
}
