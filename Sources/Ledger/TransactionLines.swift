// Files of transactions, one JSON object a line: {"solana": BASE64} or {"ethereum": "0x…"} holds a transaction's
// wire form; "from" beside the latter is its sender, for runs that check no signatures. A line that cannot be read
// is the error of its own transaction; the lines around it stand.

import Primitives

/// Why a line holds no transaction that this build can run.
package enum TransactionLineError: Error, Equatable, Sendable {
  case json(JSONError)
  /// Not an object with one of the members "solana" and "ethereum".
  case unknownForm
  /// The value of "solana" is no base64 text.
  case invalidBase64
  /// The value of "ethereum" is no hex text.
  case invalidHex
  /// "from" is no address.
  case invalidSender
}

/// One transaction as it came in; executing it begins with decoding it.
package enum WireTransaction: Sendable, Equatable {
  /// Solana's wire format.
  case solana([UInt8])
  case ethereum(EthereumWire)
}

/// A signed Ethereum transaction: RLP, or a type byte and RLP (EIP-2718).
package struct EthereumWire: Sendable, Equatable {
  package var bytes: [UInt8]
  /// Where given, signatures are not to be checked for.
  package var sender: Address?
  /// Why there are no bytes.
  package var problem: Problem?

  package enum Problem: UInt8, Sendable, CustomStringConvertible {
    case noHex, noSender

    package var description: String {
      switch self {
      case .noHex: "the value of \"ethereum\" is no hexadecimal text of whole bytes"
      case .noSender: "the value of \"from\" is no address"
      }
    }
  }

  package init(_ bytes: [UInt8], sender: Address? = nil) { (self.bytes, self.sender) = (bytes, sender) }

  package init(_ problem: Problem) { (bytes, self.problem) = ([], problem) }
}

/// One line's transaction or the reason why there is none.
package struct TransactionLine: Sendable, Equatable {
  /// Counted from 1.
  package let number: Int
  package let transaction: Result<WireTransaction, TransactionLineError>

  /// The transaction; without bytes where the line holds none.
  package var wire: WireTransaction {
    switch transaction {
    case .success(let wire): wire
    case .failure(.invalidHex): .ethereum(EthereumWire(.noHex))
    case .failure(.invalidSender): .ethereum(EthereumWire(.noSender))
    case .failure: .solana([])
    }
  }
}

package enum TransactionLines {
  /// Splits a file's text; empty lines are passed over.
  package static func split(_ text: [UInt8]) -> [TransactionLine] {
    var lines: [TransactionLine] = []
    text.withUnsafeBufferPointer { text in
      var start = 0
      var number = 1
      while start < text.count {
        let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
        let line = trim(UnsafeBufferPointer(rebasing: text[start..<end]))
        if !line.isEmpty { lines.append(TransactionLine(number: number, transaction: transaction(line))) }
        start = end + 1
        number += 1
      }
    }
    return lines
  }

  /// Reads the file at `path`.
  package static func read(_ path: String) throws(GenesisError) -> [TransactionLine] {
    do { return split(try FileBytes.read(path)) } catch {
      throw .unreadable(path: path, detail: error.detail)
    }
  }

  private static func trim(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
    var range = line.indices
    while let first = range.first, isSpace(line[first]) { range = range.dropFirst() }
    while let last = range.last, isSpace(line[last]) { range = range.dropLast() }
    return UnsafeBufferPointer(rebasing: line[range])
  }

  private static func transaction(
    _ line: UnsafeBufferPointer<UInt8>
  ) -> Result<WireTransaction, TransactionLineError> {
    if let text = plainSolanaText(line) {
      // Base64 has no escapes, so whatever is not base64 here may still be JSON that the slow path names
      // better.
      if let bytes = Base64.decode(text) { return .success(.solana(bytes)) }
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue.parse(UnsafeRawBufferPointer(line))
    } catch {
      return .failure(.json(error))
    }
    if let solana = json["solana"] {
      guard let text = solana.string, let bytes = Base64.decode(text) else { return .failure(.invalidBase64) }
      return .success(.solana(bytes))
    }
    guard let ethereum = json["ethereum"] else { return .failure(.unknownForm) }
    guard let text = ethereum.string, let bytes = Hex.decode(text) else { return .failure(.invalidHex) }
    guard let from = json["from"] else { return .success(.ethereum(EthereumWire(bytes))) }
    guard let name = from.string, let sender = Address(hex: name) else { return .failure(.invalidSender) }
    return .success(.ethereum(EthereumWire(bytes, sender: sender)))
  }

  /// The text between the quotes of exactly `{"solana":"…"}`, spaces aside; `nil` for any other form.
  private static func plainSolanaText(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
    var offset = 0
    func skip(_ byte: UInt8) -> Bool {
      while offset < line.count, line[offset] == 0x20 { offset += 1 }
      guard offset < line.count, line[offset] == byte else { return false }
      offset += 1
      return true
    }
    guard skip(UInt8(ascii: "{")), skip(UInt8(ascii: "\"")) else { return nil }
    for byte in "solana\"".utf8 {
      guard offset < line.count, line[offset] == byte else { return nil }
      offset += 1
    }
    guard skip(UInt8(ascii: ":")), skip(UInt8(ascii: "\"")) else { return nil }
    let start = offset
    guard let end = line[start...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
    offset = end + 1
    guard skip(UInt8(ascii: "}")), offset == line.count else { return nil }
    return UnsafeBufferPointer(rebasing: line[start..<end])
  }
}
