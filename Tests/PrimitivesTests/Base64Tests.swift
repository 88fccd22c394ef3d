import Primitives
import Testing

@Suite struct Base64Tests {
  // RFC 4648 section 10, and the two characters that other alphabets change.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"), ("~~~", "fn5+"), ("???", "Pz8/"),
  ])
  func vectors(plain: String, text: String) {
    #expect(Base64.encode(Array(plain.utf8)) == text)
    #expect(Base64.decode(text) == Array(plain.utf8))
  }

  @Test(arguments: [
    "Zg", "Zg=", "Z===", "====", "=", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm 9v", "Zm9-", "Zm9_", "Z=g=",
    "Zé==", "Zg=a",
    "Zm9vY", "A=AA",
  ])
  func refuses(text: String) { #expect(Base64.decode(text) == nil) }

  @Test func everyLengthComesBack() {
    for count in 0..<200 {
      let text = Base64.encode(pattern(count))
      #expect(text.utf8.count == Base64.encodedByteCount(count))
      #expect(Base64.decode(text) == pattern(count))
    }
  }

  @Test func everyByteIsRefusedOrPartOfTheAlphabet() {
    let accepted = (0...127 as ClosedRange<UInt8>).filter { byte in
      Base64.decode(String(decoding: [byte, 65, 65, 65], as: UTF8.self)) != nil
    }
    #expect(accepted.count == 64)
  }
}
