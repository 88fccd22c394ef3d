// The state of one worker while it executes a transaction: accounts, stack, compute meter, logs. Built-in
// programs get it as their only argument; syscalls recover it from the VM's `host` pointer (Solana's
// program-runtime crate, https://docs.rs/solana-program-runtime). Owned by one thread; reset, never
// reallocated, between transactions.

import Ledger
import Primitives
import SBPF

/// Its stored properties, like those of the other objects that a worker owns, go without the run-time check for
/// overlapping accesses: one thread uses them, and no access to one of them runs code that comes back to it.
package final class InvokeContext {
  package let transaction = TransactionContext()
  /// The block's constants; set before a transaction begins.
  @exclusivity(unchecked) package var environment: ExecutionEnvironment
  /// What durable nonces advance from (`ExecutionEnvironment.noncesFollowTransactions`).
  @exclusivity(unchecked) package var blockhash: Hash
  /// What runs programs.
  package let engine: Engine
  /// Compute units left to the transaction while no VM runs (a running VM keeps its own meter).
  @exclusivity(unchecked) package var remainingUnits: UInt64 = 0
  @exclusivity(unchecked) package var logs = LogCollector()
  @exclusivity(unchecked) var keyTexts = KeyTexts()
  /// Bytes of heap that each program of this transaction gets, a multiple of 1024 in [32 KiB, 256 KiB].
  @exclusivity(unchecked) package internal(set) var heapByteCount = 32 * 1024
  /// Told of every call; nobody on the paths that are to be fast.
  @exclusivity(unchecked) package var observer: (any InvokeObserver)?
  /// Why the syscall that stopped the VM failed; the VM itself keeps a one-byte status.
  @exclusivity(unchecked) package var pendingSyscallError: SyscallFailure?
  /// The program of each key when the transaction began; `nil` where the key holds none. Whoever runs the transaction
  /// keeps them.
  let programs: UnsafeMutablePointer<Unmanaged<ProgramEntry>?>
  /// Where the entries of `programs` that are not `nil` end.
  @exclusivity(unchecked) var programsEnd = 0
  /// Programs that this transaction has deployed or closed.
  @exclusivity(unchecked) var modifiedPrograms: [(program: Pubkey, entry: ProgramEntry)] = []
  /// Set where a program was needed whose code lies in an account that the transaction was not lent.
  @exclusivity(unchecked) var undeclaredAccount: Pubkey?
  /// Upgradeable programs, by position of their key, whose code the transaction was not lent.
  @exclusivity(unchecked) var undeclaredPrograms: [(position: Int, programData: Pubkey)] = []

  /// What runs the EVM program; `nil`: there is none. Kept by who sets it.
  @exclusivity(unchecked) package unowned(unsafe) var ethereum: (any EthereumProgram)?
  /// Whether programs may call the EVM program without an account of its among theirs.
  @exclusivity(unchecked) var offersEthereum = false
  /// Programs that run in contexts around this one, the EVM program left out.
  @exclusivity(unchecked) var programsAround: [Pubkey] = []

  @exclusivity(unchecked) private var levels: [InvocationLevel] = []
  /// What the call that is being prepared names; kept for their memory.
  @exclusivity(unchecked) var calledAccounts: [AccountMeta] = []
  @exclusivity(unchecked) var infoKeys: [Pubkey] = []

  package init(environment: ExecutionEnvironment, engine: Engine = .interpreter) {
    self.environment = environment
    blockhash = environment.blockhash
    self.engine = engine
    programs = .allocate(capacity: TransactionContext.maximumAccountCount)
    programs.initialize(repeating: nil, count: TransactionContext.maximumAccountCount)
  }

  deinit { programs.deallocate() }

  /// Forgets the last transaction; `blockhash` is the one that the new one names, else the block's.
  func reset(
    accountCount: Int, blockhash: Hash? = nil, units: UInt64, heapByteCount: Int, collectsLogs: Bool
  ) {
    self.blockhash = blockhash ?? environment.blockhash
    transaction.reset(
      accountCount: accountCount, rent: environment.sysvars.rent, features: environment.programs.features)
    remainingUnits = units
    self.heapByteCount = heapByteCount
    logs.reset(isEnabled: collectsLogs)
    pendingSyscallError = nil
    for index in 0..<programsEnd { programs[index] = nil }
    programsEnd = 0
    if !modifiedPrograms.isEmpty { modifiedPrograms.removeAll(keepingCapacity: true) }
    undeclaredAccount = nil
    if !undeclaredPrograms.isEmpty { undeclaredPrograms.removeAll(keepingCapacity: true) }
  }

  /// The machine and input memory of the frame now running.
  var level: InvocationLevel {
    while levels.count < transaction.stackHeight { levels.append(InvocationLevel(engine: engine)) }
    return levels[transaction.stackHeight - 1]
  }

  /// Takes `units` from the meter; what is left is zero where there were too few.
  package func consume(_ units: UInt64) throws(InstructionError) {
    if remainingUnits < units {
      remainingUnits = 0
      throw .computationalBudgetExceeded
    }
    remainingUnits -= units
  }

  /// Appends one line to the transaction's logs.
  package func log(_ text: @autoclosure () -> String) {
    if logs.isEnabled { logs.log(text()) }
  }

  /// The frame now running; throws `callDepth` where none is.
  package var instructionContext: InstructionContext {
    get throws(InstructionError) {
      guard let frame = transaction.current else { throw .callDepth }
      return frame
    }
  }

  /// The key of the program now running.
  package var programID: Pubkey {
    get throws(InstructionError) { transaction.keys[try instructionContext.programIndex] }
  }

  /// The account that the running instruction names at `index`; throws `missingAccount` beyond its list.
  package func account(at index: Int) throws(InstructionError) -> BorrowedAccount {
    let frame = try instructionContext
    guard index >= 0, index < frame.accounts.count else { throw .missingAccount }
    return BorrowedAccount(
      transaction: transaction, account: frame.accounts[index], programIndex: frame.programIndex)
  }

  /// The key that the running instruction names at `index`.
  package func key(at index: Int) throws(InstructionError) -> Pubkey {
    let frame = try instructionContext
    guard index >= 0, index < frame.accounts.count else { throw .missingAccount }
    return transaction.keys[frame.accounts[index].indexInTransaction]
  }

  /// Whether `key` signed the running instruction.
  package func isSigner(_ key: Pubkey) -> Bool {
    guard let frame = transaction.current else { return false }
    return frame.accounts.contains { $0.isSigner && transaction.keys[$0.indexInTransaction] == key }
  }

  /// Keys that signed the running instruction, in its order, repeats included.
  package func signers() -> [Pubkey] {
    guard let frame = transaction.current else { return [] }
    return frame.accounts.compactMap { $0.isSigner ? transaction.keys[$0.indexInTransaction] : nil }
  }
}

/// Who wants to see what programs call. Told on the thread that runs them, in order.
package protocol InvokeObserver: StepObserver {
  /// An instruction has begun: `invoke.transaction.current`.
  func didBegin(_ invoke: InvokeContext)
  /// It ends, with its error.
  func willEnd(_ invoke: InvokeContext, _ error: InstructionError?)
  /// Its executable has run; `machine` has registers and memory as they are after it.
  func didRun(_ executable: Executable, _ outcome: RunOutcome, on machine: VirtualMachine)
}

/// A native program or precompile body; the meter has already been charged its default cost.
package typealias BuiltinFunction = @Sendable (InvokeContext) throws(InstructionError) -> Void

/// What one nesting level needs to run a program; kept from run to run.
final class InvocationLevel {
  let machine: VirtualMachine
  let input = InputBuffer()
  /// Of the call that the program makes.
  @exclusivity(unchecked) var sharedAccounts: [SharedAccount] = []

  init(engine: Engine) { machine = VirtualMachine(engine: engine) }
}
