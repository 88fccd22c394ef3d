// A signed transaction in Solana's wire format, legacy or v0: a compact array of signatures, then the
// message. https://solana.com/docs/core/transactions
//
//   bytes ──decode──▶ Transaction ──sanitize, look up──▶ ResolvedTransaction
//
// Decoding is one pass that only records where things lie; `bytes` is shared, never copied.

import Primitives

/// A decoded transaction; immutable. `sanitize()` must pass before its indices may be trusted.
public struct Transaction: Sendable, Equatable {
  package let message: Message
  package let signatureCount: Int

  /// The largest wire form, a network packet's payload.
  public static let maximumByteCount = 1232

  /// The wire form.
  public var bytes: [UInt8] { message.bytes }

  /// The signature at `index` in `[0, signatureCount)`.
  package func signature(at index: Int) -> Signature {
    precondition(index >= 0 && index < signatureCount)
    return message.bytes.withUnsafeBytes {
      // The decoder accepts at most 127 signatures, whose count is one byte.
      Signature(reading: $0.baseAddress.unsafelyUnwrapped + (1 + index * 64))
    }
  }

  package var signatures: [Signature] { (0..<signatureCount).map(signature(at:)) }

  /// The first signature, a transaction's name; `nil` where there is none.
  public var firstSignature: Signature? { signatureCount > 0 ? signature(at: 0) : nil }
}

/// Why bytes are no transaction; offsets count from the first byte.
public enum TransactionDecodingError: Error, Equatable, Sendable {
  /// More than `Transaction.maximumByteCount` bytes.
  case tooLong(byteCount: Int)
  /// The bytes end inside the field that starts at `offset`.
  case truncated(offset: Int)
  /// A compact-u16 length at `offset` is longer than its value needs, or does not fit 16 bits.
  case invalidLength(offset: Int)
  /// The number of signatures does not fit the one byte it has.
  case tooManySignatures
  /// A message version other than legacy and 0.
  case unsupportedVersion(UInt8)
  /// Bytes follow the message.
  case trailingBytes(offset: Int)
}

extension TransactionDecodingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooLong(let byteCount):
      "it has \(byteCount) bytes, \(byteCount - Transaction.maximumByteCount) more than the "
        + "\(Transaction.maximumByteCount) that a transaction may have"
    case .truncated(let offset): "its bytes end inside the field at offset \(offset)"
    case .invalidLength(let offset): "the length at offset \(offset) is no compact-u16 in its shortest form"
    case .tooManySignatures: "it names 128 signatures or more"
    case .unsupportedVersion(let version): "its message has version \(version); legacy and 0 are supported"
    case .trailingBytes(let offset): "bytes follow its message, from offset \(offset) on"
    }
  }
}
