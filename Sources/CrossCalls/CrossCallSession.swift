// Contracts call programs, and programs contracts (docs/crosscalls.md): what stands behind the addresses FF00…0002 to FF00…0007, with the
// interfaces that Neon EVM gave them, so that contracts and libraries written for it run unchanged. Effects are immediate,
// in program order; a failure is a revert with a reason and takes back what its frame did in both worlds; nothing that a
// contract sends stops the host.
//
// One session a worker; it has the programs' half of the journal of the transaction that runs.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import WideIntegers

/// Where a session finds the accounts of programs as they are before its transaction. Used by one thread at a time.
package protocol ProgramAccountSource: AnyObject {
  /// The account at `key`, `Account.empty` where there is none; one that is lent neither moves nor changes until the
  /// transaction has ended.
  ///
  /// - Throws: where it cannot be read, or not by this worker now.
  func programAccount(_ key: Pubkey) throws(EVMStateError) -> LoadedAccount
}

/// What calls across the border cost. One compute unit costs one gas; these come before.
package enum CrossCallCosts {
  /// A look at an account, or an address that is derived.
  package static let query: UInt64 = 3_000
  /// A call that may run a program or move lamports.
  package static let call: UInt64 = 10_000
  /// Compute units of one program call at most.
  package static let unitLimit: UInt64 = 1_400_000
  /// Bytes of data that the accounts of one transaction's program calls may have together when they are met.
  package static let loadedByteLimit = 64 << 20
  /// Calls of contracts by programs that may wait for each other.
  package static let nestingLimit = 8
  /// Bytes of an instruction's data.
  package static let dataByteLimit = 10 * 1024
}

/// Used by one thread at a time.
package final class CrossCallSession: EVMBorder {
  private let engine: Engine
  /// An object of its own: the references to one that all workers use would be counted in memory that all of them write.
  private var environment: ExecutionEnvironment
  @exclusivity(unchecked) private var rent: Rent
  /// By how many calls of contracts by programs wait; each made for the first program call that needs it.
  @exclusivity(unchecked) private var processors: [InstructionProcessor] = []
  /// Programs that have called contracts and wait: the contexts of their calls, the outermost first.
  @exclusivity(unchecked) var contexts: [InvokeContext] = []
  /// Ethereum's side of the transaction; `nil` until it calls the border, or is one of Solana's.
  @exclusivity(unchecked) var host: BorderHost?
  /// Whether the transaction is one of Solana's.
  @exclusivity(unchecked) private(set) var isSolana = false
  /// Signers that have called contracts in the transaction, each once.
  @exclusivity(unchecked) private var users: [(address: Address, signer: Pubkey)] = []
  /// Why the transaction cannot go on, where a program's call of a contract found out.
  @exclusivity(unchecked) package var failure: EVMStateError?
  /// Kept by who gave it, which may keep the session in turn.
  private unowned(unsafe) var source: (any ProgramAccountSource)?
  @exclusivity(unchecked) var journal = ProgramJournal()
  @exclusivity(unchecked) private var identities = IdentityCache()
  @exclusivity(unchecked) private var signers = SignerCache()
  @exclusivity(unchecked) private var logPages = LogPages()
  /// `bytes` without any, encoded: the session's own, as references to a common one would be counted in common memory.
  let noBytes = ReturnWords.encoded(bytes: [])
  /// Lamports that may be bought with the sender's wei in this transaction.
  @exclusivity(unchecked) private(set) var drawLimit: UInt64 = 0

  package init(environment: ExecutionEnvironment, engine: Engine) {
    (self.environment, self.engine) = (ExecutionEnvironment(environment), engine)
    rent = environment.sysvars.rent
  }

  /// Makes the block of `environment` the one that transactions belong to from now on.
  package func beginBlock(_ environment: ExecutionEnvironment) {
    self.environment = ExecutionEnvironment(environment)
    rent = environment.sysvars.rent
    for processor in processors { processor.begin(environment) }
  }

  /// Starts a transaction.
  ///
  /// - Parameters:
  ///   - source: kept by the caller until `release`, or until the next transaction starts.
  ///   - gasLimit: of the transaction; also how many lamports contracts may buy with its sender's wei.
  package func begin(reading source: any ProgramAccountSource, gasLimit: UInt64) {
    self.source = source
    drawLimit = gasLimit
    if !journal.isEmpty { journal.removeAll() }
    (host, isSolana, failure) = (nil, false, nil)
    if !users.isEmpty { users.removeAll(keepingCapacity: true) }
  }

  /// Starts a transaction of Solana's, in whose contexts this is the EVM program. Its signer lends contracts nothing.
  package func beginSolana(reading source: any ProgramAccountSource, on host: BorderHost) {
    begin(reading: source, gasLimit: 0)
    (self.host, isSolana) = (host, true)
  }

  /// Lets go of what the last transaction read.
  package func release() {
    (source, host) = (nil, nil)
    journal.removeAll()
    if !users.isEmpty { users.removeAll(keepingCapacity: true) }
  }

  // MARK: What the transaction did

  /// Calls `body` with each account that differs from before, in the order in which they were met; `nil`: it is gone.
  package func forEachChange(
    _ body: (Pubkey, Account?) throws(EVMStateError) -> Void
  ) throws(EVMStateError) {
    for position in journal.entries.indices where journal.isChanged(position) {
      let (old, new) = (journal.original(position), journal.account(position))
      // An account without lamports goes when the transaction ends, whatever it holds.
      if new.pointee.isVacant {
        if old.pointee != .empty { try body(journal.entries[position].key, nil) }
      } else if new.pointee != old.pointee {
        try body(journal.entries[position].key, new.pointee)
      }
    }
  }

  /// The accounts of programs that were used, in the order in which they were met, whatever was rolled back.
  package var accesses: [AccessSet.Entry<Pubkey>] {
    journal.entries.map { .init($0.key, isWritable: $0.isWritable) }
  }

  /// The first use that `set` does not hold; `nil` where the transaction kept to the set.
  package func access(outside set: AccessSet) -> UndeclaredAccess? {
    for entry in journal.entries where !set.contains(solana: entry.key, writing: entry.isWritable) {
      return UndeclaredAccess(.solana(entry.key), isWrite: entry.isWritable)
    }
    return nil
  }

  /// Log lines of the program calls that were not taken back.
  package func takeLogs() -> TransactionLogs {
    journal.logs.isEmpty ? TransactionLogs() : journal.logs.collect(in: &logPages)
  }

  // MARK: The border

  package func rollBack(to mark: UInt64) { journal.rollBack(to: mark) }

  package func answer(_ call: BorderCall, on host: BorderHost) throws(EVMStateError) -> BorderAnswer {
    host.note(journal.mark)
    self.host = host
    var frame = Frame(call: call, host: host)
    do throws(CrossCallError) {
      let output = try answer(&frame)
      return BorderAnswer(gasUsed: frame.gasUsed, isSuccess: true, output: output)
    } catch {
      switch error {
      case .state(let error): throw error
      case .outOfGas: return BorderAnswer(gasUsed: .max, isSuccess: false, output: [])
      case .refused(let text):
        return BorderAnswer(gasUsed: frame.gasUsed, isSuccess: false, output: ErrorText.encode(text))
      }
    }
  }

  /// A call that is being answered.
  struct Frame {
    let call: BorderCall
    let host: BorderHost
    private(set) var gasUsed: UInt64 = 0

    init(call: BorderCall, host: BorderHost) { (self.call, self.host) = (call, host) }

    var caller: Address { call.caller }
    var gasLeft: UInt64 { call.gas - gasUsed }

    mutating func charge(_ gas: UInt64) throws(CrossCallError) {
      guard gas <= gasLeft else { throw .outOfGas }
      gasUsed += gas
    }

    /// Throws where the call is one of CALLCODE or DELEGATECALL.
    func refuseDelegation() throws(CrossCallError) {
      let own = BorderAddress.address(call.number)
      if call.address != own { throw .refused("\(own) cannot be called by delegatecall or callcode") }
    }

    func refuseValue() throws(CrossCallError) {
      if !call.value.isZero { throw .refused("\(BorderAddress.address(call.number)) takes no value") }
    }

    func refuseStatic(_ name: String) throws(CrossCallError) {
      if call.isStatic { throw .refused("\(name) is not allowed in a static call") }
    }

    func selector() throws(CrossCallError) -> UInt32 {
      guard call.input.count >= 4 else {
        throw .refused("\(BorderAddress.address(call.number)) needs a selector of 4 bytes")
      }
      return UInt32(bigEndian: call.input.loadUnaligned(as: UInt32.self))
    }

    var arguments: Calldata { Calldata(UnsafeRawBufferPointer(rebasing: call.input.dropFirst(4))) }

    func unknown(_ selector: UInt32) -> CrossCallError {
      .refused("\(BorderAddress.address(call.number)) has no function \(Hex.text(of: selector))")
    }
  }

  private func answer(_ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    switch frame.call.number {
    case 2: try queryAccount(&frame)
    case 3: try nativeToken(&frame)
    case 4: try splToken(&frame)
    case 5: try metaplex(&frame)
    case 6: try callSolana(&frame)
    default: try solanaNative(&frame)
    }
  }

  // MARK: For the functions

  func key(_ kind: ContractIdentity.Kind, of address: Address, salt: Pubkey = .zero) -> Pubkey {
    identities.key(ContractIdentity(kind, of: address, salt: salt))
  }

  /// Who `signer` is for contracts.
  func address(of signer: Pubkey) -> Address { signers.address(of: signer) }

  /// Makes `signer` one who has called contracts in the transaction.
  func note(user address: Address, _ signer: Pubkey) {
    if !users.contains(where: { $0.address == address }) { users.append((address, signer)) }
  }

  /// The signer behind `address`, if it has called contracts in the transaction.
  func user(at address: Address) -> Pubkey? { users.first { $0.address == address }?.signer }

  private var processor: InstructionProcessor {
    while processors.count <= contexts.count {
      processors.append(InstructionProcessor(environment: environment, engine: engine))
    }
    return processors[contexts.count]
  }

  /// Lamports with which an account of `byteCount` bytes of data is exempt from rent.
  func minimumBalance(dataByteCount byteCount: Int) -> UInt64 {
    rent.minimumBalance(dataByteCount: byteCount)
  }

  /// The position of an account of programs, which is met now if it was not before.
  func position(of key: Pubkey) throws(CrossCallError) -> Int {
    if let known = journal.position(of: key) { return known }
    if EVMKey.contains(key) { throw .refused("\(key) is Ethereum's, no account of programs") }
    guard let source else { throw .refused("programs can be called from transactions only") }
    let account: LoadedAccount
    do throws(EVMStateError) { account = try source.programAccount(key) } catch { throw .state(error) }
    if journal.loadedByteCount + account.dataByteCount > CrossCallCosts.loadedByteLimit {
      throw .refused(
        "with \(key), the transaction's program calls look at more than \(CrossCallCosts.loadedByteLimit) bytes"
      )
    }
    return journal.insert(account, at: key)
  }

  func account(_ key: Pubkey) throws(CrossCallError) -> Account {
    let position = try position(of: key)
    return journal.account(position).pointee
  }

  func onHost<Value>(_ body: () throws(EVMStateError) -> Value) throws(CrossCallError) -> Value {
    do throws(EVMStateError) { return try body() } catch { throw .state(error) }
  }

  /// Runs `instruction`, for which `signers` sign, and charges what it used; its changes are the transaction's if it
  /// succeeds.
  func run(
    _ instruction: Instruction, signers: Signers, exemptingFromRent payer: Pubkey? = nil,
    _ frame: inout Frame
  ) throws(CrossCallError) {
    try check(instruction, signers)
    if !contexts.isEmpty { try checkReentry(of: instruction.programID) }
    for meta in instruction.accounts {
      let position = try position(of: meta.key)
      if meta.isWritable {
        try checkMayChange(meta.key)
        journal.noteWritable(position)
      }
    }
    let place = try position(of: instruction.programID)
    if journal.account(place).pointee.lamports == 0 {
      throw .refused("Program \(instruction.programID) is not on this ledger")
    }
    let units = min(frame.gasLeft, CrossCallCosts.unitLimit)
    let processor = processor
    var given: Pubkey?
    processor.observer = contexts.last?.observer
    var loadError: CrossCallError?
    let outcome = processor.run(
      instruction, ethereum: self, below: contexts.isEmpty ? [] : waitingPrograms, units: units, dataGrowth: journal.growth, exemptingFromRent: payer,
      load: { key in
        do throws(CrossCallError) {
          let position = try position(of: key)
          return journal.place(position)
        } catch {
          loadError = error
          return nil
        }
      },
      publish: { key, slot in
        if slot.pointee.owner == ProgramID.ethereum { given = key }
        // Its position is known, since it was loaded.
        guard let position = journal.position(of: key) else { return }
        journal.set(slot.move(), at: position)
        slot.initialize(to: Account(owner: .zero, rentEpoch: 0))
      })
    guard let outcome else { throw loadError ?? .outOfGas }
    if let failure { throw .state(failure) }
    frame.host.trace(
      processor.logLines + ["Program \(instruction.programID) used \(outcome.computeUnits) compute units"])
    // Whatever fails from here on takes the frame back.
    try frame.charge(outcome.computeUnits)
    if let error = outcome.error { throw .program(instruction.programID, error) }
    if let given {
      throw .refused("\(given) cannot be given to \(ProgramID.ethereum), which owns Ethereum's records alone")
    }
    journal.addGrowth(outcome.dataGrowth)
    journal.appendLogs(of: processor)
    let (program, data) = outcome.returnData
    journal.setReturnData(data.isEmpty ? .zero : program, data)
  }

  /// Who signs for a contract's call.
  struct Signers {
    var first: Pubkey?
    var second: Pubkey?

    init(_ first: Pubkey? = nil) { self.first = first }

    func contains(_ key: Pubkey) -> Bool { key == first || key == second }
  }

  /// What a contract may not ask of any program.
  private func check(_ instruction: Instruction, _ signers: Signers) throws(CrossCallError) {
    let program = instruction.programID
    if program == ProgramID.ethereum { throw .refused("Program \(program) cannot be called by a contract") }
    guard CrossProgramInvocation.mayCall(instruction) else {
      throw .refused("Program \(program) does not take this instruction from programs or contracts")
    }
    guard instruction.accounts.count < InstructionProcessor.maximumAccountCount else {
      throw .refused(
        "\(instruction.accounts.count) accounts are more than the \(InstructionProcessor.maximumAccountCount - 1) of a call"
      )
    }
    guard instruction.data.count <= CrossCallCosts.dataByteLimit else {
      throw .refused(
        "\(instruction.data.count) bytes are more than the \(CrossCallCosts.dataByteLimit) of an instruction's data"
      )
    }
    for meta in instruction.accounts {
      if meta.key == ProgramID.ethereum || meta.key == PlaceholderOperator.key {
        throw .refused("\(meta.key) cannot be an account of a contract's call")
      }
      if meta.isWritable && (ReservedKeys.contains(meta.key) || meta.key == Vault.key) {
        throw .refused("\(meta.key) is reserved and cannot be writable")
      }
      if meta.isSigner && !signers.contains(meta.key) {
        throw .refused("the contract cannot sign for \(meta.key)")
      }
    }
  }
}

/// The key that stands for the operator in Neon's helper libraries: never an account of a contract's call.
private enum PlaceholderOperator {
  static let key =
    Base58.decode("neonoperator1111111111111111111111111111111").flatMap { Pubkey($0) } ?? .zero
}

extension Hex {
  /// `0x` and eight digits.
  static func text(of selector: UInt32) -> String {
    "0x" + encode(withUnsafeBytes(of: selector.bigEndian) { Array($0) })
  }
}
