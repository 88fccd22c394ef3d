// The sysvars of one block: typed values for the runtime, account bytes for programs and for the ledger. A
// fresh ledger has what LiteSVM has: the clock's epoch fields are zero whatever the slot, and the slot-hashes
// list holds just the slot itself with the one recent blockhash.

import Primitives

/// Immutable; shared by all workers of a block.
package final class Sysvars: Sendable {
  package let clock: Clock
  package let rent: Rent
  package let epochSchedule: EpochSchedule
  /// Newest first.
  package let slotHashes: [SlotHash]
  /// Newest first.
  package let recentBlockhashes: [RecentBlockhash]
  /// Newest first.
  package let stakeHistory: [StakeHistoryEntry]
  package let epochRewards: EpochRewards
  package let lastRestartSlot: UInt64

  /// The accounts, sorted by key; the instructions sysvar is no account.
  package let accounts: [(key: Pubkey, account: Account)]

  /// What a fresh ledger has at `slot` and `unixTimestamp` (Unix seconds); accounts in `overriding` hold
  /// instead.
  package convenience init(
    slot: UInt64, unixTimestamp: Int64, blockhash: Hash, overriding: [Pubkey: Account] = [:]
  ) throws(SysvarError) {
    var accounts: [(key: Pubkey, account: Account)] = []
    for (key, data) in Self.freshData(slot: slot, unixTimestamp: unixTimestamp, blockhash: blockhash) {
      accounts.append(
        (key, overriding[key] ?? Account(lamports: 1, data: data, owner: ProgramID.sysvar, rentEpoch: 0)))
    }
    if let rewards = overriding[SysvarID.rewards] { accounts.append((SysvarID.rewards, rewards)) }
    try self.init(accounts: accounts)
  }

  /// Reads the typed values out of `accounts`, which must hold each sysvar that a fresh ledger has.
  package init(accounts: [(key: Pubkey, account: Account)]) throws(SysvarError) {
    let accounts = accounts.sorted { $0.key < $1.key }
    func data(_ key: Pubkey) throws(SysvarError) -> [UInt8] {
      guard let index = accounts.firstIndex(where: { $0.key == key }) else { throw .missing(key) }
      return accounts[index].account.data
    }
    func value<Value>(
      _ key: Pubkey, _ decode: (inout SysvarReader) -> Value?
    ) throws(SysvarError) -> Value {
      var reader = SysvarReader(try data(key))
      guard let value = decode(&reader) else { throw .malformed(key) }
      return value
    }
    clock = try value(SysvarID.clock) { $0.clock() }
    rent = try value(SysvarID.rent) { $0.rent() }
    epochSchedule = try value(SysvarID.epochSchedule) { $0.epochSchedule() }
    slotHashes = try value(SysvarID.slotHashes) { $0.slotHashes() }
    recentBlockhashes = try value(SysvarID.recentBlockhashes) { $0.recentBlockhashes() }
    stakeHistory = try value(SysvarID.stakeHistory) { $0.stakeHistory() }
    epochRewards = try value(SysvarID.epochRewards) { $0.epochRewards() }
    lastRestartSlot = try value(SysvarID.lastRestartSlot) { $0.uint64() }
    self.accounts = accounts
  }

  /// The account bytes of a sysvar; `nil` where the ledger has no such account (`instructions` is made anew
  /// for each transaction that names it).
  package func accountData(_ key: Pubkey) -> [UInt8]? {
    accounts.first { $0.key == key }?.account.data
  }

  private static func freshData(
    slot: UInt64, unixTimestamp: Int64, blockhash: Hash
  ) -> [(key: Pubkey, data: [UInt8])] {
    let slotHashes = SysvarWriter.slotHashes([SlotHash(slot: slot, hash: blockhash)])
    let recent = [RecentBlockhash(blockhash: blockhash, lamportsPerSignature: 0)]
    return [
      (SysvarID.clock, SysvarWriter.clock(Clock(slot: slot, unixTimestamp: unixTimestamp))),
      (SysvarID.epochRewards, SysvarWriter.epochRewards(EpochRewards())),
      (SysvarID.epochSchedule, SysvarWriter.epochSchedule(EpochSchedule())),
      (SysvarID.fees, SysvarWriter.uint64(0)),
      (SysvarID.lastRestartSlot, SysvarWriter.uint64(0)),
      (SysvarID.recentBlockhashes, SysvarWriter.recentBlockhashes(recent)),
      (SysvarID.rent, SysvarWriter.rent(Rent())),
      (SysvarID.slotHashes, slotHashes),
      (SysvarID.slotHistory, SysvarWriter.freshSlotHistory()),
      (SysvarID.stakeHistory, SysvarWriter.stakeHistory([])),
    ]
  }
}

public enum SysvarError: Error, Equatable, Sendable {
  /// The account is not there.
  case missing(Pubkey)
  /// The account's bytes are no value of this sysvar.
  case malformed(Pubkey)
}
