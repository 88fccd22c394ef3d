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

  /// Unknown tags, missing bytes, and heaps that are too small, no whole number of KiB, or too large.
  private static let malformed: [[UInt8]] = [
    [], [0, 1, 2, 3, 4], [5, 1, 2, 3, 4], [2, 1, 2, 3], [3, 1, 2, 3, 4, 5, 6, 7], [1, 0, 0x7c, 0, 0],
    [1, 1, 0x80, 0, 0], [1, 0, 4, 4, 0],
  ]

  @Test(arguments: malformed)
  func badRequestsAreRefused(data: [UInt8]) {
    let instruction = Instruction(programID: ProgramID.computeBudget, accounts: [], data: data)
    #expect(throws: TransactionError.instructionError(index: 1, .invalidInstructionData)) {
      try budget(of: [Self.program, instruction])
    }
  }

  @Test func noAccountDataAtAllIsRefused() {
    #expect(throws: TransactionError.invalidLoadedAccountsDataSizeLimit) {
      try budget(of: [Self.program, request(4, 0, 4)])
    }
  }

  private static let requests: [(UInt8, UInt64, Int)] = [(1, 64 * 1024, 4), (2, 1, 4), (3, 1, 8), (4, 1, 4)]

  @Test(arguments: requests)
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
