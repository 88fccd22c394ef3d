import Primitives
import Testing

@Suite struct JSONValueTests {
  @Test(
    arguments: [
      ("null", .null), (" true ", .bool(true)), ("\t\r\nfalse", .bool(false)), ("0", .unsigned(0)),
      ("18446744073709551615", .unsigned(.max)), ("18446744073709551616", .number("18446744073709551616")),
      ("-1", .negative(-1)), ("-9223372036854775808", .negative(.min)),
      ("-9223372036854775809", .number("-9223372036854775809")), ("-0", .number("-0")),
      ("1.50", .number("1.50")),
      ("1e2", .number("1e2")), ("-2E-7", .number("-2E-7")), ("3.0e+5", .number("3.0e+5")),
      ("\"\"", .string("")),
      (#""a\u0041\u00e9\ud83d\ude00\/\"\\\b\f\n\r\t""#, .string("aAé😀/\"\\\u{8}\u{c}\n\r\t")),
      ("\"é\"", .string("é")),
      ("[]", .array([])), ("[ 1 , [ ] ]", .array([.unsigned(1), .array([])])), ("{ }", .object(JSONObject())),
      (
        #"{"b":1,"a":{"b":null}}"#,
        .object(
          JSONObject(members: [
            .init(name: "b", value: .unsigned(1)),
            .init(name: "a", value: .object(JSONObject(members: [.init(name: "b", value: .null)]))),
          ]))
      ),
    ] as [(String, JSONValue)])
  func parses(text: String, value: JSONValue) throws { #expect(try JSONValue.parse(text) == value) }

  @Test(
    arguments: [
      ("", .unexpectedEnd, 0, 1), ("  \n ", .unexpectedEnd, 4, 2), ("nul", .unexpectedEnd, 3, 1),
      ("nuLl", .unexpectedByte(0x4c), 2, 1), ("+1", .unexpectedByte(0x2b), 0, 1),
      ("01", .invalidNumber, 0, 1),
      ("-", .invalidNumber, 0, 1), ("-a", .invalidNumber, 0, 1), ("1.", .invalidNumber, 0, 1),
      (".5", .unexpectedByte(0x2e), 0, 1), ("1e", .invalidNumber, 0, 1), ("1e+", .invalidNumber, 0, 1),
      ("-01", .invalidNumber, 0, 1), ("1 2", .trailingBytes, 2, 1), ("[1,]", .unexpectedByte(0x5d), 3, 1),
      ("[,1]", .unexpectedByte(0x2c), 1, 1), ("[1 2]", .unexpectedByte(0x32), 3, 1),
      ("[1", .unexpectedEnd, 2, 1),
      ("{\"a\":1,}", .unexpectedByte(0x7d), 7, 1), ("{a:1}", .unexpectedByte(0x61), 1, 1),
      ("{\"a\" 1}", .unexpectedByte(0x31), 5, 1), ("{\"a\":}", .unexpectedByte(0x7d), 5, 1),
      ("{\"a\":1", .unexpectedEnd, 6, 1), ("{\"a\":1\n,\"a\":2}", .duplicateName("a"), 8, 2),
      ("\"abc", .unexpectedEnd, 4, 1), ("\"a\nb\"", .unescapedControlCharacter(10), 2, 1),
      ("\"\\x\"", .invalidEscape, 1, 1), ("\"\\u12g4\"", .invalidEscape, 1, 1),
      ("\"\\u12", .unexpectedEnd, 5, 1),
      ("\"\\ud800\"", .invalidEscape, 1, 1), ("\"\\udc00\"", .invalidEscape, 1, 1),
      ("\"\\ud800\\u0041\"", .invalidEscape, 1, 1), ("\"\\n\u{1}\"", .unescapedControlCharacter(1), 3, 1),
      ("\"\\", .unexpectedEnd, 2, 1), ("'a'", .unexpectedByte(0x27), 0, 1),
      ("NaN", .unexpectedByte(0x4e), 0, 1),
      ("\u{feff}1", .unexpectedByte(0xef), 0, 1), ("// x\n1", .unexpectedByte(0x2f), 0, 1),
      ("1\0", .trailingBytes, 1, 1),
    ] as [(String, JSONError.Reason, Int, Int)])
  func refuses(text: String, reason: JSONError.Reason, offset: Int, line: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
    #expect(error?.reason == reason)
    #expect(error?.offset == offset)
    #expect(error?.line == line)
  }

  @Test(
    arguments: [[0x22, 0xff, 0x22], [0x22, 0xc3, 0x22], [0x22, 0x5c, 0x6e, 0xed, 0xa0, 0x80, 0x22]]
      as [[UInt8]])
  func refusesWhatIsNotUTF8(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue.parse(bytes) }
  }

  @Test func depthIsLimited() throws {
    let fits = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
    _ = try JSONValue.parse(fits)
    for text in [
      "[" + fits + "]", String(repeating: "[", count: 1_000_000), String(repeating: "{\"a\":", count: 200),
    ] {
      let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
      #expect(error?.reason == .tooDeep(limit: 128))
    }
  }

  @Test func manyNamesAreStillUnique() {
    let names = (0..<1000).map { "\"k\($0)\":\($0)" }
    #expect(throws: Never.self) { try JSONValue.parse("{" + names.joined(separator: ",") + "}") }
    for repeated in [0, 15, 16, 999] {
      let text = "{" + (names + [names[repeated]]).joined(separator: ",") + "}"
      let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
      #expect(error?.reason == .duplicateName("k\(repeated)"))
    }
  }

  @Test func accessors() throws {
    let value = try JSONValue.parse(#"{"n": 5, "m": -5, "s": "x", "a": [1], "b": true, "z": null, "d": 1.5}"#)
    #expect(value["n"]?.uint64 == 5)
    #expect(value["n"]?.int64 == 5)
    #expect(value["m"]?.int64 == -5)
    #expect(value["m"]?.uint64 == nil)
    #expect(value["s"]?.string == "x")
    #expect(value["a"]?.array?.count == 1)
    #expect(value["b"]?.bool == true)
    #expect(value["z"]?.isNull == true)
    #expect(value["d"]?.double == 1.5)
    #expect(value["d"]?.uint64 == nil)
    #expect(value["missing"] == nil)
    #expect(value["n"]?["n"] == nil)
    #expect(JSONValue.unsigned(.max).int64 == nil)
  }

  /// Cut, flipped and duplicated bytes of a real-looking text: an error or a value, never a crash.
  @Test func damagedTextsDoNotCrash() {
    let text = Array(
      #"{"slot": 5, "a": [{"pubkey": "x\u00e9\ud83d\ude00", "n": -1.5e7}, true, null], "b": {}}"#.utf8)
    for end in text.indices { #expect(throws: JSONError.self) { try JSONValue.parse(Array(text[..<end])) } }
    var random = SplitMix64(seed: 5)
    var refused = 0
    for _ in 0..<20_000 {
      var copy = text
      for _ in 0...Int(random.next() % 3) {
        copy[Int(random.next() % UInt64(copy.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      do { _ = try JSONValue.parse(copy) } catch { refused += 1 }
    }
    #expect(refused > 1000)
  }
}
