// Executes one instruction outside of any transaction: what a contract's call of a program is. The instruction's accounts
// are the whole world of the program, as on Solana those of the transaction are; who may sign and what is writable is the
// caller's affair. What it changes is handed over only if it succeeds.

import Ledger
import Primitives
import SBPF

/// An account for an instruction.
package enum LoadedAccount {
  case owned(Account)
  /// It lies where it neither moves nor changes while it is used, and no reference to its data is counted.
  case lent(UnsafePointer<Account>)

  package var dataByteCount: Int {
    switch self {
    case .owned(let account): account.data.count
    case .lent(let place): place.pointee.data.count
    }
  }
}

/// Where an account for an instruction lies.
@frozen package struct AccountPlace {
  /// Valid until another one is asked for.
  let account: UnsafePointer<Account>
  /// Whether it neither moves nor changes until the instruction has run, so that no reference to its data need be counted.
  let isLent: Bool

  package init(_ account: UnsafePointer<Account>, isLent: Bool = false) {
    (self.account, self.isLent) = (account, isLent)
  }
}

/// What came of one instruction.
package struct InstructionOutcome: Sendable {
  /// `nil` where it succeeded.
  package var error: InstructionError?
  package var computeUnits: UInt64
  /// What the last program to set any left behind.
  package var returnData: (program: Pubkey, data: [UInt8])
  /// Bytes by which account data has grown; 0 for one that failed.
  package var dataGrowth: Int64
}

/// One worker's: owned by one thread, reset and not reallocated between instructions.
package final class InstructionProcessor {
  private let invoke: InvokeContext
  private let programTable = ProgramTable()
  @exclusivity(unchecked) private var programCache: ProgramCache
  /// What rent depends on, by position in the context, when the instruction began.
  private let sizesBefore: UnsafeMutablePointer<(lamports: UInt64, dataByteCount: Int)>

  /// Accounts that an instruction may name, its program included.
  package static let maximumAccountCount = InputBuffer.maximumAccountCount

  package init(environment: ExecutionEnvironment, engine: Engine) {
    invoke = InvokeContext(environment: ExecutionEnvironment(environment), engine: engine)
    programCache = environment.programs
    sizesBefore = .allocate(capacity: TransactionContext.maximumAccountCount)
  }

  deinit { sizesBefore.deallocate() }

  /// Makes the block of `environment` the one that instructions belong to from now on.
  package func begin(_ environment: ExecutionEnvironment) {
    invoke.environment = ExecutionEnvironment(environment)
    invoke.blockhash = environment.blockhash
    programCache = environment.programs
  }

  /// Told of every call; nobody on the paths that are to be fast.
  package var observer: (any InvokeObserver)? {
    get { invoke.observer }
    set { invoke.observer = newValue }
  }

  /// What the instruction that ran last has logged.
  package var logLines: [String] { invoke.logs.lines }

  /// Appends what the instruction that ran last has logged.
  package func appendLogs(to lines: inout LogLines) { lines.append(invoke.logs) }

  /// Runs `instruction`, whose signatures and writable flags the caller has granted, and which names at most
  /// `maximumAccountCount` accounts.
  ///
  /// - Parameters:
  ///   - ethereum: the EVM program, which every program may call; `nil`: there is none.
  ///   - running: programs that run around the instruction.
  ///   - units: compute units that it may use.
  ///   - dataGrowth: bytes by which the transaction's account data has grown before.
  ///   - rentPayer: an account that may be left with too little for its size.
  ///   - load: the account at a key, `Account.empty` where there is none; `nil` ends the run before it has begun.
  ///   - publish: called with each account that an instruction which succeeded has changed, in order of first mention;
  ///     may take the account away.
  /// - Returns: `nil` where `load` gave none.
  package func run(
    _ instruction: Instruction, ethereum: (any EthereumProgram)? = nil, below running: [Pubkey] = [], units: UInt64,
    dataGrowth: Int64, exemptingFromRent rentPayer: Pubkey? = nil,
    load: (Pubkey) -> AccountPlace?, publish: (Pubkey, UnsafeMutablePointer<Account>) -> Void
  ) -> InstructionOutcome? {
    let context = invoke.transaction
    invoke.reset(
      accountCount: 0, units: units, heapByteCount: Int(ComputeBudget.minimumHeapByteCount),
      collectsLogs: true)
    context.resizeDelta = dataGrowth
    (invoke.ethereum, invoke.offersEthereum, invoke.programsAround) = (ethereum, ethereum != nil, running)
    defer {
      invoke.ethereum = nil
      if !running.isEmpty { invoke.programsAround = [] }
      context.takeBackAccounts()
    }
    for (place, meta) in instruction.accounts.enumerated() where context.index(of: meta.key) == nil {
      let isWritable =
        meta.isWritable
        || instruction.accounts[(place + 1)...].contains { $0.isWritable && $0.key == meta.key }
      guard let place = load(meta.key) else { return nil }
      add(meta.key, place, isWritable: isWritable)
    }
    if context.index(of: instruction.programID) == nil {
      guard let place = load(instruction.programID) else { return nil }
      add(instruction.programID, place, isWritable: false)
    }
    if ethereum != nil {
      withUnsafePointer(to: EthereumProgramAccount.account) {
        add(ProgramID.ethereum, AccountPlace($0), isWritable: false)
      }
    }
    guard findPrograms(load) else { return nil }
    prepare(instruction)
    var failure: InstructionError?
    do throws(InstructionError) {
      try invoke.processInstruction()
      try checkRent(exempting: rentPayer)
    } catch {
      failure = error
    }
    if failure == nil {
      for position in 0..<context.accountCount where context.touched[position] {
        publish(context.keys[position], context.accounts + position)
      }
    }
    return InstructionOutcome(
      error: failure, computeUnits: units - invoke.remainingUnits,
      returnData: (context.returnDataProgram, context.returnData),
      dataGrowth: failure == nil ? context.resizeDelta - dataGrowth : 0)
  }

  /// Takes an account into the context behind the others, of which there are fewer than `maximumAccountCount`.
  private func add(_ key: Pubkey, _ place: AccountPlace, isWritable: Bool) {
    let context = invoke.transaction
    let position = context.accountCount
    let slot = context.accounts + position
    if place.isLent && !isWritable { context.lend(place.account, at: position) } else { slot.pointee.assign(place.account) }
    context.keys[position] = key
    context.touched[position] = false
    context.accountCount = position + 1
    (sizesBefore + position).initialize(to: (slot.pointee.lamports, slot.pointee.data.count))
  }

  /// Looks up the code of every program among the accounts, as it is before the instruction.
  ///
  /// - Returns: `false` where `load` gave none.
  private func findPrograms(_ load: (Pubkey) -> AccountPlace?) -> Bool {
    programTable.begin(programCache)
    let context = invoke.transaction
    for position in 0..<context.accountCount {
      let account = UnsafePointer(context.accounts + position)
      switch account.pointee.owner {
      case ProgramID.bpfLoader1, ProgramID.bpfLoader2:
        invoke.setProgram(programTable.entry(account, elfOffset: 0, cache: programCache), at: position)
      case ProgramID.bpfLoaderUpgradeable:
        invoke.setProgram(.passUnretained(.closed), at: position)
        guard let key = ImplicitRead.programData(of: account.pointee) else { continue }
        let headerByteCount = UpgradeableProgram.programDataHeaderByteCount
        guard let held = load(key)?.account else { return false }
        if held.pointee.data.count < headerByteCount { continue }
        invoke.setProgram(
          programTable.entry(held, elfOffset: headerByteCount, cache: programCache), at: position)
      default: continue
      }
    }
    return true
  }

  private func prepare(_ instruction: Instruction) {
    let context = invoke.transaction
    let frame = invoke.nextFrame
    frame.topLevelIndex = 0
    frame.resizeAccounts(to: instruction.accounts.count)
    for (index, meta) in instruction.accounts.enumerated() {
      frame.accounts[index] = InstructionAccount(
        indexInTransaction: context.index(of: meta.key) ?? 0, isSigner: meta.isSigner,
        isWritable: meta.isWritable)
    }
    frame.mergePrivilegesOfRepeats()
    frame.programIndex = context.index(of: instruction.programID) ?? 0
    // An array that nobody changes stays in place while it is held, as the caller does until the instruction has run.
    instruction.data.withUnsafeBytes { frame.lendData($0) }
  }

  /// No account that was changed may be left with too little for its size.
  private func checkRent(exempting payer: Pubkey?) throws(InstructionError) {
    let context = invoke.transaction
    for position in 0..<context.accountCount where context.touched[position] {
      let key = context.keys[position]
      if key == ProgramID.incinerator || key == payer { continue }
      let account = context.accounts + position
      let after = RentState(
        lamports: account.pointee.lamports, dataByteCount: account.pointee.data.count, rent: context.rent)
      guard case .rentPaying = after else { continue }
      let sizes = sizesBefore[position]
      let before = RentState(lamports: sizes.lamports, dataByteCount: sizes.dataByteCount, rent: context.rent)
      if !before.mayBecome(after) {
        invoke.log("Account \(key) is left with too few lamports for its size")
        throw .accountNotRentExempt
      }
    }
  }
}
