// From changed accounts of a ledger to changed leaves of Ethereum's tries. An account that was destroyed in the block has
// another incarnation behind it, or none: its storage begins anew, and the slots of the one before, which the ledger
// removes in the same block, are none of the new one's.

import Ledger
import Primitives
import WideIntegers

extension StateTries.Change {
  /// What of a block's changes is Ethereum's, by ascending addresses.
  package static func gather(_ changes: [AccountChange]) throws(EVMStateError) -> [StateTries.Change] {
    var gathered = Gathered()
    for change in changes where EVMKey.contains(change.key) { try gathered.add(change) }
    return gathered.all
  }

  /// The accounts that a state begins with.
  package static func gather(_ alloc: [EthereumGenesis.Account]) -> [StateTries.Change] {
    alloc.map { entry in
      var change = StateTries.Change(address: entry.address)
      change.leaf = .account(
        EVMAccount(balance: entry.balance, nonce: entry.nonce, codeHash: Keccak256.hash(entry.code)))
      change.slots = entry.storage.map { (slot: $0.key, value: $0.value) }
      return change
    }
  }

  private struct Gathered {
    private var changes: [Address: StateTries.Change] = [:]
    /// Of accounts whose storage begins anew.
    private var incarnations: [Address: UInt64] = [:]
    private var slots: [(record: EVMRecord.Slot, isGone: Bool)] = []

    mutating func add(_ change: AccountChange) throws(EVMStateError) {
      switch EVMKey.kind(of: change.key) {
      case .account(let address): try add(change, of: address)
      case .slot:
        guard let record = (change.new ?? change.old).flatMap({ EVMRecord.decodeSlot($0.data) }) else {
          throw .damagedRecord(key: change.key)
        }
        slots.append((record, change.new == nil))
      case .code, nil: break
      }
    }

    private mutating func add(_ change: AccountChange, of address: Address) throws(EVMStateError) {
      var entry = StateTries.Change(address: address)
      let (old, new) = (try state(change.old, change.key), try state(change.new, change.key))
      if case .account(let account)? = new { entry.leaf = .account(account) } else { entry.leaf = .gone }
      let isDestroyed = if case .gone = entry.leaf { true } else { false }
      if isDestroyed || Self.incarnation(old) != Self.incarnation(new) {
        entry.resetsStorage = true
        incarnations[address] = isDestroyed ? .max : Self.incarnation(new)
      }
      changes[address] = entry
    }

    private func state(_ account: Account?, _ key: Pubkey) throws(EVMStateError) -> EVMRecord.AccountState? {
      guard let account else { return nil }
      guard let state = EVMRecord.decodeAccount(account.data) else { throw .damagedRecord(key: key) }
      return state
    }

    private static func incarnation(_ state: EVMRecord.AccountState?) -> UInt64 {
      switch state {
      case .account(let account): account.incarnation
      case .gone(let incarnation): incarnation
      case nil: 0
      }
    }

    var all: [StateTries.Change] {
      var changes = changes
      for (record, isGone) in slots {
        // Of a storage that is gone.
        if let incarnation = incarnations[record.address], incarnation != record.incarnation { continue }
        changes[record.address, default: StateTries.Change(address: record.address)].slots
          .append((slot: record.slot, value: isGone ? .zero : record.value))
      }
      return changes.values.sorted { $0.address < $1.address }
    }
  }
}
