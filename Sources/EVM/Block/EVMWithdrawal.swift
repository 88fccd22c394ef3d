// What a block pays to validators (EIP-4895).

import Primitives

/// A validator's withdrawal, in gwei (EIP-4895).
package struct EVMWithdrawal: Equatable, Sendable {
  package var index: UInt64
  package var validatorIndex: UInt64
  package var address: Address
  /// Gwei.
  package var amount: UInt64

  package init(index: UInt64, validatorIndex: UInt64, address: Address, amount: UInt64) {
    (self.index, self.validatorIndex, self.address, self.amount) = (index, validatorIndex, address, amount)
  }
}
