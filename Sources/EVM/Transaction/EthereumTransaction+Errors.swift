// Decoding and signature errors in the words of people.

extension EthereumTransactionError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .empty: "the transaction has no bytes"
    case .unknownType(let byte): "unknown transaction type \(byte)"
    case .rlp(let error, let field): "malformed \(field): \(error)"
    case .invalidV(let value): "invalid signature parity \(value)"
    }
  }
}

extension EthereumSignatureError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .invalidValues: "invalid signature: a value is out of range"
    case .noKey: "invalid signature: no key fits it"
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
