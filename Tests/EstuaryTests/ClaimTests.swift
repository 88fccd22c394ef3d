// Who may touch what beside whom.

import Ledger
import Primitives
import Scheduling
import Testing

@testable import Estuary
@testable import Execution

@Suite struct ClaimTests {
  private let table = AccountTable(store: MemoryStore())
  private let index: AccountIndex

  init() throws {
    index = try table.intern(Pubkey(word0: 1, word1: 2, word2: 3, word3: 4))
    table.beginWave(room: 16)
  }

  private func claimant(_ worker: UInt32, _ position: UInt32) -> Claimant {
    Claimant(wave: table.wave, worker: worker, position: position)
  }

  /// The first position that a conflict names.
  private func conflict(_ body: () throws(ClaimConflict) -> Void) -> UInt32? {
    do throws(ClaimConflict) { try body() } catch { return error.first }
    return nil
  }

  @Test func allFieldsKeepTheirPlaces() {
    let claim = Claim(
      wave: Claim.waveLimit - 1, first: 4095, lastWrite: 4094, worker: 255, mode: .owned, balance: .credited)
    #expect(claim.wave == Claim.waveLimit - 1 && claim.first == 4095 && claim.lastWrite == 4094)
    #expect(claim.worker == 255 && claim.mode == .owned && claim.balance == .credited)
    let other = claim.with(first: 7, lastWrite: 0, mode: .readByMany, balance: .read)
    #expect(other == Claim(wave: claim.wave, first: 7, worker: 255, mode: .readByMany, balance: .read))
  }

  /// The arrays of accounts and of keys grow by different steps.
  @Test(arguments: [0, 700, 10_000]) func aWaveEndsAddingWhereEitherArrayIsFull(room: Int) throws {
    table.endWave()
    table.reserve(room)
    table.beginWave(room: 64)
    var growth = AccountTable.Growth()
    var added: UInt64 = 0
    while added < 50_000 {
      let key = Pubkey(word0: added, word1: 9, word2: 9, word3: 9)
      guard try table.addShared(key, tag: table.hasher.tag(of: AccountKey(key)), noting: &growth) != nil else { break }
      added += 1
    }
    table.add(&growth)
    table.endWave()
    #expect(added >= 64 && added < 50_000 && table.count == Int(added) + 1)
  }

  @Test func toReadIsToUse() throws {
    for _ in 0..<3 { _ = table.finishBlock([]) }
    table.beginWave(room: 16)
    #expect(try table.shared.claimRead(index, claimant(0, 3)) == 0)
    #expect(table.notes[index.position].usedIn == UInt16(truncatingIfNeeded: table.block))
  }

  @Test func manyReadAndNobodyWrites() throws {
    #expect(try table.shared.claimRead(index, claimant(0, 9)) == 0)
    #expect(try table.shared.claimRead(index, claimant(1, 4)) == 0)
    #expect(table.shared.claim(at: index).first == 4)
    #expect(conflict { () throws(ClaimConflict) in try table.shared.claimWrite(index, claimant(1, 12)) } == 4)
  }

  @Test func oneWritesAndNobodyElseReads() throws {
    _ = try table.shared.claimRead(index, claimant(2, 3))
    try table.shared.claimWrite(index, claimant(2, 3))
    #expect(try table.shared.claimRead(index, claimant(2, 8)) == 4)
    #expect(conflict { () throws(ClaimConflict) in _ = try table.shared.claimRead(index, claimant(0, 5)) } == 3)
    #expect(conflict { () throws(ClaimConflict) in try table.shared.claimWrite(index, claimant(1, 1)) } == 3)
  }

  @Test func aNewWaveForgetsTheClaims() throws {
    try table.shared.claimWrite(index, claimant(0, 0))
    table.endWave()
    table.beginWave(room: 16)
    try table.shared.claimWrite(index, claimant(1, 0))
    #expect(claimant(1, 0).owns(table.shared.claim(at: index)) && !claimant(0, 0).owns(table.shared.claim(at: index)))
  }

  @Test func creditsGetAlongWithAllButTheBalance() throws {
    for worker in 0..<3 as Range<UInt32> { _ = try table.shared.claimRead(index, claimant(worker, worker)) }
    #expect(try !table.shared.claimCredit(index, claimant(1, 1)))
    #expect(try !table.shared.claimCredit(index, claimant(2, 2)))
    #expect(try table.shared.claimRead(index, claimant(0, 5)) == 0)
    #expect(conflict { () throws(ClaimConflict) in try table.shared.claimBalance(index, claimant(0, 5)) } == 0)
  }

  @Test func aBalanceThatWasReadTakesNoCredits() throws {
    for worker in 0..<2 as Range<UInt32> { _ = try table.shared.claimRead(index, claimant(worker, worker)) }
    try table.shared.claimBalance(index, claimant(0, 0))
    try table.shared.claimBalance(index, claimant(1, 1))
    #expect(conflict { () throws(ClaimConflict) in _ = try table.shared.claimCredit(index, claimant(1, 1)) } == 0)
  }

  /// What a worker has added for itself is in the account only when it owns it.
  @Test func ownCreditsAreAddedBeforeTheBalanceIsRead() throws {
    _ = try table.shared.claimRead(index, claimant(1, 2))
    #expect(try !table.shared.claimCredit(index, claimant(1, 2)))
    #expect(conflict { () throws(ClaimConflict) in try table.shared.claimBalance(index, claimant(1, 6)) } == 6)
    #expect(conflict { () throws(ClaimConflict) in try table.shared.claimWrite(index, claimant(1, 6)) } == 6)
    #expect(table.shared.claimOwnCredits(index, claimant(1, 6)))
    try table.shared.claimBalance(index, claimant(1, 6))
    #expect(try table.shared.claimCredit(index, claimant(1, 6)))
  }

  @Test func othersKeepCreditsFromBeingAdded() throws {
    _ = try table.shared.claimRead(index, claimant(1, 2))
    #expect(try !table.shared.claimCredit(index, claimant(1, 2)))
    _ = try table.shared.claimRead(index, claimant(0, 3))
    #expect(!table.shared.claimOwnCredits(index, claimant(1, 6)))
  }

  /// The fee recipient: nobody is first, and who needs the balance is alone to blame.
  @Test func rewardsAreNobodys() throws {
    table.claimForCredits(index)
    #expect(try table.shared.claimRead(index, claimant(0, 3)) == 0)
    #expect(try !table.shared.claimCredit(index, claimant(0, 3)))
    let last = UInt32(Claim.positionLimit)
    #expect(conflict { () throws(ClaimConflict) in try table.shared.claimBalance(index, claimant(1, 8)) } == last)
    #expect(conflict { () throws(ClaimConflict) in try table.shared.claimWrite(index, claimant(1, 8)) } == last)
  }

  @Test func changesAreTakenBackFromAnyTransactionOn() throws {
    func account(_ lamports: UInt64) -> Account { Account(lamports: lamports, owner: ProgramID.system) }
    var (before, growth) = ([AccountTable.FirstChange](), AccountTable.Growth())
    table.publish(account(1), at: index, noting: &before)
    var (first, changes) = ([AccountTable.FirstChange](), AccountTable.WaveChanges())
    let key = Pubkey(word0: 5, word1: 0, word2: 0, word3: 0)
    let other = try #require(try table.addShared(key, tag: table.shared.tag(of: key), noting: &growth))
    for position in 0..<4 as Range<UInt32> {
      table.shared.publish(
        account(10 + UInt64(position)), at: index, position: position, noting: &first, &changes)
      table.shared.publish(account(20 + UInt64(position)), at: other, position: position, noting: &first, &changes)
    }
    #expect(first.count == 1)
    table.rollBack(changes, from: 2, first)
    #expect(table.account(at: index).pointee.lamports == 11 && table.account(at: other).pointee.lamports == 21)
    table.rollBack(changes, from: 0, first)
    #expect(table.account(at: index).pointee.lamports == 1 && table.account(at: other).pointee.isVacant)
  }
}
