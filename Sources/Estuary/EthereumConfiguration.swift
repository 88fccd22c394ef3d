// What a ledger's genesis says about Ethereum's blocks, as the executors want it.

import EVM
import Execution
import Ledger
import Primitives

/// The configuration and the header that every block of the ledger has.
struct EthereumConfiguration {
  private let genesis: EthereumGenesis
  private let fork: Fork
  private let blockHashes: [UInt64: Hash]

  init(_ genesis: EthereumGenesis) throws(ChainError) {
    guard let fork = Fork(name: genesis.fork) else { throw .unknownFork(genesis.fork) }
    (self.genesis, self.fork) = (genesis, fork)
    blockHashes = Dictionary(genesis.blockHashes.map { ($0.number, $0.hash) }) { first, _ in first }
  }

  /// The block, or the part of one, that `record` is for.
  ///
  /// - Parameters:
  ///   - head: what was committed last; where its logical block is open and has the same slot, the new part goes on with
  ///     that.
  ///   - ends: whether the part is the last.
  func part(of record: BlockRecord, after head: BlockRecord, ends: Bool) -> EthereumBlockPart {
    let goesOn = head.isOpen && head.slot == record.slot
    let hashes = blockHashes
    let environment = BlockEnvironment(
      fork: fork, chainID: genesis.chainID, number: record.slot,
      timestamp: UInt64(clamping: record.unixTimestamp), gasLimit: genesis.gasLimit,
      coinbase: genesis.coinbase, baseFeePerGas: genesis.baseFeePerGas, difficulty: genesis.difficulty,
      prevRandao: Hash(genesis.prevRandao), excessBlobGas: genesis.excessBlobGas,
      parentBeaconBlockRoot: genesis.parentBeaconBlockRoot, blockHash: { hashes[$0] })
    return EthereumBlockPart(
      environment: environment, withdrawals: genesis.withdrawals.map { EVMWithdrawal($0) },
      gasUsed: goesOn ? head.gasUsed : 0,
      blobGasUsed: goesOn ? head.blobGasUsed : 0, begins: !goesOn, ends: ends)
  }
}
