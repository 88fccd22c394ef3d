// Which rules a chain follows when: its fork schedule by block number, total difficulty and time, the delays of the
// difficulty bomb, the DAO fork, the deposit contract (EIP-6110) and blob parameters that are its own (EIP-7840). The
// schedule of a chain is part of its identity.

import Primitives
import WideIntegers

package struct ChainConfiguration: Equatable, Sendable {
  /// When a fork begins.
  package enum Activation: Equatable, Sendable {
    case block(UInt64)
    /// The parent's total difficulty has reached this much (EIP-3675).
    case totalDifficulty(UInt256)
    /// Seconds since 1970.
    case time(UInt64)
  }

  package struct Step: Equatable, Sendable {
    package var fork: Fork
    package var activation: Activation

    package init(_ fork: Fork, _ activation: Activation) { (self.fork, self.activation) = (fork, activation) }
  }

  /// From a block on, the difficulty bomb counts as if `delay` blocks fewer had been made.
  package struct BombDelay: Equatable, Sendable {
    package var block: UInt64
    package var delay: UInt64

    package init(block: UInt64, delay: UInt64) { (self.block, self.delay) = (block, delay) }
  }

  /// Blob parameters from a fork on.
  package struct BlobStep: Equatable, Sendable {
    package var fork: Fork
    package var parameters: BlobParameters

    package init(fork: Fork, parameters: BlobParameters) { (self.fork, self.parameters) = (fork, parameters) }
  }

  package var chainID: UInt64
  /// Oldest fork first; Frontier holds before the first.
  package var steps: [Step]
  package var daoForkBlock: UInt64?
  /// By ascending block.
  package var bombDelays: [BombDelay]
  package var depositContract: Address
  /// Where they are not the forks' own; oldest fork first.
  package var blobSchedule: [BlobStep] = []
  /// Where networks parted by the merge: no rule changes there, but the chain's fork identifier does (EIP-2124).
  package var mergeNetsplitBlock: UInt64?

  /// 0x00000000219ab540356cbb839cbe05303d7705fa
  package static let mainnetDepositContract = Address(
    UInt256(0x9cbe_0530_3d77_05fa, 0x219a_b540_356c_bb83, 0, 0))

  package init(
    chainID: UInt64 = 1, steps: [Step], daoForkBlock: UInt64? = nil, bombDelays: [BombDelay] = [],
    depositContract: Address = mainnetDepositContract
  ) {
    (self.chainID, self.steps, self.daoForkBlock) = (chainID, steps, daoForkBlock)
    (self.bombDelays, self.depositContract) = (bombDelays, depositContract)
  }

  /// The rules of a block.
  ///
  /// - Parameter totalDifficulty: of the chain up to the block's parent.
  package func fork(number: UInt64, timestamp: UInt64, totalDifficulty: UInt256) -> Fork {
    var fork = Fork.frontier
    for step in steps {
      let isReached =
        switch step.activation {
        case .block(let first): number >= first
        case .totalDifficulty(let terminal): totalDifficulty >= terminal
        case .time(let first): timestamp >= first
        }
      if isReached { fork = max(fork, step.fork) }
    }
    return fork
  }

  /// Those of the last step up to `fork`, else the fork's own.
  package func blobParameters(_ fork: Fork) -> BlobParameters {
    blobSchedule.last { $0.fork <= fork }?.parameters ?? BlobParameters(of: fork)
  }

  package func bombDelay(number: UInt64) -> UInt64 { bombDelays.last { $0.block <= number }?.delay ?? 0 }

  /// Whether a header has to carry the DAO fork's mark.
  func isDAOMarked(_ number: UInt64) -> Bool {
    guard let first = daoForkBlock, number >= first else { return false }
    return number - first < DAOFork.markedBlockCount
  }
}
