// Calls: how one program's instruction becomes the next frame, which privileges it may pass on, and how a frame begins
// and ends (Solana's program-runtime crate, InvokeContext; reentrancy and depth rules as of SIMD-0268).

import Ledger
import Primitives

extension InvokeContext {
  /// Fills the next frame of the trace from `instruction`, whose accounts must be the caller's and whose privileges
  /// may not exceed the caller's, save signatures of `signers`.
  package func prepareCall(_ instruction: Instruction, signers: [Pubkey]) throws(InstructionError) {
    let caller = try instructionContext
    var frameAccounts: [InstructionAccount] = []
    frameAccounts.reserveCapacity(instruction.accounts.count)
    for meta in instruction.accounts {
      guard let position = transaction.index(of: meta.key) else {
        log("Instruction references an unknown account \(meta.key)")
        throw .missingAccount
      }
      frameAccounts.append(
        InstructionAccount(indexInTransaction: position, isSigner: meta.isSigner, isWritable: meta.isWritable))
    }
    Self.mergePrivilegesOfRepeats(&frameAccounts)
    try checkPrivileges(of: frameAccounts, caller: caller, signers: signers)
    guard let programIndex = transaction.index(of: instruction.programID) else {
      log("Unknown program \(instruction.programID)")
      throw .missingAccount
    }
    if caller.firstIndex(inTransaction: programIndex) == nil && caller.programIndex != programIndex {
      log("Unknown program \(instruction.programID)")
      throw .missingAccount
    }
    let frame = try nextFrame()
    frame.programIndex = programIndex
    frame.accounts = frameAccounts
    frame.data = instruction.data
    frame.topLevelIndex = caller.topLevelIndex
  }

  /// An account named several times has, each time, every privilege it has any time.
  private static func mergePrivilegesOfRepeats(_ accounts: inout [InstructionAccount]) {
    for index in accounts.indices {
      for other in accounts.indices
      where accounts[other].indexInTransaction == accounts[index].indexInTransaction && other != index {
        accounts[index].isSigner = accounts[index].isSigner || accounts[other].isSigner
        accounts[index].isWritable = accounts[index].isWritable || accounts[other].isWritable
      }
    }
  }

  private func checkPrivileges(
    of accounts: [InstructionAccount], caller: InstructionContext, signers: [Pubkey]
  ) throws(InstructionError) {
    for account in accounts {
      let key = transaction.keys[account.indexInTransaction]
      guard let callerIndex = caller.firstIndex(inTransaction: account.indexInTransaction) else {
        log("Instruction references an unknown account \(key)")
        throw .missingAccount
      }
      let granted = caller.accounts[callerIndex]
      if account.isWritable && !granted.isWritable {
        log("\(key)'s writable privilege escalated")
        throw .privilegeEscalation
      }
      if account.isSigner && !granted.isSigner && !signers.contains(key) {
        log("\(key)'s signer privilege escalated")
        throw .privilegeEscalation
      }
    }
  }

  /// The trace's next frame, not yet begun.
  func nextFrame() throws(InstructionError) -> InstructionContext {
    guard transaction.traceLength < TransactionContext.maximumTraceLength else {
      throw .maxInstructionTraceLengthExceeded
    }
    return transaction.trace[transaction.traceLength]
  }

  /// Begins the trace's next frame.
  func push() throws(InstructionError) {
    let frame = try nextFrame()
    let program = transaction.keys[frame.programIndex]
    if let caller = transaction.current {
      let isRunning = transaction.stack.contains {
        transaction.keys[transaction.trace[$0].programIndex] == program
      }
      if isRunning && transaction.keys[caller.programIndex] != program { throw .reentrancyNotAllowed }
    }
    try transaction.push()
  }

  /// Runs the trace's next frame to its end.
  package func processInstruction() throws(InstructionError) {
    try push()
    let outcome = Result { () throws(InstructionError) in try processExecutableChain() }
    let balance = Result { () throws(InstructionError) in try transaction.pop() }
    try outcome.get()
    try balance.get()
  }

  func processExecutableChain() throws(InstructionError) {
    throw .unsupportedProgramId
  }
}

extension InstructionContext {
  /// Position in this instruction of the first account that is `index` in the transaction.
  package func firstIndex(inTransaction index: Int) -> Int? {
    accounts.firstIndex { $0.indexInTransaction == index }
  }
}

extension TransactionContext {
  func push() throws(InstructionError) {
    if stack.count >= Self.maximumStackHeight { throw .callDepth }
    if !stack.isEmpty && !lamportsDelta.isZero { throw .unbalancedInstruction }
    guard traceLength < Self.maximumTraceLength else { throw .maxInstructionTraceLengthExceeded }
    trace[traceLength].stackHeight = stack.count + 1
    trace[traceLength].allocatedHeapByteCount = 0
    stack.append(traceLength)
    traceLength += 1
  }

  func pop() throws(InstructionError) {
    if stack.popLast() == nil { throw .callDepth }
    if !lamportsDelta.isZero { throw .unbalancedInstruction }
  }
}
