import Primitives
import Testing

@testable import EVM

struct EVMLogTests {
  @Test func bloomsAndHashesAreTheSpecifications() {
    var (union, together) = (LogsBloom(), [EVMLog]())
    for test in EthereumCases.cases("logs") {
      let logs = test["logs"]!.array!.map { log in
        EVMLog(
          address: Address(hex: log.text("address"))!,
          topics: log["topics"]!.array!.map { Hash(Hex.decode($0.string!)!)! }, data: log.hex("data"))
      }
      #expect(LogsBloom(logs).bytes == test.hex("bloom"))
      #expect(logs.logsHash.bytes == test.hex("hash"))
      union.formUnion(LogsBloom(logs))
      together += logs
    }
    #expect(!together.isEmpty && union == LogsBloom(together))
    #expect(
      Hex.encode([EVMLog]().logsHash.bytes)
        == "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
  }
}
