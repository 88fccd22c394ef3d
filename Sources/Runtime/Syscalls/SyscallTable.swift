// Which syscalls programs may import, by name: mainnet's as of Agave 4.1 (https://github.com/anza-xyz/agave,
// syscalls/src/lib.rs), and those that features add (Features.swift).

import SBPF

package enum SyscallTable {
  /// What programs run with; all features' for programs run outside a ledger.
  package static func registry(_ features: Features = .mainnet) -> SyscallRegistry {
    var registry = deployment(features)
    registry.register("sol_alloc_free_", MemorySyscalls.allocate)
    return registry
  }

  /// What a new program may import when it is deployed or upgraded.
  package static func deployment(_ features: Features = .mainnet) -> SyscallRegistry {
    var registry = SyscallRegistry()
    for row in common { registry.register(row.name, row.function) }
    for row in switched where features.contains(row.feature) { registry.register(row.name, row.function) }
    return registry
  }

  private static let switched: [(feature: Features, name: String, function: SyscallFunction)] = [
    (.blake3, "sol_blake3", HashSyscalls.blake3),
    (.modularExponentiation, "sol_big_mod_exp", ModularExponentiationSyscall.power),
    (.remainingUnits, "sol_remaining_compute_units", InstructionSyscalls.remainingUnits),
  ]

  private static let common: [(name: String, function: SyscallFunction)] = [
    ("abort", LogSyscalls.abort),
    ("sol_panic_", LogSyscalls.panic),
    ("sol_log_", LogSyscalls.log),
    ("sol_log_64_", LogSyscalls.log64),
    ("sol_log_pubkey", LogSyscalls.logPubkey),
    ("sol_log_compute_units_", LogSyscalls.logComputeUnits),
    ("sol_log_data", LogSyscalls.logData),
    ("sol_memcpy_", MemorySyscalls.copy),
    ("sol_memmove_", MemorySyscalls.move),
    ("sol_memset_", MemorySyscalls.set),
    ("sol_memcmp_", MemorySyscalls.compare),
    ("sol_sha256", HashSyscalls.sha256),
    ("sol_keccak256", HashSyscalls.keccak256),
    ("sol_create_program_address", AddressSyscalls.create),
    ("sol_try_find_program_address", AddressSyscalls.find),
    ("sol_secp256k1_recover", CurveSyscalls.secp256k1Recover),
    ("sol_curve_validate_point", CurveSyscalls.validate),
    ("sol_curve_group_op", CurveSyscalls.operate),
    ("sol_curve_multiscalar_mul", CurveSyscalls.multiscalarMultiply),
    ("sol_curve_decompress", CurveSyscalls.decompress),
    ("sol_curve_pairing_map", CurveSyscalls.pair),
    ("sol_poseidon", PoseidonSyscall.hash),
    ("sol_alt_bn128_group_op", PairingSyscalls.operate),
    ("sol_alt_bn128_compression", PairingSyscalls.compress),
    ("sol_get_clock_sysvar", SysvarSyscalls.clock),
    ("sol_get_rent_sysvar", SysvarSyscalls.rent),
    ("sol_get_epoch_schedule_sysvar", SysvarSyscalls.epochSchedule),
    ("sol_get_epoch_rewards_sysvar", SysvarSyscalls.epochRewards),
    ("sol_get_last_restart_slot", SysvarSyscalls.lastRestartSlot),
    ("sol_get_sysvar", SysvarSyscalls.getBytes),
    ("sol_get_epoch_stake", SysvarSyscalls.epochStake),
    ("sol_set_return_data", InstructionSyscalls.setReturnData),
    ("sol_get_return_data", InstructionSyscalls.returnData),
    ("sol_get_stack_height", InstructionSyscalls.stackHeight),
    ("sol_get_processed_sibling_instruction", InstructionSyscalls.processedSibling),
    ("sol_invoke_signed_c", CrossProgramInvocation.invokeC),
    ("sol_invoke_signed_rust", CrossProgramInvocation.invokeRust),
  ]
}
