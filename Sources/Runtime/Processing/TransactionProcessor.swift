// Executes one transaction against the accounts it was lent, with Agave's results as LiteSVM gives them.
// Decoding, sanitising, address look-ups, locks and signatures come before (ResolvedTransaction, the
// executor); then, in order:
//
//   blockhash or durable nonce → compute budget → already processed? → fee payer → programs → instructions →
//   rent of what is left behind
//
// A failure before the first instruction rejects the transaction, which then costs nothing; one from there on
// costs the fee and undoes the rest.

import Ledger
import Primitives
import SBPF

/// One worker's processor: owned by one thread, reset and not reallocated between transactions.
package final class TransactionProcessor {
  package let invoke: InvokeContext
  private let programTable = ProgramTable()
  /// The environment's, so that a look at it need not go through the environment.
  @exclusivity(unchecked) private var programCache: ProgramCache
  /// What rent depends on, by position, when the instructions began.
  let sizesBefore: UnsafeMutablePointer<(lamports: UInt64, dataByteCount: Int)>

  package init(environment: ExecutionEnvironment, engine: Engine = .interpreter) {
    invoke = InvokeContext(environment: ExecutionEnvironment(environment), engine: engine)
    programCache = environment.programs
    sizesBefore = .allocate(capacity: TransactionContext.maximumAccountCount)
  }

  deinit { sizesBefore.deallocate() }

  /// Makes the block of `environment` the one that transactions belong to from now on. The processor takes an object of
  /// its own: the references to one that all workers use would be counted in memory that all of them write.
  package func begin(_ environment: ExecutionEnvironment) {
    invoke.environment = ExecutionEnvironment(environment)
    programCache = environment.programs
  }

  /// Loads a program ahead of the transactions that call it.
  package func warm(_ source: ProgramSource) { _ = programTable.entry(source, cache: programCache) }

  /// Executes `resolved`, whose signatures have been verified.
  ///
  /// - Parameters:
  ///   - isAlreadyProcessed: whether the status cache knows the transaction; asked where the reference asks.
  ///   - collectsLogs: without, the outcome has no logs.
  package func process(
    _ resolved: ResolvedTransaction, accounts: some AccountView, isAlreadyProcessed: () -> Bool = { false },
    collectsLogs: Bool = true
  ) -> TransactionOutcome {
    var changes: [AccountUpdate] = []
    let verdict = process(
      resolved, accounts: accounts, isAlreadyProcessed: isAlreadyProcessed, collectsLogs: collectsLogs
    ) { position, slot in
      let account = slot.pointee
      changes.append(AccountUpdate(position: position, account: account.lamports == 0 ? nil : account))
    }
    var outcome = TransactionOutcome(
      status: verdict.status, error: verdict.error, computeUnits: verdict.computeUnits, fee: verdict.fee,
      changes: changes)
    if verdict.status == .executed { (outcome.logs, outcome.returnData) = (logs, returnData) }
    return outcome
  }

  /// The log of the transaction just executed.
  package var logs: TransactionLogs { invoke.logs.collect() }

  /// What the transaction just executed left behind; `nil` where that is nothing.
  package var returnData: (program: Pubkey, data: [UInt8])? {
    let context = invoke.transaction
    return context.returnData.isEmpty ? nil : (context.returnDataProgram, context.returnData)
  }

  /// As above, and hands each changed account to `publish`, by position, in place of listing it; one without lamports
  /// is to be deleted. `publish` may take the account if it leaves another one. Of an executed transaction, `logs`
  /// and `returnData` hold the rest until the next.
  package func process(
    _ resolved: ResolvedTransaction, accounts: some AccountView, isAlreadyProcessed: () -> Bool,
    collectsLogs: Bool = true, publish: (Int, UnsafeMutablePointer<Account>) -> Void
  ) -> TransactionVerdict {
    let message = resolved.message
    let environment = invoke.environment
    defer { invoke.transaction.takeBackAccounts() }
    do throws(TransactionError) {
      try checkAge(resolved, accounts: accounts)
      let budget = try ComputeBudget(message)
      if isAlreadyProcessed() { throw .alreadyProcessed }
      let blockhash = environment.noncesFollowTransactions ? message.recentBlockhash : environment.blockhash
      let keyCount = resolved.keys.count
      invoke.reset(
        accountCount: keyCount, blockhash: blockhash, units: UInt64(budget.unitLimit),
        heapByteCount: Int(budget.heapByteCount), collectsLogs: collectsLogs)
      let fee = TransactionFee.lamports(
        message, budget: budget, lamportsPerSignature: environment.lamportsPerSignature)
      try load(resolved, accounts: accounts, fee: fee)
      try checkPrograms(message)
      findPrograms(accounts: accounts, keyCount: keyCount)
      return execute(resolved, accounts: accounts, budget: budget, fee: fee, publish: publish)
    } catch {
      return TransactionVerdict(status: .rejected, error: error)
    }
  }

  // MARK: - Before the instructions

  /// A transaction is recent if it names the recent blockhash, or a durable nonce that its first instruction
  /// advances.
  private func checkAge(_ resolved: ResolvedTransaction, accounts: some AccountView) throws(TransactionError)
  {
    let blockhash = resolved.message.recentBlockhash
    let environment = invoke.environment
    if blockhash == environment.blockhash { return }
    guard blockhash != NonceState.durableNonce(from: environment.blockhash),
      let position = resolved.noncePosition,
      let account = accounts.account(at: position),
      account.owner == ProgramID.system,
      let nonce = NonceState(account), nonce.version == .current, let contents = nonce.contents,
      contents.durableNonce == blockhash,
      resolved.isSigner(contents.authority, ofInstruction: 0)
    else { throw .blockhashNotFound }
  }

  /// Takes the accounts into the transaction's context, the payer's less the fee.
  private func load(
    _ resolved: ResolvedTransaction, accounts: some AccountView, fee: UInt64
  ) throws(TransactionError) {
    let context = invoke.transaction
    let rent = context.rent
    let keys = resolved.keys
    for position in 0..<keys.count {
      let key = keys[position]
      let slot = context.accounts + position
      context.keys[position] = key
      if key == SysvarID.instructions {
        slot.pointee = Account(
          lamports: 0, data: InstructionsSysvar.data(for: resolved), owner: ProgramID.sysvar, rentEpoch: 0)
        context.instructionsSysvarIndex = position
      } else if position > 0, !resolved.isWritable(position), let place = accounts.account(lentAt: position) {
        context.lend(place, at: position)
      } else {
        accounts.copyAccount(at: position, to: slot)
      }
      if position == 0 {
        try TransactionFee.withdraw(fee, from: &slot.pointee, position: position, rent: rent)
        context.touched[position] = true
      }
      (sizesBefore + position).initialize(to: (slot.pointee.lamports, slot.pointee.data.count))
    }
  }

  /// Every instruction's program must be one: executable, and native or owned by a loader.
  private func checkPrograms(_ message: Message) throws(TransactionError) {
    for index in 0..<message.instructionCount {
      let position = Int(message.instruction(at: index).programIndex)
      if invoke.transaction.keys[position] == ProgramID.nativeLoader { continue }
      let program = invoke.transaction.accounts + position
      guard program.pointee.executable else { throw .invalidProgramForExecution }
      let owner = program.pointee.owner
      guard owner == ProgramID.nativeLoader || InvokeContext.isLoader(owner) else {
        throw .invalidProgramForExecution
      }
    }
  }

  /// Looks up the code of every program among the keys, as it is before the first instruction.
  private func findPrograms(accounts: some AccountView, keyCount: Int) {
    programTable.begin(programCache)
    for position in 0..<keyCount {
      let account = UnsafePointer(invoke.transaction.accounts + position)
      guard account.pointee.executable else { continue }
      switch account.pointee.owner {
      case ProgramID.bpfLoader1, ProgramID.bpfLoader2:
        invoke.setProgram(programTable.entry(account, elfOffset: 0, cache: programCache), at: position)
      case ProgramID.bpfLoaderUpgradeable:
        guard let key = ImplicitRead.programData(of: account.pointee) else { continue }
        let isLent = withProgramData(key, accounts: accounts, keyCount: keyCount) { held in
          invoke.setProgram(upgradeableProgram(held), at: position)
        }
        if !isLent { invoke.undeclaredPrograms.append((position, key)) }
      default: continue
      }
    }
  }

  /// The program whose code `programData` holds.
  private func upgradeableProgram(_ programData: UnsafePointer<Account>) -> Unmanaged<ProgramEntry> {
    let headerByteCount = UpgradeableProgram.programDataHeaderByteCount
    if programData.pointee.data.count < headerByteCount { return .passUnretained(.closed) }
    return programTable.entry(programData, elfOffset: headerByteCount, cache: programCache)
  }

  /// Shows `body` the account at `key`, among the transaction's keys or the implicit ones; false where it is in neither.
  private func withProgramData(
    _ key: Pubkey, accounts: some AccountView, keyCount: Int, _ body: (UnsafePointer<Account>) -> Void
  ) -> Bool {
    if let position = invoke.transaction.index(of: key) {
      body(UnsafePointer(invoke.transaction.accounts + position))
      return true
    }
    guard let position = accounts.implicitPosition(of: key, keyCount: keyCount) else { return false }
    if let place = accounts.account(lentAt: position), place.pointee.lamports > 0 {
      body(place)
    } else {
      var account = accounts.account(at: position) ?? .empty
      body(&account)
    }
    return true
  }
}

extension ResolvedTransaction {
  /// Position of the nonce account that the first instruction advances; `nil` where it does not.
  var noncePosition: Int? {
    guard let instruction = message.instructions.first,
      message.programID(of: instruction) == ProgramID.system,
      message.data(of: instruction).starts(with: [4, 0, 0, 0]),
      let position = message.accountIndices(of: instruction).first.map(Int.init),
      position < message.staticKeyCount, isWritable(position)
    else { return nil }
    return position
  }

  func isSigner(_ key: Pubkey, ofInstruction index: Int) -> Bool {
    message.accountIndices(of: message.instructions[index]).contains { position in
      isSigner(Int(position)) && keys[Int(position)] == key
    }
  }
}
