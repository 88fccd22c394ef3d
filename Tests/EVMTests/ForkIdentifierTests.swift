import Primitives
import Testing

@testable import EVM

/// EIP-2124's own examples, of the main network.
@Suite struct ForkIdentifierTests {
  private static let genesis = Hash(
    Hex.decode("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3")!)!

  private static func configuration(_ blocks: [(Fork, UInt64)]) -> ChainConfiguration {
    ChainConfiguration(chainID: 1, steps: blocks.map { .init($0, .block($1)) })
  }

  @Test func forksOfTheMainNetworkGiveItsIdentifiers() {
    let forks: [(Fork, UInt64, String)] = [
      (.homestead, 1_150_000, "97c2c34c"), (.tangerineWhistle, 2_463_000, "7a64da13"),
      (.spuriousDragon, 2_675_000, "3edd5b10"), (.byzantium, 4_370_000, "a00bc324"),
      (.petersburg, 7_280_000, "668db0af"),
    ]
    #expect(identifier(Self.configuration([])) == "fc64ec04")
    for count in 1...forks.count {
      var configuration = Self.configuration(forks.prefix(count).map { ($0.0, $0.1) })
      if count > 1 { configuration.daoForkBlock = 1_920_000 }
      #expect(identifier(configuration) == forks[count - 1].2)
    }
  }

  @Test func blocksOnceAndNotAtTheGenesis() {
    var configuration = Self.configuration([(.homestead, 0), (.byzantium, 5), (.petersburg, 5)])
    configuration.bombDelays = [.init(block: 0, delay: 1), .init(block: 5, delay: 2)]
    #expect(identifier(configuration) == identifier(Self.configuration([(.byzantium, 5)])))
    configuration.mergeNetsplitBlock = 9
    #expect(identifier(configuration) == identifier(Self.configuration([(.byzantium, 5), (.london, 9)])))
    configuration.steps.append(.init(.shanghai, .time(50)))
    configuration.steps.append(.init(.cancun, .time(70)))
    #expect(
      identifier(configuration, upTo: 69)
        == identifier(Self.configuration([(.byzantium, 5), (.london, 9), (.paris, 50)]), upTo: 69))
    #expect(identifier(configuration, upTo: 69) != identifier(configuration, upTo: 70))
    #expect(ChainConfiguration(decoding: configuration.encoded) == configuration)
  }

  private func identifier(_ configuration: ChainConfiguration, upTo time: UInt64 = 0) -> String {
    Hex.encode(configuration.forkIdentifier(genesisHash: Self.genesis, genesisTime: 0, upTo: time))
  }
}
