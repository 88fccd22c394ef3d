// Switches of Agave's runtime. What mainnet has switched on is how this runtime works; of what it has not, some can be
// switched on for a ledger: as in Agave, by an account at the feature's key that belongs to the feature program and says
// since when it has been active (https://github.com/anza-xyz/agave, feature-set/src/lib.rs). It counts from the block after
// the one that wrote the account.

import Ledger
import Primitives

package struct Features: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// `sol_blake3`.
  package static let blake3 = Features(rawValue: 1)
  /// `sol_big_mod_exp`.
  package static let modularExponentiation = Features(rawValue: 2)
  /// `sol_remaining_compute_units` (SIMD-0049).
  package static let remainingUnits = Features(rawValue: 4)
  /// Invocations eight deep (SIMD-0268).
  package static let deepInvocations = Features(rawValue: 8)
  /// The vote program refuses votes that came before `TowerSync` (SIMD-0138).
  package static let noLegacyVotes = Features(rawValue: 16)
  /// Vote accounts name who collects their commissions (SIMD-0232).
  package static let commissionCollectors = Features(rawValue: 32)
  /// Vote accounts have a commission of block revenue, and take deposits for delegators (SIMD-0123).
  package static let blockRevenueSharing = Features(rawValue: 64)
  /// `InitializeAccountV2` of the vote program, where the two before are on (SIMD-0464).
  package static let initializeVoteV2 = Features(rawValue: 128)

  /// Those of mainnet.
  package static let mainnet: Features = []
  package static let all: Features = [
    .blake3, .modularExponentiation, .remainingUnits, .deepInvocations, .noLegacyVotes, .commissionCollectors,
    .blockRevenueSharing, .initializeVoteV2,
  ]
}

/// A feature by its names.
package struct Feature: Sendable {
  package let feature: Features
  package let key: Pubkey
  /// Agave's.
  package let name: String
  /// What it does, for people.
  package let about: String

  package static let all: [Feature] = [
    (
      .blake3, "HTW2pSyErTj4BV6KBM9NZ9VBUJVxt7sacNWcf76wtzb3", "blake3_syscall_enabled",
      "the syscall sol_blake3"
    ),
    (
      .modularExponentiation, "EBq48m8irRKuE7ZnMTLvLg2UuGSqhe8s8oMqnmja1fJw", "enable_big_mod_exp_syscall",
      "the syscall sol_big_mod_exp"
    ),
    (
      .remainingUnits, "5TuppMutoyzhUSfuYdhgzD47F92GL1g89KpCZQKqedxP",
      "remaining_compute_units_syscall_enabled",
      "the syscall sol_remaining_compute_units"
    ),
    (
      .deepInvocations, "6TkHkRmP7JZy1fdM6fg5uXn76wChQBWGokHBJzrLB3mj", "raise_cpi_nesting_limit_to_8",
      "programs invoke each other eight deep, not four"
    ),
    (
      .noLegacyVotes, "depVvnQ2UysGrhwdiwU42tCadZL8GcBb1i2GYhMopQv", "deprecate_legacy_vote_ixs",
      "the vote program refuses votes older than TowerSync"
    ),
    (
      .commissionCollectors, "CustomCommissionCo11ector111111111111111111", "custom_commission_collector",
      "vote accounts name who collects their commissions"
    ),
    (
      .blockRevenueSharing, "B1ockRevenueSharing111111111111111111111111", "block_revenue_sharing",
      "vote accounts take deposits for delegators, and a commission of them"
    ),
    (
      .initializeVoteV2, "VoteAccount1nitia1izeV211111111111111111111", "vote_account_initialize_v2",
      "InitializeAccountV2 of the vote program, with the two before"
    ),
  ].map { feature, key, name, about in
    guard let key = Pubkey(base58: key) else { preconditionFailure("the key of \(name) is no key") }
    return Feature(feature: feature, key: key, name: name, about: about)
  }

  package static let keys = Set(all.map(\.key))

  /// Since when the feature has been active, as its account says it: one byte, then the slot; nil where it is not.
  package static func activationSlot(_ account: Account) -> UInt64? {
    guard account.owner == ProgramID.feature, account.data.count >= 9, account.data[0] == 1 else {
      return nil
    }
    return account.data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: UInt64.self) }
  }

  /// The data of an account that has been active since `slot`; with nil, one that is not.
  package static func data(activatedAt slot: UInt64?) -> [UInt8] {
    withUnsafeBytes(of: (slot ?? 0).littleEndian) { [slot == nil ? 0 : 1] + $0 }
  }
}

extension Features {
  /// Mainnet's, and those that accounts switch on.
  package init<Failure: Error>(reading account: (Pubkey) throws(Failure) -> Account) throws(Failure) {
    var features = Self.mainnet
    for feature in Feature.all where Feature.activationSlot(try account(feature.key)) != nil {
      features.insert(feature.feature)
    }
    self = features
  }
}
