import Primitives
import Testing

@testable import Contracts

@Suite struct ABIParserTests {
  @Test(
    arguments: [
      ("transfer(address,uint256)", "transfer(address,uint256)", "a9059cbb"),
      ("transfer( address to , uint amount )", "transfer(address,uint256)", "a9059cbb"),
      (
        "function transfer(address payable to, uint256) external returns (bool)", "transfer(address,uint256)",
        "a9059cbb"
      ),
      ("balanceOf(address)(uint256)", "balanceOf(address)", "70a08231"),
      ("f((uint256,address)[2],bytes)", "f((uint256,address)[2],bytes)", nil),
      ("f(tuple(uint a, address b)[2] pairs, bytes calldata data)", "f((uint256,address)[2],bytes)", nil),
      ("name()", "name()", "06fdde03"), ("_$x9()", "_$x9()", nil),
      ("f(fixed,ufixed8x1,function,byte,int)", "f(fixed128x18,ufixed8x1,function,bytes1,int256)", nil),
      (
        "error InsufficientBalance(uint256 available, uint256 required);",
        "InsufficientBalance(uint256,uint256)", "cf479181"
      ),
      (
        "event Transfer(address indexed from, address indexed to, uint256 value)",
        "Transfer(address,address,uint256)", "ddf252ad"
      ),
      (
        "event E(uint indexed a, uint indexed b, uint indexed c, uint indexed d) anonymous",
        "E(uint256,uint256,uint256,uint256)", nil
      ),
      ("constructor(uint256) payable", "constructor(uint256)", nil),
      ("function(uint256)", "function(uint256)", nil),
      ("f(()())", nil, nil), ("f((),uint8)", "f((),uint8)", nil),
    ] as [(String, String?, String?)]) func readsSignatures(
      text: String, signature: String?, selector: String?
    ) throws
  {
    guard let signature else {
      #expect(throws: ABIError.self) { try ABIItem(signature: text) }
      return
    }
    let item = try ABIItem(signature: text)
    #expect(item.signature == signature)
    if let selector { #expect(Hex.encode(item.selector) == selector) }
  }

  @Test func readsResultsAndNames() throws {
    let item = try ABIItem(signature: "get(uint256 id)(address owner,(string,uint8[])[])")
    #expect(item.inputs.map(\.name) == ["id"])
    #expect(item.outputs?.map(\.name) == ["owner", ""])
    #expect(item.outputs?.map(\.type.name) == ["address", "(string,uint8[])[]"])
    #expect(try ABIItem(signature: "f()").outputs == nil)
    #expect(try ABIItem(signature: "f()()").outputs == [])
    #expect(try ABIItem(signature: "f() view returns (uint)").outputs?.map(\.type) == [.uint(bits: 256)])
    let event = try ABIItem(signature: "event E(uint indexed a, bytes b)")
    #expect(event.kind == .event && event.inputs.map(\.isIndexed) == [true, false])
    #expect(try ABIItem(signature: "constructor() payable").isPayable)
  }

  @Test(arguments: [
    "", "f", "(uint256)", "f(", "f(uint256", "f(uint256,)", "f(,)", "f(uint256))", "f(uint257)", "f(uint0)",
    "f(uint7)",
    "f(uint08)", "f(bytes0)", "f(bytes33)", "f(int264)", "f(Token)", "f(uint256[)", "f(uint256[0])",
    "f(uint256[-1])",
    "f(uint256[x])", "f(()[])", "f(()[2])", "f(uint256[1048577])", "f(uint256[1025][1024])",
    "f(uint256[99999999999999999999])", "f(uint256[9223372036854775807][2])", "f(uint256 indexed a)",
    "event E(uint indexed a,uint indexed b,uint indexed c,uint indexed d)", "f(fixed128)", "f(fixed128x81)",
    "f(fixed7x1)", "f(uint256) returns", "f()()()", "f(uint+8)", "f(bytes+4)", "f(ü)", "f(uint256)x",
    "f(" + String(repeating: "(", count: 200) + ")", "f(uint8" + String(repeating: "[]", count: 100) + ")",
    "f(uint256[1048576],uint8)",
  ]) func refuses(text: String) {
    #expect(throws: ABIError.self) { try ABIItem(signature: text) }
  }

  @Test func saysWhere() throws {
    let error = #expect(throws: ABIError.self) { try ABIItem(signature: "f(address,Token)") }
    #expect(
      error?.description
        == "the signature 'f(address,Token)', at character 11: unknown type 'Token'; types are written out as in"
        + " transfer(address,uint256)")
  }

  @Test func readsJSON() throws {
    let abi = try ContractABI(
      json: Array(
        """
        [{"type":"constructor","inputs":[{"name":"supply","type":"uint256"}],"stateMutability":"payable"},
         {"type":"function","name":"f","inputs":[{"name":"orders","type":"tuple[2][]","components":[
           {"name":"owner","type":"address"},{"name":"inner","type":"tuple","components":[{"name":"x","type":"int8"}]}]}],
          "outputs":[{"name":"","type":"bool"}],"stateMutability":"view"},
         {"type":"event","name":"E","inputs":[{"name":"a","type":"string","indexed":true}],"anonymous":false},
         {"type":"error","name":"Bad","inputs":[]},{"type":"fallback"},{"type":"receive"}]
        """.utf8))
    #expect(
      abi.items.map(\.signature) == [
        "constructor(uint256)", "f((address,(int8))[2][])", "E(string)", "Bad()",
      ])
    #expect(abi.constructor.isPayable && abi.functions(named: "f").first?.outputs?.count == 1)
    let error = #expect(throws: ABIError.self) {
      try abi.functions(named: "f")[0].callData(
        texts: [
          "[[(0x0000000000000000000000000000000000000001, (1)), (0x0000000000000000000000000000000000000002, (200))]]"
        ])
    }
    #expect(
      error?.description == "argument 1 'orders'[0][1].inner.x (int8): 200 is out of range, [-128, 127]")
  }

  @Test(arguments: [
    "{}", "[1]", "[{\"type\":\"functoin\",\"name\":\"f\"}]", "[{\"type\":\"function\"}]",
    "[{\"name\":\"f\",\"inputs\":[{\"type\":\"uint7\"}]}]", "[{\"name\":\"f\",\"inputs\":[{}]}]",
    "[{\"name\":\"f\",\"inputs\":{}}]", "[{\"name\":\"f\",\"inputs\":[{\"type\":\"tuple[]\"}]}]", "[",
  ]) func refusesJSON(text: String) {
    #expect(throws: ABIError.self) { try ContractABI(json: Array(text.utf8)) }
  }
}
