import Primitives
import Testing

@Suite struct Bytes32Tests {
  @Test func bytesComeBack() {
    let key = Pubkey(pattern(32))!
    #expect(key.bytes == pattern(32))
    #expect(Hash(key).bytes == pattern(32))
    #expect(Pubkey(Hash(key)) == key)
    var copy = [UInt8](repeating: 0, count: 33)
    copy.withUnsafeMutableBytes { key.write(to: $0.baseAddress! + 1) }
    #expect(Array(copy[1...]) == pattern(32))
    #expect(copy.withUnsafeBytes { Pubkey(reading: $0.baseAddress! + 1) } == key)
    for count in [0, 31, 33, 64] { #expect(Pubkey(pattern(count)) == nil) }
  }

  @Test func ordersByBytes() {
    var random = SplitMix64(seed: 4)
    for _ in 0..<500 {
      var (a, b) = (random.bytes(32), random.bytes(32))
      let shared = Int(random.next() % 33)
      b.replaceSubrange(..<shared, with: a[..<shared])
      if shared == 32 { a = b }
      #expect((Hash(a)! < Hash(b)!) == a.lexicographicallyPrecedes(b))
    }
  }

  @Test func signatures() {
    let signature = Signature(pattern(64))!
    #expect(signature.bytes == pattern(64))
    #expect(Signature(base58: signature.description) == signature)
    #expect(Set([signature, signature, .zero]).count == 2)
    for count in [0, 32, 63, 65] { #expect(Signature(pattern(count)) == nil) }
    #expect(Signature(base58: Pubkey.zero.description) == nil)
  }
}
