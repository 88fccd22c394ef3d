// Calls from one program to another: sol_invoke_signed_c and sol_invoke_signed_rust
// (https://solana.com/docs/core/cpi; Agave's program-runtime, cpi.rs, with mainnet's features: address
// restrictions on syscall parameters, costs of SIMD-0339, account data copied).
//
//   translate instruction and signers → prepare the callee's frame → translate account infos →
//   caller's changes into accounts → run the callee → accounts back into the caller's memory
//
// Guest memory is translated afresh for every field: the caller's structures may overlap, and nothing of them
// is trusted across a step. Order of checks and of costs is what programs can observe, and follows the
// reference.

import Ledger
import Primitives
import SBPF

package enum CrossProgramInvocation {
  static let maximumSignerCount = 16
  static let maximumInstructionDataByteCount: UInt64 = 10 * 1024
  static let maximumAccountCount: UInt64 = 255
  static let maximumAccountInfoCount: UInt64 = 255
  /// What one account meta counts for in the cost of translating it, whichever layout it has.
  static let accountMetaByteCount: UInt64 = 34
  /// What one account info counts for: key, owner, lamports and length (SIMD-0339).
  static let accountInfoByteCount: UInt64 = 80

  /// Whether programs may call `called`. Loaders manage programs on the caller's behalf only by the instructions that were
  /// made for it; precompiles run in the transaction itself.
  package static func mayCall(_ called: Instruction) -> Bool {
    mayCall(called.programID, called.data.first)
  }

  /// - Parameter tag: the first byte of the data.
  static func mayCall(_ program: Pubkey, _ tag: UInt8?) -> Bool {
    switch program {
    case ProgramID.nativeLoader, ProgramID.bpfLoader1, ProgramID.bpfLoader2: false
    case ProgramID.bpfLoaderUpgradeable: isCallableLoaderInstruction(tag)
    default: Precompile(id: program) == nil
    }
  }

  /// Upgrade (3), set authority (4), close (5), set authority checked (7): the first byte alone decides.
  private static func isCallableLoaderInstruction(_ tag: UInt8?) -> Bool {
    guard let tag else { return false }
    return tag == 3 || tag == 4 || tag == 5 || tag == 7
  }

  package static let invokeC: SyscallFunction = { vm, instruction, infos, infoCount, seeds, seedCount in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try CrossProgramCall(layout: .c, machine: machine, invoke: invoke).run(
        instruction: instruction, infos: infos, infoCount: infoCount, seeds: seeds, seedCount: seedCount)
    }
  }

  package static let invokeRust: SyscallFunction = { vm, instruction, infos, infoCount, seeds, seedCount in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try CrossProgramCall(layout: .rust, machine: machine, invoke: invoke).run(
        instruction: instruction, infos: infos, infoCount: infoCount, seeds: seeds, seedCount: seedCount)
    }
  }
}

/// How the caller's language lays out its structures in memory.
enum InvokeLayout {
  case c
  case rust

  var accountInfoByteCount: UInt64 {
    switch self {
    case .c: 56
    case .rust: 48
    }
  }
}

/// One account that caller and callee share, and where the caller's copy of it lies.
struct SharedAccount {
  /// Position among the caller's accounts.
  var indexInCaller: Int
  /// Whether the callee may change it.
  var isWritable: Bool
  var lamportsAddress: UInt64
  var ownerAddress: UInt64
  var dataAddress: UInt64
  /// Where the caller keeps the length of the data in its own structure.
  var lengthAddress: UInt64
  /// That length when the call began.
  var byteCount: UInt64
  /// The length when the caller's instruction began.
  var originalByteCount: Int
}

/// One call in progress.
struct CrossProgramCall {
  let layout: InvokeLayout
  let machine: Machine
  let invoke: InvokeContext
  let checkAligned: Bool

  init(layout: InvokeLayout, machine: Machine, invoke: InvokeContext) {
    self.layout = layout
    self.machine = machine
    self.invoke = invoke
    checkAligned = invoke.checksAlignment
  }

  func run(
    instruction: UInt64, infos: UInt64, infoCount: UInt64, seeds: UInt64, seedCount: UInt64
  ) throws(SyscallFailure) -> UInt64 {
    try machine.consume(ComputeCosts.invoke)
    // Nothing of the guest's is written before the frame has a copy of the data.
    let called = try layout == .c ? instructionC(at: instruction) : instructionRust(at: instruction)
    let caller = try SyscallFailure.wrapping { () throws(InstructionError) in try invoke.instructionContext }
    let signers = try signers(
      at: seeds, count: seedCount, program: invoke.transaction.keys[caller.programIndex])
    guard CrossProgramInvocation.mayCall(called.program, called.data.first) else {
      throw .programNotSupported(called.program)
    }
    try SyscallFailure.wrapping { () throws(InstructionError) in
      try invoke.prepareCall(of: called.program, invoke.calledAccounts, called.data, signers: signers)
    }
    let level = invoke.level
    try shareAccounts(infos: infos, infoCount: infoCount, caller: caller, level)
    for index in level.sharedAccounts.indices {
      try updateCallee(level.sharedAccounts[index], caller: caller)
    }
    invoke.remainingUnits = UInt64(max(0, machine.pointee.remainingUnits))
    defer { machine.pointee.remainingUnits = Int64(clamping: invoke.remainingUnits) }
    try SyscallFailure.wrapping { () throws(InstructionError) in try invoke.processInstruction() }
    for index in level.sharedAccounts.indices where level.sharedAccounts[index].isWritable {
      try updateCaller(level.sharedAccounts[index], caller: caller)
    }
    return 0
  }

  func borrow(_ account: SharedAccount, caller: InstructionContext) -> BorrowedAccount {
    BorrowedAccount(
      transaction: invoke.transaction, account: caller.accounts[account.indexInCaller],
      programIndex: caller.programIndex)
  }
}
