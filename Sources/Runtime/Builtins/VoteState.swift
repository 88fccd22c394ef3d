// A vote account's state: a u32 version, then bincode 1 (https://docs.rs/solana-vote-interface, state). Accounts of the
// versions 1 (1.14.11) and 2 are read and become version 4 (SIMD-0185) when they are next written; version 0 is what
// zeroed data reads as. An account has 3,762 bytes; 3,731 where it is of version 1.
//
//   1, 2: node · withdrawer · u8 commission · votes · root · voters · prior voters · credits · timestamp
//   4:    node · withdrawer · two collectors · two u16 commissions · u64 pending rewards · BLS key · votes · root ·
//         voters · credits · timestamp

import Primitives

package struct VoteState: Equatable, Sendable {
  /// A slot voted on, with the number of votes on top of it, itself among them.
  package struct Lockout: Equatable, Sendable {
    package var slot: UInt64
    package var confirmationCount: UInt32

    package init(slot: UInt64, confirmationCount: UInt32) {
      (self.slot, self.confirmationCount) = (slot, confirmationCount)
    }

    /// The last slot in which the voter may not vote for another fork; saturates.
    package var lastLockedOutSlot: UInt64 {
      let (sum, overflow) = slot.addingReportingOverflow(
        1 << UInt64(min(confirmationCount, UInt32(maximumVoteCount))))
      return overflow ? .max : sum
    }
  }

  /// A lockout and how many slots after its own it was voted on, 255 at most; 0 where that was not recorded.
  package struct LandedVote: Equatable, Sendable {
    package var latency: UInt8
    package var lockout: Lockout

    package init(latency: UInt8 = 0, lockout: Lockout) { (self.latency, self.lockout) = (latency, lockout) }

    package var slot: UInt64 { lockout.slot }
  }

  /// Who signs votes from an epoch on.
  package struct AuthorizedVoter: Equatable, Sendable {
    package var epoch: UInt64
    package var key: Pubkey

    package init(epoch: UInt64, key: Pubkey) { (self.epoch, self.key) = (epoch, key) }
  }

  /// Credits at the end of an epoch, and at that of the one before.
  package struct EpochCredits: Equatable, Sendable {
    package var epoch: UInt64
    package var credits: UInt64
    package var previousCredits: UInt64

    package init(epoch: UInt64, credits: UInt64, previousCredits: UInt64) {
      (self.epoch, self.credits, self.previousCredits) = (epoch, credits, previousCredits)
    }
  }

  package struct Timestamp: Equatable, Sendable {
    package var slot: UInt64 = 0
    /// Unix seconds.
    package var seconds: Int64 = 0

    package init(slot: UInt64 = 0, seconds: Int64 = 0) { (self.slot, self.seconds) = (slot, seconds) }
  }

  /// Bytes of an account that holds any state of version 4.
  package static let byteCount = 3762
  package static let maximumVoteCount = 31
  static let maximumEpochCreditsCount = 64
  package static let blsKeyByteCount = 48
  private static let priorVoterCount = 32
  private static let newestVersion: UInt32 = 3

  package var node: Pubkey
  package var authorizedWithdrawer: Pubkey
  package var inflationRewardsCollector: Pubkey
  package var blockRevenueCollector: Pubkey
  /// Hundredths of a percent.
  package var inflationRewardsCommission: UInt16
  /// Hundredths of a percent.
  package var blockRevenueCommission: UInt16 = 10_000
  /// Lamports.
  package var pendingDelegatorRewards: UInt64 = 0
  /// Compressed, of G1.
  package var blsKey: [UInt8]?
  /// The oldest first.
  package var votes: [LandedVote] = []
  package var rootSlot: UInt64?
  /// Ascending epochs.
  package internal(set) var authorizedVoters: [AuthorizedVoter]
  /// The oldest first.
  package var epochCredits: [EpochCredits] = []
  package var lastTimestamp = Timestamp()

  package init(
    node: Pubkey, authorizedVoter: AuthorizedVoter, authorizedWithdrawer: Pubkey,
    inflationRewardsCollector: Pubkey,
    blockRevenueCollector: Pubkey, inflationRewardsCommission: UInt16
  ) {
    self.node = node
    self.authorizedWithdrawer = authorizedWithdrawer
    self.inflationRewardsCollector = inflationRewardsCollector
    self.blockRevenueCollector = blockRevenueCollector
    self.inflationRewardsCommission = inflationRewardsCommission
    authorizedVoters = [authorizedVoter]
  }
}

// MARK: - Bytes

extension VoteState {
  /// What an account's data is.
  package enum Stored: Equatable, Sendable {
    /// Version 0: the data was never written, or has been cleared.
    case unwritten
    /// Of an earlier version, without anybody who may vote.
    case uninitialized(VoteState)
    case state(VoteState)
  }

  /// Reads any version; bytes behind the state are ignored.
  ///
  /// - Parameter address: the account's, which collects the rewards of those that have no collector yet.
  package static func decode(_ reader: inout ByteReader, at address: Pubkey) throws(CodecError) -> Stored {
    let start = reader.offset
    let version = try reader.readUInt32()
    if version == 0 { return .unwritten }
    guard version <= newestVersion else {
      throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: version))
    }
    let isEarlier = version < newestVersion
    let (node, withdrawer) = (try reader.readPubkey(), try reader.readPubkey())
    var state = VoteState(
      node: node, authorizedVoter: AuthorizedVoter(epoch: 0, key: .zero), authorizedWithdrawer: withdrawer,
      inflationRewardsCollector: address, blockRevenueCollector: node, inflationRewardsCommission: 0)
    if isEarlier {
      state.inflationRewardsCommission = UInt16(try reader.readUInt8()) * 100
    } else {
      state.inflationRewardsCollector = try reader.readPubkey()
      state.blockRevenueCollector = try reader.readPubkey()
      state.inflationRewardsCommission = try reader.readUInt16()
      state.blockRevenueCommission = try reader.readUInt16()
      state.pendingDelegatorRewards = try reader.readUInt64()
      state.blsKey = try reader.readOption { (reader) throws(CodecError) in
        Array(try reader.read(byteCount: blsKeyByteCount))
      }
    }
    for _ in 0..<(try reader.readUInt64()) {
      let latency = version == 1 ? 0 : try reader.readUInt8()
      let slot = try reader.readUInt64()
      state.votes.append(
        LandedVote(latency: latency, lockout: Lockout(slot: slot, confirmationCount: try reader.readUInt32()))
      )
    }
    state.rootSlot = try reader.readOption { (reader) throws(CodecError) in try reader.readUInt64() }
    state.authorizedVoters = []
    for _ in 0..<(try reader.readUInt64()) {
      let epoch = try reader.readUInt64()
      state.setVoter(try reader.readPubkey(), from: epoch)
    }
    if isEarlier {
      // Keys with the epochs from and until which they voted; the position of the last one, whether there is none.
      try reader.skip(byteCount: priorVoterCount * 48 + 8)
      _ = try reader.readBool()
    }
    for _ in 0..<(try reader.readUInt64()) {
      let (epoch, credits) = (try reader.readUInt64(), try reader.readUInt64())
      state.epochCredits.append(
        EpochCredits(epoch: epoch, credits: credits, previousCredits: try reader.readUInt64()))
    }
    state.lastTimestamp = Timestamp(slot: try reader.readUInt64(), seconds: try reader.readInt64())
    return isEarlier && state.authorizedVoters.isEmpty ? .uninitialized(state) : .state(state)
  }

  /// Version 4.
  package func encode() -> [UInt8] {
    var writer = ByteWriter(capacity: Self.byteCount)
    writer.write(Self.newestVersion)
    writer.write(node)
    writer.write(authorizedWithdrawer)
    writer.write(inflationRewardsCollector)
    writer.write(blockRevenueCollector)
    writer.write(inflationRewardsCommission)
    writer.write(blockRevenueCommission)
    writer.write(pendingDelegatorRewards)
    writer.writeOption(blsKey) { $0.write($1) }
    writer.write(UInt64(votes.count))
    for vote in votes {
      writer.write(vote.latency)
      writer.write(vote.slot)
      writer.write(vote.lockout.confirmationCount)
    }
    writer.writeOption(rootSlot) { $0.write($1) }
    writer.write(UInt64(authorizedVoters.count))
    for voter in authorizedVoters {
      writer.write(voter.epoch)
      writer.write(voter.key)
    }
    writer.write(UInt64(epochCredits.count))
    for credits in epochCredits {
      writer.write(credits.epoch)
      writer.write(credits.credits)
      writer.write(credits.previousCredits)
    }
    writer.write(lastTimestamp.slot)
    writer.write(lastTimestamp.seconds)
    return writer.bytes
  }
}

// MARK: - Voters

extension VoteState {
  /// Names who votes from `epoch` on, instead of whom the state names for that epoch.
  mutating func setVoter(_ key: Pubkey, from epoch: UInt64) {
    let index = authorizedVoters.firstIndex { $0.epoch >= epoch } ?? authorizedVoters.count
    if index < authorizedVoters.count && authorizedVoters[index].epoch == epoch {
      authorizedVoters[index].key = key
    } else {
      authorizedVoters.insert(AuthorizedVoter(epoch: epoch, key: key), at: index)
    }
  }

  func hasVoter(from epoch: UInt64) -> Bool { authorizedVoters.contains { $0.epoch == epoch } }

  /// Who votes in `epoch`, whom the state then names for that epoch; those of epochs before the one before it are
  /// forgotten. `nil` where all voters are those of later epochs.
  mutating func authorizedVoter(in epoch: UInt64) -> Pubkey? {
    guard let voter = authorizedVoters.last(where: { $0.epoch <= epoch }) else { return nil }
    setVoter(voter.key, from: epoch)
    authorizedVoters.removeAll { $0.epoch < max(epoch, 1) - 1 }
    return voter.key
  }
}
