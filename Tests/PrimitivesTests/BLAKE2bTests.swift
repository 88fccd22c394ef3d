import Primitives
import Testing

/// BLAKE2b-512 (RFC 7693) made of its compression function.
@Suite struct BLAKE2bTests {
  private func hash(_ message: [UInt8]) -> [UInt8] {
    var state = hex(
      "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
        + "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b")
    let blockCount = max((message.count + 127) / 128, 1)
    for index in 0..<blockCount {
      var block = Array(message[(index * 128)..<min(index * 128 + 128, message.count)])
      block += [UInt8](repeating: 0, count: 128 - block.count)
      let offset = UInt64(min(index * 128 + 128, message.count))
      state.withUnsafeMutableBytes { state in
        block.withUnsafeBytes { block in
          BLAKE2b.compress(
            rounds: 12, state: state.baseAddress!, block: block.baseAddress!, offset: (offset, 0),
            isLast: index == blockCount - 1)
        }
      }
    }
    return state
  }

  @Test func examples() {
    #expect(
      hash([])
        == hex(
          "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419"
            + "d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce"))
    #expect(
      hash(Array("abc".utf8))
        == hex(
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"))
    #expect(
      hash(pattern(300))
        == hex(
          "3a482b7748b0bdc43c3d00c080890c10e57a9aa5618f78b86067eb7eaae4942a"
            + "cd96d827accbc16958364ae5b0df6105bbd3b15445092eba1137b5f69c1070f1"))
    #expect(
      hash(pattern(256))
        == hex(
          "93463ac058b6163eb43be3f5bb32b28541498f4e3366f1effe253ad44e1e076e"
            + "41c3616046027c82a7124f8f4746668ad10b12e8e25a95ac8f3151df01cd5a93"))
  }
}
