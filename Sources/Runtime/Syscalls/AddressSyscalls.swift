// sol_create_program_address and sol_try_find_program_address (https://solana.com/docs/core/pda), and the
// reading of seeds, which cross-program invocations share.

import Primitives
import SBPF

enum AddressSyscalls {
  /// Writes the address of an array of seeds under the program whose key is at `program`; returns 1 where the
  /// seeds give none.
  static let create: SyscallFunction = { vm, seeds, count, program, result, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.createProgramAddress)
      let seeds = try AddressSyscalls.seeds(
        machine, seeds, count: count, checkAligned: invoke.checksAlignment)
      let program = Pubkey(reading: try machine.map(program, 32, .load))
      guard let address = try? ProgramAddress.create(seeds: seeds, program: program) else { return 1 }
      address.write(to: try machine.map(result, 32, .store))
      return 0
    }
  }

  /// Searches the bump from 255 down, paying for each attempt; writes the bump and the address, or returns 1.
  static let find: SyscallFunction = { vm, seeds, count, program, result, bump in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.createProgramAddress)
      let seeds = try AddressSyscalls.seeds(
        machine, seeds, count: count, checkAligned: invoke.checksAlignment)
      let program = Pubkey(reading: try machine.map(program, 32, .load))
      let found = try? ProgramAddress.find(seeds: seeds, program: program)
      // The first attempt is paid; where nothing is found, 255 attempts failed and each of them paid for the
      // next.
      try machine.consume(ComputeCosts.createProgramAddress * UInt64(255 - (found?.bump ?? 0)))
      guard let found else { return 1 }
      let bumpTarget = UnsafeMutableRawBufferPointer(start: try machine.map(bump, 1, .store), count: 1)
      let target = UnsafeMutableRawBufferPointer(start: try machine.map(result, 32, .store), count: 32)
      if bumpTarget.overlaps(target) { throw .copyOverlapping }
      bumpTarget[0] = found.bump
      found.address.write(to: target.baseAddress.unsafelyUnwrapped)  // 32 bytes, never empty
      return 0
    }
  }

  /// The seeds of one address: at most 16 slices of at most 32 bytes. They point into guest memory.
  static func seeds(
    _ machine: Machine, _ address: UInt64, count: UInt64, checkAligned: Bool
  ) throws(SyscallFailure) -> [UnsafeRawBufferPointer] {
    let slices = try machine.slice(
      address, count: count, stride: GuestSlice.byteCount, alignment: GuestSlice.alignment,
      checkAligned: checkAligned)
    guard count <= UInt64(ProgramAddress.maximumSeedCount) else { throw .badSeeds(.maxSeedLengthExceeded) }
    var seeds: [UnsafeRawBufferPointer] = []
    seeds.reserveCapacity(Int(count))
    for index in 0..<Int(count) {
      let slice = slices.guestSlice(at: index)
      guard slice.count <= UInt64(ProgramAddress.maximumSeedByteCount) else {
        throw .badSeeds(.maxSeedLengthExceeded)
      }
      seeds.append(try machine.bytes(slice))
    }
    return seeds
  }
}
