import Primitives
import Testing

@Suite struct HexTests {
  @Test(
    arguments: [("", []), ("00ff10", [0, 255, 16]), ("0x0aB1", [10, 177]), ("0X7f", [127])]
      as [(String, [UInt8])])
  func decodes(text: String, bytes: [UInt8]) { #expect(Hex.decode(text) == bytes) }

  @Test(arguments: ["0", "0x0", "0g", "0x 1", "00-1", "é0", "0x0x00", "00\0"])
  func refuses(text: String) { #expect(Hex.decode(text) == nil) }

  @Test func encodes() {
    #expect(Hex.encode([]) == "")
    #expect(Hex.encode([0, 1, 0xab, 0xff]) == "0001abff")
    #expect(Hex.decode(Hex.encode(pattern(300))) == pattern(300))
  }
}
