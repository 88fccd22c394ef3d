import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

struct SyscallAddressTests {
  static let create = "sol_create_program_address"
  static let find = "sol_try_find_program_address"
  static let seedsAt = heap, keyAt = heap + 1024, result = heap + 2048, bump = heap + 2100

  /// Lays out `seeds` as slices at `seedsAt`, and the program's key.
  static func lay(_ seeds: [[UInt8]], _ rig: SyscallRig, program: Pubkey = ProgramID.bpfLoaderUpgradeable) {
    var at = heap + 4096
    for (index, seed) in seeds.enumerated() {
      rig.write(at, UInt64(seed.count), at: seedsAt + UInt64(index) * 16)
      rig.write(seed, at: at)
      at += UInt64(seed.count)
    }
    rig.write(program.bytes, at: keyAt)
  }

  // Solana's own vectors for addresses under BPFLoaderUpgradeab1e11111111111111111111111.
  @Test(
    arguments: [
      ([[], [1]], "BwqrghZA2htAcqq8dzP1WDAhTXYTYWj7CHxF5j7TDBAe"),
      ([Array("☉".utf8), [0]], "13yWmRpaTR4r5nAktwLqMpRNr28tnVUZw26rTvPSSB19"),
      ([Array("Talking".utf8), Array("Squirrels".utf8)], "2fnQrngrQT4SeLcdToJAD96phoEjNL2man2kfRLCASVk"),
    ] as [([[UInt8]], String)])
  func knownAddresses(seeds: [[UInt8]], address: String) throws {
    let rig = try SyscallRig()
    Self.lay(seeds, rig)
    let outcome = try rig.call(Self.create, Self.seedsAt, UInt64(seeds.count), Self.keyAt, Self.result)
    #expect(outcome == .ok(units: 1500))
    #expect(Base58.encode(rig.read(Self.result, 32)) == address)
  }

  @Test func searchPaysForEachAttempt() throws {
    var bumps: Set<UInt8> = []
    for number in 0..<60 {
      let rig = try SyscallRig()
      let seed = [UInt8(number)]
      Self.lay([seed, [255]], rig)
      let outcome = try rig.call(Self.find, Self.seedsAt, 1, Self.keyAt, Self.result, Self.bump)
      let found = try #require(rig.read(Self.bump, 1).first)
      bumps.insert(found)
      let units = 1500 * Int64(256 - Int(found))
      #expect(outcome == .ok(units: units))
      let address = rig.read(Self.result, 32)
      for bump in (found...255).reversed() {
        Self.lay([seed, [bump]], rig)
        let single = try rig.call(Self.create, Self.seedsAt, 2, Self.keyAt, Self.result)
        #expect(single == .ok(bump == found ? 0 : 1, units: 1500))
      }
      #expect(rig.read(Self.result, 32) == address)
      let short = try rig.call(
        Self.find, Self.seedsAt, 1, Self.keyAt, Self.result, Self.bump, units: units - 1)
      #expect(short == .failed(.outOfUnits, units: units - 1))
    }
    #expect(bumps.count > 2)
  }

  @Test func sixteenSeedsLeaveNoRoomForABump() throws {
    let rig = try SyscallRig()
    Self.lay((0..<17).map { [UInt8($0)] }, rig)
    #expect(
      try rig.call(Self.find, Self.seedsAt, 16, Self.keyAt, Self.result, Self.bump)
        == .ok(1, units: 256 * 1500))
    let short = try rig.call(Self.find, Self.seedsAt, 16, Self.keyAt, Self.result, Self.bump, units: 200_000)
    #expect(short == .failed(.outOfUnits, units: 200_000))
    #expect(try rig.call(Self.create, Self.seedsAt, 16, Self.keyAt, Self.result).failure == nil)
    for name in [Self.create, Self.find] {
      let outcome = try rig.call(name, Self.seedsAt, 17, Self.keyAt, Self.result, Self.bump)
      #expect(outcome == .failed(.badSeeds(.maxSeedLengthExceeded), units: 1500))
    }
  }

  @Test func badArgumentsFailInOrder() throws {
    let outside = heap + heapByteCount
    for name in [Self.create, Self.find] {
      let rig = try SyscallRig()
      Self.lay([[1], [2]], rig)
      rig.write(heap, 33, at: heap + 512)
      rig.write(outside, 32, at: heap + 528)
      let checks: [(UInt64, UInt64, UInt64, SyscallFailure)] = [
        (0, 1, Self.keyAt, .load(0, 16)), (heap + 4, 1, Self.keyAt, .unalignedPointer),
        (heap + 512, 1, 0, .badSeeds(.maxSeedLengthExceeded)), (heap + 528, 1, 0, .load(outside, 32)),
        (heap, 1, outside - 31, .load(outside - 31, 32)), (heap, 1 << 60, 0, .invalidLength),
        (heap + 32, 2048, 0, .load(heap + 32, 32_768)),
      ]
      for (seeds, count, key, failure) in checks {
        #expect(
          try rig.call(name, seeds, count, key, Self.result, Self.bump) == .failed(failure, units: 1500))
      }
      #expect(try rig.call(name, 0, 0, 0, 0, 0, units: 1499) == .failed(.outOfUnits, units: 1499))
    }
  }

  @Test func resultsMustNotOverlap() throws {
    let rig = try SyscallRig()
    Self.lay([[9]], rig)
    func find(_ result: UInt64, _ bump: UInt64) throws -> SyscallFailure? {
      try rig.call(Self.find, Self.seedsAt, 1, Self.keyAt, result, bump).failure
    }
    #expect(try find(Self.result, Self.result) == .copyOverlapping)
    #expect(try find(Self.result, Self.result + 31) == .copyOverlapping)
    #expect(try find(Self.result, Self.result + 32) == nil)
    #expect(try find(Self.result, Self.result - 1) == nil)
    #expect(try find(program, 0) == .store(0, 1))
    #expect(try find(program, Self.bump) == .store(program, 32))
  }
}
