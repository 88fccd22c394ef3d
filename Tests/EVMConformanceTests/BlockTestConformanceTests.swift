import Conformance
import EVM
import Foundation
import Primitives
import SBPF
import Testing
import WideIntegers

@testable import EVMConformance

/// All block and transaction tests of the vectors.
@Suite(.enabled(if: BlockTests.archive != nil, "no ../shared/vectors/evm/blocktests.tar.zst"))
struct BlockTestConformanceTests {
  @Test(arguments: Engine.available)
  func blockTestsPass(engine: Engine) throws {
    let report = try BlockTestConformance.run(
      paths: [BlockTests.folder + "/BlockchainTests"],
      options: BlockTestOptions(engine: engine, workerCount: 2))
    for one in report.cases {
      if case .failed(let reason) = one.outcome { Issue.record("\(one.file) \(one.name): \(reason)") }
    }
    #expect(report.passedCount > 600 && report.skippedCount == 0)
  }

  /// In lanes, every fifth file: `Tools/test conformance` runs all.
  @Test(arguments: Engine.available, [2, 4])
  func blockTestsPassInLanes(engine: Engine, workerCount: Int) throws {
    let files = try FileManager.default.subpathsOfDirectory(atPath: BlockTests.folder + "/BlockchainTests")
      .filter { $0.hasSuffix(".json") }.sorted()
    let some = files.enumerated().filter { $0.offset % 5 == workerCount % 5 }.map(\.element)
    let report = try BlockTestConformance.run(
      paths: some.map { BlockTests.folder + "/BlockchainTests/" + $0 },
      options: BlockTestOptions(engine: engine, inLanes: true, workerCount: workerCount))
    for one in report.cases {
      if case .failed(let reason) = one.outcome { Issue.record("\(one.file) \(one.name): \(reason)") }
    }
    #expect(report.passedCount > 50 && report.skippedCount == 0)
  }

  @Test func transactionTestsPass() throws {
    let report = try TransactionTestConformance.run(paths: [BlockTests.folder + "/TransactionTests"])
    for one in report.cases {
      if case .failed(let reason) = one.outcome { Issue.record("\(one.file) \(one.name): \(reason)") }
    }
    #expect(report.passedCount > 1_600 && report.skippedCount == 0)
  }

  /// A test that passes fails when what it expects is something else.
  @Test(arguments: [
    ("\"lastblockhash\" : \"0x", "\"lastblockhash\" : \"0x00", "lastblockhash"),
    ("\"network\" : \"", "\"network\" : \"Atlantis", "network"),
    ("\"blocks\" : [", "\"blocks\" : [ {\"rlp\" : \"0xc0\", \"blockHeader\" : {}},", "block 0 is refused"),
    ("\"genesisRLP\" : \"0xf9", "\"genesisRLP\" : \"0xf8", "genesis"),
  ])
  func aBlockTestThatIsWrongFails(part: String, wrong: String, reason: String) throws {
    let path = BlockTests.folder + "/BlockchainTests/ValidBlocks/bcStateTests"
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: path).min())
    var text = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
    try #require(text.contains(part))
    text = text.replacingOccurrences(of: part, with: wrong)
    let file = FileManager.default.temporaryDirectory.appending(path: "estuary-blocktest-\(UUID()).json")
      .path()
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data(text.utf8).write(to: URL(filePath: file))
    let report = try BlockTestConformance.run(paths: [file], options: BlockTestOptions())
    #expect(report.failedCount == report.cases.count && !report.cases.isEmpty)
    for one in report.cases {
      if case .failed(let found) = one.outcome { #expect(found.contains(reason), "\(found)") }
    }
  }
}

struct TestNetworkTests {
  @Test func namesAreSchedules() throws {
    func fork(_ name: String, _ number: UInt64, _ time: UInt64 = 0, _ difficulty: UInt64 = 0) throws -> Fork {
      let configuration = try #require(TestNetwork.configuration(named: name))
      return configuration.fork(number: number, timestamp: time, totalDifficulty: UInt256(difficulty))
    }
    #expect(try fork("Cancun", 0) == .cancun)
    #expect(try fork("BerlinToLondonAt5", 4) == .berlin)
    #expect(try fork("BerlinToLondonAt5", 5) == .london)
    #expect(try fork("ByzantiumToConstantinopleFixAt5", 5) == .petersburg)
    #expect(try fork("ShanghaiToCancunAtTime15k", 9, 14_999) == .shanghai)
    #expect(try fork("ShanghaiToCancunAtTime15k", 9, 15_000) == .cancun)
    #expect(try fork("ArrowGlacierToParisAtDiffC0000", 9, 0, 0xbffff) == .london)
    #expect(try fork("ArrowGlacierToParisAtDiffC0000", 9, 0, 0xc0000) == .paris)
    #expect(try fork("OsakaToBPO1AtTime15k", 1, 15_000) == .bpo1)
    #expect(TestNetwork.configuration(named: "HomesteadToDaoAt5")?.daoForkBlock == 5)
    for name in [
      "", "Atlantis", "BerlinToLondon", "BerlinToLondonAt", "AtlantisToLondonAt5", "BerlinToXAtTimek",
    ] {
      #expect(TestNetwork.configuration(named: name) == nil)
    }
  }
}

/// State tests without `txbytes`.
struct StateTestTransactionTests {
  private static let key = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8"

  private static func read(_ members: String) throws -> (test: StateTest?, malformed: [StateTestError]) {
    let text = """
      {"t": {"env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentGasLimit": "0x989680",
      "currentNumber": "0x01", "currentTimestamp": "1000"}, "pre": {}, "transaction": {\(members)}, "post": {"Cancun":
      [{"hash": "0x6d288d0464ec2abb94b46a36dda67a5d2102b56a8f59b3a7912d99d62fb5ab80", "indexes": {"data": 0, "gas": 1,
      "value": 0}, "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"}]}}}
      """
    let file = try StateTestReader.read(try JSONValue.parse(text), fork: nil)
    return (file.tests.first, file.malformed.map(\.error))
  }

  private static let basic = """
    "nonce": "0x2", "to": "0x00000000000000000000000000000000000000f1", "data": ["0x01"], "gasLimit": ["0x1", "30000"],
    "value": ["0x"], "secretKey": "\(key)"
    """

  @Test(arguments: [
    ("\"gasPrice\": \"0x10\"", EthereumTransaction.Kind.legacy),
    ("\"gasPrice\": \"0x10\", \"accessLists\": [null]", .legacy),
    ("\"gasPrice\": \"0x10\", \"accessLists\": [[]]", .accessList),
    ("\"maxFeePerGas\": \"0x10\", \"maxPriorityFeePerGas\": \"0x1\"", .dynamicFee),
    ("\"maxFeePerGas\": \"0x10\", \"blobVersionedHashes\": [], \"maxFeePerBlobGas\": \"0x1\"", .blob),
    ("\"maxFeePerGas\": \"0x10\", \"authorizationList\": []", .setCode),
  ])
  func fieldsMakeATransaction(more: String, kind: EthereumTransaction.Kind) throws {
    let (test, malformed) = try Self.read(Self.basic + ", " + more)
    #expect(malformed.isEmpty)
    guard case .built(let transaction, let sender)? = test?.cases.first?.transaction else {
      Issue.record("not built")
      return
    }
    #expect(transaction.kind == kind && transaction.nonce == 2 && transaction.gasLimit == 30_000)
    #expect(transaction.data == [1] && transaction.value.isZero && transaction.maxFeePerGas == 16)
    #expect(sender == Address(hex: "a94f5374fce5edbc8e2a8697c15331677e6ebf0b"))
  }

  @Test(arguments: [
    ("\"secretKey\": \"\(key)\"", "\"secretKey\": \"0x00\"", "/t/transaction/secretKey"),
    ("\"secretKey\": \"\(key)\"", "\"sender\": \"0x00\"", "/t/transaction/sender"),
    ("\"secretKey\": \"\(key)\"", "\"note\": \"\"", "/t/transaction/secretKey"),
    ("[\"0x1\", \"30000\"]", "[\"0x1\"]", "/t/transaction/gasLimit"),
    ("\"nonce\": \"0x2\"", "\"nonce\": \"2x\"", "/t/transaction/nonce"),
  ])
  func fieldsThatAreWrongAreNamed(part: String, wrong: String, path: String) throws {
    let text = Self.basic.replacingOccurrences(of: part, with: wrong)
    try #require(text != Self.basic)
    #expect(try Self.read(text).malformed.map(\.path) == [path])
  }

  @Test func olderNamesAreKnown() {
    #expect(
      ExceptionNames.read("TR_NoFunds|TransactionException.NONCE_IS_MAX") == [
        "INSUFFICIENT_ACCOUNT_FUNDS", "NONCE_IS_MAX",
      ])
    #expect(ExceptionNames.read("SenderNotEOAorNoCASH").contains("SENDER_NOT_EOA"))
    #expect(ExceptionNames.read("TR_TypeNotSupported").contains("TYPE_3_TX_PRE_FORK"))
    #expect(ExceptionNames.read("") == [])
    #expect(ExceptionNames.read("SomethingNew") == ["SomethingNew"])
  }
}

enum BlockTests {
  static let archive: String? = {
    let fromEnvironment = ProcessInfo.processInfo.environment["ESTUARY_VECTORS"]
    let beside = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/vectors").path()
    return [fromEnvironment, beside].compactMap { $0.map { $0 + "/evm/blocktests.tar.zst" } }
      .first { FileManager.default.fileExists(atPath: $0) }
  }()

  /// Where the tests are unpacked, once a run.
  static let folder: String = {
    let folder = FileManager.default.temporaryDirectory.appending(path: "estuary-evm-blocktests-\(getpid())")
      .path()
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let tar = Process()
      tar.executableURL = URL(filePath: "/usr/bin/env")
      tar.arguments = ["tar", "--zstd", "-xf", archive ?? "", "-C", folder]
      try tar.run()
      tar.waitUntilExit()
    } catch { fatalError("block tests: \(error)") }
    return folder
  }()
}
