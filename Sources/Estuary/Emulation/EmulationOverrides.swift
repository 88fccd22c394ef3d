// What a call sees in place of what the ledger has: geth's block overrides and state override set
// (https://geth.ethereum.org/docs/interacting-with-geth/rpc/objects).

import EVM
import Primitives
import WideIntegers

package struct EmulationOverrides: Sendable, Equatable {
  package var block = BlockOverrides()
  package var accounts: [Address: AccountOverride] = [:]

  package init() {}

  package var isEmpty: Bool { self == EmulationOverrides() }
}

/// What differs of one account; `nil` leaves a field as it is.
package struct AccountOverride: Sendable, Equatable {
  /// Wei.
  package var balance: UInt256?
  package var nonce: UInt64?
  package var code: [UInt8]?
  package var slots: [UInt256: UInt256] = [:]
  /// Whether slots that are not among `slots` are 0.
  package var replacesStorage = false
  /// Where the precompile at this address moves to; where the account is overridden without, it is gone.
  package var movedPrecompile: Address?

  package init() {}
}
