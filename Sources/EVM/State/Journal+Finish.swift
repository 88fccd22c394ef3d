// The end of a transaction: which accounts go, and what differs from before. The order of the changes is that in
// which execution met the accounts and slots, the same on every machine.

import Primitives
import WideIntegers

extension Journal {
  /// Deletes what self-destructed and, from Spurious Dragon on, the empty accounts that were touched (EIP-161).
  mutating func finish(fork: Fork) throws(EVMStateError) -> EVMStateChanges {
    var changes = EVMStateChanges(accountCapacity: accounts.count, slotCapacity: slots.count)
    for position in 0..<slots.count where !slots.base[position].value.isZero {
      accounts.base[Int(slots.base[position].account)].flags.insert(.hasStorage)
    }
    for position in 0..<accounts.count {
      let entry = accounts.base + position
      if isDeleted(entry.pointee, fork: fork) || !entry.pointee.flags.contains(.exists) {
        entry.pointee.flags.insert(.isGone)
        if entry.pointee.originallyExisted { changes.accounts.append(end(of: entry.pointee)) }
        continue
      }
      if !entry.pointee.originallyExisted {
        entry.pointee.incarnation = try reader.incarnation(of: entry.pointee.address)
      }
      guard let account = changed(entry.pointee) else { continue }
      let isNewCode = entry.pointee.codeHash != entry.pointee.originalCodeHash
      changes.accounts.append(
        .init(
          address: entry.pointee.address, account: account,
          code: isNewCode ? entry.pointee.code?.takeUnretainedValue() : nil,
          incarnation: entry.pointee.incarnation))
    }
    for position in 0..<slots.count {
      let slot = slots.base + position
      let owner = accounts.base + Int(slot.pointee.account)
      if slot.pointee.value == slot.pointee.original || owner.pointee.flags.contains(.isGone) { continue }
      changes.slots.append(
        .init(
          address: owner.pointee.address, incarnation: owner.pointee.incarnation, slot: slot.pointee.key,
          value: slot.pointee.value))
    }
    return changes
  }

  /// An account that was there and is no more.
  private func end(of entry: JournalAccount) -> EVMStateChanges.AccountChange {
    let hadCode = entry.originalCodeHash != EVMAccount.emptyCodeHash
    // An account may have storage though it has no code: a creation that returned none has a nonce.
    let hadStorage = hadCode || entry.originalNonce > 0 || entry.flags.contains(.orphanStorage)
    return EVMStateChanges.AccountChange(
      address: entry.address, account: nil, code: hadCode ? .empty : nil,
      incarnation: hadStorage ? entry.incarnation &+ 1 : entry.incarnation)
  }

  private func isDeleted(_ entry: JournalAccount, fork: Fork) -> Bool {
    if entry.flags.contains(.destroyed) { return true }
    guard fork >= .spuriousDragon, entry.flags.contains(.exists), entry.isEmpty else { return false }
    return entry.flags.contains(.touched) || (touchedRipemd && entry.address == Address(3))
  }

  /// The account as it is now, where that differs from before.
  private func changed(_ entry: JournalAccount) -> EVMAccount? {
    var account = entry.account
    account.hasOrphanStorage =
      entry.nonce == 0 && !entry.hasCode && !entry.flags.isDisjoint(with: [.hasStorage, .orphanStorage])
    let isChanged =
      !entry.originallyExisted || entry.balance != entry.originalBalance
      || entry.nonce != entry.originalNonce || entry.codeHash != entry.originalCodeHash
      || account.hasOrphanStorage != entry.flags.contains(.orphanStorage)
    return isChanged ? account : nil
  }
}
