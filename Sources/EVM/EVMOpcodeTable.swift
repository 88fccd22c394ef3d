// The facts about every operation of the EVM, in one table: translator, disassembler and tests read it. A row is
//
//   operation, name, operands taken, results given, kind, [since fork: base gas from then on], immediate bytes.
//
// Base gas is what every execution of the operation pays at least, whatever its operands and the state; the
// rest (words copied, memory, warm and cold accesses, bytes of an exponent or a log, values moved) is charged
// where it is known. So an access to state costs its flat price before Berlin (EIP-2929) and 0 here from then
// on, and SSTORE always 0. Sources: Yellow Paper appendix G and H; EIP-7, 140, 145, 150, 211, 214, 1014, 1052,
// 1153, 1344, 1884, 2929, 3198, 3855, 4399, 4844, 5656, 7516, 7939 (https://eips.ethereum.org).

/// What one operation is in one fork; 8 bytes, indexed by the byte of the code.
package struct EVMOperation: Sendable, Equatable {
  package var opcode: EVMOpcode
  package var kind: EVMOpcodeKind
  /// How many words it takes from the operand stack: `[0, 17]`. DUP and SWAP take what they look at.
  package var pops: UInt8
  /// How many words it leaves in their place: `[0, 17]`.
  package var pushes: UInt8
  /// Base gas.
  package var gas: UInt16
  /// Bytes of the code that follow as data: `[0, 32]`.
  package var immediateByteCount: UInt8
}

package enum EVMOpcodeTable {
  package struct Row: Sendable {
    package var opcode: EVMOpcode
    package var name: String
    package var pops: UInt8
    package var pushes: UInt8
    package var kind: EVMOpcodeKind
    /// Oldest first; the first says since when the operation exists.
    package var gas: [(since: Fork, units: UInt16)]
    package var immediateByteCount: UInt8

    init(
      _ opcode: EVMOpcode, _ name: String, _ pops: Int, _ pushes: Int, _ kind: EVMOpcodeKind,
      _ gas: [(since: Fork, units: UInt16)], immediate: Int = 0
    ) {
      self.opcode = opcode
      self.name = name
      self.pops = UInt8(pops)
      self.pushes = UInt8(pushes)
      self.kind = kind
      self.gas = gas
      immediateByteCount = UInt8(immediate)
    }

    init(
      _ opcode: EVMOpcode, _ name: String, _ pops: Int, _ pushes: Int, _ kind: EVMOpcodeKind, _ gas: UInt16
    ) {
      self.init(opcode, name, pops, pushes, kind, [(.frontier, gas)])
    }
  }

  package static let rows: [Row] = arithmetic + environment + flow + families + calls

  private static let arithmetic: [Row] = [
    Row(.stop, "STOP", 0, 0, .end, 0),
    Row(.add, "ADD", 2, 1, .pure, 3),
    Row(.mul, "MUL", 2, 1, .pure, 5),
    Row(.sub, "SUB", 2, 1, .pure, 3),
    Row(.div, "DIV", 2, 1, .pure, 5),
    Row(.sdiv, "SDIV", 2, 1, .pure, 5),
    Row(.mod, "MOD", 2, 1, .pure, 5),
    Row(.smod, "SMOD", 2, 1, .pure, 5),
    Row(.addmod, "ADDMOD", 3, 1, .pure, 8),
    Row(.mulmod, "MULMOD", 3, 1, .pure, 8),
    Row(.exp, "EXP", 2, 1, .hook, 10),
    Row(.signextend, "SIGNEXTEND", 2, 1, .pure, 5),
    Row(.lt, "LT", 2, 1, .pure, 3),
    Row(.gt, "GT", 2, 1, .pure, 3),
    Row(.slt, "SLT", 2, 1, .pure, 3),
    Row(.sgt, "SGT", 2, 1, .pure, 3),
    Row(.eq, "EQ", 2, 1, .pure, 3),
    Row(.iszero, "ISZERO", 1, 1, .pure, 3),
    Row(.and, "AND", 2, 1, .pure, 3),
    Row(.or, "OR", 2, 1, .pure, 3),
    Row(.xor, "XOR", 2, 1, .pure, 3),
    Row(.not, "NOT", 1, 1, .pure, 3),
    Row(.byte, "BYTE", 2, 1, .pure, 3),
    Row(.shl, "SHL", 2, 1, .pure, [(.constantinople, 3)]),
    Row(.shr, "SHR", 2, 1, .pure, [(.constantinople, 3)]),
    Row(.sar, "SAR", 2, 1, .pure, [(.constantinople, 3)]),
    Row(.clz, "CLZ", 1, 1, .pure, [(.osaka, 5)]),
    Row(.keccak256, "KECCAK256", 2, 1, .hook, 30),
  ]

  private static let environment: [Row] = [
    Row(.address, "ADDRESS", 0, 1, .hook, 2),
    Row(
      .balance, "BALANCE", 1, 1, .hook,
      [(.frontier, 20), (.tangerineWhistle, 400), (.istanbul, 700), (.berlin, 0)]),
    Row(.origin, "ORIGIN", 0, 1, .hook, 2),
    Row(.caller, "CALLER", 0, 1, .hook, 2),
    Row(.callvalue, "CALLVALUE", 0, 1, .hook, 2),
    Row(.calldataload, "CALLDATALOAD", 1, 1, .pure, 3),
    Row(.calldatasize, "CALLDATASIZE", 0, 1, .pure, 2),
    Row(.calldatacopy, "CALLDATACOPY", 3, 0, .hook, 3),
    Row(.codesize, "CODESIZE", 0, 1, .stack, 2),
    Row(.codecopy, "CODECOPY", 3, 0, .hook, 3),
    Row(.gasprice, "GASPRICE", 0, 1, .hook, 2),
    Row(.extcodesize, "EXTCODESIZE", 1, 1, .hook, [(.frontier, 20), (.tangerineWhistle, 700), (.berlin, 0)]),
    Row(.extcodecopy, "EXTCODECOPY", 4, 0, .hook, [(.frontier, 20), (.tangerineWhistle, 700), (.berlin, 0)]),
    Row(.returndatasize, "RETURNDATASIZE", 0, 1, .hook, [(.byzantium, 2)]),
    Row(.returndatacopy, "RETURNDATACOPY", 3, 0, .hook, [(.byzantium, 3)]),
    Row(.extcodehash, "EXTCODEHASH", 1, 1, .hook, [(.constantinople, 400), (.istanbul, 700), (.berlin, 0)]),
    Row(.blockhash, "BLOCKHASH", 1, 1, .hook, 20),
    Row(.coinbase, "COINBASE", 0, 1, .hook, 2),
    Row(.timestamp, "TIMESTAMP", 0, 1, .hook, 2),
    Row(.number, "NUMBER", 0, 1, .hook, 2),
    Row(.prevrandao, "PREVRANDAO", 0, 1, .hook, 2),
    Row(.gaslimit, "GASLIMIT", 0, 1, .hook, 2),
    Row(.chainid, "CHAINID", 0, 1, .hook, [(.istanbul, 2)]),
    Row(.selfbalance, "SELFBALANCE", 0, 1, .hook, [(.istanbul, 5)]),
    Row(.basefee, "BASEFEE", 0, 1, .hook, [(.london, 2)]),
    Row(.blobhash, "BLOBHASH", 1, 1, .hook, [(.cancun, 3)]),
    Row(.blobbasefee, "BLOBBASEFEE", 0, 1, .hook, [(.cancun, 2)]),
  ]

  private static let flow: [Row] = [
    Row(.pop, "POP", 1, 0, .stack, 2),
    Row(.mload, "MLOAD", 1, 1, .pure, 3),
    Row(.mstore, "MSTORE", 2, 0, .pure, 3),
    Row(.mstore8, "MSTORE8", 2, 0, .pure, 3),
    Row(
      .sload, "SLOAD", 1, 1, .hook,
      [(.frontier, 50), (.tangerineWhistle, 200), (.istanbul, 800), (.berlin, 0)]),
    Row(.sstore, "SSTORE", 2, 0, .gasHook, 0),
    Row(.jump, "JUMP", 1, 0, .control, 8),
    Row(.jumpi, "JUMPI", 2, 0, .control, 10),
    Row(.pc, "PC", 0, 1, .stack, 2),
    Row(.msize, "MSIZE", 0, 1, .pure, 2),
    Row(.gas, "GAS", 0, 1, .control, 2),
    Row(.jumpdest, "JUMPDEST", 0, 0, .control, 1),
    Row(.tload, "TLOAD", 1, 1, .hook, [(.cancun, 100)]),
    Row(.tstore, "TSTORE", 2, 0, .hook, [(.cancun, 100)]),
    Row(.mcopy, "MCOPY", 3, 0, .hook, [(.cancun, 3)]),
    Row(.push0, "PUSH0", 0, 1, .stack, [(.shanghai, 2)]),
  ]

  /// PUSH1–32, DUP1–16, SWAP1–16 and LOG0–4: 3 gas each; a log 375 and 375 a topic.
  private static let families: [Row] =
    (1...32).map {
      Row(numbered(.push0, $0), "PUSH\($0)", 0, 1, .stack, [(.frontier, 3)], immediate: $0)
    } + (1...16).map { Row(numbered(.dup1, $0 - 1), "DUP\($0)", $0, $0 + 1, .stack, 3) }
    + (1...16).map { Row(numbered(.swap1, $0 - 1), "SWAP\($0)", $0 + 1, $0 + 1, .stack, 3) }
    + (0...4).map { Row(numbered(.log0, $0), "LOG\($0)", $0 + 2, 0, .hook, UInt16(375 * ($0 + 1))) }

  private static let calls: [Row] = [
    Row(.create, "CREATE", 3, 1, .gasHook, 32000),
    Row(.call, "CALL", 7, 1, .gasHook, [(.frontier, 40), (.tangerineWhistle, 700), (.berlin, 0)]),
    Row(.callcode, "CALLCODE", 7, 1, .gasHook, [(.frontier, 40), (.tangerineWhistle, 700), (.berlin, 0)]),
    Row(.return, "RETURN", 2, 0, .end, 0),
    Row(
      .delegatecall, "DELEGATECALL", 6, 1, .gasHook,
      [(.homestead, 40), (.tangerineWhistle, 700), (.berlin, 0)]),
    Row(.create2, "CREATE2", 4, 1, .gasHook, [(.constantinople, 32000)]),
    Row(.staticcall, "STATICCALL", 6, 1, .gasHook, [(.byzantium, 700), (.berlin, 0)]),
    Row(.revert, "REVERT", 2, 0, .end, [(.byzantium, 0)]),
    Row(.invalid, "INVALID", 0, 0, .control, 0),
    Row(
      .selfdestruct, "SELFDESTRUCT", 1, 0, .end, [(.frontier, 0), (.tangerineWhistle, 5000), (.berlin, 0)]),
  ]

  private static func numbered(_ first: EVMOpcode, _ index: Int) -> EVMOpcode {
    EVMOpcode(rawValue: first.rawValue + UInt8(index)) ?? .invalid
  }

  /// 256 operations for each fork, in the order of the forks; bytes that are no operation there are `undefined`
  /// and INVALID.
  private static let operations: [EVMOperation] = Fork.allCases.flatMap { fork in
    var table = [EVMOperation](
      repeating: EVMOperation(
        opcode: .invalid, kind: .undefined, pops: 0, pushes: 0, gas: 0, immediateByteCount: 0), count: 256)
    for row in rows {
      guard let gas = row.gas.last(where: { $0.since <= fork }) else { continue }
      table[Int(row.opcode.rawValue)] = EVMOperation(
        opcode: row.opcode, kind: row.kind, pops: row.pops, pushes: row.pushes, gas: gas.units,
        immediateByteCount: row.immediateByteCount)
    }
    return table
  }

  /// What `byte` is in `fork`.
  package static func operation(_ byte: UInt8, in fork: Fork) -> EVMOperation {
    operations[Int(fork.rawValue) << 8 | Int(byte)]
  }

  /// Calls `body` with the 256 operations of `fork`, by byte.
  @inline(__always)
  static func withOperations<Result>(
    of fork: Fork, _ body: (UnsafePointer<EVMOperation>) -> Result
  ) -> Result {
    operations.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped + Int(fork.rawValue) << 8) }
  }

  private static let names: [String?] = {
    var names = [String?](repeating: nil, count: 256)
    for row in rows { names[Int(row.opcode.rawValue)] = row.name }
    return names
  }()

  /// The name of `byte` in `fork`, `nil` where it is no operation there.
  package static func name(_ byte: UInt8, in fork: Fork) -> String? {
    guard operation(byte, in: fork).kind != .undefined else { return nil }
    if byte == EVMOpcode.prevrandao.rawValue, fork < .paris { return "DIFFICULTY" }
    return names[Int(byte)]
  }
}
