// What LOG0 to LOG4 leave behind (Yellow Paper section 4.3.1), the bloom filter over it, and the hash by which tests
// compare the logs of a transaction.

import Primitives

/// An event that a contract emitted.
package struct EVMLog: Equatable, Sendable {
  package var address: Address
  /// At most four.
  package var topics: [Hash]
  package var data: [UInt8]

  package init(address: Address, topics: [Hash], data: [UInt8]) {
    (self.address, self.topics, self.data) = (address, topics, data)
  }

  /// Reads what `write` wrote.
  init(reading reader: inout RLPReader) throws(RLPError) {
    var fields = try reader.readList()
    address = try fields.readAddress()
    topics = []
    var list = try fields.readList()
    while !list.isAtEnd { topics.append(try list.readHash()) }
    data = Array(try fields.readBytes())
    try fields.expectEnd()
  }

  /// The RLP list [address, [topic…], data].
  package func write(to writer: inout RLPWriter) {
    writer.writeList { writer in
      writer.write(address)
      writer.writeList { writer in for topic in topics { writer.write(topic) } }
      writer.write(data)
    }
  }
}

extension Collection where Element == EVMLog {
  /// Keccak-256 of the RLP of the list.
  package var logsHash: Hash {
    var writer = RLPWriter()
    writer.writeList { writer in for log in self { log.write(to: &writer) } }
    return Keccak256.hash(writer.bytes)
  }
}

/// 2,048 bits, three set for each address and topic of a log; bit 0 is the lowest of the last byte.
package struct LogsBloom: Equatable, Sendable {
  /// 256 bytes.
  package private(set) var bytes = [UInt8](repeating: 0, count: byteCount)

  package static let byteCount = 256

  package init() {}

  /// A filter that somebody else made; `bytes` are 256.
  init(bytes: [UInt8]) { self.bytes = bytes }

  package init(_ logs: some Sequence<EVMLog>) {
    for log in logs { insert(log) }
  }

  package mutating func insert(_ log: EVMLog) {
    withUnsafeBytes(of: log.address) { insert($0) }
    for topic in log.topics { withUnsafeBytes(of: topic) { insert($0) } }
  }

  /// Adds the bits of another filter: a block's is the union of its receipts'.
  package mutating func formUnion(_ other: LogsBloom) {
    for index in bytes.indices { bytes[index] |= other.bytes[index] }
  }

  private mutating func insert(_ item: UnsafeRawBufferPointer) {
    let digest = Keccak256.hash(item)
    for pair in 0..<UInt64(3) {
      // Bytes 2n and 2n + 1 of the digest, big-endian, modulo 2,048.
      let bit = Int(UInt16(truncatingIfNeeded: digest.word0 >> (16 * pair)).byteSwapped & 2047)
      bytes[255 - bit / 8] |= 1 << UInt8(bit % 8)
    }
  }
}
