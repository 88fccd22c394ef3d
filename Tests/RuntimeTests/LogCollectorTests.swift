import Testing

@testable import Runtime

@Suite struct LogCollectorTests {
  @Test func linesBeyondTheLimitGiveOneWarning() {
    var logs = LogCollector()
    logs.log(String(repeating: "a", count: 9_998))
    logs.log("b")
    logs.log("c")
    logs.log("d")
    logs.log("")
    #expect(logs.lines.map(\.count) == [9_998, 1, 13, 0])
    #expect(logs.lines[2] == "Log truncated")
  }

  @Test func shortLinesStillFitAfterALongOne() {
    var logs = LogCollector()
    logs.log(String(repeating: "a", count: 10_000))
    logs.log("fits")
    #expect(logs.lines == ["Log truncated", "fits"])
  }

  @Test func nothingIsKeptWhereNobodyAsks() {
    var logs = LogCollector()
    logs.log("old")
    logs.reset(isEnabled: false)
    logs.log("new")
    #expect(logs.count == 0)
    logs.reset(isEnabled: true)
    #expect(logs.lines.isEmpty)
  }
}
