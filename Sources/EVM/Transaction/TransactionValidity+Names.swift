// The names that Ethereum's tests give to the ways a transaction can be refused (`expectException`,
// https://github.com/ethereum/execution-spec-tests), without their prefix "TransactionException.".

extension TransactionValidityError {
  package var exceptionName: String {
    switch self {
    case .unsupportedType(let kind, _): "TYPE_\(kind.rawValue)_TX_PRE_FORK"
    case .wrongChain: "INVALID_CHAINID"
    case .signatureNamesChain: "INVALID_SIGNATURE_VRS"
    case .typeCannotCreate(let kind): "TYPE_\(kind.rawValue)_TX_CONTRACT_CREATION"
    case .noBlobs: "TYPE_3_TX_ZERO_BLOBS"
    case .tooManyBlobs: "TYPE_3_TX_BLOB_COUNT_EXCEEDED"
    case .invalidBlobVersion: "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH"
    case .noAuthorizations: "TYPE_4_EMPTY_AUTHORIZATION_LIST"
    case .gasLimitAboveCap: "GAS_LIMIT_EXCEEDS_MAXIMUM"
    case .gasLimitAboveBlock: "GAS_ALLOWANCE_EXCEEDED"
    case .blobGasAboveBlock: "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"
    case .intrinsicGasTooLow: "INTRINSIC_GAS_TOO_LOW"
    case .gasBelowFloor: "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST"
    case .nonceIsMaximum: "NONCE_IS_MAX"
    case .initcodeTooLarge: "INITCODE_SIZE_EXCEEDED"
    case .priorityFeeAboveMaxFee: "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS"
    case .maxFeeBelowBaseFee: "INSUFFICIENT_MAX_FEE_PER_GAS"
    case .maxFeePerBlobGasTooLow: "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS"
    case .nonceTooLow: "NONCE_MISMATCH_TOO_LOW"
    case .nonceTooHigh: "NONCE_MISMATCH_TOO_HIGH"
    case .senderIsContract: "SENDER_NOT_EOA"
    case .insufficientFunds: "INSUFFICIENT_ACCOUNT_FUNDS"
    }
  }
}

extension EthereumSignatureError {
  package var exceptionName: String {
    switch self {
    case .invalidValues: "INVALID_SIGNATURE_VRS"
    case .noKey: "EC_RECOVERY_FAIL"
    }
  }
}

extension EthereumTransactionError {
  package var exceptionName: String {
    switch self {
    case .empty: "RLP_ERROR_EOF"
    case .unknownType: "TYPE_NOT_SUPPORTED"
    case .invalidV: "INVALID_SIGNATURE_VRS"
    case .rlp(.endOfInput, field: .envelope): "RLP_ERROR_EOF"
    case .rlp(.endOfInput, field: _): "RLP_TOO_FEW_ELEMENTS"
    case .rlp(.trailingBytes, field: .envelope): "RLP_TOO_MANY_ELEMENTS"
    case .rlp(.lengthExceedsInput, field: .envelope): "RLP_ERROR_SIZE"
    case .rlp(.nonCanonicalLength, field: .envelope): "RLP_ERROR_SIZE_LEADING_ZEROS"
    case .rlp(.leadingZero, let field): field.leadingZeroName
    case .rlp(.integerTooLarge, let field): field.overflowName
    case .rlp(.invalidByteCount(_, let expected, let found), let field):
      field.sizeName(isLonger: found > expected, isAddress: expected == 20)
    case .rlp(_, let field): field.invalidName
    }
  }
}

extension EthereumTransaction.Field {
  fileprivate var leadingZeroName: String {
    switch self {
    case .nonce: "RLP_LEADING_ZEROS_NONCE"
    case .gasPrice: "RLP_LEADING_ZEROS_GASPRICE"
    case .maxPriorityFeePerGas: "RLP_LEADING_ZEROS_PRIORITY_FEE"
    case .maxFeePerGas: "RLP_LEADING_ZEROS_BASEFEE"
    case .gasLimit: "RLP_LEADING_ZEROS_GASLIMIT"
    case .value: "RLP_LEADING_ZEROS_VALUE"
    case .v: "RLP_LEADING_ZEROS_V"
    case .r: "RLP_LEADING_ZEROS_R"
    case .s: "RLP_LEADING_ZEROS_S"
    default: invalidName
    }
  }

  fileprivate var overflowName: String {
    switch self {
    case .nonce: "NONCE_OVERFLOW"
    case .gasPrice, .maxFeePerGas: "GASPRICE_OVERFLOW"
    case .maxPriorityFeePerGas: "PRIORITY_OVERFLOW"
    case .gasLimit: "GASLIMIT_OVERFLOW"
    default: invalidName
    }
  }

  fileprivate func sizeName(isLonger: Bool, isAddress: Bool) -> String {
    let size = isLonger ? "LONG" : "SHORT"
    return switch self {
    case .to: "ADDRESS_TOO_\(size)"
    case .accessList: "RLP_INVALID_ACCESS_LIST_\(isAddress ? "ADDRESS" : "STORAGE")_TOO_\(size)"
    default: invalidName
    }
  }

  fileprivate var invalidName: String {
    switch self {
    case .nonce: "RLP_INVALID_NONCE"
    case .gasLimit: "RLP_INVALID_GASLIMIT"
    case .to: "RLP_INVALID_TO"
    case .value: "RLP_INVALID_VALUE"
    case .data: "RLP_INVALID_DATA"
    case .chainID: "INVALID_CHAINID"
    case .authorizations: "TYPE_4_INVALID_AUTHORIZATION_FORMAT"
    case .r: "RLP_INVALID_SIGNATURE_R"
    case .s: "RLP_INVALID_SIGNATURE_S"
    case .v: "INVALID_SIGNATURE_VRS"
    default: "RLP_INVALID_HEADER"
    }
  }
}

extension TransactionValidityError: CustomStringConvertible {
  /// The name that Ethereum's tests use, and the figures.
  package var description: String {
    let figures =
      switch self {
      case .unsupportedType(let kind, let fork): "type \(kind.rawValue) is not in \(fork.name)"
      case .wrongChain(let signed, let expected): "signed for chain \(signed), this is \(expected)"
      case .tooManyBlobs(let count, let maximum): "\(count) blobs, at most \(maximum)"
      case .invalidBlobVersion(let index): "versioned hash \(index)"
      case .gasLimitAboveCap(let limit, let cap): "gas limit \(limit), at most \(cap)"
      case .gasLimitAboveBlock(let limit, let available):
        "gas limit \(limit), the block has \(available) left"
      case .blobGasAboveBlock(let gas, let available): "blob gas \(gas), the block has \(available) left"
      case .intrinsicGasTooLow(let limit, let needed): "gas limit \(limit), needed \(needed)"
      case .gasBelowFloor(let limit, let floor): "gas limit \(limit), the floor is \(floor)"
      case .initcodeTooLarge(let count, let maximum): "\(count) bytes of initcode, at most \(maximum)"
      case .maxFeeBelowBaseFee(let maximum, let base): "max fee \(maximum), base fee \(base)"
      default: ""
      }
    return figures.isEmpty ? exceptionName : "\(exceptionName): \(figures)"
  }
}
