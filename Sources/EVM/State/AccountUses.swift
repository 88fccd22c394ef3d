// What the outcome of a transaction depends on in an account, beyond being told its address.

package struct AccountUses: OptionSet, BitwiseCopyable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Whether there is such an account, and whether it is empty.
  package static let vitality = AccountUses(rawValue: 1)
  package static let nonce = AccountUses(rawValue: 2)
  package static let balance = AccountUses(rawValue: 4)
  /// Its code, and which incarnation its storage belongs to.
  package static let code = AccountUses(rawValue: 8)
  /// A field was changed or value received, whether or not that was rolled back.
  package static let written = AccountUses(rawValue: 16)
  /// As `vitality`, but only for what becomes at the transaction's end of an account that was touched (EIP-161).
  package static let touched = AccountUses(rawValue: 32)

  /// Every field.
  package static let wholeAccount: AccountUses = [.vitality, .nonce, .balance, .code]
}
