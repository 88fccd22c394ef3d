// The names of the ways to be refused, as vectors of different years write them: `A.B|A.C` of today's, single words of
// earlier ones (`TR_NoFunds`), each standing for one or two of today's.

package enum ExceptionNames {
  /// Earlier names and today's for the same.
  private static let earlier: [String: [String]] = [
    "TR_NoFunds": ["INSUFFICIENT_ACCOUNT_FUNDS"],
    "TR_NoFundsX": ["INSUFFICIENT_ACCOUNT_FUNDS"],
    "TR_NoFundsValue": ["INSUFFICIENT_ACCOUNT_FUNDS"],
    "TR_NoFundsOrGas": ["INSUFFICIENT_ACCOUNT_FUNDS", "INTRINSIC_GAS_TOO_LOW"],
    "TR_IntrinsicGas": ["INTRINSIC_GAS_TOO_LOW"],
    "IntrinsicGas": ["INTRINSIC_GAS_TOO_LOW"],
    "TR_TypeNotSupported": typeNotSupported,
    "TR_TypeNotSupportedBlob": typeNotSupported,
    "TYPE_NOT_SUPPORTED": typeNotSupported,
    "TR_GasLimitReached": ["GAS_ALLOWANCE_EXCEEDED"],
    "TR_FeeCapLessThanBlocks": ["INSUFFICIENT_MAX_FEE_PER_GAS"],
    "TR_FeeCapLessThanBlocksORGasLimitReached": ["INSUFFICIENT_MAX_FEE_PER_GAS", "GAS_ALLOWANCE_EXCEEDED"],
    "TR_FeeCapLessThanBlocksORNoFunds": ["INSUFFICIENT_MAX_FEE_PER_GAS", "INSUFFICIENT_ACCOUNT_FUNDS"],
    "TR_TipGtFeeCap": ["PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS"],
    "1559PriorityFeeGreaterThanBaseFee": ["PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS"],
    "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2": ["PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS"],
    "TR_NonceTooLow": ["NONCE_MISMATCH_TOO_LOW"],
    "TR_NonceTooHigh": ["NONCE_MISMATCH_TOO_HIGH"],
    "TR_NonceHasMaxValue": ["NONCE_IS_MAX"],
    "NONCE_TOO_BIG": ["NONCE_IS_MAX"],
    "TR_InitCodeLimitExceeded": ["INITCODE_SIZE_EXCEEDED"],
    "TR_EMPTYBLOB": ["TYPE_3_TX_ZERO_BLOBS"],
    "TR_BLOBCREATE": ["TYPE_3_TX_CONTRACT_CREATION", "ADDRESS_TOO_SHORT", "RLP_INVALID_TO"],
    "TR_BLOBVERSION_INVALID": ["TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH"],
    "TR_BLOBLIST_OVERSIZE": ["TYPE_3_TX_BLOB_COUNT_EXCEEDED", "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"],
    "TR_RLP_WRONGVALUE": ["RLP_INVALID_VALUE", "VALUE_OVERFLOW"],
    "SenderNotEOA": ["SENDER_NOT_EOA"],
    "SenderNotEOAorNoCASH": ["SENDER_NOT_EOA", "INSUFFICIENT_ACCOUNT_FUNDS"],
    "SenderNotEOAorNOCASH": ["SENDER_NOT_EOA", "INSUFFICIENT_ACCOUNT_FUNDS"],
    "InvalidTransactionVRS": ["INVALID_SIGNATURE_VRS", "EC_RECOVERY_FAIL"],
  ]

  private static let typeNotSupported = [
    "TYPE_NOT_SUPPORTED", "TYPE_1_TX_PRE_FORK", "TYPE_2_TX_PRE_FORK", "TYPE_3_TX_PRE_FORK",
    "TYPE_4_TX_PRE_FORK",
  ]

  /// What `expectException` allows, in today's names; what is in no table stays as it is.
  package static func read(_ text: String) -> [String] {
    text.split(separator: "|").flatMap { part in
      let name = String(part.split(separator: ".").last ?? part).filter { $0 != " " }
      return earlier[name] ?? [name]
    }
  }

  /// Whether a refusal is for one of the reasons, or both are about the transaction's form: which field of malformed
  /// bytes is met first is a matter of the reader.
  static func allow(_ reason: String, _ exceptions: [String]) -> Bool {
    exceptions.contains(reason) || (isAboutForm(reason) && exceptions.contains(where: isAboutForm))
  }

  private static func isAboutForm(_ name: String) -> Bool {
    name.hasPrefix("RLP_") || name.hasPrefix("TYPE_") || name.hasPrefix("ADDRESS_")
      || name.hasSuffix("_OVERFLOW")
      || ["INVALID_SIGNATURE_VRS", "INVALID_CHAINID", "EC_RECOVERY_FAIL"].contains(name)
  }
}
