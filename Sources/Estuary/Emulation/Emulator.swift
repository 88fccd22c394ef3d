// What an Ethereum transaction or a call would do if it came next, found by executing it in the block that would come
// next, on the committed accounts, and keeping nothing. Executing is the processor's, so what a transaction does here is
// what it does in a block: status, gas, output, logs, and the accounts and slots that it uses.
//
// Always ends: gas bounds what code can do, and `gasCap` bounds the gas, whatever a ledger's block allows.

import EVM
import Execution
import Ledger
import Primitives
import SBPF
import WideIntegers

/// What came of an execution that nobody keeps.
package struct Emulation: Sendable {
  package let receipt: EVMReceipt
  package let changes: EVMStateChanges
  /// What a block's execution with these accounts and slots at hand needs no more than; precompiles and the fee
  /// recipient's credit left out.
  package let accesses: EVMAccesses
  /// The accounts of programs that contracts used.
  package var programAccesses: [AccessSet.Entry<Pubkey>] = []
  /// Those that they changed; `nil`: it is gone.
  package var programChanges: [(key: Pubkey, account: Account?)] = []
  /// What the programs logged.
  package var programLogs: [String] = []

  /// Gas that must be there while it runs: what refunds take off is spent before.
  package var gasSpent: UInt64 { receipt.gasUsed &+ receipt.gasRefund }

  /// `accesses` as the set that binds an entry of a block.
  package var accessSet: AccessSet {
    programAccesses.isEmpty
      ? AccessSet(accesses) : AccessSet(accesses).union(AccessSet(solana: programAccesses))
  }
}

extension AccessSet {
  package init(_ used: EVMAccesses) {
    self.init(
      accounts: used.accounts.map { .init($0.address, isWritable: $0.isWritten) },
      slots: used.slots.map { .init(.init($0.address, $0.slot), isWritable: $0.isWritten) })
  }
}

/// Why there is nothing to tell of a transaction.
package enum EmulationError: Error, Sendable {
  /// A block may not hold it; it would have no effect.
  case refused(TransactionValidityError)
  /// More gas than the emulator takes.
  case gasAboveCap(gasLimit: UInt64, cap: UInt64)
  case state(EVMStateError)
}

/// Used by one thread at a time.
package final class Emulator {
  /// More gas than any chain's block has; endless code spends it in seconds.
  package static let gasCap: UInt64 = 1 << 27

  /// Of the block that would come next, or of the one that `begin(_:overriding:)` named.
  package private(set) var block: BlockEnvironment
  private let state: EmulatedState
  private let reach: EmulatedPrograms?
  private let machine: EmulationMachine
  /// Where it came from, and goes back to.
  private let machines: EmulationMachines?

  private var host: EVMHost { machine.host }
  private var thread: EVMThread { machine.thread }

  /// - Parameters:
  ///   - base: the state; it may not change while the emulator lives.
  ///   - isBegun: whether `base` has what the block does before its first transaction.
  ///   - reach: what contracts may call of programs; `nil`: nothing.
  ///   - tracer: told of every opcode; code runs slower then.
  package convenience init(
    over base: any EVMStateReader, in block: BlockEnvironment, isBegun: Bool = false,
    programs: EVMProgramCache, reaching reach: EmulatedPrograms? = nil, engine: Engine = .fastest,
    tracer: EVMTracer? = nil
  ) throws(ChainError) {
    let machine = try EmulationMachine(programs: programs, engine: engine, isTraced: tracer != nil)
    try self.init(machine, over: base, in: block, isBegun: isBegun, reaching: reach, tracer: tracer)
  }

  /// As above, without a tracer, on a machine of those that are kept.
  convenience init(
    over base: any EVMStateReader, in block: BlockEnvironment, isBegun: Bool, on machines: EmulationMachines,
    reaching reach: EmulatedPrograms?
  ) throws(ChainError) {
    try self.init(
      try machines.take(), of: machines, over: base, in: block, isBegun: isBegun, reaching: reach, tracer: nil
    )
  }

  private init(
    _ machine: EmulationMachine, of machines: EmulationMachines? = nil, over base: any EVMStateReader,
    in block: BlockEnvironment, isBegun: Bool, reaching reach: EmulatedPrograms?, tracer: EVMTracer?
  ) throws(ChainError) {
    (self.block, self.reach, self.machine, self.machines) = (block, reach, machine, machines)
    state = EmulatedState(over: base)
    host.border = reach?.session
    if !isBegun { do throws(EVMStateError) { try begin() } catch { throw ChainError(error) } }
    host.tracer = tracer
  }

  deinit { machines?.giveBack(machine) }

  /// False for transactions of stored blocks, which have been executed once.
  var capsGas = true

  /// Who is told of opcodes from now on; of no effect unless the emulator was made with one.
  var tracer: EVMTracer? {
    get { host.tracer }
    set { host.tracer = newValue }
  }

  /// What the block does before its first transaction.
  private func begin() throws(EVMStateError) {
    try thread.run { () throws(EVMStateError) in
      try EVMBlockProcessor(host: host).begin(block, reader: state) { state.apply($0) }
    }
  }

  // MARK: Blocks one behind the other

  /// Goes on to a block behind what was executed so far: what differs from the state then, and what the block does before its
  /// first transaction.
  package func begin(
    _ next: BlockEnvironment, overriding overrides: [Address: AccountOverride] = [:]
  ) throws(ChainError) {
    block = next
    let tracer = host.tracer
    defer { host.tracer = tracer }
    host.tracer = nil
    do throws(EVMStateError) {
      try apply(overrides)
      try begin()
    } catch { throw ChainError(error) }
  }

  /// What the block does after its last transaction: before the merge its coinbase is rewarded.
  ///
  /// - Returns: its requests, type byte first, empty ones and deposits left out.
  package func endBlock(withdrawals: [EVMWithdrawal] = []) throws(ChainError) -> [[UInt8]] {
    let tracer = host.tracer
    defer { host.tracer = tracer }
    host.tracer = nil
    let outcome: Result<[[UInt8]], EVMBlockError> = thread.run {
      Result { () throws(EVMBlockError) in
        let processor = EVMBlockProcessor(host: host)
        if block.fork < .paris {
          do throws(EVMStateError) { state.apply(try processor.reward(ommers: [], block, state)) } catch {
            throw .state(error)
          }
        }
        return try processor.end(block, withdrawals: withdrawals, reader: state) {
          state.apply($0)
        }
      }
    }
    do throws(EVMBlockError) { return try outcome.get() } catch {
      if case .state(let error) = error { throw ChainError(error) }
      throw .systemCall(detail: error.description)
    }
  }

  /// Moves tries on by what changed since they were moved last.
  ///
  /// - Returns: their root.
  package func moveTries(_ tries: inout StateTries) throws(ChainError) -> Hash {
    let changes: [StateTries.Change]
    do throws(EVMStateError) { changes = try state.takeChanges() } catch { throw ChainError(error) }
    do throws(TrieError) { _ = try tries.apply(changes) } catch {
      throw .ethereum(detail: error.description)
    }
    return tries.root
  }

  /// Executes `transaction`, which needs no signature.
  ///
  /// - Parameters:
  ///   - checks: `none` for a call, whose sender pays nothing and may be anybody.
  ///   - other: what it sees in place of the emulator's block.
  package func run(
    _ transaction: EthereumTransaction, from sender: Address, checks: EVMTransactionProcessor.Checks,
    in other: BlockEnvironment? = nil
  ) throws(EmulationError) -> Emulation {
    let block = other ?? block
    guard !capsGas || transaction.gasLimit <= Self.gasCap else {
      throw .gasAboveCap(gasLimit: transaction.gasLimit, cap: Self.gasCap)
    }
    let result: Result<Emulation, EmulationError> = thread.run {
      do throws(EVMStateError) {
        if let reach { reach.session.begin(reading: reach, gasLimit: transaction.gasLimit) }
        let outcome = try EVMTransactionProcessor(host: host).process(
          transaction, sender: sender, in: block, reader: state, checks: checks)
        switch outcome {
        case .refused(let error): return .failure(.refused(error))
        case .executed(let receipt, let changes):
          var emulation = Emulation(receipt: receipt, changes: changes, accesses: host.accesses)
          if let reach {
            emulation.programAccesses = reach.session.accesses
            emulation.programChanges = try reach.changes
            emulation.programLogs = reach.session.takeLogs().lines
          }
          return .success(emulation)
        }
      } catch {
        return .failure(.state(error))
      }
    }
    return try result.get()
  }

  /// Makes what an emulation changed the state that later ones see; the ledger stays as it is.
  package func apply(_ emulation: Emulation) {
    state.apply(emulation.changes)
    reach?.apply(emulation.programChanges)
  }

  /// Makes other accounts than the ledger's what later ones see.
  func apply(_ overrides: [Address: AccountOverride]) throws(EVMStateError) {
    for (address, override) in overrides { try state.apply(override, to: address) }
    // A precompile whose account is overridden is gone, or elsewhere.
    var moves: [Address: Address?] = [:]
    for (address, override) in overrides where Precompile.isActive(address, fork: block.fork) {
      moves[address] = .some(nil)
      if let target = override.movedPrecompile { moves[target] = .some(address) }
    }
    host.movePrecompiles(moves, fork: block.fork)
  }

  package func account(_ address: Address) throws(EmulationError) -> EVMAccount? {
    do throws(EVMStateError) { return try state.account(address) } catch { throw .state(error) }
  }

  /// The code of an account that is as `account` says.
  package func code(of account: EVMAccount, at address: Address) throws(EmulationError) -> [UInt8] {
    if account.codeHash == EVMAccount.emptyCodeHash { return [] }
    do throws(EVMStateError) { return try state.code(address, account).array } catch { throw .state(error) }
  }

  package func storage(
    of account: EVMAccount, at address: Address, slot: UInt256
  ) throws(EmulationError) -> UInt256 {
    do throws(EVMStateError) {
      return try state.storage(address, incarnation: account.incarnation, slot: slot)
    } catch { throw .state(error) }
  }

  /// Gas that a transaction may have at most here.
  package var gasLimit: UInt64 {
    let limit = min(block.gasLimit, Self.gasCap)
    return block.fork >= .osaka ? min(limit, TransactionLimits.gas) : limit
  }
}

/// What transactions and overrides changed, over a state that stays as it is.
private final class EmulatedState: EVMStateReader {
  private struct Slot: Hashable {
    let address: Address
    let incarnation: UInt64
    let slot: UInt256
  }

  private let base: any EVMStateReader
  private var accounts: [Address: (account: EVMAccount?, incarnation: UInt64)] = [:]
  private var codes: [Hash: EVMCode] = [:]
  private var slots: [Slot: UInt256] = [:]
  /// Of accounts that changed since `takeChanges`: the incarnation before.
  private var changed: [Address: UInt64] = [:]
  private var changedSlots: Set<Slot> = []

  init(over base: any EVMStateReader) { self.base = base }

  /// What changed since this was called last, by ascending addresses.
  func takeChanges() throws(EVMStateError) -> [StateTries.Change] {
    var changes: [Address: StateTries.Change] = [:]
    for (address, incarnation) in changed {
      var change = StateTries.Change(address: address)
      if let account = try account(address) {
        change.leaf = .account(account)
        change.resetsStorage = account.incarnation != incarnation
      } else {
        (change.leaf, change.resetsStorage) = (.gone, true)
      }
      changes[address] = change
    }
    for slot in changedSlots {
      guard let account = try account(slot.address), account.incarnation == slot.incarnation else { continue }
      changes[slot.address, default: StateTries.Change(address: slot.address)].slots
        .append((slot: slot.slot, value: slots[slot] ?? .zero))
    }
    (changed, changedSlots) = ([:], [])
    return changes.values.sorted { $0.address < $1.address }
  }

  private func note(_ address: Address) {
    if changed[address] == nil { changed[address] = (try? incarnation(of: address)) ?? 0 }
  }

  func account(_ address: Address) throws(EVMStateError) -> EVMAccount? {
    if let change = accounts[address] { return change.account }
    return try base.account(address)
  }

  func incarnation(of address: Address) throws(EVMStateError) -> UInt64 {
    if let change = accounts[address] { return change.incarnation }
    return try base.incarnation(of: address)
  }

  func storage(
    _ address: Address, incarnation: UInt64, slot: UInt256
  ) throws(EVMStateError) -> UInt256 {
    if let value = slots[Slot(address: address, incarnation: incarnation, slot: slot)] { return value }
    return try base.storage(address, incarnation: incarnation, slot: slot)
  }

  func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    if let code = codes[account.codeHash] { return code }
    return try base.code(address, account)
  }

  func apply(_ changes: EVMStateChanges) {
    for change in changes.accounts {
      note(change.address)
      accounts[change.address] = (change.account, change.incarnation)
      if let code = change.code { codes[code.hash] = code }
    }
    for change in changes.slots {
      let slot = Slot(address: change.address, incarnation: change.incarnation, slot: change.slot)
      slots[slot] = change.value
      changedSlots.insert(slot)
    }
  }

  func apply(_ override: AccountOverride, to address: Address) throws(EVMStateError) {
    note(address)
    let known = try self.account(address)
    let incarnation = try incarnation(of: address)
    var account = known ?? EVMAccount(incarnation: incarnation)
    account.balance = override.balance ?? account.balance
    account.nonce = override.nonce ?? account.nonce
    if let bytes = override.code {
      let code = EVMCode(bytes)
      (account.codeHash, codes[code.hash]) = (code.hash, code)
    }
    if override.replacesStorage {
      // Slots of another incarnation are not found, and neither would be its code.
      if override.code == nil, account.codeHash != EVMAccount.emptyCodeHash {
        codes[account.codeHash] = try code(address, account)
      }
      account.incarnation += 1
      account.hasOrphanStorage = false
    }
    for (slot, value) in override.slots {
      let slot = Slot(address: address, incarnation: account.incarnation, slot: slot)
      slots[slot] = value
      changedSlots.insert(slot)
    }
    accounts[address] = (account, account.incarnation)
  }
}

extension EmulationError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .refused(let error): error.description
    case .gasAboveCap(let limit, let cap): "a gas limit of \(limit) is more than is tried out, \(cap)"
    case .state(let error): "Ethereum's state is unusable: \(error)"
    }
  }
}
