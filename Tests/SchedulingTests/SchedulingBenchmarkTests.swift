import Testing

@testable import Scheduling

@Suite struct SchedulingBenchmarkTests {
  @Test(arguments: SchedulingBenchmark.Contention.allCases)
  func drawsTheBlockItPromises(contention: SchedulingBenchmark.Contention) throws {
    let figures = try SchedulingBenchmark.run(
      accounts: 5, transactions: 2000, workers: 2, contention: contention, rounds: 1)
    switch contention {
    case .independent: #expect(figures.edgesPerTransaction == 0)
    case .mixed: #expect((0.5...4).contains(figures.edgesPerTransaction))
    case .hot: #expect(figures.edgesPerTransaction >= 1999.0 / 2000)
    }
    #expect(figures.internNanoseconds > 0 && figures.addNanoseconds > 0 && figures.totalNanoseconds > 0)
  }
}
