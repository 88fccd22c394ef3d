// What votes make of a state. A vote on a slot holds for two slots, and twice as long with each vote on top of it; the
// 32nd takes the oldest one off as the root. A voter sends slots, which are applied one by one, or the tower that it
// has made of them itself, which must be one that follows from the state and consist of slots of this fork
// (https://docs.rs/solana-vote-program, vote_state). Loops and their order are Agave's, as they decide which error it is.

import Ledger
import Primitives

/// The block in which a vote lands.
struct VotedBlock {
  let clock: Clock
  /// The newest first.
  let slotHashes: [SlotHash]
}

extension VoteState {
  /// Votes on slots, the smallest first.
  mutating func process(_ vote: VoteInstruction.Vote, _ block: VotedBlock) throws(VoteError) {
    if vote.slots.isEmpty { throw .emptySlots }
    let oldest = block.slotHashes.last?.slot ?? 0
    let slots = vote.slots.filter { $0 >= oldest }
    if slots.isEmpty { throw .votesTooOldAllFiltered }
    try checkSlots(slots, vote.hash, block.slotHashes)
    for slot in slots { push(slot, block.clock) }
    if let timestamp = vote.timestamp {
      try setTimestamp(Timestamp(slot: vote.slots.max() ?? 0, seconds: timestamp))
    }
  }

  /// Throws unless the slots that are newer than the last one voted on are slots of this fork, the last of them with
  /// this hash.
  private func checkSlots(_ slots: [UInt64], _ hash: Hash, _ slotHashes: [SlotHash]) throws(VoteError) {
    var (index, end) = (0, slotHashes.count)
    while index < slots.count && end > 0 {
      if let last = votes.last, slots[index] <= last.slot {
        index += 1
      } else if slots[index] != slotHashes[end - 1].slot {
        end -= 1
      } else {
        index += 1
        end -= 1
      }
    }
    if end == slotHashes.count { throw .voteTooOld }
    if index != slots.count { throw .slotsMismatch }
    if slotHashes[end].hash != hash { throw .slotHashMismatch }
  }

  private mutating func push(_ slot: UInt64, _ clock: Clock) {
    if let last = votes.last, slot <= last.slot { return }
    while let last = votes.last, last.lockout.lastLockedOutSlot < slot { votes.removeLast() }
    if votes.count == Self.maximumVoteCount {
      let credits = credits(for: votes[0])
      rootSlot = votes.removeFirst().slot
      addCredits(credits, in: clock.epoch)
    }
    votes.append(
      LandedVote(
        latency: Self.latency(of: slot, in: clock), lockout: Lockout(slot: slot, confirmationCount: 1)))
    // Votes count once more when more stands on them than ever before.
    for index in votes.indices where votes.count > index + Int(votes[index].lockout.confirmationCount) {
      votes[index].lockout.confirmationCount += 1
    }
  }

  private static func latency(of slot: UInt64, in clock: Clock) -> UInt8 {
    UInt8(clamping: clock.slot - min(slot, clock.slot))
  }

  /// What a vote earns when it becomes the root: 16, and one less for each slot that it came later than two, but one at
  /// least, as for votes whose latency is not known (SIMD-0033).
  private func credits(for vote: LandedVote) -> UInt64 {
    let (grace, most) = (2, 16)
    if vote.latency == 0 { return 1 }
    return UInt64(max(1, most - max(0, Int(vote.latency) - grace)))
  }

  private mutating func addCredits(_ credits: UInt64, in epoch: UInt64) {
    if let last = epochCredits.last {
      if epoch != last.epoch {
        if last.credits != last.previousCredits {
          epochCredits.append(
            EpochCredits(epoch: epoch, credits: last.credits, previousCredits: last.credits))
        } else {
          epochCredits[epochCredits.count - 1].epoch = epoch
        }
        if epochCredits.count > Self.maximumEpochCreditsCount { epochCredits.removeFirst() }
      }
    } else {
      epochCredits.append(EpochCredits(epoch: epoch, credits: 0, previousCredits: 0))
    }
    let last = epochCredits.count - 1
    let (sum, overflow) = epochCredits[last].credits.addingReportingOverflow(credits)
    epochCredits[last].credits = overflow ? .max : sum
  }

  private mutating func setTimestamp(_ timestamp: Timestamp) throws(VoteError) {
    let last = lastTimestamp
    if timestamp.slot < last.slot || timestamp.seconds < last.seconds
      || timestamp.slot == last.slot && timestamp != last && last.slot != 0
    {
      throw .timestampTooOld
    }
    lastTimestamp = timestamp
  }
}

// MARK: - Towers

extension VoteState {
  mutating func process(_ tower: VoteInstruction.Tower, _ block: VotedBlock) throws(VoteError) {
    var tower = tower
    try filter(&tower, block.slotHashes)
    try replaceVotes(with: tower, block.clock)
  }

  /// Throws unless the tower's slots are of this fork; leaves out those that are older than the slots that are known,
  /// unless the state has them, and puts the root of the state in the place of one so old.
  private func filter(_ tower: inout VoteInstruction.Tower, _ slotHashes: [SlotHash]) throws(VoteError) {
    guard let lastSlot = tower.lockouts.last?.slot else { throw .emptySlots }
    if let last = votes.last, lastSlot <= last.slot { throw .voteTooOld }
    guard let oldest = slotHashes.last?.slot else { throw .slotsMismatch }
    if lastSlot < oldest { throw .voteTooOld }
    if let root = tower.root, root < oldest { tower.root = votes.last { $0.slot <= root }?.slot ?? rootSlot }
    // The root comes first.
    var root = tower.root
    var (index, end) = (0, slotHashes.count)
    var leftOut: Set<Int> = []
    while index < tower.lockouts.count && end > 0 {
      let slot = root ?? tower.lockouts[index].slot
      if root == nil, index > 0, slot <= tower.lockouts[index - 1].slot { throw .slotsNotOrdered }
      let ancestor = slotHashes[end - 1].slot
      if slot > ancestor {
        end -= 1
      } else if slot == ancestor {
        if root == nil {
          index += 1
          end -= 1
        }
        root = nil
      } else {
        // Younger than the oldest known slot, and not among the known ones.
        guard end == slotHashes.count else { throw root == nil ? .slotsMismatch : .rootOnDifferentFork }
        guard slot < oldest else { throw .assertionFailed }
        if root == nil {
          if !contains(slot) { leftOut.insert(index) }
          index += 1
        }
        root = nil
      }
    }
    guard index == tower.lockouts.count else { throw .slotsMismatch }
    guard end < slotHashes.count, slotHashes[end].slot == lastSlot else { throw .assertionFailed }
    if slotHashes[end].hash != tower.hash { throw .slotHashMismatch }
    if !leftOut.isEmpty {
      tower.lockouts = tower.lockouts.indices.filter { !leftOut.contains($0) }.map { tower.lockouts[$0] }
    }
  }

  /// The votes are ascending.
  private func contains(_ slot: UInt64) -> Bool {
    var (low, high) = (0, votes.count)
    while low < high {
      let middle = (low + high) / 2
      if votes[middle].slot < slot { low = middle + 1 } else { high = middle }
    }
    return low < votes.count && votes[low].slot == slot
  }

  /// Throws unless the tower is one by itself and takes back nothing that the state has; then it is the state's.
  private mutating func replaceVotes(
    with tower: VoteInstruction.Tower, _ clock: Clock
  ) throws(VoteError) {
    try Self.check(tower, currentRoot: rootSlot)
    var new = tower.lockouts.map { LandedVote(lockout: $0) }
    // Those that the new root takes off earn credits.
    var (current, next) = (0, 0)
    var earned: UInt64 = 0
    if let root = tower.root {
      while current < votes.count, votes[current].slot <= root {
        earned += credits(for: votes[current])
        current += 1
      }
    }
    while current < votes.count && next < new.count {
      let (old, proposed) = (votes[current].lockout, new[next].lockout)
      if old.slot < proposed.slot {
        if old.lastLockedOutSlot >= proposed.slot { throw .lockoutConflict }
        current += 1
      } else if old.slot == proposed.slot {
        if proposed.confirmationCount < old.confirmationCount { throw .confirmationRollBack }
        new[next].latency = votes[current].latency
        current += 1
        next += 1
      } else {
        next += 1
      }
    }
    for index in new.indices where new[index].latency == 0 {
      new[index].latency = Self.latency(of: new[index].slot, in: clock)
    }
    if rootSlot != tower.root { addCredits(earned, in: clock.epoch) }
    if let timestamp = tower.timestamp {
      try setTimestamp(Timestamp(slot: new.last?.slot ?? 0, seconds: timestamp))
    }
    rootSlot = tower.root
    votes = new
  }

  private static func check(_ tower: VoteInstruction.Tower, currentRoot: UInt64?) throws(VoteError) {
    if tower.lockouts.count > maximumVoteCount { throw .tooManyVotes }
    if let currentRoot {
      guard let root = tower.root, root >= currentRoot else { throw .rootRollBack }
    }
    var previous: Lockout?
    for lockout in tower.lockouts {
      if lockout.confirmationCount == 0 { throw .zeroConfirmations }
      if lockout.confirmationCount > UInt32(maximumVoteCount) { throw .confirmationTooLarge }
      // Slot 0 is the root of those that have none.
      if let root = tower.root, lockout.slot <= root, root != 0 { throw .slotSmallerThanRoot }
      if let previous {
        if previous.slot >= lockout.slot { throw .slotsNotOrdered }
        if previous.confirmationCount <= lockout.confirmationCount { throw .confirmationsNotOrdered }
        if lockout.slot > previous.lastLockedOutSlot { throw .newVoteStateLockoutMismatch }
      }
      previous = lockout
    }
  }
}
