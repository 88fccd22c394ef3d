import Testing
import WideIntegers

@testable import Primitives

struct AddressTests {
  @Test func addressesAreTheLowTwentyBytesOfWords() throws {
    let text = "0x0102030405060708090a0b0c0d0e0f1011121314"
    let address = try #require(Address(hex: text))
    #expect(address.bytes == Array(1...20))
    #expect(address.description == text)
    #expect(UInt256(address) == UInt256(hex: text))
    #expect(Address(UInt256(address) | UInt256(0, 0, 0xffff_ffff_0000_0000, .max)) == address)
    #expect(Address(9).bytes == [UInt8](repeating: 0, count: 19) + [9])
    #expect(Address(hex: text.dropLast()) == nil)
    #expect(Address(hex: text + "00") == nil)
    #expect(Address(8) < Address(9) && !(Address(9) < Address(8)) && Address(255) < Address(256))
  }

  @Test func digestsAreBigEndianWords() {
    let bytes = Array(UInt8(1)...32)
    let value = UInt256(
      0x191a_1b1c_1d1e_1f20, 0x1112_1314_1516_1718, 0x090a_0b0c_0d0e_0f10, 0x0102_0304_0506_0708)
    #expect(Hash(value).bytes == bytes)
    #expect(UInt256(Hash(value)) == value)
    #expect(Address(Hash(value)).bytes == Array(13...32))
  }
}
