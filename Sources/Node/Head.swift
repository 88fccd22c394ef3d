// What everybody who answers requests knows of the chain: its last committed block. Published as a whole after each commit,
// so what it names is durable, and the one ledger of one node takes no block back: the levels *processed*, *confirmed* and
// *finalized* name the same block.

import EVM
import Estuary
import Ledger
import Primitives

package struct Head: Sendable {
  package let slot: UInt64
  package let height: UInt64
  package let blockhash: Hash
  package let genesisHash: Hash
  /// Of Solana's transactions.
  package let transactionCount: UInt64
  /// Unix seconds.
  package let unixTimestamp: Int64
  package let recentBlocks: RecentBlocks
  package let rent: Rent
  package let epochSchedule: EpochSchedule
  package let clock: Clock
  package let slotHashes: [SlotHash]
  /// The last of Ethereum's blocks up to here; `nil` where there is none yet.
  package let ethereum: EthereumArchive.StoredHeader?
  /// What the next of them follows from; `nil` where the ledger has no Ethereum side.
  let ethereumTemplate: EthereumBlockTemplate?
  /// The time that blocks are given.
  var time: ProducerClock

  init(_ chain: Chain, _ time: ProducerClock) throws(ChainError) {
    let record = chain.head
    (slot, height, blockhash) = (record.slot, record.height, record.blockhash)
    (genesisHash, transactionCount) = (record.genesisHash, record.transactionCount)
    unixTimestamp = record.unixTimestamp
    recentBlocks = try chain.recentBlocks()
    (rent, epochSchedule, clock) = (chain.sysvars.rent, chain.sysvars.epochSchedule, chain.sysvars.clock)
    slotHashes = chain.sysvars.slotHashes
    ethereum = chain.ethereumHead
    ethereumTemplate = try chain.ethereumTemplate()
    self.time = time
  }

  /// The next of Ethereum's blocks, without transactions, if it came now; `nil` where the ledger has no Ethereum side.
  func nextEthereumBlock() throws(ChainError) -> (header: EthereumHeader, environment: BlockEnvironment)? {
    try ethereumTemplate?.block(
      at: time.timestamp(after: unixTimestamp, ethereum: ethereum?.header.timestamp))
  }

  /// What its transactions would see of that block; `nil` where there can be none.
  package var nextEthereum: BlockEnvironment? {
    guard let next = try? nextEthereumBlock() else { return nil }
    return next.environment
  }
}
