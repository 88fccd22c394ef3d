import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

struct SyscallSysvarTests {
  struct Getter: Sendable, CustomStringConvertible {
    var name: String
    var byteCount: UInt64
    var alignment: UInt64
    var expected: [UInt8]
    var description: String { name }
  }

  static func words(_ values: UInt64...) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
  }

  /// As a fresh ledger at slot 7 has them, laid out as Rust lays out the structures.
  static let getters = [
    Getter(
      name: "sol_get_clock_sysvar", byteCount: 40, alignment: 8, expected: words(7, 0, 0, 0, 1_700_000_000)),
    Getter(
      name: "sol_get_rent_sysvar", byteCount: 24, alignment: 8, expected: words(6960, (1.0).bitPattern, 50)),
    Getter(
      name: "sol_get_epoch_schedule_sysvar", byteCount: 40, alignment: 8,
      expected: words(432_000, 432_000, 1, 14, 524_256)),
    Getter(
      name: "sol_get_epoch_rewards_sysvar", byteCount: 96, alignment: 16,
      expected: [UInt8](repeating: 0, count: 96)),
    Getter(name: "sol_get_last_restart_slot", byteCount: 8, alignment: 8, expected: words(0)),
  ]

  @Test(arguments: getters) func structuresAreWritten(getter: Getter) throws {
    let rig = try SyscallRig()
    rig.write([UInt8](repeating: 0xff, count: 256), at: heap)
    let units = 100 + Int64(getter.byteCount)
    #expect(try rig.call(getter.name, heap + 32) == .ok(units: units))
    #expect(rig.read(heap + 32, Int(getter.byteCount)) == getter.expected)
    #expect(rig.read(heap + 31, 1) == [0xff] && rig.read(heap + 32 + getter.byteCount, 1) == [0xff])
    #expect(try rig.call(getter.name, stack + 32) == .ok(units: units))
    #expect(try rig.call(getter.name, heap, units: units) == .ok(units: units))
    #expect(try rig.call(getter.name, heap, units: units - 1) == .failed(.outOfUnits, units: units - 1))
  }

  @Test(arguments: getters) func destinationsAreChecked(getter: Getter) throws {
    let units = 100 + Int64(getter.byteCount)
    let rig = try SyscallRig()
    let end = heap + heapByteCount
    for offset in [1, 2, 4, 8, 16] as [UInt64] {
      let expected: SyscallRig.Outcome =
        offset % getter.alignment == 0 ? .ok(units: units) : .failed(.unalignedPointer, units: units)
      #expect(try rig.call(getter.name, heap + offset) == expected)
    }
    let checks: [(UInt64, SyscallFailure)] = [
      (0, .store(0, getter.byteCount)), (program, .store(program, getter.byteCount)),
      (end - getter.byteCount + 1, .store(end - getter.byteCount + 1, getter.byteCount)),
      (input, .invalidPointer), (input + 4096, .invalidPointer), (.max, .invalidPointer),
    ]
    for (address, failure) in checks {
      #expect(try rig.call(getter.name, address) == .failed(failure, units: units))
    }
  }

  @Test(arguments: getters) func theFirstLoadersProgramsAreRefused(getter: Getter) throws {
    let rig = try SyscallRig(loader: ProgramID.bpfLoader1)
    rig.write(SysvarID.clock.bytes, at: heap)
    for address in [0, heap, heap + 1, input, .max] as [UInt64] {
      let units = 100 + Int64(getter.byteCount)
      #expect(try rig.call(getter.name, address) == .failed(.unalignedPointer, units: units))
      #expect(try rig.call(getter.name, address, units: 0) == .failed(.outOfUnits, units: 0))
      #expect(try rig.call("sol_get_sysvar", heap, address, 0, 8) == .failed(.unalignedPointer, units: 110))
    }
    #expect(try rig.call("sol_get_epoch_stake", heap + 1) == .ok(0, units: 110))
  }

  @Test func bytesOfAccounts() throws {
    let rig = try SyscallRig()
    let sysvars = rig.invoke.environment.sysvars
    for key in [
      SysvarID.clock, SysvarID.epochSchedule, SysvarID.epochRewards, SysvarID.rent, SysvarID.slotHashes,
      SysvarID.stakeHistory, SysvarID.lastRestartSlot,
    ] {
      let data = try #require(sysvars.accountData(key))
      rig.write(key.bytes, at: heap)
      let count = UInt64(data.count)
      let most = min(count, 1000)
      let units = 100 + max(10, Int64(most) / 250)
      #expect(try rig.call("sol_get_sysvar", heap, heap + 64, 0, most) == .ok(units: units))
      #expect(rig.read(heap + 64, Int(most)) == Array(data[..<Int(most)]))
      #expect(try rig.call("sol_get_sysvar", heap, heap + 64, count - 3, 3) == .ok(units: 110))
      #expect(rig.read(heap + 64, 3) == Array(data.suffix(3)))
      #expect(try rig.call("sol_get_sysvar", heap, heap + 64, count - 3, 4) == .ok(1, units: 110))
      #expect(try rig.call("sol_get_sysvar", heap, heap + 64, count, 0) == .ok(units: 110))
      #expect(try rig.call("sol_get_sysvar", heap, heap + 64, count + 1, 0) == .ok(1, units: 110))
    }
    for key in [
      SysvarID.slotHistory, SysvarID.recentBlockhashes, SysvarID.instructions, SysvarID.fees, .zero,
    ] {
      rig.write(key.bytes, at: heap)
      #expect(try rig.call("sol_get_sysvar", heap, heap + 64, 0, 8) == .ok(2, units: 110))
    }
  }

  @Test func bytesArgumentsFailInOrder() throws {
    let rig = try SyscallRig()
    rig.write(SysvarID.clock.bytes, at: heap)
    let name = "sol_get_sysvar"
    #expect(try rig.call(name, 0, input, 0, 8) == .failed(.invalidPointer, units: 110))
    #expect(try rig.call(name, 0, program, 0, 8) == .failed(.store(program, 8), units: 110))
    #expect(try rig.call(name, 0, heap, 0, 8) == .failed(.load(0, 32), units: 110))
    let overflow = SyscallFailure.instruction(.arithmeticOverflow)
    #expect(try rig.call(name, heap, heap + 64, .max, 1) == .failed(overflow, units: 110))
    #expect(try rig.call(name, heap, heap + 64, .max - 1, 1) == .ok(1, units: 110))
    #expect(try rig.call(name, heap, heap + 64, 0, 8, units: 109) == .failed(.outOfUnits, units: 109))
    #expect(try rig.call(name, heap, heap + 64, 0, 40, units: 110) == .ok(units: 110))
    #expect(try rig.call(name, heap, 0, 0, 5000) == .failed(.store(0, 5000), units: 120))
  }

  @Test func epochStakes() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("sol_get_epoch_stake", 0) == .ok(0, units: 100))
    #expect(try rig.call("sol_get_epoch_stake", 0, units: 99) == .failed(.outOfUnits, units: 99))
    #expect(try rig.call("sol_get_epoch_stake", heap + 1) == .ok(0, units: 110))
    #expect(try rig.call("sol_get_epoch_stake", 1) == .failed(.load(1, 32), units: 110))
    var stakes = EpochStakes()
    stakes.set(5, for: ProgramID.vote)
    stakes.set(7, for: .zero)
    stakes.set(6, for: ProgramID.vote)
    #expect((stakes.total, stakes.stake(of: ProgramID.vote), stakes.stake(of: ProgramID.stake)) == (13, 6, 0))
  }
}
