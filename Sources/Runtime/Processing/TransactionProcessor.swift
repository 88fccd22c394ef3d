// Executes one transaction against the accounts it was lent, with Agave's results as LiteSVM gives them.
// Decoding, sanitising, address look-ups, locks and signatures come before (ResolvedTransaction, the
// executor); then, in order:
//
//   blockhash or durable nonce → compute budget → already processed? → fee payer → sizes → programs →
//   instructions → rent of what is left behind
//
// A failure up to the fee payer rejects the transaction, which then costs nothing; one from there on costs the
// fee, advances the durable nonce and undoes the rest (SIMD-0082; Agave's svm/src/account_loader.rs and
// rollback_accounts.rs).

import Ledger
import Primitives
import SBPF

/// One worker's processor: owned by one thread, reset and not reallocated between transactions.
package final class TransactionProcessor {
  package let invoke: InvokeContext
  private let programTable = ProgramTable()
  /// The environment's, so that a look at it need not go through the environment.
  @exclusivity(unchecked) private var programCache: ProgramCache
  /// What the accounts of the transaction just executed count towards the limit on loaded data.
  @exclusivity(unchecked) package private(set) var loadedByteCount = 0
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
      let nonce = try checkAge(resolved, accounts: accounts)
      let budget = try ComputeBudget(message)
      if isAlreadyProcessed() { throw .alreadyProcessed }
      let blockhash = environment.noncesFollowTransactions ? message.recentBlockhash : environment.blockhash
      let keyCount = resolved.keys.count
      invoke.reset(
        accountCount: keyCount, blockhash: blockhash, units: UInt64(budget.unitLimit),
        heapByteCount: Int(budget.heapByteCount), collectsLogs: collectsLogs)
      let fee = TransactionFee.lamports(
        message, budget: budget, lamportsPerSignature: environment.lamportsPerSignature)
      try loadPayer(resolved, accounts: accounts, fee: fee)
      let rollback = Rollback(fee: fee, nonce: nonce)
      do throws(TransactionError) {
        let loadedByteCount =
          load(resolved, accounts: accounts) + findPrograms(accounts: accounts, keyCount: keyCount)
        self.loadedByteCount = loadedByteCount
        if loadedByteCount > Int(budget.loadedDataByteLimit) { throw .maxLoadedAccountsDataSizeExceeded }
        try checkPrograms(message)
      } catch {
        publishRollback(rollback, accounts: accounts, publish: publish)
        return TransactionVerdict(status: .executed, error: error, fee: fee)
      }
      return execute(resolved, accounts: accounts, budget: budget, rollback: rollback, publish: publish)
    } catch {
      return TransactionVerdict(status: .rejected, error: error)
    }
  }

  // MARK: - Before the instructions

  /// A transaction is recent if it names a recent blockhash, or a durable nonce that its first instruction
  /// advances. The nonce's account is a static key, never one of a lookup table (SIMD-0242).
  ///
  /// - Returns: the durable nonce that the transaction uses up; `nil` where it names a recent blockhash.
  private func checkAge(
    _ resolved: ResolvedTransaction, accounts: some AccountView
  ) throws(TransactionError) -> UsedNonce? {
    let blockhash = resolved.message.recentBlockhash
    let environment = invoke.environment
    if blockhash == environment.blockhash || environment.earlierBlockhashes.contains(blockhash) { return nil }
    guard blockhash != NonceState.durableNonce(from: environment.blockhash),
      let position = resolved.noncePosition,
      let account = accounts.account(at: position),
      account.owner == ProgramID.system,
      let nonce = NonceState(account), nonce.version == .current, let contents = nonce.contents,
      contents.durableNonce == blockhash,
      resolved.isSigner(contents.authority, ofInstruction: 0)
    else { throw .blockhashNotFound }
    return UsedNonce(position: position, authority: contents.authority)
  }

  /// Takes the payer into the transaction's context, less the fee.
  private func loadPayer(
    _ resolved: ResolvedTransaction, accounts: some AccountView, fee: UInt64
  ) throws(TransactionError) {
    let context = invoke.transaction
    context.keys[0] = resolved.keys[0]
    accounts.copyAccount(at: 0, to: context.accounts)
    try TransactionFee.withdraw(fee, from: &context.accounts.pointee, position: 0, rent: context.rent)
    context.touched[0] = true
    sizesBefore.initialize(to: (context.accounts.pointee.lamports, context.accounts.pointee.data.count))
  }

  /// Takes the other accounts into the transaction's context.
  ///
  /// - Returns: what all accounts count towards the limit on loaded data, but for the code of upgradeable programs
  ///   that no key names (SIMD-0186).
  private func load(_ resolved: ResolvedTransaction, accounts: some AccountView) -> Int {
    let context = invoke.transaction
    let keys = resolved.keys
    var byteCount =
      LoadedSize.account + context.accounts.pointee.data.count
      + resolved.message.addressTableLookups.count * LoadedSize.lookupTable
    for position in 1..<keys.count {
      let key = keys[position]
      let slot = context.accounts + position
      context.keys[position] = key
      if key == SysvarID.instructions {
        slot.pointee = Account(
          lamports: 0, data: InstructionsSysvar.data(for: resolved), owner: ProgramID.sysvar, rentEpoch: 0)
        context.instructionsSysvarIndex = position
      } else if invoke.ethereum != nil && key == ProgramID.ethereum {
        slot.pointee = EthereumProgramAccount.account
      } else if !resolved.isWritable(position), let place = accounts.account(lentAt: position) {
        context.lend(place, at: position)
      } else {
        accounts.copyAccount(at: position, to: slot)
      }
      let (lamports, dataByteCount) = (slot.pointee.lamports, slot.pointee.data.count)
      (sizesBefore + position).initialize(to: (lamports, dataByteCount))
      // The instructions sysvar, which no ledger holds, has no lamports and counts nothing.
      if lamports > 0 { byteCount += LoadedSize.account + dataByteCount }
    }
    return byteCount
  }

  /// Every instruction's program must be there, and be native or owned by a loader; whether there is code is seen when
  /// it runs (SIMD-0162; Agave `svm/src/account_loader.rs`).
  private func checkPrograms(_ message: Message) throws(TransactionError) {
    for index in 0..<message.instructionCount {
      let position = Int(message.instruction(at: index).programIndex)
      let program = invoke.transaction.accounts + position
      if program.pointee.lamports == 0 { throw .programAccountNotFound }
      let owner = program.pointee.owner
      guard
        owner == ProgramID.nativeLoader || InvokeContext.isLoader(owner) || owner == ProgramID.loaderV4
      else {
        throw .invalidProgramForExecution
      }
    }
  }

  /// Looks up the code of every program among the keys, as it is before the first instruction.
  ///
  /// - Returns: what accounts of code that no key names count towards the limit on loaded data, each once.
  private func findPrograms(accounts: some AccountView, keyCount: Int) -> Int {
    programTable.begin(programCache)
    var byteCount = 0
    var counted: UInt64 = 0
    for position in 0..<keyCount {
      let account = UnsafePointer(invoke.transaction.accounts + position)
      switch account.pointee.owner {
      case ProgramID.bpfLoader1, ProgramID.bpfLoader2:
        invoke.setProgram(programTable.entry(account, elfOffset: 0, cache: programCache), at: position)
      case ProgramID.bpfLoaderUpgradeable:
        guard let key = ImplicitRead.programData(of: account.pointee) else {
          invoke.setProgram(.passUnretained(.closed), at: position)  // as Agave notes buffers and the like
          continue
        }
        let place = withProgramData(key, accounts: accounts, keyCount: keyCount) { held in
          invoke.setProgram(upgradeableProgram(held), at: position)
          return held.pointee.lamports > 0 ? LoadedSize.account + held.pointee.data.count : 0
        }
        guard let place else {
          invoke.undeclaredPrograms.append((position, key))
          continue
        }
        let bit: UInt64 = place.position < keyCount ? 0 : 1 << UInt64(place.position - keyCount)
        if counted & bit == 0 && bit != 0 { byteCount += place.byteCount }
        counted |= bit
      default: continue
      }
    }
    return byteCount
  }

  /// The program whose code `programData` holds.
  private func upgradeableProgram(_ programData: UnsafePointer<Account>) -> Unmanaged<ProgramEntry> {
    let headerByteCount = UpgradeableProgram.programDataHeaderByteCount
    if programData.pointee.data.count < headerByteCount { return .passUnretained(.closed) }
    return programTable.entry(programData, elfOffset: headerByteCount, cache: programCache)
  }

  /// Shows `body` the account at `key`, among the transaction's keys or the implicit ones.
  ///
  /// - Returns: its position and what `body` returned; `nil` where it is in neither.
  private func withProgramData(
    _ key: Pubkey, accounts: some AccountView, keyCount: Int, _ body: (UnsafePointer<Account>) -> Int
  ) -> (position: Int, byteCount: Int)? {
    if let position = invoke.transaction.index(of: key) {
      return (position, body(UnsafePointer(invoke.transaction.accounts + position)))
    }
    guard let position = accounts.implicitPosition(of: key, keyCount: keyCount) else { return nil }
    if let place = accounts.account(lentAt: position), place.pointee.lamports > 0 {
      return (position, body(place))
    }
    var account = accounts.account(at: position) ?? .empty
    return (position, body(&account))
  }
}

/// What loading counts beside the data itself, in bytes (SIMD-0186).
private enum LoadedSize {
  /// Of each account that is there.
  static let account = 64
  /// Of each lookup table that a message names.
  static let lookupTable = 8248
}

/// The durable nonce that a transaction names in place of a blockhash.
struct UsedNonce {
  /// Of its account among the transaction's keys.
  var position: Int
  var authority: Pubkey
}

/// What a transaction that fails leaves behind.
struct Rollback {
  /// Lamports, which loading has seen that the payer can pay.
  var fee: UInt64
  var nonce: UsedNonce?
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
