// Compute budget instructions: defaults, limits, duplicates and malformed data.

import Ledger
import Primitives
import Testing

@testable import Runtime

@Suite struct ComputeBudgetTests {
  private func budget(of instructions: [Instruction]) throws -> ComputeBudget {
    try ComputeBudget(TransactionRig().transaction(instructions).message)
  }

  private static let program = Instruction(programID: TransactionRig.key(7), accounts: [], data: [])

  @Test func defaultsGoByProgram() throws {
    #expect(try budget(of: [Self.program]).unitLimit == 200_000)
    let heap = request(1, 64 * 1024, 4)
    #expect(try budget(of: [Self.program, heap]).unitLimit == 203_000)
    #expect(try budget(of: (0..<8).map { _ in Self.program }).unitLimit == 1_400_000)
  }

  @Test func requestsHold() throws {
    let parsed = try budget(of: [
      request(2, 9_999_999, 4), request(3, 77, 8), request(1, 40 * 1024, 4),
      request(4, 5, 4),
    ])
    #expect(parsed.unitLimit == 1_400_000)
    #expect(parsed.unitPrice == 77)
    #expect(parsed.heapByteCount == 40 * 1024)
    #expect(parsed.loadedDataByteLimit == 5)
    #expect(parsed.priorityFee == 108)
  }

  @Test(arguments: [
    ([UInt8](), TransactionError.instructionError(index: 1, .invalidInstructionData)),
    ([0, 1, 2, 3, 4], .instructionError(index: 1, .invalidInstructionData)),
    ([5, 1, 2, 3, 4], .instructionError(index: 1, .invalidInstructionData)),
    ([2, 1, 2, 3], .instructionError(index: 1, .invalidInstructionData)),
    ([3, 1, 2, 3, 4, 5, 6, 7], .instructionError(index: 1, .invalidInstructionData)),
    ([1, 0, 0x7c, 0, 0], .instructionError(index: 1, .invalidInstructionData)),
    ([1, 1, 0x80, 0, 0], .instructionError(index: 1, .invalidInstructionData)),
    ([1, 0, 4, 4, 0], .instructionError(index: 1, .invalidInstructionData)),
    ([4, 0, 0, 0, 0], .invalidLoadedAccountsDataSizeLimit),
  ])
  func badRequestsAreRefused(data: [UInt8], error: TransactionError) {
    let instruction = Instruction(programID: ProgramID.computeBudget, accounts: [], data: data)
    #expect(throws: error) { try budget(of: [Self.program, instruction]) }
  }

  @Test(arguments: [(UInt8(1), UInt64(64 * 1024), 4), (2, 1, 4), (3, 1, 8), (4, 1, 4)])
  func repeatsAreRefused(tag: UInt8, value: UInt64, byteCount: Int) {
    let repeated = request(tag, value, byteCount)
    #expect(throws: TransactionError.duplicateInstruction(index: 2)) {
      try budget(of: [Self.program, repeated, repeated])
    }
  }
}

private func request(_ tag: UInt8, _ value: UInt64, _ byteCount: Int) -> Instruction {
  RuntimeTests.budget(tag, value, byteCount: byteCount)
}
