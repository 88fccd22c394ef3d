// One worker's view of Ethereum's state in a wave: the table of accounts, whose entries it claims before it looks at them.
// What it cannot claim ends the transaction with an error that means nothing but that its turn comes later.

import EVM
import Ledger
import Primitives
import Scheduling
import WideIntegers

/// A table as one worker may see it in a wave. Used by one thread at a time.
class WaveView {
  let owner: AccountTable
  /// `owner` in the wave.
  @exclusivity(unchecked) private(set) final var table: WaveTable
  @exclusivity(unchecked) final var claimant: Claimant
  /// Earlier transactions of the worker in the wave that changed what the running one reads: their positions.
  @exclusivity(unchecked) fileprivate(set) final var sources: [UInt32] = []
  /// The first transaction that keeps the running one from being settled here; `nil` where none does.
  @exclusivity(unchecked) private(set) final var conflict: Conflict?
  @exclusivity(unchecked) final var growth = AccountTable.Growth()
  /// Of all waves of the block: lists that each wave began anew would lie in memory that nobody has touched yet.
  @exclusivity(unchecked) private final var firstChanges: [AccountTable.FirstChange] = []
  private final let expectedChangeCount: Int
  @exclusivity(unchecked) private(set) final var changes = AccountTable.WaveChanges()

  struct Conflict {
    let key: Pubkey
    /// In the wave; not below the transaction's own where there is no other.
    let first: UInt32
  }

  /// - Parameter changeCount: accounts that may change in the block, for which room is made with the first of them.
  init(_ table: AccountTable, worker: WorkerIndex, changeCount: Int) {
    owner = table
    self.table = table.shared
    expectedChangeCount = changeCount
    claimant = Claimant(wave: 0, worker: worker.rawValue)
  }

  final func beginWave() {
    table = owner.shared
    claimant.wave = table.wave
    changes.removeAll()
  }

  /// What the accounts that it changed were before the block, if nobody had changed them.
  final func takeFirstChanges() -> [AccountTable.FirstChange] {
    defer { firstChanges = [] }
    return firstChanges
  }

  final func begin(at position: UInt32) {
    claimant.position = position
    sources.removeAll(keepingCapacity: true)
    conflict = nil
  }

  @inline(__always) final func index(of key: Pubkey) throws(EVMStateError) -> AccountIndex {
    let tag = table.tag(of: key)
    return if let known = table.index(of: key, tag: tag) { known } else { try add(key, tag: tag) }
  }

  @inline(never) private final func add(_ key: Pubkey, tag: UInt32) throws(EVMStateError) -> AccountIndex {
    let index: AccountIndex?
    do throws(StoreError) { index = try owner.addShared(key, tag: tag, noting: &growth) } catch {
      throw .store(error)
    }
    guard let index else { throw fail(key, claimant.position) }
    return index
  }

  /// - Returns: what ends the transaction.
  final func fail(_ key: Pubkey, _ first: UInt32) -> EVMStateError {
    if conflict == nil { conflict = Conflict(key: key, first: first) }
    return .claimed(key: key)
  }

  fileprivate final func claim<Value>(
    _ key: Pubkey, _ body: () throws(ClaimConflict) -> Value
  ) throws(EVMStateError) -> Value {
    do throws(ClaimConflict) { return try body() } catch { throw fail(key, error.first) }
  }

  /// Claims the account under `key`, at `index`, for reading.
  @inline(__always) final func claimRead(_ key: Pubkey, at index: AccountIndex) throws(EVMStateError) {
    let lastWrite = try claim(key) { () throws(ClaimConflict) in try table.claimRead(index, claimant) }
    if lastWrite > 0 { sources.append(lastWrite - 1) }
  }

  /// Makes `record` the account under `key`.
  ///
  /// - Returns: its index.
  @discardableResult
  final func write(_ key: Pubkey, _ record: Account?) throws(EVMStateError) -> AccountIndex {
    let index = try index(of: key)
    try claim(key) { () throws(ClaimConflict) in try table.claimWrite(index, claimant) }
    publish(record, at: index)
    return index
  }

  /// - Parameter index: claimed for changing it.
  fileprivate final func publish(_ record: Account?, at index: AccountIndex) {
    if firstChanges.isEmpty { firstChanges.reserveCapacity(expectedChangeCount) }
    table.publish(
      record ?? .empty, at: index, position: claimant.position, noting: &firstChanges, &changes)
  }

  /// Takes back what transactions from `position` on have changed; no worker runs.
  final func rollBack(from position: UInt32) { owner.rollBack(changes, from: position, firstChanges) }
}

/// Ethereum's accounts as one worker may see them in a wave.
final class WaveSource: WaveView, EVMAccountSource {
  let state: EthereumState
  /// What was read last.
  @exclusivity(unchecked) private(set) var lastIndex = AccountIndex(0)

  init(_ state: EthereumState, worker: WorkerIndex, changeCount: Int) {
    self.state = state
    super.init(state.table, worker: worker, changeCount: changeCount)
  }

  // MARK: Ahead

  private func tag(of address: Address) -> UInt32 {
    table.tag(of: EVMKey.account(address))
  }

  func prefetchSlot(of address: Address) { table.prefetchSlot(tag: tag(of: address)) }
  func prefetchAccount(of address: Address) { table.prefetchAccount(tag: tag(of: address)) }

  /// Asks for the record of the account at `address`, which the transaction at `position` of the wave will read, and
  /// claims it for that.
  func prefetchRecord(of address: Address, at position: UInt32) {
    var claimant = claimant
    claimant.position = position
    table.prefetch(EVMKey.account(address), claimant)
  }

  // MARK: Reading

  func account(at key: Pubkey) throws(EVMStateError) -> Account? {
    var found: Account?
    try read(key) { found = $0.pointee }
    return found
  }

  func read(
    _ key: Pubkey, _ body: (UnsafePointer<Account>) throws(EVMStateError) -> Void
  ) throws(EVMStateError) {
    let index = try index(of: key)
    try claimRead(key, at: index)
    lastIndex = index
    let account = table.account(at: index)
    if !account.pointee.isVacant { try body(account) }
  }

  /// As above, of an account to which the worker may have added without owning it: where nobody else has touched it, it
  /// has what was added.
  func readWithCredits(
    _ key: Pubkey, _ pending: inout [WaveCredit]
  ) throws(EVMStateError) {
    let index = try index(of: key)
    guard table.claimOwnCredits(index, claimant) else { return }
    for place in pending.indices where pending[place].index == index && pending[place].adder == nil {
      try add(pending[place].amount, at: index)
      pending[place].adder = claimant.position
    }
  }

  // MARK: Writing

  /// Claims the balance at `index`, which has been read.
  func claimBalance(_ index: AccountIndex) throws(EVMStateError) {
    do throws(ClaimConflict) { try table.claimBalance(index, claimant) } catch {
      throw fail(table.key(of: index), error.first)
    }
  }

  /// Adds to the balance of the account at `index`, which has been read.
  ///
  /// - Parameters:
  ///   - isOwned: whether it is better taken than shared, as nobody else of the wave is thought to touch it.
  ///   - isAlive: whether there is an account that is not empty, so that to receive something changes nothing but
  ///   its balance.
  /// - Returns: `false` where it is to be added when the wave ends.
  func credit(
    _ amount: UInt256, at index: AccountIndex, isAlive: Bool, isOwned: Bool
  ) throws(EVMStateError) -> Bool {
    do throws(ClaimConflict) {
      if isAlive && !(isOwned && table.mayOwn(index, claimant)) {
        if try !table.claimCredit(index, claimant) { return false }
      } else {
        try table.claimWrite(index, claimant)
      }
    } catch {
      throw fail(table.key(of: index), error.first)
    }
    try add(amount, at: index)
    return true
  }

  /// - Parameter index: claimed for changing it.
  private func add(_ amount: UInt256, at index: AccountIndex) throws(EVMStateError) {
    publish(try state.record(at: index, adding: amount), at: index)
  }
}

/// Wei that an account gets when the wave ends.
struct WaveCredit {
  /// Of the transaction, in the wave.
  let position: UInt32
  let index: AccountIndex
  var amount: UInt256
  /// A later transaction of the same worker that has added it.
  var adder: UInt32?

  /// Whether it is still to be added when only transactions before `end` stand.
  func isPending(_ end: UInt32) -> Bool { position < end && adder.map { $0 >= end } ?? true }
}

/// Used by one thread at a time.
final class WaveReader: EVMStateReader {
  /// An account that was asked for.
  struct Load {
    let address: Address
    let index: AccountIndex
    let isThere: Bool
    /// Whether there is one that is not empty.
    let isAlive: Bool
  }

  let source: WaveSource
  let records: EVMLedgerState
  /// In the order in which the journal asks.
  @exclusivity(unchecked) private(set) var loads: [Load] = []
  /// Whose balance is sure to be used.
  @exclusivity(unchecked) private var sender = Address.zero
  /// What the transaction pays, if that is better taken than shared.
  @exclusivity(unchecked) private var ownTarget: Address?
  @exclusivity(unchecked) var credits: [WaveCredit] = []
  /// Whether nobody else runs, so that an account is worth owning as soon as it is touched.
  private let isAlone: Bool

  /// - Parameter transactionCount: about as many as the worker will run.
  init(
    _ state: EthereumState, programs: EVMProgramCache, worker: WorkerIndex, isAlone: Bool, transactionCount: Int
  ) {
    source = WaveSource(state, worker: worker, changeCount: 3 * transactionCount)
    records = EVMLedgerState(source: source, programs: programs)
    self.isAlone = isAlone
  }

  func beginWave() {
    source.beginWave()
    credits.removeAll(keepingCapacity: true)
  }

  /// - Parameter ownTarget: what it pays, if nobody else of the wave is thought to touch that.
  func begin(at position: UInt32, sender: Address, ownTarget: Address?) {
    source.begin(at: position)
    loads.removeAll(keepingCapacity: true)
    (self.sender, self.ownTarget) = (sender, ownTarget)
  }

  var takesCredits: Bool { true }

  func account(_ address: Address) throws(EVMStateError) -> EVMAccount? {
    if !credits.isEmpty && (isAlone || address == sender) {
      try source.readWithCredits(EVMKey.account(address), &credits)
    }
    let account = try records.account(address)
    loads.append(
      Load(
        address: address, index: source.lastIndex, isThere: account != nil,
        isAlive: account.map { !$0.isEmpty } ?? false))
    return account
  }

  func incarnation(of address: Address) throws(EVMStateError) -> UInt64 {
    try records.incarnation(of: address)
  }

  func storage(
    _ address: Address, incarnation: UInt64, slot: UInt256
  ) throws(EVMStateError) -> UInt256 {
    try records.storage(address, incarnation: incarnation, slot: slot)
  }

  func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    try records.code(address, account)
  }

  /// Claims what the transaction that `host` has run used of balances.
  ///
  /// - Parameters:
  ///   - coinbase: the fee recipient's account, whose rewards are still to come.
  ///   - touchCreates: whether an account that is not there is made by touching it.
  func claimUses(of host: EVMHost, coinbase: AccountIndex, touchCreates: Bool) throws(EVMStateError) {
    // A transaction that is refused for itself alone has begun nothing.
    if loads.isEmpty { return }
    var failure: EVMStateError?
    host.forEachRead { number, uses in
      guard failure == nil else { return }
      let load = loads[number]
      do throws(EVMStateError) {
        if uses.contains(.balance) { try source.claimBalance(load.index) }
        // A reward makes an account of none. To touch one that is not there changes nothing, whoever has made it by then.
        let touches = uses.contains(.touched) && (load.isThere || touchCreates)
        if load.index == coinbase, !load.isAlive, touches || uses.contains(.wholeAccount) {
          throw source.fail(EVMKey.account(load.address), UInt32(Claim.positionLimit))
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// Makes a transaction's changes the state, as far as nobody else uses what it changed.
  func publish(_ changes: EVMStateChanges) throws(EVMStateError) {
    // Which slots that leaves to nobody is found out in block order.
    if !source.state.followsSlots, let end = changes.accounts.first(where: { $0.account == nil && $0.incarnation > 0 }) {
      throw source.fail(EVMKey.account(end.address), source.claimant.position)
    }
    try records.forEachRecord(of: changes) { key, record throws(EVMStateError) in
      try source.write(key, record)
    }
    for credit in changes.credits {
      guard let load = loads.first(where: { $0.address == credit.address }) else {
        preconditionFailure("an account that was paid has been read")
      }
      let isOwned = ownTarget == credit.address
      if try !source.credit(credit.amount, at: load.index, isAlive: load.isAlive, isOwned: isOwned) {
        credits.append(
          WaveCredit(position: source.claimant.position, index: load.index, amount: credit.amount))
      }
    }
  }

  /// Adds what transactions before `end` of the wave have credited; no worker runs.
  func settleCredits(upTo end: UInt32) throws(EVMStateError) {
    var sum: WaveCredit?
    for credit in credits where credit.isPending(end) {
      if let known = sum, known.index == credit.index {
        sum?.amount = known.amount &+ credit.amount
      } else {
        if let sum { try source.state.credit(sum.amount, at: sum.index) }
        sum = credit
      }
    }
    if let sum { try source.state.credit(sum.amount, at: sum.index) }
  }
}
