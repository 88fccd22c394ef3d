// How built-in programs read their instruction data: bincode 1 with fixed-width integers, at most the first
// 1,232 bytes (a packet) of it, trailing bytes ignored (https://docs.rs/solana-bincode, limited_deserialize).
// Every failure is `invalidInstructionData`.

import Ledger
import Primitives

extension ByteReader {
  /// Bytes of instruction data that a built-in program looks at; reading beyond them fails as if they were
  /// the end.
  package static let instructionByteLimit = 1232
}

extension UnsafeRawBufferPointer {
  /// Runs `decode` over the instruction data within the limit.
  @inline(__always) func decodeInstruction<Value>(
    _ decode: (inout ByteReader) throws(CodecError) -> Value
  ) throws(InstructionError) -> Value {
    var reader = ByteReader(
      UnsafeRawBufferPointer(start: baseAddress, count: Swift.min(count, ByteReader.instructionByteLimit)))
    do throws(CodecError) { return try decode(&reader) } catch { throw .invalidInstructionData }
  }
}

extension [UInt8] {

  /// Runs `decode` over account data, of which trailing bytes are ignored.
  func decodeAccountState<Value>(
    _ decode: (inout ByteReader) throws(CodecError) -> Value
  ) throws(InstructionError) -> Value {
    let decoded = withUnsafeBytes { bytes -> Value? in
      var reader = ByteReader(bytes)
      return try? decode(&reader)
    }
    guard let decoded else { throw .invalidAccountData }
    return decoded
  }
}

extension BorrowedAccount {
  /// Overwrites the start of the data with `state` and leaves the rest; the data never grows for it.
  func setState(_ state: [UInt8]) throws(InstructionError) {
    try withMutableData { (data) throws(InstructionError) in
      guard data.count >= state.count else { throw .accountDataTooSmall }
      data.copyBytes(from: state)
    }
  }
}
