// What blocks whose best schedule is known would take.

import Testing

@testable import Scheduling

@Suite struct ScheduleSimulationTests {
  private func accounts(_ numbers: [UInt32]) -> [AccountIndex] { numbers.map { AccountIndex($0) } }

  @Test func independentOnesShareTheWorkers() {
    var block = ScheduleSimulation()
    for number in 0..<100 as Range<UInt32> { block.add(nanoseconds: 10, reads: accounts([1000]), writes: accounts([number])) }
    #expect(block.elapsed(workerCount: 1) == 1000)
    #expect(block.elapsed(workerCount: 4) == 250)
    #expect(block.elapsed(workerCount: 32) == 40)
    #expect(block.elapsed(workerCount: 1000) == 10)
  }

  @Test func aChainTakesItsLength() {
    var block = ScheduleSimulation()
    for _ in 0..<50 { block.add(nanoseconds: 7, reads: [], writes: accounts([3])) }
    for workers in [1, 2, 16] { #expect(block.elapsed(workerCount: workers) == 350) }
  }

  @Test func readersWaitForTheWriterAndTheNextWriterForThem() {
    var block = ScheduleSimulation()
    block.add(nanoseconds: 5, reads: [], writes: accounts([1]))
    for _ in 0..<4 { block.add(nanoseconds: 3, reads: accounts([1]), writes: []) }
    block.add(nanoseconds: 5, reads: accounts([1]), writes: accounts([1]))
    #expect(block.elapsed(workerCount: 4) == 13)
    #expect(block.elapsed(workerCount: 2) == 16)
    #expect(block.elapsed(workerCount: 1) == 22)
  }

  /// One that waits does not keep a worker from those behind it.
  @Test func whoIsReadyRuns() {
    var block = ScheduleSimulation()
    block.add(nanoseconds: 100, reads: [], writes: accounts([1]))
    block.add(nanoseconds: 1, reads: [], writes: accounts([1]))
    for number in 2..<12 as Range<UInt32> { block.add(nanoseconds: 10, reads: [], writes: accounts([number])) }
    #expect(block.elapsed(workerCount: 2) == 101)
  }

  @Test func nothingTakesNoTime() { #expect(ScheduleSimulation().elapsed(workerCount: 3) == 0) }
}
