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
    let takesCredits = reader.takesCredits
    if !reward.isZero && !takesCredits { try payReward() }
    for position in 0..<accounts.count { try finish(position, fork, takesCredits, &changes) }
    changes.reward = reward
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

  /// Adds the fee recipient's reward to its account.
  private mutating func payReward() throws(EVMStateError) {
    try use([], at: rewardPosition)
    let entry = accounts.base + rewardPosition
    entry.pointee.balance = entry.pointee.balance &+ reward
    entry.pointee.flags.insert(.exists)
    reward = .zero
  }

  private mutating func finish(
    _ position: Int, _ fork: Fork, _ takesCredits: Bool, _ changes: inout EVMStateChanges
  ) throws(EVMStateError) {
    let entry = accounts.base + position
    let isTouched =
      entry.pointee.flags.contains(.touched) || (touchedRipemd && entry.pointee.address == Address(3))
    if !entry.pointee.flags.contains(.loaded) {
      guard isTouched else { return }
      try use([], at: position)
    }
    // An account whose code is known to be there is not empty, whatever else it has.
    if isTouched && !(entry.pointee.hasCode && entry.pointee.uses.contains(.code)) {
      entry.pointee.uses.insert(.touched)
    }
    let isRewarded = position == rewardPosition && !reward.isZero
    if isDeleted(entry.pointee, isTouched: isTouched && !isRewarded, fork: fork)
      || !entry.pointee.flags.contains(.exists)
    {
      if isRewarded && entry.pointee.flags.contains(.destroyed) { reward = .zero }
      entry.pointee.flags.insert(.isGone)
      if entry.pointee.originallyExisted {
        entry.pointee.uses.formUnion([.wholeAccount, .written])
        changes.accounts.append(end(of: entry.pointee))
      }
      return
    }
    if takesCredits, let amount = credit(of: entry.pointee) {
      if !amount.isZero { changes.credits.append(.init(address: entry.pointee.address, amount: amount)) }
      return
    }
    if !entry.pointee.originallyExisted {
      entry.pointee.incarnation = try reader.incarnation(of: entry.pointee.address)
    }
    guard var account = changed(entry.pointee) else { return }
    // Written as a whole, it depends on all that was there.
    if takesCredits { entry.pointee.uses.formUnion(.wholeAccount) }
    // Touched before Spurious Dragon, it is there now.
    if account.isEmpty { entry.pointee.uses.insert(.written) }
    if isRewarded {
      account.balance = account.balance &+ reward
      reward = .zero
    }
    let isNewCode = entry.pointee.codeHash != entry.pointee.originalCodeHash
    changes.accounts.append(
      .init(
        address: entry.pointee.address, account: account,
        code: isNewCode ? entry.pointee.code?.takeUnretainedValue() : nil,
        incarnation: entry.pointee.incarnation))
  }

  /// What an account received that is all that happened to it; `nil` where more did.
  private func credit(of entry: JournalAccount) -> UInt256? {
    guard !entry.uses.contains(.balance), !entry.flags.contains(.created),
      entry.nonce == entry.originalNonce, entry.codeHash == entry.originalCodeHash,
      entry.hasCode || entry.nonce > 0 || !entry.flags.contains(.hasStorage)
        || entry.flags.contains(.orphanStorage)
    else { return nil }
    let amount = entry.balance &- entry.originalBalance
    return amount.isZero && !entry.originallyExisted ? nil : amount
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

  private func isDeleted(_ entry: JournalAccount, isTouched: Bool, fork: Fork) -> Bool {
    if entry.flags.contains(.destroyed) { return true }
    return fork >= .spuriousDragon && isTouched && entry.flags.contains(.exists) && entry.isEmpty
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
