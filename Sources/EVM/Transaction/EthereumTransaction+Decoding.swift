// Transactions from their wire form: RLP of a legacy one, or a type byte before the RLP of a typed one (EIP-2718).
// Decoding is strict, so encoding gives the same bytes again and the hash may be taken of either.

import Primitives
import WideIntegers

/// Why wire bytes are no transaction.
package enum EthereumTransactionError: Error, Equatable, Sendable {
  /// No bytes at all.
  case empty
  /// A first byte that is neither a list's nor a known type's.
  case unknownType(UInt8)
  case rlp(RLPError, field: EthereumTransaction.Field)
  /// A legacy signature's v that is neither 27, 28 nor 35 and more, or a chain beyond 2^64; a parity other than 0
  /// and 1.
  case invalidV(UInt256)
}

extension EthereumTransaction {
  /// The parts of a transaction that decoding can fail at, by their names in the EIPs.
  package enum Field: Sendable {
    case envelope, chainID, nonce, gasPrice, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to, value, data
    case accessList, maxFeePerBlobGas, blobVersionedHashes, authorizations, v, r, s
  }

  package init(decoding bytes: [UInt8]) throws(EthereumTransactionError) {
    self = try bytes.withUnsafeBufferPointer { bytes throws(EthereumTransactionError) in
      try EthereumTransaction(decoding: UnsafeRawBufferPointer(bytes))
    }
  }

  package init(decoding bytes: UnsafeRawBufferPointer) throws(EthereumTransactionError) {
    guard let first = bytes.first else { throw .empty }
    if first >= RLP.emptyList {
      var fields = try FieldReader(bytes, headerByteCount: 0)
      try self.init(legacy: &fields)
      try fields.expectEnd()
      return
    }
    guard let kind = Kind(rawValue: first), kind != .legacy else { throw .unknownType(first) }
    var fields = try FieldReader(bytes, headerByteCount: 1)
    try self.init(kind, &fields)
    try fields.expectEnd()
  }

  private init(legacy fields: inout FieldReader) throws(EthereumTransactionError) {
    let nonce = try fields.readUInt64(.nonce)
    let gasPrice = try fields.readUInt256(.gasPrice)
    let gasLimit = try fields.readUInt64(.gasLimit)
    let to = try fields.readTo()
    let value = try fields.readUInt256(.value)
    let data = try fields.readData()
    let v = try fields.readUInt256(.v)
    let parity: UInt64
    var chainID: UInt64?
    if v == 27 || v == 28 {
      parity = v.limb0 &- 27
    } else {
      // EIP-155: 35 + 2 × chain + parity.
      let rest = v &- 35
      guard v >= 35, let chain = (rest >> 1).uint64 else { throw .invalidV(v) }
      chainID = chain
      parity = rest.limb0 & 1
    }
    self.init(
      kind: .legacy, chainID: chainID, nonce: nonce, maxPriorityFeePerGas: gasPrice, maxFeePerGas: gasPrice,
      gasLimit: gasLimit, to: to, value: value, data: data, signature: try fields.readSignature(parity))
  }

  private init(_ kind: Kind, _ fields: inout FieldReader) throws(EthereumTransactionError) {
    let chainID = try fields.readUInt64(.chainID)
    let nonce = try fields.readUInt64(.nonce)
    let price = try fields.readUInt256(kind == .accessList ? .gasPrice : .maxPriorityFeePerGas)
    let maxFee = kind == .accessList ? price : try fields.readUInt256(.maxFeePerGas)
    let gasLimit = try fields.readUInt64(.gasLimit)
    let to = try fields.readTo()
    let value = try fields.readUInt256(.value)
    let data = try fields.readData()
    let accessList = try fields.readAccessList()
    let blobFee = kind == .blob ? try fields.readUInt256(.maxFeePerBlobGas) : .zero
    let blobHashes = kind == .blob ? try fields.readHashes(.blobVersionedHashes) : []
    let authorizations = kind == .setCode ? try fields.readAuthorizations() : []
    let parity = try fields.readUInt256(.v)
    guard parity < 2 else { throw .invalidV(parity) }
    self.init(
      kind: kind, chainID: chainID, nonce: nonce, maxPriorityFeePerGas: price, maxFeePerGas: maxFee,
      gasLimit: gasLimit, to: to, value: value, data: data, accessList: accessList, maxFeePerBlobGas: blobFee,
      blobVersionedHashes: blobHashes, authorizations: authorizations,
      signature: try fields.readSignature(parity.limb0))
  }
}

/// An RLPReader whose errors name the field.
private struct FieldReader {
  private var reader: RLPReader

  /// The one list after `headerByteCount` bytes; nothing follows it.
  init(_ bytes: UnsafeRawBufferPointer, headerByteCount: Int) throws(EthereumTransactionError) {
    do throws(RLPError) {
      var outer = RLPReader(UnsafeRawBufferPointer(rebasing: bytes[headerByteCount...]))
      reader = try outer.readList()
      try outer.expectEnd()
    } catch { throw .rlp(error, field: .envelope) }
  }

  @inline(__always) private mutating func read<Value>(
    _ field: EthereumTransaction.Field, _ body: (inout RLPReader) throws(RLPError) -> Value
  ) throws(EthereumTransactionError) -> Value {
    do throws(RLPError) { return try body(&reader) } catch { throw .rlp(error, field: field) }
  }

  func expectEnd() throws(EthereumTransactionError) {
    do throws(RLPError) { try reader.expectEnd() } catch { throw .rlp(error, field: .envelope) }
  }

  mutating func readUInt64(_ field: EthereumTransaction.Field) throws(EthereumTransactionError) -> UInt64 {
    try read(field) { reader throws(RLPError) in try reader.readUInt64() }
  }

  mutating func readUInt256(_ field: EthereumTransaction.Field) throws(EthereumTransactionError) -> UInt256 {
    try read(field) { reader throws(RLPError) in try reader.readUInt256() }
  }

  mutating func readTo() throws(EthereumTransactionError) -> Address? {
    try read(.to) { reader throws(RLPError) in try reader.readOptionalAddress() }
  }

  mutating func readData() throws(EthereumTransactionError) -> [UInt8] {
    try read(.data) { reader throws(RLPError) in Array(try reader.readBytes()) }
  }

  /// r and s, the fields that end a transaction.
  mutating func readSignature(_ yParity: UInt64) throws(EthereumTransactionError) -> EthereumSignature {
    EthereumSignature(
      yParity: UInt8(truncatingIfNeeded: yParity), r: try readUInt256(.r), s: try readUInt256(.s))
  }

  mutating func readHashes(_ field: EthereumTransaction.Field) throws(EthereumTransactionError) -> [Hash] {
    try read(field) { reader throws(RLPError) in try Self.hashes(&reader) }
  }

  mutating func readAccessList() throws(EthereumTransactionError) -> [AccessListEntry] {
    try read(.accessList) { reader throws(RLPError) in
      var list = try reader.readList()
      var entries: [AccessListEntry] = []
      while !list.isAtEnd {
        var entry = try list.readList()
        entries.append(
          AccessListEntry(address: try entry.readAddress(), storageKeys: try Self.hashes(&entry)))
        try entry.expectEnd()
      }
      return entries
    }
  }

  mutating func readAuthorizations() throws(EthereumTransactionError) -> [Authorization] {
    try read(.authorizations) { reader throws(RLPError) in
      var list = try reader.readList()
      var tuples: [Authorization] = []
      while !list.isAtEnd {
        var tuple = try list.readList()
        tuples.append(
          Authorization(
            chainID: try tuple.readUInt256(), address: try tuple.readAddress(), nonce: try tuple.readUInt64(),
            signature: EthereumSignature(
              yParity: UInt8(truncatingIfNeeded: try tuple.readUInt256(byteCount: 1).limb0),
              r: try tuple.readUInt256(), s: try tuple.readUInt256())))
        try tuple.expectEnd()
      }
      return tuples
    }
  }

  private static func hashes(_ reader: inout RLPReader) throws(RLPError) -> [Hash] {
    var list = try reader.readList()
    var hashes: [Hash] = []
    while !list.isAtEnd { hashes.append(try list.readHash()) }
    return hashes
  }
}
