// What is the same for every transaction of a block: sysvars, the recent blockhash, fees and the program cache.
// Immutable, so that workers share it without locks.

import Ledger
import Primitives

package final class ExecutionEnvironment: Sendable {
  package let slot: UInt64
  /// The one recent blockhash; durable nonces advance to a value made of it.
  package let blockhash: Hash
  package let lamportsPerSignature: UInt64

  package init(slot: UInt64, blockhash: Hash, lamportsPerSignature: UInt64 = 5000) {
    self.slot = slot
    self.blockhash = blockhash
    self.lamportsPerSignature = lamportsPerSignature
  }
}
