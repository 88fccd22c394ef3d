// Named keys against their base58 text, and sysvars byte for byte against a fresh LiteSVM (solders 0.29).

import Primitives
import Testing

@testable import Ledger

@Suite struct NamedKeyTests {
  static let names: [(Pubkey, String)] = [
    (ProgramID.system, "11111111111111111111111111111111"),
    (ProgramID.bpfLoader1, "BPFLoader1111111111111111111111111111111111"),
    (ProgramID.bpfLoader2, "BPFLoader2111111111111111111111111111111111"),
    (ProgramID.bpfLoaderUpgradeable, "BPFLoaderUpgradeab1e11111111111111111111111"),
    (ProgramID.loaderV4, "LoaderV411111111111111111111111111111111111"),
    (ProgramID.computeBudget, "ComputeBudget111111111111111111111111111111"),
    (ProgramID.addressLookupTable, "AddressLookupTab1e1111111111111111111111111"),
    (ProgramID.ed25519, "Ed25519SigVerify111111111111111111111111111"),
    (ProgramID.secp256k1, "KeccakSecp256k11111111111111111111111111111"),
    (ProgramID.secp256r1, "Secp256r1SigVerify1111111111111111111111111"),
    (ProgramID.vote, "Vote111111111111111111111111111111111111111"),
    (ProgramID.stake, "Stake11111111111111111111111111111111111111"),
    (ProgramID.stakeConfig, "StakeConfig11111111111111111111111111111111"),
    (ProgramID.config, "Config1111111111111111111111111111111111111"),
    (ProgramID.feature, "Feature111111111111111111111111111111111111"),
    (ProgramID.zkElGamalProof, "ZkE1Gama1Proof11111111111111111111111111111"),
    (ProgramID.zkTokenProof, "ZkTokenProof1111111111111111111111111111111"),
    (ProgramID.nativeLoader, "NativeLoader1111111111111111111111111111111"),
    (ProgramID.incinerator, "1nc1nerator11111111111111111111111111111111"),
    (ProgramID.sysvar, "Sysvar1111111111111111111111111111111111111"),
    (SysvarID.clock, "SysvarC1ock11111111111111111111111111111111"),
    (SysvarID.epochRewards, "SysvarEpochRewards1111111111111111111111111"),
    (SysvarID.epochSchedule, "SysvarEpochSchedu1e111111111111111111111111"),
    (SysvarID.fees, "SysvarFees111111111111111111111111111111111"),
    (SysvarID.instructions, "Sysvar1nstructions1111111111111111111111111"),
    (SysvarID.lastRestartSlot, "SysvarLastRestartS1ot1111111111111111111111"),
    (SysvarID.recentBlockhashes, "SysvarRecentB1ockHashes11111111111111111111"),
    (SysvarID.rent, "SysvarRent111111111111111111111111111111111"),
    (SysvarID.rewards, "SysvarRewards111111111111111111111111111111"),
    (SysvarID.slotHashes, "SysvarS1otHashes111111111111111111111111111"),
    (SysvarID.slotHistory, "SysvarS1otHistory11111111111111111111111111"),
    (SysvarID.stakeHistory, "SysvarStakeHistory1111111111111111111111111"),
  ]

  @Test func wordsSpellTheText() {
    for (key, text) in Self.names { #expect(key.description == text) }
    #expect(Set(SysvarID.all).count == 12)
  }

  @Test func everyNamedKeyButTheIncineratorIsReserved() {
    for (key, text) in Self.names {
      #expect(ReservedKeys.contains(key) == (key != ProgramID.incinerator), "\(text)")
    }
    #expect(ReservedKeys.all.count == 31 && Set(ReservedKeys.all).count == 31)
    for key in ReservedKeys.all { #expect(key.word0 & 0xff <= ReservedKeys.largestFirstByte) }
    for (key, _) in Self.names {
      #expect(
        !ReservedKeys.contains(
          Pubkey(word0: key.word0, word1: key.word1, word2: key.word2, word3: ~key.word3)))
    }
  }
}

@Suite struct SysvarsTests {
  struct Fresh: CustomTestStringConvertible, Sendable {
    let name: String
    let key: Pubkey
    let byteCount: Int
    let sha256: String
    var testDescription: String { name }
  }

  /// Slot 435,888,000, time 0, blockhash CmpNeggW…: what `LiteSVM()` begins with.
  static let fresh: [Fresh] = [
    Fresh(
      name: "clock", key: SysvarID.clock, byteCount: 40,
      sha256: "673f168b2babdfa6e6734a371f7da4b588ce45d2c98a560354eb2adb944bf0df"),
    Fresh(
      name: "epoch rewards", key: SysvarID.epochRewards, byteCount: 81,
      sha256: "6778c7c7b6b6c1c273e668169a7652a681da86ad62d03f7c5aa120405069feb2"),
    Fresh(
      name: "epoch schedule", key: SysvarID.epochSchedule, byteCount: 33,
      sha256: "fafcdbafa2f53af29cb218b38116fa3147dbdd0735000f400e78bae1c83ee963"),
    Fresh(
      name: "fees", key: SysvarID.fees, byteCount: 8,
      sha256: "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc"),
    Fresh(
      name: "last restart slot", key: SysvarID.lastRestartSlot, byteCount: 8,
      sha256: "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc"),
    Fresh(
      name: "recent blockhashes", key: SysvarID.recentBlockhashes, byteCount: 48,
      sha256: "fafd061fcd724a09aa2d987e423e53a3c0b470b4ba3d0b16c7b8ec92e3f92c9c"),
    Fresh(
      name: "rent", key: SysvarID.rent, byteCount: 17,
      sha256: "90dfa0c787553fcd84ca093a258dd3bc781915b0636309e8eecb0187b8613c98"),
    Fresh(
      name: "slot hashes", key: SysvarID.slotHashes, byteCount: 20_488,
      sha256: "c66aa77c1f43046b0d61172b3f83a0d92d5a93d929215089858dad7578b23436"),
    Fresh(
      name: "slot history", key: SysvarID.slotHistory, byteCount: 131_097,
      sha256: "d0c4d18d94130217ebb3d4fb00dd59aac747a3ed9b058a97565a29eb9484c140"),
    Fresh(
      name: "stake history", key: SysvarID.stakeHistory, byteCount: 8,
      sha256: "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc"),
  ]

  static func freshSysvars() throws -> Sysvars {
    try Sysvars(
      slot: 435_888_000, unixTimestamp: 0,
      blockhash: Hash(text: "CmpNeggWJ4JaWJeJ8YKN1Zypmk7uvQq3PECGUCAEMbky"))
  }

  @Test(arguments: fresh)
  func freshAccountsAreLiteSVMs(example: Fresh) throws {
    let sysvars = try Self.freshSysvars()
    let account = try #require(sysvars.accounts.first { $0.key == example.key }?.account)
    #expect(account.data.count == example.byteCount)
    #expect(Hex.encode(SHA256.hash(account.data).bytes) == example.sha256)
    #expect(
      account.lamports == 1 && account.owner == ProgramID.sysvar && !account.executable
        && account.rentEpoch == 0)
    #expect(sysvars.accountData(example.key) == account.data)
  }

  @Test func freshLedgersHaveTheseAndNoOthers() throws {
    #expect(Set(try Self.freshSysvars().accounts.map(\.key)) == Set(Self.fresh.map(\.key)))
    #expect(try Self.freshSysvars().accountData(SysvarID.instructions) == nil)
  }

  @Test func valuesAreReadBack() throws {
    var generator = SplitMix64(seed: 1)
    let clock = Clock(slot: 9, epochStartTimestamp: -5, epoch: 3, leaderScheduleEpoch: 4, unixTimestamp: -1)
    let rent = Rent(lamportsPerByte: 7, exemptionThreshold: 2.5, burnPercent: 1)
    let schedule = EpochSchedule(slotsPerEpoch: 32, hasWarmup: false, firstNormalEpoch: 0, firstNormalSlot: 0)
    let hashes = (0..<600).map { SlotHash(slot: UInt64(1000 - $0), hash: generator.hash()) }
    let blockhashes = [RecentBlockhash(blockhash: generator.hash(), lamportsPerSignature: 5000)]
    let history = [StakeHistoryEntry(epoch: 1, effective: 2, activating: 3, deactivating: 4)]
    var rewards = EpochRewards()
    rewards.totalPoints = UInt128(generator.next()) << 64 | 5
    rewards.isActive = true
    var data: [Pubkey: [UInt8]] = [
      SysvarID.clock: SysvarWriter.clock(clock), SysvarID.rent: SysvarWriter.rent(rent),
      SysvarID.epochSchedule: SysvarWriter.epochSchedule(schedule),
      SysvarID.slotHashes: SysvarWriter.slotHashes(hashes),
      SysvarID.recentBlockhashes: SysvarWriter.recentBlockhashes(blockhashes),
      SysvarID.stakeHistory: SysvarWriter.stakeHistory(history),
      SysvarID.epochRewards: SysvarWriter.epochRewards(rewards),
      SysvarID.lastRestartSlot: SysvarWriter.uint64(77),
    ]
    func sysvars() throws -> Sysvars {
      try Sysvars(
        slot: 1, unixTimestamp: 1, blockhash: .zero,
        overriding: data.mapValues { Account(lamports: 5, data: $0, owner: ProgramID.sysvar) })
    }
    let read = try sysvars()
    #expect(read.clock == clock && read.rent == rent && read.epochSchedule == schedule)
    #expect(
      read.slotHashes == hashes && read.recentBlockhashes == blockhashes && read.stakeHistory == history)
    #expect(read.epochRewards == rewards && read.lastRestartSlot == 77)

    for key in data.keys.sorted() {
      let good = data[key]!
      data[key] = Array(good.dropLast())
      #expect(throws: SysvarError.malformed(key)) { try sysvars() }
      data[key] = []
      #expect(throws: SysvarError.malformed(key)) { try sysvars() }
      data[key] = good + [1, 2, 3]  // an account may be longer than its value
      #expect(throws: Never.self) { try sysvars() }
      data[key] = good
    }
    data[SysvarID.slotHashes] = SysvarWriter.uint64(.max)
    #expect(throws: SysvarError.malformed(SysvarID.slotHashes)) { try sysvars() }
    #expect(throws: SysvarError.missing(SysvarID.clock)) { try Sysvars(accounts: []) }
  }

  @Test(
    arguments: [
      (0, 890_880), (165, 2_039_280), (10_485_760, 72_981_780_480),
    ] as [(Int, UInt64)])
  func rentExemption(byteCount: Int, lamports: UInt64) {
    let rent = Rent()
    #expect(rent.minimumBalance(dataByteCount: byteCount) == lamports)
    #expect(rent.isExempt(lamports: lamports, dataByteCount: byteCount))
    #expect(!rent.isExempt(lamports: lamports - 1, dataByteCount: byteCount))
  }

  @Test func oddRentNeverTraps() {
    for threshold in [0, -1, 0.5, 2, .nan, .infinity, -.infinity, 1e300] {
      for lamports in [0, 1, UInt64.max] {
        let rent = Rent(lamportsPerByte: lamports, exemptionThreshold: threshold)
        _ = rent.minimumBalance(dataByteCount: 10_000_000)
      }
    }
    #expect(Rent(exemptionThreshold: 2).minimumBalance(dataByteCount: 0) == 2 * 890_880)
    #expect(Rent(exemptionThreshold: 0.5).minimumBalance(dataByteCount: 0) == 445_440)
  }

  /// As Agave's get_leader_schedule_epoch: the next epoch in the warm-up, else that of the slot an offset later.
  @Test func theLastEpochWhoseLeadersAreKnown() {
    let warm = EpochSchedule()
    for (slot, epoch) in [(0, 1), (31, 1), (32, 2), (88, 2), (96, 3), (524_255, 14), (524_256, 15), (956_256, 16)] as [(UInt64, UInt64)] {
      #expect(warm.leaderScheduleEpoch(ofSlot: slot) == epoch, "slot \(slot)")
    }
    let cold = EpochSchedule(slotsPerEpoch: 100, leaderScheduleSlotOffset: 30, hasWarmup: false, firstNormalEpoch: 0, firstNormalSlot: 0)
    for (slot, epoch) in [(0, 0), (69, 0), (70, 1), (169, 1), (170, 2)] as [(UInt64, UInt64)] {
      #expect(cold.leaderScheduleEpoch(ofSlot: slot) == epoch, "slot \(slot)")
    }
  }
}
