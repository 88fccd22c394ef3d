// One instruction of a message, as offsets into the transaction's wire bytes.

import Primitives

/// Where one instruction's parts lie in `Transaction.bytes`; 10 bytes, no allocation of its own.
@frozen @usableFromInline package struct CompiledInstruction: Sendable, Equatable {
  /// Index of the program's key among the message's static keys.
  @usableFromInline package let programIndex: UInt8
  @usableFromInline let accountsOffset: UInt16
  @usableFromInline let accountCount: UInt16
  @usableFromInline let dataOffset: UInt16
  @usableFromInline let dataCount: UInt16

  @inlinable init(
    programIndex: UInt8, accountsOffset: Int, accountCount: Int, dataOffset: Int, dataCount: Int
  ) {
    self.programIndex = programIndex
    self.accountsOffset = UInt16(truncatingIfNeeded: accountsOffset)
    self.accountCount = UInt16(truncatingIfNeeded: accountCount)
    self.dataOffset = UInt16(truncatingIfNeeded: dataOffset)
    self.dataCount = UInt16(truncatingIfNeeded: dataCount)
  }

  static var none: CompiledInstruction {
    CompiledInstruction(programIndex: 0, accountsOffset: 0, accountCount: 0, dataOffset: 0, dataCount: 0)
  }

  /// Where the account indices lie in the wire bytes, one byte each, into static ++ looked-up keys.
  @inlinable package var accountIndices: Range<Int> {
    Int(accountsOffset)..<Int(accountsOffset) + Int(accountCount)
  }

  /// Where the instruction data lies in the wire bytes.
  @inlinable package var data: Range<Int> { Int(dataOffset)..<Int(dataOffset) + Int(dataCount) }
}

/// The instructions of a message: the first few in place, so that most messages are one allocation.
@frozen @usableFromInline package struct InstructionTable: Sendable {
  @inlinable static var inlineCount: Int { 4 }

  @usableFromInline package private(set) var count: Int
  @usableFromInline package private(set) var first: InlineArray<4, CompiledInstruction>
  @usableFromInline package private(set) var rest: [CompiledInstruction]

  init() { (count, first, rest) = (0, InlineArray(repeating: .none), []) }

  @inline(__always) mutating func append(_ instruction: CompiledInstruction) {
    if count < Self.inlineCount { first[count] = instruction } else { rest.append(instruction) }
    count += 1
  }
}

/// Where one address table lookup of a v0 message lies in `Transaction.bytes`.
@frozen @usableFromInline package struct AddressTableLookup: Sendable, Equatable {
  /// The lookup table's account.
  package let tableKey: Pubkey
  /// Where the indices of the addresses to load as writable lie in the wire bytes, one byte each.
  package let writableIndices: Range<Int>
  /// Where the indices of the addresses to load read-only lie in the wire bytes, one byte each.
  package let readonlyIndices: Range<Int>

  package var count: Int { writableIndices.count + readonlyIndices.count }
}
