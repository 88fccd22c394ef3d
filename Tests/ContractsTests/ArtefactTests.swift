import Primitives
import Testing

@testable import Contracts

@Suite struct ArtefactTests {
  private static let abi = """
    [{"type":"constructor","inputs":[{"name":"supply","type":"uint256"}]}]
    """

  private static func read(_ text: String, _ choice: String? = nil) throws -> ContractArtefact {
    try ContractArtefact(reading: Array(text.utf8), choosing: choice)
  }

  @Test(arguments: [
    ("6001", "", false), ("0x6001\n", "", false), ("\u{feff}0x6001", "", false), (" 60\n01 ", "", false),
    ("\"0x6001\"", "", false),
    (
      "{\"abi\":\(abi),\"bytecode\":{\"object\":\"0x6001\",\"linkReferences\":{}},\"metadata\":{\"settings\":{\"compilationTarget\":{\"src/T.sol\":\"T\"}}}}",
      "T", true
    ),
    (
      "{\"_format\":\"hh-sol-artifact-1\",\"contractName\":\"T\",\"abi\":\(abi),\"bytecode\":\"0x6001\",\"linkReferences\":{}}",
      "T", true
    ),
    (
      "{\"contracts\":{\"T.sol:T\":{\"abi\":\(abi),\"bin\":\"6001\"},\"T.sol:I\":{\"abi\":[],\"bin\":\"\"}},\"version\":\"0.8.30\"}",
      "T.sol:T", true
    ),
    ("{\"contracts\":{\"T.sol:T\":{\"abi\":\"[]\",\"bin\":\"6001\"}}}", "T.sol:T", true),
    (
      "{\"contracts\":{\"T.sol\":{\"T\":{\"abi\":\(abi),\"evm\":{\"bytecode\":{\"object\":\"6001\",\"linkReferences\":{}}}}}},\"errors\":[{\"severity\":\"warning\"}]}",
      "T.sol:T", true
    ),
    (
      "{\"T.vy\":{\"bytecode\":\"0x6001\",\"bytecode_runtime\":\"0x\",\"abi\":\(abi)},\"version\":\"0.4.3\"}",
      "T.vy", true
    ),
  ]) func reads(text: String, name: String, hasABI: Bool) throws {
    let artefact = try Self.read(text)
    #expect(artefact.initcode == [0x60, 0x01])
    #expect(artefact.name == name)
    #expect((artefact.abi != nil) == hasABI)
  }

  private static let two =
    "{\"contracts\":{\"T.sol:A\":{\"abi\":[],\"bin\":\"60\"},\"T.sol:B\":{\"abi\":[],\"bin\":\"61\"}}}"

  @Test func choosesByName() throws {
    #expect(try Self.read(Self.two, "B").initcode == [0x61])
    #expect(try Self.read(Self.two, "T.sol:A").initcode == [0x60])
    let several = #expect(throws: ArtefactError.self) { try Self.read(Self.two) }
    #expect(several == .several(["T.sol:A", "T.sol:B"]))
    #expect(several?.description == "holds several contracts, choose one with --contract: T.sol:A, T.sol:B")
    #expect(throws: ArtefactError.notFound("C", among: ["T.sol:A", "T.sol:B"])) {
      try Self.read(Self.two, "C")
    }
    #expect(throws: ArtefactError.several(["line 1", "line 2"])) { try Self.read("0x60\n0x61\n") }
  }

  private static let hash = "__$" + String(repeating: "a", count: 34) + "$__"

  @Test func namesLibraries() throws {
    let place = Self.hash
    let linked = "\"linkReferences\":{\"lib/M.sol\":{\"M\":[{\"start\":1,\"length\":20}]}}"
    let cases = [
      ("60\(place)01", [String(repeating: "a", count: 34)].map { "$\($0)$" }),
      ("60__lib/Math.sol:Math_____________________01", ["lib/Math.sol:Math"]),
      (
        "{\"abi\":[],\"bytecode\":{\"object\":\"0x60\(place)\",\(linked)}}",
        ["lib/M.sol:M", "$\(String(repeating: "a", count: 34))$"]
      ),
    ]
    for (text, libraries) in cases {
      let error = #expect(throws: ArtefactError.self) { try Self.read(text) }
      guard case .unlinked(_, let found) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(found == libraries)
    }
  }

  @Test(arguments: [
    "", " \n", "hello", "0x600", "60zz", "{", "[]", "{}", "{\"abi\":[]}", "{\"contracts\":{}}",
    "{\"bytecode\":7}", "\u{7f}ELF", "null", "7",
    "{\"contracts\":{\"T.sol:I\":{\"abi\":[],\"bin\":\"\"}}}", "{\"bytecode\":\"0x\"}",
    "{\"bytecode\":\"0x60\",\"abi\":7}",
    "{\"errors\":[{\"severity\":\"error\",\"formattedMessage\":\"ParserError\"}]}",
    "{\"bytecode\":\"0x60\",\"abi\":[{\"name\":\"f\",\"inputs\":[{\"type\":\"x\"}]}]}",
  ]) func refuses(text: String) {
    let error = #expect(throws: ArtefactError.self) { try Self.read(text) }
    #expect(error?.description.isEmpty == false)
  }
}
