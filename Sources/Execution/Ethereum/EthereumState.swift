// Ethereum's state as the table of accounts holds it: what the EVM reads of it, and how it takes a transaction's
// changes. Used by one thread at a time, while no other worker runs.

import EVM
import Ledger
import Primitives
import Scheduling
import WideIntegers

package final class EthereumState: EVMAccountSource {
  package let table: AccountTable
  /// State before the first change in the block of every account written here since `takeFirstChanges`.
  @exclusivity(unchecked) private var noted: [AccountTable.FirstChange] = []
  /// The same, noted by workers.
  @exclusivity(unchecked) private var taken: [[AccountTable.FirstChange]] = []
  /// Slots by account; made when it is first needed, kept up to date from then on.
  private var slots: EVMSlotIndex?
  /// Slots that nobody reads any more; they go at the end of the block.
  private var wiped: [Pubkey] = []

  package init(_ table: AccountTable) { self.table = table }

  package func account(at key: Pubkey) throws(EVMStateError) -> Account? {
    let account = table[try intern(key)]
    return account.isVacant ? nil : account
  }

  package func read(
    _ key: Pubkey, _ body: (UnsafePointer<Account>) throws(EVMStateError) -> Void
  ) throws(EVMStateError) {
    let index = try intern(key)
    table.prefetchNotes(index)
    let account = table.account(at: index)
    if !account.pointee.isVacant { try body(account) }
  }

  func prefetchSlot(of address: Address) { table.prefetchSlot(tag: tag(of: address)) }
  func prefetchAccount(at address: Address) { table.prefetchAccount(tag: tag(of: address)) }
  func prefetchRecord(of address: Address) { table.prefetchData(tag: tag(of: address)) }

  private func tag(of address: Address) -> UInt32 {
    table.hasher.tag(of: AccountKey(EVMKey.account(address)))
  }

  func intern(_ key: Pubkey) throws(EVMStateError) -> AccountIndex {
    do throws(StoreError) { return try table.intern(key) } catch { throw .store(error) }
  }

  /// Makes room for what a run of transactions usually changes: sender, fee recipient, two slots.
  func reserve(transactionCount: Int) { noted.reserveCapacity(3 * transactionCount) }

  /// Makes a transaction's changes, which `reader` read, the state.
  package func apply(_ changes: EVMStateChanges, from reader: EVMLedgerState) throws(EVMStateError) {
    if slots == nil && changes.accounts.contains(where: { $0.account == nil && $0.incarnation > 0 }) {
      slots = try contents().index
    }
    try reader.forEachRecord(of: changes) { key, record throws(EVMStateError) in
      try publish(record, at: key)
    }
    if let gone = slots?.apply(changes) { wiped += gone }
  }

  /// Whether changes are to be followed in order (`noteWiping`).
  var followsSlots: Bool { slots != nil }

  /// Follows a transaction whose changes are in the table already: which slots nobody will read any more.
  func noteWiping(_ changes: EVMStateChanges) {
    if let gone = slots?.apply(changes) { wiped += gone }
  }

  /// The record at `index`, of an account or of none, with wei added to its balance.
  func record(at index: AccountIndex, adding amount: UInt256) throws(EVMStateError) -> Account {
    let record = table.account(at: index)
    var account = EVMAccount()
    if !record.pointee.isVacant {
      switch record.pointee.owner == ProgramID.ethereum ? EVMRecord.decodeAccount(record.pointee.data) : nil {
      case .account(let found): account = found
      case .gone(let incarnation): account.incarnation = incarnation
      case nil: throw .damagedRecord(key: table.shared.key(of: index))
      }
    }
    account.balance = account.balance &+ amount
    return EVMRecord.account(holding: EVMRecord.encode(account))
  }

  /// Adds wei to the account at `index`; no worker runs.
  func credit(_ amount: UInt256, at index: AccountIndex) throws(EVMStateError) {
    table.publish(try record(at: index, adding: amount), at: index, noting: &noted)
  }

  /// Takes over changes that a worker noted.
  func add(firstChanges changes: consuming [AccountTable.FirstChange]) {
    if !changes.isEmpty { taken.append(changes) }
  }

  /// Ends a block: storage that has lost its account goes.
  package func finishBlock() throws(EVMStateError) {
    for key in wiped { try publish(nil, at: key) }
    wiped = []
  }

  func publish(_ record: Account?, at key: Pubkey) throws(EVMStateError) {
    table.publish(record ?? .empty, at: try intern(key), noting: &noted)
  }

  /// What was noted of changes, in lists of any order.
  package var firstChanges: [[AccountTable.FirstChange]] { taken + [noted] }

  /// Hands that over and forgets it.
  package func takeFirstChanges() -> [[AccountTable.FirstChange]] {
    defer { (noted, taken) = ([], []) }
    return firstChanges
  }

  /// Forgets what it knows beyond the table, which was rolled back.
  package func invalidate() { (slots, noted, taken, wiped) = (nil, [], [], []) }

  /// All of Ethereum's state.
  package func contents() throws(EVMStateError) -> EVMLedgerContents {
    var contents = EVMLedgerContents(expectedCount: table.count)
    try table.forEachEVMAccount(
      { (key, account) throws(EVMStateError) in try contents.insert(key, account) }, orThrow: { .store($0) })
    return contents
  }

  /// Every account, in ascending order of addresses.
  package func allAccounts() throws(EVMStateError) -> [EthereumGenesis.Account] {
    let contents = try contents()
    var accounts: [EthereumGenesis.Account] = []
    for address in contents.addresses {
      guard let account = contents.accounts[address] else { continue }
      var entry = EthereumGenesis.Account(address: address)
      entry.balance = account.balance
      entry.nonce = account.nonce
      if account.codeHash != EVMAccount.emptyCodeHash {
        guard let code = try self.account(at: EVMKey.code(address, incarnation: account.incarnation)) else {
          throw .missingCode(address)
        }
        entry.code = code.data
      }
      entry.storage = contents.storage(of: address).map { .init(key: $0.slot, value: $0.value) }
      accounts.append(entry)
    }
    return accounts
  }
}

extension EthereumGenesis {
  /// The accounts as changes to an empty state.
  package var changes: [AccountChange] { alloc.changes }
}

extension [EthereumGenesis.Account] {
  /// The same.
  var changes: [AccountChange] {
    var changes: [AccountChange] = []
    func add(_ key: Pubkey, _ data: [UInt8], isCode: Bool = false) {
      changes.append(
        AccountChange(key: key, old: nil, new: EVMRecord.account(holding: data, isCode: isCode)))
    }
    for entry in self {
      let account = EVMAccount(
        balance: entry.balance, nonce: entry.nonce, codeHash: Keccak256.hash(entry.code), incarnation: 0,
        hasOrphanStorage: entry.nonce == 0 && entry.code.isEmpty && !entry.storage.isEmpty)
      add(EVMKey.account(entry.address), EVMRecord.encode(account))
      if !entry.code.isEmpty { add(EVMKey.code(entry.address, incarnation: 0), entry.code, isCode: true) }
      for slot in entry.storage {
        let record = EVMRecord.Slot(
          address: entry.address, incarnation: 0, slot: slot.key, value: slot.value)
        add(EVMKey.slot(entry.address, incarnation: 0, slot: slot.key), EVMRecord.encode(record))
      }
    }
    return changes
  }
}
