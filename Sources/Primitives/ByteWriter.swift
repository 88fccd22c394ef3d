// Writing of the formats that ByteReader reads: little-endian integers, compact-u16 counts, bincode 1.

package struct ByteWriter {
  package var bytes: [UInt8] = []

  package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  package mutating func write(_ value: UInt8) { bytes.append(value) }
  package mutating func write(_ value: UInt16) { store(value.littleEndian) }
  package mutating func write(_ value: UInt32) { store(value.littleEndian) }
  package mutating func write(_ value: UInt64) { store(value.littleEndian) }
  package mutating func write(_ value: Int64) { store(value.littleEndian) }
  package mutating func write(_ value: Double) { store(value.bitPattern.littleEndian) }
  package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }
  package mutating func write(_ value: Pubkey) { store(value) }
  package mutating func write(_ value: Hash) { store(value) }
  package mutating func write(_ value: Signature) { store(value) }
  package mutating func write(_ raw: UnsafeRawBufferPointer) { bytes.append(contentsOf: raw) }
  package mutating func write(_ raw: [UInt8]) { bytes.append(contentsOf: raw) }

  @inline(__always) private mutating func store(_ value: some BitwiseCopyable) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }

  package mutating func writeZeroes(count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: count))
  }

  /// bincode's option: one byte, 0 or 1, then the value where there is one.
  package mutating func writeOption<Value>(_ value: Value?, _ write: (inout ByteWriter, Value) -> Void) {
    self.write(value != nil)
    if let value { write(&self, value) }
  }

  /// bincode's byte vector: u64 length, then the bytes.
  package mutating func writeVector(_ raw: [UInt8]) {
    write(UInt64(raw.count))
    bytes.append(contentsOf: raw)
  }

  /// bincode's string: u64 length, then UTF-8.
  package mutating func writeString(_ text: String) {
    write(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// One to three bytes of seven bits, least significant first.
  package mutating func writeCompactU16(_ value: UInt16) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}
