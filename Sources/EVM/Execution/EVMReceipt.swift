// What a transaction leaves behind besides the state: what its receipt holds, and what a caller wants to know.

import Primitives
import WideIntegers

package struct EVMReceipt: Equatable, Sendable {
  package let sender: Address
  /// `nil` for success; a halt of the outermost frame otherwise.
  package let halt: EVMHalt?
  /// Charged to the sender, refunds taken off.
  package let gasUsed: UInt64
  /// What refunds took off.
  package let gasRefund: UInt64
  package let logs: [EVMLog]
  /// The created contract's, where one was to be created and was.
  package let contractAddress: Address?
  /// Returned or reverted with.
  package let output: [UInt8]
  package let effectiveGasPrice: UInt256
  package let blobGasUsed: UInt64

  package var isSuccess: Bool { halt == nil }
}

package enum EVMTransactionResult: Sendable {
  /// A block may not hold the transaction; it has no effect.
  case refused(TransactionValidityError)
  case executed(EVMReceipt, EVMStateChanges)
}
