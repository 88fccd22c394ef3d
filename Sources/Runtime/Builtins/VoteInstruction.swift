// The vote program's instructions and their wire form: a u32 number, then the fields in order (bincode 1)
// (https://docs.rs/solana-vote-interface, VoteInstruction). Towers come in three forms: with whole slots, and twice
// with differences of slots in as few bytes as they need.

import Primitives

package enum VoteInstruction: Equatable, Sendable {
  package struct Initialization: Equatable, Sendable {
    package var node: Pubkey
    package var authorizedVoter: Pubkey
    package var authorizedWithdrawer: Pubkey
    /// Percent.
    package var commission: UInt8
  }

  /// SIMD-0464.
  package struct InitializationV2: Equatable, Sendable {
    package var node: Pubkey
    package var authorizedVoter: Pubkey
    package var blsKey: BLSKey
    package var authorizedWithdrawer: Pubkey
    /// Hundredths of a percent.
    package var inflationRewardsCommission: UInt16
    /// Hundredths of a percent.
    package var blockRevenueCommission: UInt16
  }

  /// A key of BLS signatures, with the proof that whoever names it can sign with it.
  package struct BLSKey: Equatable, Sendable {
    /// 48 bytes, compressed, of G1.
    package var bytes: [UInt8]
    /// 96 bytes, compressed, of G2.
    package var proofOfPossession: [UInt8]
  }

  package enum Authority: Equatable, Sendable {
    case voter
    case withdrawer
    /// SIMD-0387.
    case voterWithBLS(BLSKey)
  }

  package enum CommissionKind: UInt32, Sendable {
    case inflationRewards = 0
    case blockRevenue = 1
  }

  /// An authority that is the address of a base key, a seed and an owner.
  package struct DerivedAuthority: Equatable, Sendable {
    package var owner: Pubkey
    /// UTF-8.
    package var seed: [UInt8]
  }

  package struct Vote: Equatable, Sendable {
    package var slots: [UInt64]
    package var hash: Hash
    /// Unix seconds.
    package var timestamp: Int64?
  }

  /// All lockouts that a voter has, and its root.
  package struct Tower: Equatable, Sendable {
    package var lockouts: [VoteState.Lockout]
    package var root: UInt64?
    package var hash: Hash
    /// Unix seconds.
    package var timestamp: Int64?
  }

  /// How a tower was sent.
  package enum TowerForm: Equatable, Sendable {
    case whole
    case compact
    /// With the identifier of the block's chain.
    case sync(blockID: Hash)
  }

  case initializeAccount(Initialization)
  case authorize(Pubkey, Authority)
  /// `switchProof` where it is a vote for another fork.
  case vote(Vote, switchProof: Hash?)
  case withdraw(lamports: UInt64)
  case updateValidatorIdentity
  /// Percent.
  case updateCommission(UInt8)
  case authorizeChecked(Authority)
  case updateTower(Tower, TowerForm, switchProof: Hash?)
  case authorizeWithSeed(Authority, DerivedAuthority, newAuthority: Pubkey)
  case authorizeCheckedWithSeed(Authority, DerivedAuthority)
  case initializeAccountV2(InitializationV2)
  case updateCommissionCollector(CommissionKind)
  case updateCommissionBps(UInt16, CommissionKind)
  case depositDelegatorRewards(lamports: UInt64)

  package static func decode(_ reader: inout ByteReader) throws(CodecError) -> VoteInstruction {
    let start = reader.offset
    let tag = try reader.readUInt32()
    switch tag {
    case 0:
      let (node, voter, withdrawer) = (
        try reader.readPubkey(), try reader.readPubkey(), try reader.readPubkey()
      )
      return .initializeAccount(
        Initialization(
          node: node, authorizedVoter: voter, authorizedWithdrawer: withdrawer,
          commission: try reader.readUInt8()))
    case 1:
      let key = try reader.readPubkey()
      return .authorize(key, try reader.readAuthority())
    case 2, 6:
      let vote = try reader.readVote()
      return .vote(vote, switchProof: tag == 6 ? try reader.readHash() : nil)
    case 3: return .withdraw(lamports: try reader.readUInt64())
    case 4: return .updateValidatorIdentity
    case 5: return .updateCommission(try reader.readUInt8())
    case 7: return .authorizeChecked(try reader.readAuthority())
    case 8, 9:
      let tower = try reader.readWholeTower()
      return .updateTower(tower, .whole, switchProof: tag == 9 ? try reader.readHash() : nil)
    case 10:
      let authority = try reader.readAuthority()
      let derived = try reader.readDerivedAuthority()
      return .authorizeWithSeed(authority, derived, newAuthority: try reader.readPubkey())
    case 11:
      let authority = try reader.readAuthority()
      return .authorizeCheckedWithSeed(authority, try reader.readDerivedAuthority())
    case 12, 13:
      let tower = try reader.readCompactTower()
      return .updateTower(tower, .compact, switchProof: tag == 13 ? try reader.readHash() : nil)
    case 14, 15:
      let tower = try reader.readCompactTower()
      let blockID = try reader.readHash()
      return .updateTower(
        tower, .sync(blockID: blockID), switchProof: tag == 15 ? try reader.readHash() : nil)
    case 16:
      let (node, voter) = (try reader.readPubkey(), try reader.readPubkey())
      let (key, withdrawer) = (try reader.readBLSKey(), try reader.readPubkey())
      let (inflation, block) = (try reader.readUInt16(), try reader.readUInt16())
      return .initializeAccountV2(
        InitializationV2(
          node: node, authorizedVoter: voter, blsKey: key, authorizedWithdrawer: withdrawer,
          inflationRewardsCommission: inflation, blockRevenueCommission: block))
    case 17: return .updateCommissionCollector(try reader.readCommissionKind())
    case 18:
      let commission = try reader.readUInt16()
      return .updateCommissionBps(commission, try reader.readCommissionKind())
    case 19: return .depositDelegatorRewards(lamports: try reader.readUInt64())
    default: throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: tag))
    }
  }
}

extension ByteReader {
  fileprivate mutating func readAuthority() throws(CodecError) -> VoteInstruction.Authority {
    let start = offset
    switch try readUInt32() {
    case 0: return .voter
    case 1: return .withdrawer
    case 2: return .voterWithBLS(try readBLSKey())
    case let tag: throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: tag))
    }
  }

  fileprivate mutating func readBLSKey() throws(CodecError) -> VoteInstruction.BLSKey {
    let bytes = Array(try read(byteCount: VoteState.blsKeyByteCount))
    return VoteInstruction.BLSKey(
      bytes: bytes, proofOfPossession: Array(try read(byteCount: 2 * VoteState.blsKeyByteCount)))
  }

  fileprivate mutating func readCommissionKind() throws(CodecError) -> VoteInstruction.CommissionKind {
    let start = offset
    let tag = try readUInt32()
    guard let kind = VoteInstruction.CommissionKind(rawValue: tag) else {
      throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: tag))
    }
    return kind
  }

  fileprivate mutating func readDerivedAuthority() throws(CodecError) -> VoteInstruction.DerivedAuthority {
    let owner = try readPubkey()
    return VoteInstruction.DerivedAuthority(owner: owner, seed: Array(try readString().utf8))
  }

  private mutating func readTimestamp() throws(CodecError) -> Int64? {
    try readOption { (reader) throws(CodecError) in try reader.readInt64() }
  }

  fileprivate mutating func readVote() throws(CodecError) -> VoteInstruction.Vote {
    var slots: [UInt64] = []
    for _ in 0..<(try readUInt64()) { slots.append(try readUInt64()) }
    let hash = try readHash()
    return VoteInstruction.Vote(slots: slots, hash: hash, timestamp: try readTimestamp())
  }

  fileprivate mutating func readWholeTower() throws(CodecError) -> VoteInstruction.Tower {
    var lockouts: [VoteState.Lockout] = []
    for _ in 0..<(try readUInt64()) {
      let slot = try readUInt64()
      lockouts.append(VoteState.Lockout(slot: slot, confirmationCount: try readUInt32()))
    }
    let root = try readOption { (reader) throws(CodecError) in try reader.readUInt64() }
    let hash = try readHash()
    return VoteInstruction.Tower(lockouts: lockouts, root: root, hash: hash, timestamp: try readTimestamp())
  }

  /// The root, all ones where there is none; the number of lockouts; each one's slot as the difference to the one
  /// before, and a byte of confirmations.
  fileprivate mutating func readCompactTower() throws(CodecError) -> VoteInstruction.Tower {
    let word = try readUInt64()
    let root = word == .max ? nil : word
    var slot = root ?? 0
    var lockouts: [VoteState.Lockout] = []
    for _ in 0..<(try readCompactU16()) {
      let start = offset
      let difference = try readVarint()
      let sum = slot.addingReportingOverflow(difference)
      guard !sum.overflow else { throw .lengthExceedsInput(offset: start, length: difference) }
      slot = sum.partialValue
      lockouts.append(VoteState.Lockout(slot: slot, confirmationCount: UInt32(try readUInt8())))
    }
    let hash = try readHash()
    return VoteInstruction.Tower(lockouts: lockouts, root: root, hash: hash, timestamp: try readTimestamp())
  }

  /// Seven bits a byte, least significant first, in as few bytes as the number needs
  /// (https://docs.rs/solana-serde-varint).
  private mutating func readVarint() throws(CodecError) -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let byte = try readUInt8()
      value |= UInt64(byte & 0x7f) << shift
      guard byte < 0x80 else { continue }
      guard value >> shift == UInt64(byte), byte > 0 || shift == 0 else {
        throw .invalidTag(offset: offset - 1, value: byte)
      }
      return value
    }
    throw .invalidTag(offset: start, value: 0x80)
  }
}
