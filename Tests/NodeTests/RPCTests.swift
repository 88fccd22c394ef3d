import Estuary
import Glibc
import Ledger
import Logging
import Primitives
import Testing

@testable import Node

/// Requests to a node without a network; the clients' tests are in Tools/oracle/node_clients.py.
@Suite struct RPCTests {
  private let producer: Producer
  private let rpc: JSONRPC

  init() throws {
    let chain = try Chain.open(directory: try Self.directory(), .creatingIfMissing)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    producer = try Producer(chain, pace: .instant, logger: logger)
    rpc = JSONRPC(
      SolanaRPC(producer, identity: Node.identity, background: BackgroundThreads(count: 1)))
  }

  private static func directory() throws -> String {
    let template = try #require(strdup("/tmp/estuary-node-XXXXXX"))
    defer { free(template) }
    return String(cString: try #require(mkdtemp(template)))
  }

  private func ask(_ text: String) async throws -> JSONValue {
    try JSONValue.parse(await rpc.answer(Array(text.utf8)))
  }

  private func call(_ method: String, _ parameters: String = "[]") async throws -> JSONValue {
    try await ask(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(parameters)}"#)
  }

  @Test(arguments: [
    ("", -32700), ("{", -32700), ("[]", -32600), ("1", -32600), ("{}", -32600), ("[1]", -32600),
    (#"{"jsonrpc":"1.0","id":1,"method":"getSlot"}"#, -32600),
    (#"{"jsonrpc":"2.0","id":{},"method":"getSlot"}"#, -32600),
    (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
    (#"{"jsonrpc":"2.0","id":1,"method":"getNothing"}"#, -32601),
    (#"{"jsonrpc":"2.0","id":1,"method":"getSlot","params":7}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"getSlot","params":["confirmed"]}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"commitment":"never"}]}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"minContextSlot":99999}]}"#, -32016),
    (#"{"jsonrpc":"2.0","id":1,"method":"getBalance"}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"getHealth","params":[1]}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"getSlotLeaders","params":[1,1,1]}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"getBalance","params":["0OIl"]}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"getBlock","params":[99999]}"#, -32004),
    (#"{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}"#, -32008),
    (#"{"jsonrpc":"2.0","id":1,"method":"sendTransaction","params":["!!",{"encoding":"base64"}]}"#, -32602),
    (#"{"jsonrpc":"2.0","id":1,"method":"sendTransaction","params":["AA",{"encoding":"json"}]}"#, -32602),
  ])
  func badRequestsHaveTheirCodes(text: String, code: Int) async throws {
    let answer = try await ask(text)
    let error = answer.array?.first?["error"] ?? answer["error"]
    #expect(error?["code"]?.int64 == Int64(code), "\(answer)")
  }

  @Test func idsComeBackAsTheyAreAndNotificationsHaveNoAnswer() async throws {
    for id in ["1", "-7", "\"a\"", "null", "1.5"] {
      let answer = await rpc.answer(Array(#"{"jsonrpc":"2.0","id":\#(id),"method":"getHealth"}"#.utf8))
      #expect(String(decoding: answer, as: UTF8.self) == #"{"jsonrpc":"2.0","result":"ok","id":\#(id)}"#)
    }
    #expect(await rpc.answer(Array(#"{"jsonrpc":"2.0","method":"getHealth"}"#.utf8)).isEmpty)
    let batch =
      #"[{"jsonrpc":"2.0","method":"getHealth"},{"id":2,"method":"getHealth"},{"id":3,"method":"x"}]"#
    let answers = try #require(try await ask(batch).array)
    #expect(answers.map { $0["id"] } == [.unsigned(2), .unsigned(3)])
    #expect(answers[1]["error"]?["code"]?.int64 == -32601)
    let many = "[" + [String](repeating: "{}", count: JSONRPC.batchLimit + 1).joined(separator: ",") + "]"
    #expect(try await ask(many)["error"]?["code"]?.int64 == -32600)
  }

  @Test func anAirdropIsInABlockAndInTheHistory() async throws {
    producer.start()
    defer { producer.stop() }
    let target = Pubkey(word0: 3, word1: 3, word2: 3, word3: 3)
    var signatures: [String] = []
    for _ in 0..<3 {
      let answer = try await call("requestAirdrop", #"["\#(target)",1000000]"#)
      signatures.append(try #require(answer["result"]?.string))
    }
    #expect(Set(signatures).count == 3, "the same airdrop thrice is three transactions")
    var slots: [UInt64] = []
    for signature in signatures {
      var status: JSONValue?
      for _ in 0..<2000 where status == nil {
        let answer = try await call("getSignatureStatuses", #"[["\#(signature)"]]"#)
        status = answer["result"]?["value"]?.array?.first.flatMap { $0.isNull ? nil : $0 }
        if status == nil { try await Task.sleep(nanoseconds: 5_000_000) }
      }
      #expect(status?["confirmationStatus"] == .string("finalized") && status?["err"] == .null)
      slots.append(try #require(status?["slot"]?.uint64))
    }
    #expect(try await call("getBalance", #"["\#(target)"]"#)["result"]?["value"] == .unsigned(3_000_000))
    let listed = try await call("getSignaturesForAddress", #"["\#(target)"]"#)["result"]?.array
    #expect(listed?.compactMap { $0["signature"]?.string } == signatures.reversed())
    let block = try await call("getBlock", #"[\#(slots[2]),{"transactionDetails":"signatures"}]"#)["result"]
    #expect(block?["signatures"]?.array?.contains(.string(signatures[2])) == true)
    #expect(
      try await call("getTransaction", #"["\#(signatures[0])"]"#)["result"]?["slot"] == .unsigned(slots[0]))
    #expect(try await call("getTransactionCount")["result"] == .unsigned(3))
  }

  @Test(
    arguments: [
      (0, 0, "0"), (5, 0, "5"), (0, 9, "0"), (1, 9, "0.000000001"), (1_500_000_000, 9, "1.5"),
      (1_000_000_000, 9, "1"), (123, 2, "1.23"), (UInt64.max, 6, "18446744073709.551615"),
    ] as [(UInt64, UInt8, String)])
  func tokenAmountsReadAsPeopleWriteThem(amount: UInt64, decimals: UInt8, text: String) {
    #expect(TokenAmount(amount, decimals: decimals).text == text)
  }

  @Test(arguments: [
    ([], true), (["localhost"], true), (["LOCALHOST:8899"], true), (["127.0.0.1:8899"], true),
    (["[::1]:8899"], true),
    (["node.example:1"], true), (["evil.example"], false), (["localhost.evil.example:8899"], false),
    (["127.0.0.1.evil.example"], false), ([""], false), (["localhost", "localhost"], false),
  ])
  func hostNames(headers: [String], isAllowed: Bool) {
    #expect(HostName.isAllowed(headers, "node.example") == isAllowed)
  }

  @Test(
    arguments: [
      ("http://localhost:3000", true), ("https://LOCALHOST", true), ("http://127.0.0.1:5173", true),
      ("http://127.9.9.9", true),
      ("http://[::1]:3000", true), ("http://0.0.0.0:80", true), ("https://node.example", true),
      ("http://192.168.7.7:3000", true),
      ("http://192.168.7.8:3000", false), ("http://203.0.113.5", false), ("http://[2001:db8::1]", false),
      ("null", false), ("", false),
      ("http://", false), ("localhost", false), ("ftp://localhost", false),
      ("http://127.0.0.1.evil.example", false),
      ("http://localhost.evil.example", false), ("http://evil.example:8899", false),
    ] as [(String, Bool)])
  func origins(origin: String, isOwn: Bool) {
    #expect(HostName.isOwn(origin, "node.example", asked: "192.168.7.7:8899") == isOwn)
  }
}
