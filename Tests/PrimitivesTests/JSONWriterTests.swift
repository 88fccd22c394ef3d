import Primitives
import Testing

@Suite struct JSONWriterTests {
  private func sample(pretty: Bool) -> String {
    var writer = JSONWriter(pretty: pretty)
    writer.object { object in
      object.member("a", UInt64.max)
      object.member("b", Int64.min)
      object.key("c")
      object.array { array in
        array.value(true)
        array.value(false)
        array.null()
        array.object { _ in }
        array.array { _ in }
        array.array { $0.value(1) }
      }
      object.member("d", "x\"y\\z\u{1}\n\t\r\u{8}\u{c}/é😀\u{7f}")
      object.member("e", 0.1)
      object.member("f", Double.infinity)
      object.memberNull("g")
      object.member("h", -7)
      object.member("", false)
    }
    return writer.text
  }

  @Test func compact() {
    #expect(
      sample(pretty: false)
        == #"{"a":18446744073709551615,"b":-9223372036854775808,"c":[true,false,null,{},[],[1]],"#
        + #""d":"x\"y\\z\u0001\n\t\r\b\f/é😀"# + "\u{7f}" + #"","e":0.1,"f":null,"g":null,"h":-7,"":false}"#)
  }

  @Test func pretty() {
    let expected = """
      {
        "a": 18446744073709551615,
        "b": -9223372036854775808,
        "c": [
          true,
          false,
          null,
          {},
          [],
          [
            1
          ]
        ],
      """
    #expect(sample(pretty: true).hasPrefix(expected))
    #expect(sample(pretty: true).hasSuffix("  \"\": false\n}"))
  }

  @Test(arguments: [false, true]) func ownParserReadsIt(pretty: Bool) throws {
    let value = try JSONValue.parse(sample(pretty: pretty))
    #expect(value["a"]?.uint64 == .max)
    #expect(value["b"]?.int64 == .min)
    #expect(value["d"]?.string == "x\"y\\z\u{1}\n\t\r\u{8}\u{c}/é😀\u{7f}")
    #expect(value["e"] == .number("0.1"))
    var again = JSONWriter(pretty: pretty)
    again.value(value)
    #expect(again.text == sample(pretty: pretty))
  }

  @Test func everyCharacterIsEscapedSoThatItComesBack() throws {
    for scalar in (0..<0x300 as Range<UInt32>).compactMap(Unicode.Scalar.init) {
      var writer = JSONWriter()
      writer.value(String(Character(scalar)))
      #expect(try JSONValue.parse(writer.bytes) == .string(String(Character(scalar))))
    }
  }

  @Test func bytesThatAreNotUTF8AreReplaced() {
    var writer = JSONWriter()
    ([0x61, 0xff, 0x62] as [UInt8]).withUnsafeBytes { writer.value(utf8: $0) }
    #expect(writer.text == "\"a\u{fffd}b\"")
  }

  @Test func linesAndReuse() {
    var writer = JSONWriter()
    writer.value(1)
    writer.newline()
    writer.array { $0.value(2) }
    writer.newline()
    #expect(writer.text == "1\n[2]\n")
    writer.removeAll()
    pattern(4).withUnsafeBytes { writer.value(base64: $0) }
    #expect(writer.text == "\"AAECAw==\"")
  }
}
