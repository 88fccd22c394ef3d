import Primitives
import Testing
import WideIntegers

@testable import Contracts

@Suite struct ABITextTests {
  private static func parsed(_ type: String, _ text: String) throws -> String {
    let item = try ABIItem(signature: "f(\(type) x)")
    let values = try item.arguments(texts: [text])
    #expect(try item.inputs.decode(item.inputs.encode(values)) == values)
    return item.inputs.texts(values)[0]
  }

  @Test(arguments: [
    ("uint256", "1ether", "1000000000000000000"), ("uint256", "1.5 gwei", "1500000000"),
    ("uint256", "0.000000001gwei", "1"),
    ("uint256", "2e18", "2000000000000000000"), ("uint256", "4.2e1", "42"), ("uint256", "1200e-2", "12"),
    ("uint256", "0x1F", "31"), ("uint256", "0b101", "5"), ("uint256", "0o17", "15"), ("uint256", "007", "7"),
    ("uint256", "1.000", "1"), ("uint8", "255", "255"), ("int8", "-128", "-128"), ("int8", "-0x80", "-128"),
    ("int8", "+127", "127"),
    (
      "int256", "-57896044618658097711785492504343953926634992332820282019728792003956564819968",
      "-57896044618658097711785492504343953926634992332820282019728792003956564819968"
    ),
    ("int128", "-1ether", "-1000000000000000000"), ("fixed168x10", "-1.5", "-1.5000000000"),
    ("ufixed8x1", "25.5", "25.5"),
    ("int8", "-0", "0"), ("bool", " true ", "true"), ("bytes", "0x", "0x"), ("bytes", "abCD", "0xabcd"),
    ("bytes4", "0x01020304", "0x01020304"),
    ("string", "", ""), ("string", " as it is ", " as it is "), ("string", "it's \"so\"", "it's \"so\""),
    ("string", "\"quoted \\u{1f30a}\"", "quoted 🌊"),
    ("string", "''", ""), ("uint8[]", "[]", "[]"), ("uint8[]", "[ 1,2 , 3 ]", "[1, 2, 3]"),
    ("string[]", "[a b, \"c, d\", 'e']", "[\"a b\", \"c, d\", \"e\"]"),
    ("(uint8,bytes)[2]", "[(1,0x),(2,0xff)]", "[(1, 0x), (2, 0xff)]"), ("()", "()", "()"),
    ("address", "0xd8da6bf26964af9d7eed9e03e53415d37aa96045", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
    ("address", "0xD8DA6BF26964AF9D7EED9E03E53415D37AA96045", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
    ("address", "d8dA6BF26964aF9D7eEd9e03E53415D37aA96045", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
  ]) func reads(type: String, text: String, printed: String) throws {
    #expect(try Self.parsed(type, text) == printed)
  }

  @Test(arguments: [
    ("uint8", "256"), ("uint8", "-1"), ("uint256", "0x1" + String(repeating: "0", count: 64)),
    ("uint256", "1e78"), ("uint256", "1e99999999999999999999"),
    ("int8", "128"), ("int8", "-129"), ("uint256", ""), ("uint256", "0x"), ("uint256", "1.5"),
    ("uint256", "1.5e0"), ("uint256", "0.1wei"),
    ("uint256", "ff"), ("uint256", "1_000"), ("uint256", "1,000"), ("uint256", "1 2"),
    ("uint256", "1 parsec"), ("uint256", "1."), ("uint256", ".5ether"),
    ("uint256", "--1"), ("uint256", "0b2"), ("uint256", "0o8"), ("uint256", "١"), ("bool", "1"),
    ("bool", "True"), ("bool", ""), ("address", "0x12"), ("address", ""),
    ("address", "0xD8dA6BF26964aF9D7eEd9e03E53415D37aA96045"), ("bytes", ""), ("bytes", "0x1"),
    ("bytes", "0xzz"), ("bytes4", "0x010203"),
    ("bytes4", "0x0102030405"), ("bytes4", ""), ("function", "0x00"), ("string", "\"open"),
    ("string", "\"a\" b"), ("string", "\"\\q\""), ("string", "\"\\u{d800}\""),
    ("uint8[]", ""), ("uint8[]", "1"), ("uint8[]", "[1"), ("uint8[]", "[1,]"), ("uint8[]", "[1]]"),
    ("uint8[]", "[,]"), ("uint8[]", "(1)"), ("uint8[2]", "[1]"),
    ("uint8[2]", "[1,2,3]"), ("(uint8,bool)", "(1)"), ("(uint8,bool)", "(1,true,2)"),
    ("(uint8,bool)", "[1,true]"), ("string[]", "[a,,b]"), ("bytes[]", "[0x, ]"),
    ("fixed168x10", "1.00000000001"), ("ufixed8x1", "25.6"), ("uint8[]", "[1 2]"),
  ]) func refuses(type: String, text: String) throws {
    let error = #expect(throws: ABIError.self) { try Self.parsed(type, text) }
    // Every one of these errors says whose fault it is.
    #expect(error?.description.hasPrefix("argument 1 'x'") == true, "\(error?.description ?? "none")")
  }

  @Test func namesTheArgument() throws {
    let item = try ABIItem(signature: "f(uint8,(address owner,int16[] steps)[] orders)")
    let error = #expect(throws: ABIError.self) {
      try item.callData(texts: ["1", "[(0x0000000000000000000000000000000000000001, [1, 2, 40000])]"])
    }
    #expect(
      error?.description == "argument 2 'orders'[0].steps[2] (int16): 40000 is out of range, [-32768, 32767]")
    let count = #expect(throws: ABIError.self) { try item.callData(texts: ["1"]) }
    #expect(count?.description == "f(uint8,(address,int16[])[]) takes 2 arguments, 1 given")
  }

  @Test(arguments: [
    ("7", UInt256(7)), ("1ether", UInt256(1_000_000_000_000_000_000)), ("5gwei", UInt256(5_000_000_000)),
    ("0.25 ether", UInt256(250_000_000_000_000_000)),
    ("0x10", UInt256(16)), ("1 finney", UInt256(1_000_000_000_000_000)), ("0", UInt256(0)),
  ]) func readsAmounts(text: String, wei: UInt256) throws {
    #expect(try DecimalAmount.wei(text) == wei)
  }

  @Test(arguments: [
    "", "-1", "1.5", "0.5wei", "1 eth er", "ether", "1e80", "0.0000000000000000001ether", "0x", "NaN",
  ])
  func refusesAmounts(text: String) {
    #expect(throws: AmountError.self) { try DecimalAmount.wei(text) }
  }
}
