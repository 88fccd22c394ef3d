// Files of transactions, one JSON object a line: {"solana": BASE64} or {"ethereum": "0x…"} holds a transaction's
// wire form; beside the latter, "from" is its sender, for runs that check no signatures, and "access" the set that it
// keeps to (AccessSet.swift). A line that cannot be read is the error of its own entry; the lines around it stand.

import Glibc
import Primitives

/// Why a line holds no transaction.
public struct TransactionLineError: Error, Equatable, Sendable {
  public enum Reason: Error, Equatable, Sendable {
    case json(JSONError)
    case noObject
    /// An object without the members "solana" and "ethereum".
    case unknownForm
    /// An object with both.
    case twoTransactions
    /// A member that lines do not have.
    case unknownMember(String)
    /// The value of "solana" is no base64 text.
    case invalidBase64
    /// The value of "ethereum" is no hex text.
    case invalidHex
    /// "from" is no address.
    case invalidSender
    case invalidAccess(AccessSetError)
  }

  /// Counted from 1.
  public let line: Int
  public let reason: Reason

  package init(line: Int, _ reason: Reason) { (self.line, self.reason) = (line, reason) }

  /// Whether the line names a transaction of Ethereum's, as far as it could be read.
  package var isEthereum: Bool {
    switch reason {
    case .invalidHex, .invalidSender, .invalidAccess: true
    default: false
    }
  }

  /// Whether the line is an object that names a transaction, whose values are wrong; another line does not belong into a
  /// file of transactions at all.
  package var namesTransaction: Bool {
    switch reason {
    case .invalidBase64, .invalidHex, .invalidSender, .invalidAccess: true
    case .json, .noObject, .unknownForm, .twoTransactions, .unknownMember: false
    }
  }
}

extension TransactionLineError: CustomStringConvertible {
  public var description: String {
    if case .json(let error) = reason { return "line \(line), byte \(error.offset): \(error.what)" }
    return "line \(line): \(what)"
  }

  /// The reason in words, without the place.
  package var what: String {
    switch reason {
    case .json: "no JSON"
    case .noObject: "no JSON object; {\"solana\": BASE64} or {\"ethereum\": HEX} is expected"
    case .unknownForm: "neither {\"solana\": BASE64} nor {\"ethereum\": HEX}"
    case .twoTransactions: "both \"solana\" and \"ethereum\"; a line holds one transaction"
    case .unknownMember(let name):
      "unknown member \"\(name.prefix(40))\"; beside \"ethereum\" there may be \"from\" and \"access\""
    case .invalidBase64: "the value of \"solana\" is no base64 text"
    case .invalidHex: "the value of \"ethereum\" is no hexadecimal text of whole bytes"
    case .invalidSender: "the value of \"from\" is no address of 40 hex digits"
    case .invalidAccess(let error): error.description
    }
  }
}

/// One transaction as it came in; executing it begins with decoding it.
package enum WireTransaction: Sendable, Equatable {
  /// Solana's wire format.
  case solana([UInt8])
  case ethereum(EthereumWire)
}

/// A signed Ethereum transaction: RLP, or a type byte and RLP (EIP-2718).
@usableFromInline package struct EthereumWire: Sendable, Equatable {
  package var bytes: [UInt8]
  /// Where given, signatures are not to be checked for.
  @usableFromInline package var sender: Address?
  /// What it may touch, where the line says so.
  package var access: AccessSet?
  /// Whether whoever gave `sender` answers for it, so that a block that verifies signatures takes it as well: a node's pool,
  /// which has recovered it, or a developer who acts for somebody else.
  @usableFromInline package var isVouchedFor = false

  package init(_ bytes: [UInt8], sender: Address? = nil, access: AccessSet? = nil) {
    (self.bytes, self.sender, self.access) = (bytes, sender, access)
  }

  /// A transaction whose sender is known.
  package init(_ bytes: [UInt8], vouchedSender sender: Address) {
    (self.bytes, self.sender, isVouchedFor) = (bytes, sender, true)
  }

  /// Whether the sender has to be recovered from the signature.
  @inlinable package func needsRecovery(verifiesSignatures: Bool) -> Bool {
    sender == nil || verifiesSignatures && !isVouchedFor
  }
}

/// One line's transaction, or why there is none.
package typealias TransactionLine = Result<WireTransaction, TransactionLineError>

package enum TransactionLines {
  /// The entries of a file's text; a byte order mark before it and empty lines are passed over.
  package static func split(_ text: [UInt8]) -> [TransactionLine] {
    var lines: [TransactionLine] = []
    text.withUnsafeBufferPointer { text in
      let mark = (try? FileBytes.markByteCount(of: text)) ?? 0
      _ = append(UnsafeBufferPointer(rebasing: text[mark...]), to: &lines)
    }
    return lines
  }

  /// Appends the entries of `text`, whole lines whose numbers count from 1.
  ///
  /// - Returns: the number of lines.
  static func append(_ text: UnsafeBufferPointer<UInt8>, to entries: inout [TransactionLine]) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var start = 0
    var number = 0
    while start < text.count {
      number += 1
      let feed = memchr(base + start, 0x0a, text.count - start)
      let end = feed.map { $0.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(mutating: base) }
      let line = trim(UnsafeBufferPointer(rebasing: text[start..<(end ?? text.count)]))
      if !line.isEmpty {
        do throws(TransactionLineError.Reason) {
          entries.append(.success(try TransactionLineScanner.transaction(line)))
        } catch {
          entries.append(.failure(TransactionLineError(line: number, error)))
        }
      }
      start = (end ?? text.count) + 1
    }
    return number
  }

  private static func trim(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
    var (start, end) = (0, line.count)
    while start < end, isSpace(line[start]) { start += 1 }
    while end > start, isSpace(line[end - 1]) { end -= 1 }
    return UnsafeBufferPointer(rebasing: line[start..<end])
  }
}
