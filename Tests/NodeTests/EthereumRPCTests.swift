import Estuary
import Glibc
import Ledger
import Logging
import Primitives
import Testing

@testable import Node

/// Both dialects over one ledger, without a network; what the methods answer is asked by Tools/oracle/ethereum_rpc.py.
@Suite struct EthereumRPCTests {
  private let rpc: JSONRPC

  init() throws {
    let template = try #require(strdup("/tmp/estuary-node-XXXXXX"))
    defer { free(template) }
    let directory = String(cString: try #require(mkdtemp(template)))
    let chain = try Chain.open(directory: directory, .creatingIfMissing, ethereum: .funded(chainID: 77))
    try chain.beginEthereum()
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let ledger = try #require(try EthereumLedger(chain.store))
    let producer = try Producer(chain, pace: .instant, logger: logger)
    let background = BackgroundThreads(count: 1)
    rpc = JSONRPC(
      NodeRPC(
        SolanaRPC(producer, identity: Node.identity, background: background),
        EthereumRPC(producer, ledger: ledger, background: background)))
  }

  private func ask(_ text: String) async throws -> JSONValue {
    try JSONValue.parse(await rpc.answer(Array(text.utf8)))
  }

  @Test func oneBatchMayHaveBothDialects() async throws {
    let requests = ["eth_chainId", "getSlot", "net_version", "eth_nothing", "getNothing", "eth_blockNumber"]
    let batch = requests.enumerated().map {
      #"{"jsonrpc":"2.0","id":\#($0),"method":"\#($1)"}"#
    }.joined(separator: ",")
    let answers = try #require(try await ask("[\(batch)]").array)
    #expect(answers.map { $0["id"]?.uint64 } == [0, 1, 2, 3, 4, 5])
    #expect(answers[0]["result"] == .string("0x4d") && answers[2]["result"] == .string("77"))
    #expect(answers[1]["result"] == .unsigned(1) && answers[5]["result"] == .string("0x0"))
    for answer in answers[3...4] { #expect(answer["error"]?["code"]?.int64 == -32601) }
    #expect(
      answers[3]["error"]?["message"]?.string == "the method eth_nothing does not exist/is not available")
  }

  /// Whatever is asked of whatever method is answered, and what is no parameter is an error of the request.
  @Test func oddParametersAreRefused() async throws {
    let odd = [
      #"7"#, #"{}"#, #"["0x"]"#, #"[null]"#, #"[{}]"#, #"[[]]"#, #"["0x1","0x2","0x3","0x4","0x5","0x6"]"#,
      #"[{"to":"0x1"}]"#, #"["latest",7]"#,
      #"["0x0000000000000000000000000000000000000000",{"blockHash":"0x1"}]"#,
      #"[{"fromBlock":"0xffffffffffffffffff"}]"#, #"[{"topics":[[["0x1"]]]}]"#,
      #"[{"blockStateCalls":[{"calls":[{"gas":"-1"}]}]}]"#, #"[{"data":"0x0g"},"latest",{"0x1":{}}]"#,
      #"["0x1","latest",[101,"a"]]"#, #"["0x1","latest",{"tracer":"x","timeout":"x"}]"#,
    ]
    let reading = [
      EthereumRPC.chainMethods, EthereumRPC.stateMethods, EthereumRPC.callMethods, EthereumRPC.blockMethods,
      EthereumRPC.transactionMethods, EthereumRPC.logMethods, EthereumRPC.feeMethods, EthereumRPC.rawMethods,
      EthereumRPC.traceMethods, EthereumRPC.simulationMethods, EthereumRPC.configurationMethods,
    ]
    for method in reading.flatMap(\.keys).sorted() {
      for parameters in odd {
        let answer = try await ask(
          #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(parameters)}"#)
        let code = answer["error"]?["code"]?.int64
        #expect(
          answer["result"] != nil || (code.map { $0 < 0 || $0 == 3 } ?? false), "\(method) \(parameters)")
        #expect(code != -32603, "\(method) \(parameters): \(answer)")
      }
    }
  }
}
