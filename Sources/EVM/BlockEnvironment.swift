// What a transaction sees of the block that it is executed in, and the fork's rules about it: the header's fields
// (Yellow Paper section 4.3), base fee (EIP-1559), previous RANDAO (EIP-4399), blob gas (EIP-4844, BlobGas.swift),
// beacon root (EIP-4788) and the hashes of earlier blocks.

import Primitives
import WideIntegers

/// One block's environment: the same for all its transactions, which share it, and for any thread to read.
package final class BlockEnvironment: Sendable {
  package let fork: Fork
  package let chainID: UInt64
  package let number: UInt64
  /// Seconds since 1970.
  package let timestamp: UInt64
  package let gasLimit: UInt64
  /// Who is paid the fees.
  package let coinbase: Address
  /// Wei; 0 before London, where there is none.
  package let baseFeePerGas: UInt256
  /// The proof of work's, before Paris.
  package let difficulty: UInt256
  /// The beacon chain's randomness, from Paris on.
  package let prevRandao: Hash
  package let excessBlobGas: UInt64
  package let blobParameters: BlobParameters
  /// Wei a unit of blob gas; 0 before Cancun.
  package let blobBaseFee: UInt256
  package let parentBeaconBlockRoot: Hash
  /// The hash of any earlier block; which of them a contract may ask for is `hash(ofBlock:)`'s business.
  private let blockHash: @Sendable (UInt64) -> Hash?

  /// `baseFeePerGas` and `excessBlobGas` count only from the forks on that know them; blob parameters are the fork's own
  /// where the chain has no others, and the price of blob gas follows from them unless it is given.
  package init(
    fork: Fork, chainID: UInt64 = 1, number: UInt64 = 0, timestamp: UInt64 = 0,
    gasLimit: UInt64 = UInt64(Int64.max), coinbase: Address = .zero, baseFeePerGas: UInt256 = .zero,
    difficulty: UInt256 = .zero, prevRandao: Hash = .zero, excessBlobGas: UInt64 = 0,
    parentBeaconBlockRoot: Hash = .zero, blobParameters: BlobParameters? = nil, blobBaseFee: UInt256? = nil,
    blockHash: @escaping @Sendable (UInt64) -> Hash? = { _ in nil }
  ) {
    (self.fork, self.chainID, self.number, self.timestamp) = (fork, chainID, number, timestamp)
    (self.gasLimit, self.coinbase, self.difficulty) = (gasLimit, coinbase, difficulty)
    self.baseFeePerGas = fork >= .london ? baseFeePerGas : .zero
    self.prevRandao = prevRandao
    self.excessBlobGas = fork >= .cancun ? excessBlobGas : 0
    let blobParameters = blobParameters ?? BlobParameters(of: fork)
    self.blobParameters = blobParameters
    self.blobBaseFee =
      fork >= .cancun ? blobBaseFee ?? blobParameters.baseFee(excessBlobGas: excessBlobGas) : .zero
    self.parentBeaconBlockRoot = parentBeaconBlockRoot
    self.blockHash = blockHash
  }

  /// Of the block that `header` begins.
  package convenience init(
    _ header: EthereumHeader, fork: Fork, _ configuration: ChainConfiguration,
    blockHash: @escaping @Sendable (UInt64) -> Hash?
  ) {
    self.init(
      fork: fork, chainID: configuration.chainID, number: header.number, timestamp: header.timestamp,
      gasLimit: header.gasLimit, coinbase: header.coinbase, baseFeePerGas: header.baseFeePerGas ?? .zero,
      difficulty: header.difficulty, prevRandao: header.mixHash, excessBlobGas: header.excessBlobGas ?? 0,
      parentBeaconBlockRoot: header.parentBeaconBlockRoot ?? .zero,
      blobParameters: configuration.blobParameters(fork), blockHash: blockHash)
  }

  /// The same block, with the same fork's rules, but for what `overrides` say.
  package func overridden(by overrides: BlockOverrides) -> BlockEnvironment {
    BlockEnvironment(
      fork: fork, chainID: chainID, number: overrides.number ?? number,
      timestamp: overrides.timestamp ?? timestamp, gasLimit: overrides.gasLimit ?? gasLimit,
      coinbase: overrides.coinbase ?? coinbase, baseFeePerGas: overrides.baseFeePerGas ?? baseFeePerGas,
      difficulty: overrides.difficulty ?? difficulty, prevRandao: overrides.prevRandao ?? prevRandao,
      excessBlobGas: excessBlobGas, parentBeaconBlockRoot: parentBeaconBlockRoot,
      blobParameters: blobParameters, blobBaseFee: overrides.blobBaseFee ?? blobBaseFee, blockHash: blockHash)
  }

  /// The word that opcode 0x44 gives: DIFFICULTY, from Paris on PREVRANDAO.
  package var difficultyOrPrevRandao: UInt256 { fork >= .paris ? UInt256(prevRandao) : difficulty }

  /// BLOCKHASH: the hash of one of the 256 blocks before this one, zero for any other and for one that is not
  /// known.
  package func hash(ofBlock number: UInt64) -> Hash {
    guard number < self.number, self.number - number <= 256 else { return .zero }
    return blockHash(number) ?? .zero
  }

  /// The parent's hash, zero where it is not known (EIP-2935).
  package var parentHash: Hash { number == 0 ? .zero : blockHash(number - 1) ?? .zero }
}

/// What a call sees of its block in place of the block's own (geth's block overrides); `nil` leaves a field as it is.
package struct BlockOverrides: Sendable, Equatable {
  package var number: UInt64?
  /// Seconds since 1970.
  package var timestamp: UInt64?
  package var gasLimit: UInt64?
  package var coinbase: Address?
  /// Wei; of no effect before London.
  package var baseFeePerGas: UInt256?
  /// Of no effect before Paris.
  package var prevRandao: Hash?
  /// Of no effect from Paris on.
  package var difficulty: UInt256?
  /// Wei a unit of blob gas; of no effect before Cancun.
  package var blobBaseFee: UInt256?

  package init() {}
}
