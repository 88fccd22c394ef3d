// A block as it travels: header, transactions, ommers and, from Shanghai on, withdrawals (Yellow Paper section 4.3;
// EIP-4895). Decoding is strict, and what it accepts encodes to the same bytes.

import Primitives
import WideIntegers

package struct EthereumBlock: Equatable, Sendable {
  package var header: EthereumHeader
  package var transactions: [EthereumTransaction]
  package var ommers: [EthereumHeader]
  /// `nil` before Shanghai.
  package var withdrawals: [EVMWithdrawal]?

  package init(
    header: EthereumHeader, transactions: [EthereumTransaction] = [], ommers: [EthereumHeader] = [],
    withdrawals: [EVMWithdrawal]? = nil
  ) {
    (self.header, self.transactions) = (header, transactions)
    (self.ommers, self.withdrawals) = (ommers, withdrawals)
  }

  /// The one block that `bytes` are.
  package init(decoding bytes: [UInt8]) throws(BlockDecodingError) {
    self = try bytes.withUnsafeBufferPointer { bytes throws(BlockDecodingError) in
      var reader = RLPReader(UnsafeRawBufferPointer(bytes))
      let block = try EthereumBlock(reading: &reader)
      do throws(RLPError) { try reader.expectEnd() } catch { throw .rlp(error, part: .block, field: nil) }
      return block
    }
  }

  /// Reads the next item of `reader`: a file of blocks is one behind the other.
  package init(reading reader: inout RLPReader) throws(BlockDecodingError) {
    var parts = try BlockReader(&reader, part: .block)
    self.init(header: try EthereumHeader(reading: &parts.reader))
    try readBody(&parts)
  }

  /// A header and what `encodedBody` wrote.
  package init(header: EthereumHeader, body bytes: [UInt8]) throws(BlockDecodingError) {
    self = try bytes.withUnsafeBufferPointer { bytes throws(BlockDecodingError) in
      var reader = RLPReader(UnsafeRawBufferPointer(bytes))
      var block = EthereumBlock(header: header)
      var parts = try BlockReader(&reader, part: .block)
      try block.readBody(&parts)
      do throws(RLPError) { try reader.expectEnd() } catch { throw .rlp(error, part: .block, field: nil) }
      return block
    }
  }

  private mutating func readBody(_ parts: inout BlockReader) throws(BlockDecodingError) {
    transactions = []
    var list = try BlockReader(&parts.reader, part: .transactions)
    while !list.isAtEnd { transactions.append(try list.readTransaction(index: transactions.count)) }
    ommers = []
    var ommerList = try BlockReader(&parts.reader, part: .ommers)
    while !ommerList.isAtEnd { ommers.append(try EthereumHeader(reading: &ommerList.reader)) }
    if !parts.isAtEnd {
      var withdrawals: [EVMWithdrawal] = []
      var list = try BlockReader(&parts.reader, part: .withdrawals)
      while !list.isAtEnd { withdrawals.append(try EVMWithdrawal(reading: &list.reader)) }
      self.withdrawals = withdrawals
    }
    try parts.expectEnd()
  }

  package var encoded: [UInt8] {
    var writer = RLPWriter(capacity: 1024)
    writer.writeList { writer in
      header.write(to: &writer)
      writeBody(transactions.map(\.encoded), to: &writer)
    }
    return writer.bytes
  }

  /// The list of what is in the block behind its header.
  package var encodedBody: [UInt8] { encodedBody(transactions.map(\.encoded)) }

  /// The same; `encodings` are the transactions'.
  package func encodedBody(_ encodings: [[UInt8]]) -> [UInt8] {
    var writer = RLPWriter(capacity: 1024 + encodings.reduce(0) { $0 + $1.count })
    writer.writeList { writeBody(encodings, to: &$0) }
    return writer.bytes
  }

  private func writeBody(_ encodings: [[UInt8]], to writer: inout RLPWriter) {
    writer.writeList { writer in
      for (transaction, bytes) in zip(transactions, encodings) {
        if transaction.kind == .legacy { writer.writeEncoded(bytes) } else { writer.write(bytes) }
      }
    }
    writer.writeList { writer in for ommer in ommers { ommer.write(to: &writer) } }
    if let withdrawals {
      writer.writeList { writer in for withdrawal in withdrawals { withdrawal.write(to: &writer) } }
    }
  }

  /// What the header's fields about the body have to be.
  package var transactionsRoot: Hash { MerklePatriciaTrie.listRoot(transactions.map(\.encoded)) }

  package var ommersHash: Hash {
    if ommers.isEmpty { return EthereumHeader.emptyOmmersHash }
    var writer = RLPWriter()
    writer.writeList { writer in for ommer in ommers { ommer.write(to: &writer) } }
    return Keccak256.hash(writer.bytes)
  }

  package var withdrawalsRoot: Hash? {
    withdrawals.map { withdrawals in
      MerklePatriciaTrie.listRoot(
        withdrawals.map { withdrawal in
          var writer = RLPWriter(capacity: 48)
          withdrawal.write(to: &writer)
          return writer.bytes
        })
    }
  }
}

extension EVMWithdrawal {
  package func write(to writer: inout RLPWriter) {
    writer.writeList { writer in
      writer.write(index)
      writer.write(validatorIndex)
      writer.write(address)
      writer.write(amount)
    }
  }

  init(reading reader: inout RLPReader) throws(BlockDecodingError) {
    var fields = try BlockReader(&reader, part: .withdrawals)
    self.init(
      index: try fields.readUInt64("index"), validatorIndex: try fields.readUInt64("validatorIndex"),
      address: try fields.readAddress("address"), amount: try fields.readUInt64("amount"))
    try fields.expectEnd()
  }
}

/// Why bytes are no block.
package enum BlockDecodingError: Error, Equatable, Sendable {
  package enum Part: String, Sendable { case block, header, transactions, ommers, withdrawals }

  /// `field` is `nil` where the part as a whole is wrong.
  case rlp(RLPError, part: Part, field: String?)
  case transaction(EthereumTransactionError, index: Int)
  /// A legacy transaction wrapped into a byte string, as only typed ones are.
  case wrappedLegacyTransaction(index: Int)
}

extension BlockDecodingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .rlp(let error, let part, let field):
      "malformed \(part.rawValue)\(field.map { ", \($0)" } ?? ""): \(error)"
    case .transaction(let error, let index): "transaction \(index): \(error)"
    case .wrappedLegacyTransaction(let index):
      "transaction \(index) is a legacy one inside a byte string: only typed ones are written so"
    }
  }
}

/// A reader of one list whose errors name part and field.
struct BlockReader {
  var reader: RLPReader
  private let part: BlockDecodingError.Part

  /// The list that is the next item of `outer`.
  init(_ outer: inout RLPReader, part: BlockDecodingError.Part) throws(BlockDecodingError) {
    do throws(RLPError) { reader = try outer.readList() } catch {
      throw .rlp(error, part: part, field: nil)
    }
    self.part = part
  }

  var isAtEnd: Bool { reader.isAtEnd }

  private mutating func read<Value>(
    _ field: String, _ body: (inout RLPReader) throws(RLPError) -> Value
  ) throws(BlockDecodingError) -> Value {
    do throws(RLPError) { return try body(&reader) } catch { throw .rlp(error, part: part, field: field) }
  }

  func expectEnd() throws(BlockDecodingError) {
    do throws(RLPError) { try reader.expectEnd() } catch { throw .rlp(error, part: part, field: nil) }
  }

  mutating func readHash(_ field: String) throws(BlockDecodingError) -> Hash {
    try read(field) { reader throws(RLPError) in try reader.readHash() }
  }

  mutating func readAddress(_ field: String) throws(BlockDecodingError) -> Address {
    try read(field) { reader throws(RLPError) in try reader.readAddress() }
  }

  mutating func readUInt64(_ field: String) throws(BlockDecodingError) -> UInt64 {
    try read(field) { reader throws(RLPError) in try reader.readUInt64() }
  }

  mutating func readUInt256(_ field: String) throws(BlockDecodingError) -> UInt256 {
    try read(field) { reader throws(RLPError) in try reader.readUInt256() }
  }

  /// - Parameter count: how many there have to be, any number where `nil`.
  mutating func readBytes(_ field: String, count: Int? = nil) throws(BlockDecodingError) -> [UInt8] {
    try read(field) { reader throws(RLPError) in
      let offset = reader.offset
      let bytes = Array(try reader.readBytes())
      if let count, bytes.count != count {
        throw .invalidByteCount(offset: offset, expected: count, found: bytes.count)
      }
      return bytes
    }
  }

  /// A list is a legacy transaction, a byte string a typed one.
  mutating func readTransaction(index: Int) throws(BlockDecodingError) -> EthereumTransaction {
    let isList = reader.isAtList
    let raw = try read("transaction \(index)") { reader throws(RLPError) in
      isList ? try reader.readEncoded() : try reader.readBytes()
    }
    if !isList, let first = raw.first, first >= RLP.emptyList {
      throw .wrappedLegacyTransaction(index: index)
    }
    do throws(EthereumTransactionError) { return try EthereumTransaction(decoding: raw) } catch {
      throw .transaction(error, index: index)
    }
  }
}
