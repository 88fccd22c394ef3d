// What the next of Ethereum's blocks follows from, all but its time: whoever makes the block and whoever is asked about it
// before (`pending`) have its header from here, so that they cannot differ. A value: it stays what it is while blocks go on.

import EVM
import Execution
import Ledger
import Primitives

package struct EthereumBlockTemplate: Sendable {
  let settings: EthereumGenesis
  let configuration: ChainConfiguration
  /// What the block has in place of what follows from the one before it.
  let next: NextEthereumBlock
  /// The block before; `nil` where the chain has not begun.
  let parent: EthereumArchive.StoredHeader?
  /// Of the block that the chain would begin with. Of the next header's fields, what follows from the hash of that one is
  /// then not what it will be.
  let firstNumber: UInt64
  /// Whether nothing comes before the parent here.
  let isParentFirst: Bool
  /// The hashes that BLOCKHASH can ask for.
  let blockHash: @Sendable (UInt64) -> Hash?

  package var coinbase: Address { next.coinbase ?? settings.coinbase }

  /// The block, without transactions, if it comes at `unixTimestamp`.
  package func block(
    at unixTimestamp: Int64
  ) throws(ChainError) -> (header: EthereumHeader, environment: BlockEnvironment) {
    let pending = try pending(at: unixTimestamp)
    return (pending.header, pending.environment)
  }

  /// What the block begins with. Where nobody says otherwise, its randomness is a hash of the block before.
  ///
  /// - Parameter unixTimestamp: of the ledger's block; Ethereum's is at least a second after its parent.
  func pending(at unixTimestamp: Int64) throws(ChainError) -> EthereumChain.Pending {
    let parent = parent ?? beginning(at: unixTimestamp)
    let number = parent.header.number &+ 1
    let earliest = next.mayShareTimestamp ? parent.header.timestamp : parent.header.timestamp &+ 1
    let timestamp = max(UInt64(clamping: unixTimestamp), earliest)
    let fork = configuration.fork(
      number: number, timestamp: timestamp, totalDifficulty: parent.totalDifficulty)
    // Receipts held a state root for each transaction: those of lanes have none.
    if fork < .byzantium { throw .noOwnBlocks(fork: fork.name) }
    var header = EthereumHeader(
      parentHash: parent.hash, coinbase: coinbase, number: number,
      gasLimit: parent.header.gasLimit, timestamp: timestamp)
    header.addFields(of: fork)
    if fork >= .paris {
      header.mixHash = next.prevRandao ?? Keccak256.hash(parent.hash.bytes)
    } else {
      header.difficulty = HeaderRules.difficulty(
        number: number, timestamp: timestamp, after: parent.header, fork: fork,
        bombDelay: configuration.bombDelay(number: number))
    }
    if fork >= .london {
      if parent.header.baseFeePerGas == nil {
        header.gasLimit = header.gasLimit.addingSaturated(header.gasLimit)
      }
      let stays = settings.keepsBaseFee ? parent.header.baseFeePerGas : nil
      header.baseFeePerGas = next.baseFeePerGas ?? stays ?? HeaderRules.baseFee(after: parent.header)
    }
    if let limit = next.gasLimit { header.gasLimit = limit }
    if fork >= .cancun {
      header.excessBlobGas = HeaderRules.excessBlobGas(
        after: parent.header, fork: fork, configuration.blobParameters(fork))
    }
    return EthereumChain.Pending(
      header: header, environment: BlockEnvironment(header, fork: fork, configuration, blockHash: blockHash),
      withdrawals: isParentFirst && fork >= .shanghai ? settings.withdrawals.map { EVMWithdrawal($0) } : [])
  }

  private func beginning(at unixTimestamp: Int64) -> EthereumArchive.StoredHeader {
    let first = settings.firstHeader(
      number: firstNumber, timestamp: UInt64(clamping: unixTimestamp), configuration)
    return EthereumArchive.StoredHeader(header: first, hash: first.hash, totalDifficulty: first.difficulty)
  }
}

extension EthereumGenesis {
  /// The header of the chain's first block, without the root of its state.
  func firstHeader(
    number: UInt64, timestamp: UInt64, _ configuration: ChainConfiguration
  ) -> EthereumHeader {
    let fork = configuration.fork(number: number, timestamp: timestamp, totalDifficulty: difficulty)
    var header = EthereumHeader(
      parentHash: blockHashes.last { $0.number == number &- 1 }?.hash ?? .zero,
      coinbase: coinbase, difficulty: fork < .paris ? difficulty : .zero, number: number,
      gasLimit: gasLimit, timestamp: timestamp, mixHash: Hash(prevRandao))
    header.addFields(of: fork)
    if fork >= .london { header.baseFeePerGas = baseFeePerGas }
    if fork >= .cancun {
      header.excessBlobGas = excessBlobGas
      header.parentBeaconBlockRoot = parentBeaconBlockRoot
    }
    return header
  }
}

extension EthereumHeader {
  /// Gives a header the fields that `fork` has, with nothing in them.
  fileprivate mutating func addFields(of fork: Fork) {
    if fork >= .london { baseFeePerGas = .zero }
    if fork >= .shanghai { withdrawalsRoot = MerklePatriciaTrie.emptyRoot }
    if fork >= .cancun { (blobGasUsed, excessBlobGas, parentBeaconBlockRoot) = (0, 0, .zero) }
    if fork >= .prague { requestsHash = DepositRequests.hash(of: []) }
  }
}

extension EVMWithdrawal {
  init(_ withdrawal: EthereumGenesis.Withdrawal) {
    self.init(
      index: withdrawal.index, validatorIndex: withdrawal.validatorIndex, address: withdrawal.address,
      amount: withdrawal.amount)
  }
}

extension UInt64 {
  fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
