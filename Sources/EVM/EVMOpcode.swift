// The EVM's operations by the byte that encodes each (Yellow Paper appendix H,
// https://ethereum.github.io/yellowpaper/paper.pdf, and the EIPs named in EVMOpcodeTable.swift). What each takes,
// gives and costs, and since when it exists, is told by the table alone.

package enum EVMOpcode: UInt8, Sendable, CaseIterable {
  case stop = 0x00
  case add, mul, sub, div, sdiv, mod, smod, addmod, mulmod, exp, signextend
  case lt = 0x10
  case gt, slt, sgt, eq, iszero, and, or, xor, not, byte, shl, shr, sar, clz
  case keccak256 = 0x20
  case address = 0x30
  case balance, origin, caller, callvalue, calldataload, calldatasize, calldatacopy, codesize, codecopy,
    gasprice, extcodesize, extcodecopy, returndatasize, returndatacopy, extcodehash
  case blockhash = 0x40
  case coinbase, timestamp, number
  /// DIFFICULTY until London, PREVRANDAO from Paris on.
  case prevrandao
  case gaslimit, chainid, selfbalance, basefee, blobhash, blobbasefee
  case pop = 0x50
  case mload, mstore, mstore8, sload, sstore, jump, jumpi, pc, msize, gas, jumpdest, tload, tstore, mcopy
  case push0 = 0x5f
  case push1, push2, push3, push4, push5, push6, push7, push8, push9, push10, push11, push12, push13, push14,
    push15, push16, push17, push18, push19, push20, push21, push22, push23, push24, push25, push26, push27,
    push28, push29, push30, push31, push32
  case dup1 = 0x80
  case dup2, dup3, dup4, dup5, dup6, dup7, dup8, dup9, dup10, dup11, dup12, dup13, dup14, dup15, dup16
  case swap1 = 0x90
  case swap2, swap3, swap4, swap5, swap6, swap7, swap8, swap9, swap10, swap11, swap12, swap13, swap14, swap15,
    swap16
  case log0 = 0xa0
  case log1, log2, log3, log4
  case create = 0xf0
  case call, callcode, `return`, delegatecall, create2
  case staticcall = 0xfa
  case revert = 0xfd
  case invalid = 0xfe
  case selfdestruct
}

/// How the translator treats an operation.
package enum EVMOpcodeKind: UInt8, Sendable {
  /// Not in this fork: ends the frame with a fault.
  case undefined
  /// Moves values of the operand stack; nothing is emitted (PUSH, DUP, SWAP, POP) or a constant is known (PC).
  case stack
  /// Wide instructions compute it.
  case pure
  /// The host computes it (`wsys`).
  case hook
  /// As `hook`; how much gas is left decides what happens, so a gas block ends here.
  case gasHook
  /// As `hook`; never returns to the code.
  case end
  /// JUMP, JUMPI, JUMPDEST, GAS and INVALID: the translator's own cases.
  case control
}
