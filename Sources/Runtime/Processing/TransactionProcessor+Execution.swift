// Running a loaded transaction's instructions, judging what they left behind, and collecting the outcome.

import Ledger
import Primitives

extension TransactionProcessor {
  func execute(
    _ resolved: ResolvedTransaction, accounts: some AccountView, budget: ComputeBudget, rollback: Rollback,
    publish: (Int, UnsafeMutablePointer<Account>) -> Void
  ) -> TransactionVerdict {
    var failure: TransactionError?
    do throws(TransactionError) {
      try runInstructions(resolved)
      try checkRent(resolved)
    } catch {
      failure = error
    }
    if let key = invoke.undeclaredAccount {
      return TransactionVerdict(status: .undeclaredAccess(key), error: failure)
    }
    let context = invoke.transaction
    if failure == nil {
      for position in 0..<context.accountCount
      where context.touched[position] && resolved.isWritable(position) {
        publish(position, context.accounts + position)
      }
    } else {
      publishRollback(rollback, accounts: accounts, publish: publish)
    }
    return TransactionVerdict(
      status: .executed, error: failure, computeUnits: UInt64(budget.unitLimit) - invoke.remainingUnits,
      fee: rollback.fee)
  }

  /// What instructions did is dropped: the payer is as it was, less the fee, and the durable nonce is used up.
  func publishRollback(
    _ rollback: Rollback, accounts: some AccountView, publish: (Int, UnsafeMutablePointer<Account>) -> Void
  ) {
    let payer = invoke.transaction.accounts
    accounts.copyAccount(at: 0, to: payer)
    payer.pointee.lamports -= min(rollback.fee, payer.pointee.lamports)
    let nonce = rollback.nonce.map { payer + $0.position }
    if let nonce, let used = rollback.nonce {
      if nonce != payer { accounts.copyAccount(at: used.position, to: nonce) }
      let state = NonceState.fresh(authority: used.authority, invoke).encode()
      nonce.pointee.data.replaceSubrange(0..<state.count, with: state)
    }
    publish(0, payer)
    if let nonce, let used = rollback.nonce, nonce != payer { publish(used.position, nonce) }
  }

  private func runInstructions(_ resolved: ResolvedTransaction) throws(TransactionError) {
    let message = resolved.message
    for index in 0..<message.instructionCount {
      let instruction = message.instruction(at: index)
      prepare(instruction, index: index, of: resolved)
      do throws(InstructionError) {
        if let precompile = Precompile(id: message.programID(of: instruction)) {
          try run(precompile, message: message)
        } else {
          try invoke.processInstruction()
        }
      } catch {
        throw .instructionError(index: UInt8(truncatingIfNeeded: index), error)
      }
    }
  }

  /// Fills the next frame with an instruction of the transaction itself.
  private func prepare(_ instruction: CompiledInstruction, index: Int, of resolved: ResolvedTransaction) {
    let frame = invoke.nextFrame
    frame.programIndex = Int(instruction.programIndex)
    frame.topLevelIndex = index
    let message = resolved.message
    let positions = message.accountIndexBytes(of: instruction)
    frame.resizeAccounts(to: positions.count)
    let accounts = frame.accounts
    for index in 0..<positions.count {
      let position = Int(positions[index])
      accounts[index] = InstructionAccount(
        indexInTransaction: position, isSigner: resolved.isSigner(position),
        isWritable: resolved.isWritable(position))
    }
    // The caller holds the message until the transaction has run.
    frame.lendData(message.dataBytes(of: instruction))
  }

  private func run(_ precompile: Precompile, message: Message) throws(InstructionError) {
    let data = Array(invoke.nextFrame.data)
    try invoke.push()
    if let observer = invoke.observer { observer.didBegin(invoke) }
    let instructions = message.instructions.map { Array(message.data(of: $0)) }
    let outcome = Result { () throws(InstructionError) in
      do throws(PrecompileError) {
        try precompile.verify(data, instructions: instructions)
      } catch {
        throw error.instructionError
      }
    }
    if let observer = invoke.observer {
      observer.willEnd(invoke, { if case .failure(let error) = outcome { error } else { nil } }())
    }
    let balance = Result { () throws(InstructionError) in try invoke.transaction.pop() }
    try outcome.get()
    try balance.get()
  }

  /// No account may be left with too little for its size.
  private func checkRent(_ resolved: ResolvedTransaction) throws(TransactionError) {
    let context = invoke.transaction
    for position in 0..<context.accountCount
    where resolved.isWritable(position) && context.touched[position] {
      if context.keys[position] == ProgramID.incinerator { continue }
      let account = context.accounts + position
      if account.pointee.lamports == 0 { continue }
      let after = RentState(
        lamports: account.pointee.lamports, dataByteCount: account.pointee.data.count, rent: context.rent)
      guard case .rentPaying = after else { continue }
      let sizes = sizesBefore[position]
      let before = RentState(lamports: sizes.lamports, dataByteCount: sizes.dataByteCount, rent: context.rent)
      if !before.mayBecome(after) {
        throw .insufficientFundsForRent(accountIndex: UInt8(truncatingIfNeeded: position))
      }
    }
  }
}
