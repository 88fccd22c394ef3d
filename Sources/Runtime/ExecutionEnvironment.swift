// What is the same for every transaction of a block: sysvars, the recent blockhashes, fees and the program
// cache. Immutable, so that workers share it without locks.

import Ledger
import Primitives

package final class ExecutionEnvironment: Sendable {
  package let slot: UInt64
  /// The last blockhash; durable nonces advance to a value made of it.
  package let blockhash: Hash
  /// The others that a transaction may name.
  package let earlierBlockhashes: Set<Hash>
  package let lamportsPerSignature: UInt64
  /// Whether a durable nonce advances to a value made of its transaction's own blockhash instead of the
  /// block's. A replay whose one blockhash never moves needs it, or no nonce could be used twice; LiteSVM
  /// does the same.
  package let noncesFollowTransactions: Bool
  package let sysvars: Sysvars
  package let epochStakes: EpochStakes
  /// Outlives the block: pass the same one to the next.
  package let programs: ProgramCache

  /// A copy of `other`, with references of its own.
  package init(_ other: ExecutionEnvironment) {
    slot = other.slot
    blockhash = other.blockhash
    earlierBlockhashes = other.earlierBlockhashes
    lamportsPerSignature = other.lamportsPerSignature
    noncesFollowTransactions = other.noncesFollowTransactions
    sysvars = other.sysvars
    epochStakes = other.epochStakes
    programs = other.programs
  }

  package init(
    slot: UInt64, blockhash: Hash, earlierBlockhashes: Set<Hash> = [], sysvars: Sysvars,
    lamportsPerSignature: UInt64 = 5000,
    noncesFollowTransactions: Bool = true, epochStakes: EpochStakes = EpochStakes(),
    programs: ProgramCache = ProgramCache()
  ) {
    self.slot = slot
    self.blockhash = blockhash
    self.earlierBlockhashes = earlierBlockhashes
    self.lamportsPerSignature = lamportsPerSignature
    self.noncesFollowTransactions = noncesFollowTransactions
    self.sysvars = sysvars
    self.epochStakes = epochStakes
    self.programs = programs
  }
}

/// Stake that is active in the current epoch (SIMD-0133); none on a ledger without validators.
package struct EpochStakes: Sendable, Equatable {
  /// Lamports delegated to each vote account.
  private var delegated: [Pubkey: UInt64] = [:]
  /// Lamports delegated to all vote accounts.
  package private(set) var total: UInt64 = 0

  package init() {}

  /// Sets what is delegated to `voteAccount`; the total saturates.
  package mutating func set(_ lamports: UInt64, for voteAccount: Pubkey) {
    let others = total - (delegated.updateValue(lamports, forKey: voteAccount) ?? 0)
    total = others.addingReportingOverflow(lamports).overflow ? .max : others + lamports
  }

  /// Zero where the key is no vote account.
  package func stake(of voteAccount: Pubkey) -> UInt64 { delegated[voteAccount] ?? 0 }
}
