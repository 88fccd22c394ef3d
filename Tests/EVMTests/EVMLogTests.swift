import Primitives
import Testing
import WideIntegers

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
      let receipt = EthereumReceipt(
        kind: EthereumTransaction.Kind(rawValue: UInt8(test.number("type")))!,
        outcome: .status(isSuccess: test["isSuccess"]!.bool!), cumulativeGasUsed: test.number("gasUsed"),
        logs: logs)
      #expect(receipt.encoded == test.hex("receipt"))
      union.formUnion(LogsBloom(logs))
      together += logs
    }
    let old = EthereumReceipt(
      kind: .legacy, outcome: .stateRoot(Hash(UInt256.max)), cumulativeGasUsed: 1, logs: [])
    let bloom = "b90100" + String(repeating: "00", count: 256)
    let text = "f90126" + "a0" + String(repeating: "ff", count: 32) + "01" + bloom + "c0"
    #expect(Hex.encode(old.encoded) == text)
    #expect(!together.isEmpty && union == LogsBloom(together))
    #expect(
      Hex.encode([EVMLog]().logsHash.bytes)
        == "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
  }
}
