import Testing

@testable import EVM

struct EVMOpcodeTableTests {
  @Test(arguments: Fork.allCases) func everyByteAgreesWithTheIndependentList(fork: Fork) {
    for byte in UInt8.min...UInt8.max {
      let operation = EVMOpcodeTable.operation(byte, in: fork)
      guard NaiveFacts.exists(byte, in: fork), let effect = NaiveFacts.effects[Int(byte)] else {
        #expect(operation.kind == .undefined, "\(byte)")
        #expect(EVMOpcodeTable.name(byte, in: fork) == nil)
        continue
      }
      #expect(operation.kind != .undefined, "\(byte)")
      #expect(operation.opcode.rawValue == byte)
      #expect(Int(operation.pops) == effect.pops, "\(byte)")
      #expect(Int(operation.pushes) == effect.pushes, "\(byte)")
      #expect(Int64(operation.gas) == NaiveFacts.gas(byte, in: fork), "\(byte)")
      #expect(Int(operation.immediateByteCount) == ((0x60...0x7f).contains(byte) ? Int(byte) - 0x5f : 0))
      #expect(EVMOpcodeTable.name(byte, in: fork) != nil)
    }
  }

  @Test func theTableHasOneRowAnOperationWithANameOfItsOwn() {
    #expect(EVMOpcodeTable.rows.map(\.opcode).sorted { $0.rawValue < $1.rawValue } == EVMOpcode.allCases)
    #expect(Set(EVMOpcodeTable.rows.map(\.name)).count == EVMOpcodeTable.rows.count)
    for row in EVMOpcodeTable.rows {
      #expect(zip(row.gas, row.gas.dropFirst()).allSatisfy { $0.since < $1.since }, "\(row.name)")
      // The spelling of the case is the name in lower case.
      if row.opcode != .prevrandao { #expect("\(row.opcode)" == row.name.lowercased()) }
    }
  }

  static let firstAndLast: [(UInt8, Fork, String?)] = [
    (0x1b, .byzantium, nil), (0x1b, .constantinople, "SHL"), (0x1e, .prague, nil), (0x1e, .osaka, "CLZ"),
    (0x44, .london, "DIFFICULTY"), (0x44, .paris, "PREVRANDAO"), (0x5f, .paris, nil),
    (0x5f, .shanghai, "PUSH0"),
    (0x5c, .shanghai, nil), (0x5c, .cancun, "TLOAD"), (0x5e, .cancun, "MCOPY"),
    (0x4a, .cancun, "BLOBBASEFEE"),
    (0xf4, .frontier, nil), (0xf4, .homestead, "DELEGATECALL"), (0xfd, .spuriousDragon, nil),
    (0xfd, .byzantium, "REVERT"), (0xf5, .byzantium, nil), (0xf5, .constantinople, "CREATE2"),
    (0x0c, .osaka, nil),
    (0x21, .osaka, nil), (0xef, .osaka, nil), (0xfe, .frontier, "INVALID"), (0xff, .osaka, "SELFDESTRUCT"),
  ]

  @Test(arguments: firstAndLast) func names(byte: UInt8, fork: Fork, name: String?) {
    #expect(EVMOpcodeTable.name(byte, in: fork) == name)
  }
}

struct EVMDisassemblerTests {
  @Test func linesAndListing() {
    let code: [UInt8] = [0x60, 0x04, 0x56, 0x0c, 0x5b, 0x44, 0x62, 0x5b, 0x01]
    #expect(
      EVMDisassembler.text(of: code, fork: .london)
        == """
        0000  PUSH1 0x04
        0002  JUMP
        0003  0x0c (undefined)
        0004  JUMPDEST
        0005  DIFFICULTY
        0006  PUSH3 0x5b01

        """)
    let lines = EVMDisassembler.lines(of: code, fork: .london)
    #expect(lines.map(\.pc) == [0, 2, 3, 4, 5, 6])
    #expect(lines.flatMap { [$0.byte] + $0.immediate } == code)
    #expect(EVMDisassembler.text(of: [], fork: .osaka) == "")
  }
}
