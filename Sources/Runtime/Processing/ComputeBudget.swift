// What a transaction may spend, from its compute budget instructions
// (https://docs.rs/solana-compute-budget-interface; SIMD-0170 for the default limit).

import Ledger
import Primitives

package struct ComputeBudget: Equatable, Sendable {
  /// Compute units for the whole transaction.
  package var unitLimit: UInt32
  /// Micro-lamports a unit.
  package var unitPrice: UInt64 = 0
  /// Bytes of heap for each program.
  package var heapByteCount: UInt32 = minimumHeapByteCount
  /// Bytes that the transaction's accounts may hold together.
  package var loadedDataByteLimit: UInt32 = maximumLoadedDataByteCount

  package init(unitLimit: UInt32) { self.unitLimit = unitLimit }

  package static let maximumUnitLimit: UInt32 = 1_400_000
  package static let minimumHeapByteCount: UInt32 = 32 * 1024
  package static let maximumHeapByteCount: UInt32 = 256 * 1024
  package static let maximumLoadedDataByteCount: UInt32 = 64 * 1024 * 1024

  /// Lamports above the fee for signatures: price × limit, rounded up.
  package var priorityFee: UInt64 {
    if unitPrice == 0 { return 0 }
    let microLamports = UInt128(unitPrice) * UInt128(unitLimit)
    return UInt64(clamping: (microLamports + 999_999) / 1_000_000)
  }
}

extension ComputeBudget {
  /// What the message's compute budget instructions ask for, each kind at most once.
  package init(_ message: Message) throws(TransactionError) {
    var requests = Requests()
    var defaultLimit: UInt64 = 0
    for index in 0..<message.instructionCount {
      let instruction = message.instruction(at: index)
      let program = message.programID(of: instruction)
      defaultLimit += Builtins.defaultComputeUnits(of: program)
      if program == ProgramID.computeBudget {
        try requests.add(message.data(of: instruction), index: UInt8(truncatingIfNeeded: index))
      }
    }
    self.init(unitLimit: requests.unitLimit ?? UInt32(clamping: defaultLimit))
    unitLimit = min(unitLimit, Self.maximumUnitLimit)
    unitPrice = requests.unitPrice ?? 0
    if let heap = requests.heap {
      let isValid = (Self.minimumHeapByteCount...Self.maximumHeapByteCount).contains(heap.byteCount)
      guard isValid, heap.byteCount % 1024 == 0 else {
        throw .instructionError(index: heap.index, .invalidInstructionData)
      }
      heapByteCount = heap.byteCount
    }
    if let limit = requests.loadedDataByteLimit {
      if limit == 0 { throw .invalidLoadedAccountsDataSizeLimit }
      loadedDataByteLimit = min(limit, Self.maximumLoadedDataByteCount)
    }
  }

  private struct Requests {
    var heap: (index: UInt8, byteCount: UInt32)?
    var unitLimit: UInt32?
    var unitPrice: UInt64?
    var loadedDataByteLimit: UInt32?

    /// Reads one instruction: a tag and an integer; bytes after them do not matter.
    mutating func add(_ data: ArraySlice<UInt8>, index: UInt8) throws(TransactionError) {
      guard let tag = data.first else { throw .instructionError(index: index, .invalidInstructionData) }
      func integer(_ byteCount: Int) throws(TransactionError) -> UInt64 {
        let bytes = data.dropFirst().prefix(byteCount)
        guard bytes.count == byteCount else { throw .instructionError(index: index, .invalidInstructionData) }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
      }
      switch tag {
      case 1:
        let value = UInt32(truncatingIfNeeded: try integer(4))
        if heap != nil { throw .duplicateInstruction(index: index) }
        heap = (index, value)
      case 2:
        let value = UInt32(truncatingIfNeeded: try integer(4))
        if unitLimit != nil { throw .duplicateInstruction(index: index) }
        unitLimit = value
      case 3:
        let value = try integer(8)
        if unitPrice != nil { throw .duplicateInstruction(index: index) }
        unitPrice = value
      case 4:
        let value = UInt32(truncatingIfNeeded: try integer(4))
        if loadedDataByteLimit != nil { throw .duplicateInstruction(index: index) }
        loadedDataByteLimit = value
      default: throw .instructionError(index: index, .invalidInstructionData)
      }
    }
  }
}
