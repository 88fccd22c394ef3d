// What is the same for every transaction of a block: sysvars, the recent blockhash, fees and the program cache.
// Immutable, so that workers share it without locks.

import Ledger
import Primitives

package final class ExecutionEnvironment: Sendable {
  package let sysvars: Sysvars
  /// The one recent blockhash; durable nonces advance to a value made of it.
  package let blockhash: Hash
  package let lamportsPerSignature: UInt64
  package let programs: ProgramCache

  package init(sysvars: Sysvars, blockhash: Hash, lamportsPerSignature: UInt64 = 5000, programs: ProgramCache) {
    self.sysvars = sysvars
    self.blockhash = blockhash
    self.lamportsPerSignature = lamportsPerSignature
    self.programs = programs
  }

  package var slot: UInt64 { sysvars.clock.slot }

  /// Instructions that may nest below one another, the transaction's own included.
  package static let maximumStackHeight = TransactionContext.maximumStackHeight
}
