// Files of transactions, one JSON object a line: {"solana": BASE64} holds a transaction's wire form. A line
// that cannot be read is the error of its own transaction; the lines around it stand.

import Primitives

/// Why a line holds no transaction that this build can run.
package enum TransactionLineError: Error, Equatable, Sendable {
  case json(JSONError)
  /// Not an object with one of the members "solana" and "ethereum".
  case unknownForm
  /// The value of "solana" is no base64 text.
  case invalidBase64
  case undecodable(TransactionDecodingError)
  /// {"ethereum": …}: this build has no EVM yet.
  case ethereumUnsupported
}

/// One line's wire bytes or the reason why there are none. Decoding them is part of executing the
/// transaction.
package struct TransactionLine: Sendable, Equatable {
  /// Counted from 1.
  package let number: Int
  package let bytes: Result<[UInt8], TransactionLineError>
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
        if !line.isEmpty { lines.append(TransactionLine(number: number, bytes: wireBytes(line))) }
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

  private static func wireBytes(_ line: UnsafeBufferPointer<UInt8>) -> Result<[UInt8], TransactionLineError> {
    if let text = plainSolanaText(line) {
      // Base64 has no escapes, so whatever is not base64 here may still be JSON that the slow path names
      // better.
      if let bytes = Base64.decode(text) { return .success(bytes) }
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue.parse(UnsafeRawBufferPointer(line))
    } catch {
      return .failure(.json(error))
    }
    if let solana = json["solana"] {
      guard let text = solana.string, let bytes = Base64.decode(text) else { return .failure(.invalidBase64) }
      return .success(bytes)
    }
    return .failure(json["ethereum"] != nil ? .ethereumUnsupported : .unknownForm)
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
