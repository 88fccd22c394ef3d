// Running a loaded transaction's instructions, judging what they left behind, and collecting the outcome.

import Ledger
import Primitives

extension TransactionProcessor {
  func execute(
    _ resolved: ResolvedTransaction, accounts: some AccountView, budget: ComputeBudget, fee: UInt64,
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
      // What the instructions did is dropped: the payer as it was, less the fee, which loading has seen it can pay.
      let payer = context.accounts
      accounts.copyAccount(at: 0, to: payer)
      payer.pointee.lamports -= min(fee, payer.pointee.lamports)
      publish(0, payer)
    }
    return TransactionVerdict(
      status: .executed, error: failure, computeUnits: UInt64(budget.unitLimit) - invoke.remainingUnits,
      fee: fee)
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
    let instructions = message.instructions.map { Array(message.data(of: $0)) }
    let outcome = Result { () throws(InstructionError) in
      do throws(PrecompileError) {
        try precompile.verify(data, instructions: instructions)
      } catch {
        throw error.instructionError
      }
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
