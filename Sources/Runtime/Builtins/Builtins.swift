// The table of native programs: those that are code of the runtime and not ELF files, as LiteSVM (Agave 4.1,
// mainnet's feature set) has them. Config, stake, address lookup table and feature gate have become ELF
// programs there. The table is read by the processor, by genesis and by the default compute-unit limit.

import Ledger
import Primitives

/// A native program; its account is among `BuiltinAccounts`.
package struct Builtin: Sendable {
  package let id: Pubkey
  /// Compute units taken before the program begins.
  package let cost: UInt64
  package let function: BuiltinFunction

  package init(id: Pubkey, cost: UInt64, function: @escaping BuiltinFunction) {
    (self.id, self.cost, self.function) = (id, cost, function)
  }
}

package enum Builtins {
  /// The native program at `id`; `nil` for precompiles, ELF programs and everything else.
  package static func function(for id: Pubkey) -> Builtin? {
    for entry in all where entry.id == id { return entry }
    return nil
  }

  package static let all: [Builtin] = [
    Builtin(id: ProgramID.system, cost: SystemProgram.computeUnits, function: SystemProgram.process),
    // Its instructions are read before the transaction runs.
    Builtin(id: ProgramID.computeBudget, cost: 150, function: { (_) throws(InstructionError) in }),
    Builtin(
      id: ProgramID.bpfLoaderUpgradeable, cost: UpgradeableLoader.computeUnits,
      function: UpgradeableLoader.process),
    Builtin(
      id: ProgramID.bpfLoader2, cost: 570,
      function: refusing("BPF loader management instructions are no longer supported")),
    Builtin(
      id: ProgramID.bpfLoader1, cost: 1140,
      function: refusing("Deprecated loader is no longer supported")),
    Builtin(id: ProgramID.vote, cost: VoteProgram.computeUnits, function: VoteProgram.process),
    // Each instruction has a price of its own.
    Builtin(id: ProgramID.zkElGamalProof, cost: 0, function: ProofProgram.process),
  ]

  /// A program that refuses every instruction and says why.
  private static func refusing(_ message: String) -> BuiltinFunction {
    return { (invoke) throws(InstructionError) in
      invoke.log(message)
      throw .unsupportedProgramId
    }
  }

  /// Compute units that an instruction of `program` adds to the limit of a transaction that sets none.
  ///
  /// The 3,000 of SIMD-0170 go to the programs below; vote, ZK ElGamal proof and secp256r1 count as ELF
  /// programs do.
  package static func defaultComputeUnits(of program: Pubkey) -> UInt64 {
    switch program {
    case ProgramID.system, ProgramID.computeBudget, ProgramID.bpfLoaderUpgradeable, ProgramID.bpfLoader2,
      ProgramID.bpfLoader1, ProgramID.ed25519, ProgramID.secp256k1:
      3_000
    default: 200_000
    }
  }
}
