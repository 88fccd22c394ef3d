// Running the program of the frame that has just begun: a built-in function, or an executable in the virtual
// machine with its accounts serialised into memory and read back. Log lines are those of Solana's stable_log
// module; clients parse them.

import Ledger
import Primitives
import SBPF

/// Why a program failed: the instruction's error and what the log says about it.
struct ProgramFailure: Error {
  var error: InstructionError
  var text: String

  init(_ error: InstructionError) {
    self.error = error
    text = error.description
  }

  init(_ error: InstructionError, text: String) {
    self.error = error
    self.text = text
  }
}

extension InvokeContext {
  /// Runs the program of the current frame, with the log lines around it.
  func runCurrentProgram() throws(InstructionError) {
    let frame = try instructionContext
    let program = transaction.keys[frame.programIndex]
    let owner = transaction.accounts[frame.programIndex].owner
    var builtin: Builtin?
    if owner == ProgramID.nativeLoader {
      builtin =
        ethereumBuiltin(at: program) ?? Builtins.function(for: program)
        ?? environment.programs.builtins.first { $0.id == program }
      if builtin == nil { throw .unsupportedProgramId }
    } else if !Self.isLoader(owner) {
      throw .unsupportedProgramId
    }
    transaction.clearReturnData(program: program)
    logInvoke(program)
    let unitsBefore = remainingUnits
    do throws(ProgramFailure) {
      if let builtin {
        try runBuiltin(builtin)
      } else {
        try runExecutable(frame, program: program, isUnaligned: owner == ProgramID.bpfLoader1)
      }
    } catch {
      logFailure(program, error.text)
      throw error.error
    }
    logSuccess(program)
    if builtin != nil && remainingUnits == unitsBefore { throw .builtinProgramsMustConsumeComputeUnits }
  }

  static func isLoader(_ key: Pubkey) -> Bool {
    key == ProgramID.bpfLoaderUpgradeable || key == ProgramID.bpfLoader2 || key == ProgramID.bpfLoader1
  }

  private func runBuiltin(_ builtin: Builtin) throws(ProgramFailure) {
    do throws(InstructionError) {
      if builtin.cost > 0 { try consume(builtin.cost) }
      try builtin.function(self)
    } catch {
      throw ProgramFailure(error)
    }
  }

  private func runExecutable(
    _ frame: InstructionContext, program: Pubkey, isUnaligned: Bool
  ) throws(ProgramFailure) {
    let executable = try executable(of: program, at: frame.programIndex)
    let level = level
    try rethrowing { () throws(InstructionError) in
      try level.input.serialize(frame, of: transaction, isUnaligned: isUnaligned)
    }
    let unitsBefore = remainingUnits
    do throws(InstructionError) {
      try consume(ComputeCosts.heap(byteCount: UInt64(heapByteCount)))
    } catch {
      log("Failed to create SBF VM: \(error)")
      throw ProgramFailure(.programEnvironmentSetupFailure)
    }
    let units = Int64(clamping: remainingUnits)
    let outcome = executable._withUnsafeGuaranteedRef { run($0, on: level) }
    remainingUnits = UInt64(max(0, outcome.remainingUnits))
    logConsumed(program, units: UInt64(units) - remainingUnits, of: unitsBefore)
    logReturnData(program)
    try check(outcome, version: executable._withUnsafeGuaranteedRef { $0.version })
    try rethrowing { () throws(InstructionError) in
      try level.input.deserialize(frame, of: transaction, isUnaligned: isUnaligned)
    }
  }

  /// Runs `executable` on the input that `level` holds; the meter stays with the outcome.
  func run(_ executable: Executable, on level: InvocationLevel) -> RunOutcome {
    pendingSyscallError = nil
    if let observer { level.machine.observer = observer }
    // The context outlives the run: it is the receiver of this call.
    let outcome = level.machine.run(
      executable, input: level.input.base, inputByteCount: level.input.byteCount,
      instructionDataAddress: level.input.instructionDataAddress, heapByteCount: heapByteCount,
      units: Int64(clamping: remainingUnits), host: Unmanaged.passUnretained(self).toOpaque())
    if let observer { observer.didRun(executable, outcome, on: level.machine) }
    return outcome
  }

  private func check(_ outcome: RunOutcome, version: SBPFVersion) throws(ProgramFailure) {
    switch outcome.fault {
    case .none:
      if outcome.result != 0 { throw ProgramFailure(InstructionError(programResult: outcome.result)) }
    case .syscallError:
      guard let failure = pendingSyscallError else { throw ProgramFailure(.programFailedToComplete) }
      throw ProgramFailure(failure.instructionError, text: failure.logText(version: version))
    default:
      // A fault of the machine itself costs all that is left.
      remainingUnits = 0
      throw ProgramFailure(.programFailedToComplete, text: outcome.faultText(version: version) ?? "")
    }
  }

  private func rethrowing(_ body: () throws(InstructionError) -> Void) throws(ProgramFailure) {
    do throws(InstructionError) {
      try body()
    } catch {
      throw ProgramFailure(error)
    }
  }
}

extension InstructionError {
  /// The error that a program reports by ending with a result other than 0: its own number in the low half,
  /// or one of the runtime's errors in the high half.
  init(programResult result: UInt64) {
    let code = result >> 32
    guard code != 0 else {
      self = .custom(UInt32(truncatingIfNeeded: result))
      return
    }
    let known = UInt32(truncatingIfNeeded: result) == 0 && code <= UInt64(Self.numbered.count)
    self = known ? Self.numbered[Int(code) - 1] : .invalidError
  }

  /// By number, from 1 (https://docs.rs/solana-program-error).
  private static let numbered: [InstructionError] = [
    .custom(0), .invalidArgument, .invalidInstructionData, .invalidAccountData, .accountDataTooSmall,
    .insufficientFunds, .incorrectProgramId, .missingRequiredSignature, .accountAlreadyInitialized,
    .uninitializedAccount, .notEnoughAccountKeys, .accountBorrowFailed, .maxSeedLengthExceeded, .invalidSeeds,
    .borshIoError, .accountNotRentExempt, .unsupportedSysvar, .illegalOwner,
    .maxAccountsDataAllocationsExceeded,
    .invalidRealloc, .maxInstructionTraceLengthExceeded, .builtinProgramsMustConsumeComputeUnits,
    .invalidAccountOwner, .arithmeticOverflow, .immutable, .incorrectAuthority,
  ]
}

// MARK: - Log lines

extension InvokeContext {
  /// "Program", the program's key, and what `body` adds.
  @inline(__always)
  private func logProgram(_ program: Pubkey, _ body: (inout LogBuffer) -> Void) {
    guard logs.isEnabled else { return }
    let text = keyTexts.text(of: program)
    logs.line { line in
      line.append(text)
      body(&line)
    }
  }

  private func logInvoke(_ program: Pubkey) {
    let height = UInt64(transaction.stackHeight)
    logProgram(program) { line in
      line.append(" invoke [" as StaticString)
      line.append(decimal: height)
      line.append("]" as StaticString)
    }
  }

  private func logSuccess(_ program: Pubkey) {
    logProgram(program) { $0.append(" success" as StaticString) }
  }

  private func logFailure(_ program: Pubkey, _ text: String) {
    logProgram(program) { line in
      line.append(" failed: " as StaticString)
      line.append(text)
    }
  }

  private func logConsumed(_ program: Pubkey, units: UInt64, of limit: UInt64) {
    logProgram(program) { line in
      line.append(" consumed " as StaticString)
      line.append(decimal: units)
      line.append(" of " as StaticString)
      line.append(decimal: limit)
      line.append(" compute units" as StaticString)
    }
  }

  private func logReturnData(_ program: Pubkey) {
    if transaction.returnData.isEmpty { return }
    if !logs.isEnabled { return }
    let data = Base64.encode(transaction.returnData)
    let text = keyTexts.text(of: program)
    logs.line { line in
      line.append("Program return: " as StaticString)
      line.append(UnsafeRawBufferPointer(rebasing: text[KeyTexts.prefixByteCount...]))
      line.append(" " as StaticString)
      line.append(data)
    }
  }
}
