// What is said of the next of Ethereum's blocks before it comes, against the block.

import EVM
import Execution
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary

@Suite struct EthereumBlockTemplateTests {
  private static func chain() throws -> Chain {
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 1000, blockhash: .zero, accounts: [],
      ethereum: EthereumGenesis.development(chainID: 77))
    return try Chain(
      store: MemoryStore(), genesis: genesis, executor: SerialExecutor(), progress: .advancing)
  }

  @Test func theBlockHasTheHeaderOfItsTemplate() throws {
    let chain = try Self.chain()
    let changes: [(inout NextEthereumBlock) -> Void] = [
      { _ in }, { $0.coinbase = Address(0xc0) }, { $0.gasLimit = 31_000_000 },
      { $0.baseFeePerGas = UInt256(123) },
      { $0.prevRandao = Hash(word0: 9, word1: 9, word2: 9, word3: 9) }, { _ in },
    ]
    for (number, change) in changes.enumerated() {
      change(&chain.nextBlockSettings)
      // The last one is asked for at a time that has passed.
      let time = number == changes.count - 1 ? 5 : 2000 + Int64(number) * 10
      let template = try #require(try chain.ethereumTemplate())
      let (header, environment) = try template.block(at: time)
      _ = try chain.execute(
        BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: time,
        makesEthereumBlock: true)
      let made = try #require(chain.ethereumHead).header
      #expect(header.number == made.number && header.parentHash == made.parentHash)
      #expect(header.timestamp == made.timestamp && environment.timestamp == made.timestamp)
      #expect(header.coinbase == made.coinbase && header.mixHash == made.mixHash)
      #expect(header.gasLimit == made.gasLimit && header.baseFeePerGas == made.baseFeePerGas)
      #expect(header.excessBlobGas == made.excessBlobGas && header.difficulty == made.difficulty)
    }
    #expect(chain.ethereumHead?.header.coinbase == Address(0xc0))
    #expect(chain.ethereumHead?.header.gasLimit == 31_000_000)
  }

  @Test func aReplayHasNone() throws {
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 1000, blockhash: .zero, accounts: [],
      ethereum: EthereumGenesis.development(chainID: 77))
    let chain = try Chain(
      store: MemoryStore(), genesis: genesis, executor: SerialExecutor(), progress: .fixed)
    #expect(try chain.ethereumTemplate() == nil)
  }
}
