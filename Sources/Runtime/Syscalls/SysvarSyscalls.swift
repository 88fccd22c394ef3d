// sol_get_*_sysvar, sol_get_last_restart_slot and sol_get_sysvar (SIMD-0127), and sol_get_epoch_stake
// (SIMD-0133). The older getters write the sysvar as the Rust structure lies in memory, padding zero;
// sol_get_sysvar copies account bytes. Destinations lie below the input region, and programs of loader v1,
// which know no alignment, are refused (SIMD-0459).

import Ledger
import Primitives
import SBPF

/// How a sysvar's account bytes spread over the fields of its structure.
private struct SysvarLayout {
  let byteCount: Int
  let alignment: UInt64
  /// Runs of bytes: where they are in the account, where in the structure.
  let runs: [(source: Int, target: Int, byteCount: Int)]

  static let clock = SysvarLayout(byteCount: 40, alignment: 8, runs: [(0, 0, 40)])
  static let rent = SysvarLayout(byteCount: 24, alignment: 8, runs: [(0, 0, 17)])
  /// The flag `warmup` takes one byte in the account and eight in the structure.
  static let epochSchedule = SysvarLayout(byteCount: 40, alignment: 8, runs: [(0, 0, 17), (17, 24, 16)])
  static let epochRewards = SysvarLayout(byteCount: 96, alignment: 16, runs: [(0, 0, 81)])
  static let lastRestartSlot = SysvarLayout(byteCount: 8, alignment: 8, runs: [(0, 0, 8)])
}

enum SysvarSyscalls {
  static let clock: SyscallFunction = { vm, address, _, _, _, _ in
    get(vm, SysvarID.clock, .clock, address)
  }

  static let rent: SyscallFunction = { vm, address, _, _, _, _ in
    get(vm, SysvarID.rent, .rent, address)
  }

  static let epochSchedule: SyscallFunction = { vm, address, _, _, _, _ in
    get(vm, SysvarID.epochSchedule, .epochSchedule, address)
  }

  static let epochRewards: SyscallFunction = { vm, address, _, _, _, _ in
    get(vm, SysvarID.epochRewards, .epochRewards, address)
  }

  static let lastRestartSlot: SyscallFunction = { vm, address, _, _, _, _ in
    get(vm, SysvarID.lastRestartSlot, .lastRestartSlot, address)
  }

  private static func get(
    _ vm: UnsafeMutableRawPointer, _ key: Pubkey, _ layout: SysvarLayout, _ address: UInt64
  ) -> UInt64 {
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.sysvarBase + UInt64(layout.byteCount))
      try checkDestination(address, invoke)
      let target = try machine.value(
        address, byteCount: UInt64(layout.byteCount), alignment: layout.alignment, access: .store,
        checkAligned: true)
      guard let data = invoke.environment.sysvars.accountData(key),
        layout.runs.allSatisfy({ $0.source + $0.byteCount <= data.count })
      else { throw .instruction(.unsupportedSysvar) }
      target.initializeMemory(as: UInt8.self, repeating: 0, count: layout.byteCount)
      data.withUnsafeBytes { bytes in
        for run in layout.runs {
          UnsafeMutableRawBufferPointer(start: target + run.target, count: run.byteCount)
            .copyMemory(
              from: UnsafeRawBufferPointer(rebasing: bytes[run.source..<run.source + run.byteCount]))
        }
      }
      return 0
    }
  }

  private static func checkDestination(_ address: UInt64, _ invoke: InvokeContext) throws(SyscallFailure) {
    if !invoke.checksAlignment { throw .unalignedPointer }
    if address >= GuestMemory.inputStart { throw .invalidPointer }
  }

  /// Sysvars whose bytes a program may ask for.
  private static let readable: Set<Pubkey> = [
    SysvarID.clock, SysvarID.epochSchedule, SysvarID.epochRewards, SysvarID.rent, SysvarID.slotHashes,
    SysvarID.stakeHistory, SysvarID.lastRestartSlot,
  ]

  /// Copies `[offset, offset + byteCount)` of a sysvar's account to `address`. Returns 1 where the account is
  /// shorter and 2 where there is no such sysvar.
  static let getBytes: SyscallFunction = { vm, key, address, offset, byteCount, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(
        ComputeCosts.sysvarBase + 32 / ComputeCosts.bytesPerUnit
          + max(byteCount / ComputeCosts.bytesPerUnit, ComputeCosts.memoryOperationBase))
      try checkDestination(address, invoke)
      let target = try machine.slice(address, count: byteCount, access: .store)
      let sysvar = Pubkey(reading: try machine.map(key, 32, .load))
      let end = offset.addingReportingOverflow(byteCount)
      if end.overflow || address.addingReportingOverflow(byteCount).overflow {
        throw .instruction(.arithmeticOverflow)
      }
      guard readable.contains(sysvar), let data = invoke.environment.sysvars.accountData(sysvar) else {
        return 2
      }
      guard end.partialValue <= UInt64(data.count) else { return 1 }
      data.withUnsafeBytes {
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(offset)..<Int(end.partialValue)]))
      }
      return 0
    }
  }

  /// Active stake of the vote account whose key is at `address`, or of all where `address` is 0.
  static let epochStake: SyscallFunction = { vm, address, _, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      if address == 0 {
        try machine.consume(ComputeCosts.syscallBase)
        return invoke.environment.epochStakes.total
      }
      try machine.consume(
        ComputeCosts.syscallBase + 32 / ComputeCosts.bytesPerUnit + ComputeCosts.memoryOperationBase)
      return invoke.environment.epochStakes.stake(of: Pubkey(reading: try machine.map(address, 32, .load)))
    }
  }
}
