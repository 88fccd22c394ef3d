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

/// What came of one instruction.
package struct InstructionOutcome: Sendable {
  /// `nil` where it succeeded.
  package var error: InstructionError?
  package var computeUnits: UInt64
  /// What the last program to set any left behind.
  package var returnData: (program: Pubkey, data: [UInt8])
  /// Bytes by which account data has grown; 0 for one that failed.
  package var dataGrowth: Int64
  package var logs: [String]
}

/// One worker's: owned by one thread, reset and not reallocated between instructions.
package final class InstructionProcessor {
  private let invoke: InvokeContext
  private let programTable = ProgramTable()
  private var programCache: ProgramCache

  /// Accounts that an instruction may name, its program included.
  package static let maximumAccountCount = InputBuffer.maximumAccountCount

  package init(environment: ExecutionEnvironment, engine: Engine) {
    invoke = InvokeContext(environment: ExecutionEnvironment(environment), engine: engine)
    programCache = environment.programs
  }

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

  /// Rent of the block.
  package var rent: Rent { invoke.environment.sysvars.rent }

  /// Runs `instruction`, whose signatures and writable flags the caller has granted, and which names at most
  /// `maximumAccountCount` accounts.
  ///
  /// - Parameters:
  ///   - ethereum: the EVM program, which every program may call; `nil`: there is none.
  ///   - running: programs that run around the instruction.
  ///   - units: compute units that it may use.
  ///   - dataGrowth: bytes by which the transaction's account data has grown before.
  ///   - rentPayer: an account that may be left with too little for its size.
  ///   - load: the account at a key, `Account.empty` where there is none.
  ///   - publish: called with each account that an instruction which succeeded has changed, in order of first mention.
  package func run<Failure: Error>(
    _ instruction: Instruction, ethereum: (any EthereumProgram)? = nil, below running: [Pubkey] = [], units: UInt64,
    dataGrowth: Int64, exemptingFromRent rentPayer: Pubkey? = nil,
    load: (Pubkey) throws(Failure) -> LoadedAccount, publish: (Pubkey, Account) -> Void
  ) throws(Failure) -> InstructionOutcome {
    let context = invoke.transaction
    invoke.reset(
      accountCount: 0, units: units, heapByteCount: Int(ComputeBudget.minimumHeapByteCount),
      collectsLogs: true)
    context.resizeDelta = dataGrowth
    (invoke.ethereum, invoke.offersEthereum, invoke.programsAround) = (ethereum, ethereum != nil, running)
    defer {
      (invoke.ethereum, invoke.programsAround) = (nil, [])
      context.takeBackAccounts()
    }
    var before: [RentState] = []
    for key in instruction.accounts.lazy.map(\.key) + [instruction.programID]
    where context.index(of: key) == nil {
      switch try load(key) {
      case .owned(let account):
        before.append(RentState(account, rent: context.rent))
        context.add(key, account)
      case .lent(let place):
        before.append(
          RentState(
            lamports: place.pointee.lamports, dataByteCount: place.pointee.data.count, rent: context.rent))
        if instruction.accounts.contains(where: { $0.key == key && $0.isWritable }) {
          context.add(key, place.pointee)
        } else {
          context.add(key, lending: place)
        }
      }
    }
    if ethereum != nil {
      let account = EthereumProgramAccount.account
      before.append(RentState(account, rent: context.rent))
      context.add(ProgramID.ethereum, account)
    }
    try findPrograms(load)
    prepare(instruction)
    var failure: InstructionError?
    do throws(InstructionError) {
      try invoke.processInstruction()
      try checkRent(before, exempting: rentPayer)
    } catch {
      failure = error
    }
    if failure == nil {
      for position in 0..<context.accountCount where context.touched[position] {
        publish(context.keys[position], context.accounts[position])
      }
    }
    return InstructionOutcome(
      error: failure, computeUnits: units - invoke.remainingUnits,
      returnData: (context.returnDataProgram, context.returnData),
      dataGrowth: failure == nil ? context.resizeDelta - dataGrowth : 0, logs: invoke.logs.lines)
  }

  /// Looks up the code of every program among the accounts, as it is before the instruction.
  private func findPrograms<Failure: Error>(_ load: (Pubkey) throws(Failure) -> LoadedAccount) throws(Failure) {
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
        let held = try load(key)
        if held.dataByteCount < headerByteCount { continue }
        switch held {
        case .lent(let place):
          invoke.setProgram(
            programTable.entry(place, elfOffset: headerByteCount, cache: programCache), at: position)
        case .owned(var account):
          invoke.setProgram(
            programTable.entry(&account, elfOffset: headerByteCount, cache: programCache), at: position)
        }
      default: continue
      }
    }
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
    frame.setData(instruction.data)
  }

  /// No account that was changed may be left with too little for its size.
  private func checkRent(_ before: [RentState], exempting payer: Pubkey?) throws(InstructionError) {
    let context = invoke.transaction
    for position in 0..<context.accountCount where context.touched[position] {
      let key = context.keys[position]
      if key == ProgramID.incinerator || key == payer { continue }
      if !before[position].mayBecome(RentState(context.accounts[position], rent: context.rent)) {
        invoke.log("Account \(key) is left with too few lamports for its size")
        throw .accountNotRentExempt
      }
    }
  }
}

extension TransactionContext {
  /// Adds an account behind the others, of which there are fewer than `maximumAccountCount`.
  fileprivate func add(_ key: Pubkey, _ account: Account) {
    keys[accountCount] = key
    accounts[accountCount] = account
    touched[accountCount] = false
    accountCount += 1
  }

  /// As above, for one that the instruction may not write.
  fileprivate func add(_ key: Pubkey, lending account: UnsafePointer<Account>) {
    keys[accountCount] = key
    lend(account, at: accountCount)
    touched[accountCount] = false
    accountCount += 1
  }
}
