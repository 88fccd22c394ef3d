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
