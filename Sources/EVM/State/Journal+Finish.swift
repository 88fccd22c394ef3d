// The end of a transaction: which accounts go, and what differs from before. The order of the changes is that in
// which execution met the accounts and slots, the same on every machine.

import Primitives
import WideIntegers

extension Journal {
  /// Deletes what self-destructed and, from Spurious Dragon on, the empty accounts that were touched (EIP-161).
  mutating func finish(fork: Fork) throws(EVMStateError) -> EVMStateChanges {
    var changes = EVMStateChanges()
    var incarnations: [UInt64] = []
    var isAlive: [Bool] = []
    var hasStorage = [Bool](repeating: false, count: accounts.count)
    for position in 0..<slots.count where !slots.base[position].value.isZero {
      hasStorage[Int(slots.base[position].account)] = true
    }
    for position in 0..<accounts.count {
      let entry = accounts.base[position]
      let isGone = isDeleted(entry, fork: fork) || !entry.flags.contains(.exists)
      var incarnation = entry.incarnation
      if !entry.originallyExisted && !isGone { incarnation = try reader.incarnation(of: entry.address) }
      incarnations.append(incarnation)
      isAlive.append(!isGone)
      if isGone {
        guard entry.originallyExisted else { continue }
        // An account may have storage though it has no code: a creation that returned none has a nonce.
        let hadStorage =
          entry.originalCodeHash != EVMAccount.emptyCodeHash || entry.originalNonce > 0
          || entry.flags.contains(.orphanStorage)
        changes.accounts.append(
          .init(
            address: entry.address, account: nil,
            code: entry.originalCodeHash != EVMAccount.emptyCodeHash ? .empty : nil,
            incarnation: hadStorage ? incarnation &+ 1 : incarnation))
      } else if let account = changed(entry, incarnation: incarnation, hasStorage: hasStorage[position]) {
        let code = entry.codeHash != entry.originalCodeHash ? entry.code?.takeUnretainedValue() : nil
        changes.accounts.append(
          .init(address: entry.address, account: account, code: code, incarnation: incarnation))
      }
    }
    for position in 0..<slots.count {
      let slot = slots.base[position]
      let owner = Int(slot.account)
      guard isAlive[owner], slot.value != slot.original else { continue }
      changes.slots.append(
        .init(
          address: accounts.base[owner].address, incarnation: incarnations[owner], slot: slot.key,
          value: slot.value))
    }
    return changes
  }

  private func isDeleted(_ entry: JournalAccount, fork: Fork) -> Bool {
    if entry.flags.contains(.destroyed) { return true }
    guard fork >= .spuriousDragon, entry.flags.contains(.exists), entry.isEmpty else { return false }
    return entry.flags.contains(.touched) || (touchedRipemd && entry.address == Address(3))
  }

  /// The account as it is now, where that differs from before.
  private func changed(_ entry: JournalAccount, incarnation: UInt64, hasStorage: Bool) -> EVMAccount? {
    var account = entry.account
    account.incarnation = incarnation
    account.hasOrphanStorage =
      entry.nonce == 0 && !entry.hasCode && (hasStorage || entry.flags.contains(.orphanStorage))
    let isChanged =
      !entry.originallyExisted || entry.balance != entry.originalBalance
      || entry.nonce != entry.originalNonce || entry.codeHash != entry.originalCodeHash
      || account.hasOrphanStorage != entry.flags.contains(.orphanStorage)
    return isChanged ? account : nil
  }
}
