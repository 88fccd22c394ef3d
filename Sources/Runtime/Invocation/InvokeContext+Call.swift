// Calls: how one program's instruction becomes the next frame, which privileges it may pass on, and how a
// frame begins and ends (Solana's program-runtime crate, InvokeContext).

import Ledger
import Primitives

extension InvokeContext {
  /// Runs `instruction` below the running one (a cross-program invocation of a built-in program); `signers`
  /// are the program-derived addresses for which the caller signs beyond its own signers.
  package func nativeInvoke(_ instruction: Instruction, signers: [Pubkey] = []) throws(InstructionError) {
    // No typed error passes through a closure of the standard library's.
    var failure: InstructionError?
    instruction.data.withUnsafeBytes { data in
      do throws(InstructionError) {
        try prepareCall(of: instruction.programID, instruction.accounts, data, signers: signers)
      } catch { failure = error }
    }
    if let failure { throw failure }
    try processInstruction()
  }

  /// Fills the next frame of the trace from an instruction, whose accounts must be the caller's and whose
  /// privileges may not exceed the caller's, save signatures of `signers`.
  func prepareCall(
    of program: Pubkey, _ accounts: [AccountMeta], _ data: UnsafeRawBufferPointer, signers: [Pubkey]
  ) throws(InstructionError) {
    let caller = try instructionContext
    let frame = nextFrame
    frame.resizeAccounts(to: accounts.count)
    for (index, meta) in accounts.enumerated() {
      guard let position = transaction.index(of: meta.key) else {
        log("Instruction references an unknown account \(meta.key)")
        throw .missingAccount
      }
      frame.accounts[index] = InstructionAccount(
        indexInTransaction: position, isSigner: meta.isSigner, isWritable: meta.isWritable)
    }
    frame.mergePrivilegesOfRepeats()
    try checkPrivileges(of: frame, caller: caller, signers: signers)
    guard let programIndex = transaction.index(of: program),
      caller.firstIndex(inTransaction: programIndex) != nil || offersEthereum && program == ProgramID.ethereum
    else {
      log("Unknown program \(program)")
      throw .missingAccount
    }
    frame.programIndex = programIndex
    frame.setData(data)
    frame.topLevelIndex = caller.topLevelIndex
  }

  private func checkPrivileges(
    of callee: InstructionContext, caller: InstructionContext, signers: [Pubkey]
  ) throws(InstructionError) {
    for account in callee.accounts {
      guard let callerIndex = caller.firstIndex(inTransaction: account.indexInTransaction) else {
        throw .missingAccount
      }
      let granted = caller.accounts[callerIndex]
      let key = transaction.keys[account.indexInTransaction]
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

  /// The trace's next frame, not yet begun; there is always one, so that the trace's limit is an error of
  /// `push`.
  var nextFrame: InstructionContext { transaction.trace[transaction.traceLength] }

  /// Begins the trace's next frame.
  func push() throws(InstructionError) {
    if let caller = transaction.current {
      let program = transaction.keys[nextFrame.programIndex]
      var isRunning = false
      for level in 0..<transaction.stackHeight {
        let frame = transaction.trace[transaction.stack[level]]
        if transaction.keys[frame.programIndex] == program { isRunning = true }
      }
      // Below a contract's call, what runs around the contract runs as well.
      if !programsAround.isEmpty && programsAround.contains(program) { isRunning = true }
      if isRunning && transaction.keys[caller.programIndex] != program { throw .reentrancyNotAllowed }
    }
    try transaction.push()
  }

  /// Runs the trace's next frame to its end.
  package func processInstruction() throws(InstructionError) {
    try push()
    if let observer { observer.didBegin(self) }
    do throws(InstructionError) {
      try runCurrentProgram()
    } catch {
      if let observer { observer.willEnd(self, error) }
      // The program's error outweighs that of its balance.
      do throws(InstructionError) { try transaction.pop() } catch {}
      throw error
    }
    if let observer { observer.willEnd(self, nil) }
    try transaction.pop()
  }
}

extension InstructionContext {
  /// Position in this instruction of the first account that is `index` in the transaction.
  package func firstIndex(inTransaction index: Int) -> Int? {
    for position in accounts.indices where accounts[position].indexInTransaction == index { return position }
    return nil
  }

  /// Gives an account that is named several times, each time, every privilege it has any time.
  func mergePrivilegesOfRepeats() {
    for index in accounts.indices {
      guard let first = firstDuplicate(of: index) else { continue }
      accounts[first].isSigner = accounts[first].isSigner || accounts[index].isSigner
      accounts[first].isWritable = accounts[first].isWritable || accounts[index].isWritable
    }
    for index in accounts.indices {
      guard let first = firstDuplicate(of: index) else { continue }
      accounts[index] = accounts[first]
    }
  }
}

extension TransactionContext {
  func push() throws(InstructionError) {
    if stackHeight > 0 && !lamportsDelta.isZero { throw .unbalancedInstruction }
    if traceLength >= Self.maximumTraceLength { throw .maxInstructionTraceLengthExceeded }
    let position = traceLength
    traceLength += 1
    if stackHeight >= stackLimit { throw .callDepth }
    stack[stackHeight] = position
    stackHeight += 1
    trace[position].stackHeight = stackHeight
    trace[position].allocatedHeapByteCount = 0
    guard let sysvar = instructionsSysvarIndex else { return }
    if accounts[sysvar].owner != ProgramID.sysvar { throw .invalidAccountOwner }
    if accounts[sysvar].data.count < 2 { throw .accountDataTooSmall }
    InstructionsSysvar.setCurrentIndex(trace[position].topLevelIndex, in: &accounts[sysvar].data)
  }

  func pop() throws(InstructionError) {
    if stackHeight == 0 { throw .callDepth }
    stackHeight -= 1
    if !lamportsDelta.isZero { throw .unbalancedInstruction }
  }
}
