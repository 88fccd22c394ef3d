import Conformance
import EVM
import Foundation
import Primitives
import SBPF
import Testing

@testable import EVMConformance

/// A state test of one account that calls nobody: whatever is wrong about its file has to be told.
struct StateTestReaderTests {
  private static let good = """
    {"t": {"env": {"currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentGasLimit": "0x989680",
    "currentNumber": "0x01", "currentTimestamp": "0x03e8"}, "pre": {"0x6295ee1b4f6dd65047762f924ecd367c17eabf8f":
    {"balance": "0x00", "code": "0x00", "nonce": "0x01", "storage": {"0x01": "0x02"}}}, "post": {"Cancun": [{"hash":
    "0x6d288d0464ec2abb94b46a36dda67a5d2102b56a8f59b3a7912d99d62fb5ab80", "indexes": {"data": 0, "gas": 1, "value": 2},
    "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347", "txbytes": "0xc0",
    "expectException": "TransactionException.A|TransactionException.B"}]}}}
    """

  @Test func aFileIsRead() throws {
    let file = try StateTestReader.read(try JSONValue.parse(Self.good), fork: nil)
    #expect(file.malformed.isEmpty)
    let test = try #require(file.tests.first)
    #expect(test.accounts.count == 1 && test.accounts[0].storage.count == 1)
    #expect(test.cases.map(\.name) == ["t Cancun d0 g1 v2"])
    #expect(test.cases[0].exceptions == ["A", "B"])
    #expect(try StateTestReader.read(try JSONValue.parse(Self.good), fork: .london).tests[0].cases.isEmpty)
  }

  @Test(arguments: [
    ("\"txbytes\": \"0xc0\"", "\"txbytes\": \"0xc\"", "/t/post/Cancun/0/txbytes"),
    ("\"txbytes\"", "\"txbites\"", "/t/post/Cancun/0/txbytes"),
    ("\"pre\"", "\"per\"", "/t/pre"),
    ("0x6295ee", "0x6295", "/t/pre/0x62951b4f6dd65047762f924ecd367c17eabf8f"),
    ("\"balance\": \"0x00\"", "\"balance\": 0", "/t/pre/0x6295ee1b4f6dd65047762f924ecd367c17eabf8f/balance"),
    (
      "\"0x01\": \"0x02\"", "\"0x01\": \"x\"",
      "/t/pre/0x6295ee1b4f6dd65047762f924ecd367c17eabf8f/storage/0x01"
    ),
    ("\"value\": 2", "\"value\": null", "/t/post/Cancun/0/indexes/value"),
    ("\"currentNumber\": \"0x01\"", "\"currentNumber\": \"0x010000000000000000\"", "/t/env/currentNumber"),
  ])
  func aFileThatIsWrongSaysWhere(part: String, wrong: String, path: String) throws {
    let text = Self.good.replacingOccurrences(of: part, with: wrong)
    let file = try StateTestReader.read(try JSONValue.parse(text), fork: nil)
    #expect(file.malformed.map(\.error) == [StateTestError(path: path)])
    #expect(file.tests.allSatisfy { $0.cases.isEmpty })
  }

  /// Each case of a fork that nobody knows counts, and the others are run.
  @Test func oneCaseThatIsWrongIsOneCase() throws {
    let post = try #require(Self.good.range(of: "{\"Cancun\": ["))
    let second = Self.good[post.upperBound...].prefix { $0 != "]" }
    let text = Self.good
      .replacingOccurrences(of: "{\"Cancun\": [", with: "{\"Unheard\": [\(second), 1], \"Cancun\": [{}, ")
    let file = try StateTestReader.read(try JSONValue.parse(text), fork: nil)
    #expect(file.tests.first?.cases.map(\.name) == ["t Cancun d0 g1 v2"])
    #expect(file.malformed.map(\.name) == ["t Unheard 0", "t Unheard 1", "t Cancun 0"])
    #expect(
      file.malformed.map(\.error.path) == ["/t/post/Unheard", "/t/post/Unheard", "/t/post/Cancun/0/indexes"])
    #expect(throws: StateTestError.self) { try StateTestReader.read(.array([]), fork: nil) }
  }
}

/// Folders of the state tests that together touch every hook; `estuary evm statetest` runs all of them.
@Suite(.enabled(if: StateTests.archive != nil, "no ../shared/vectors/evm/statetests.tar.zst"))
struct StateTestConformanceTests {
  @Test(arguments: Engine.available, [1, 2])
  func stateTestsPass(engine: Engine, workerCount: Int) throws {
    let report = try StateTestConformance.run(
      paths: StateTests.folders, options: StateTestOptions(engine: engine, workerCount: workerCount))
    for one in report.cases {
      if case .failed(let reason) = one.outcome { Issue.record("\(one.file) \(one.name): \(reason)") }
    }
    #expect(report.passedCount > 3_000 && report.skippedCount == 0)
  }

  @Test func slowTestsAreSkipped() throws {
    let report = try StateTestConformance.run(
      paths: [StateTests.folder + "/GeneralStateTests/stTimeConsuming"],
      options: StateTestOptions(fork: .berlin))
    #expect(report.failedCount == 0)
    let all = try StateTestConformance.run(
      paths: [StateTests.folder + "/GeneralStateTests/stTimeConsuming/CALLBlake2f_MaxRounds.json"],
      options: StateTestOptions())
    #expect(all.skippedCount == all.cases.count && all.skippedCount > 0)
  }
}

enum StateTests {
  static let archive: String? = {
    let fromEnvironment = ProcessInfo.processInfo.environment["ESTUARY_VECTORS"]
    let beside = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/vectors").path()
    return [fromEnvironment, beside].compactMap { $0.map { $0 + "/evm/statetests.tar.zst" } }
      .first { FileManager.default.fileExists(atPath: $0) }
  }()

  /// Where the tests are unpacked, once a run.
  static let folder: String = {
    let folder = FileManager.default.temporaryDirectory.appending(path: "estuary-evm-statetests-\(getpid())")
      .path()
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let tar = Process()
      tar.executableURL = URL(filePath: "/usr/bin/env")
      tar.arguments = ["tar", "--zstd", "-xf", archive ?? "", "-C", folder]
      try tar.run()
      tar.waitUntilExit()
    } catch { fatalError("state tests: \(error)") }
    return folder
  }()

  static let folders = [
    "stSStoreTest", "stCreate2", "stCreateTest", "stRevertTest", "stRefundTest", "stReturnDataTest",
    "stStaticCall",
    "stSelfBalance", "stLogTests", "stMemoryTest", "stEIP1559", "stEIP2930", "stEIP3607", "stTransactionTest",
    "stSystemOperationsTest", "stExtCodeHash", "stCallCodes", "stZeroCallsTest", "Cancun", "Pyspecs",
  ].map { folder + "/GeneralStateTests/" + $0 }
}
