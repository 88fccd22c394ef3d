// The accounts of the programs that are part of the runtime itself. Their data is the program's name in the
// runtime; they are what a fresh LiteSVM has under the native loader.

import Primitives

package enum BuiltinAccounts {
  private static let names: [(key: Pubkey, name: String)] = [
    (ProgramID.system, "system_program"),
    (ProgramID.bpfLoader1, "solana_bpf_loader_deprecated_program"),
    (ProgramID.bpfLoader2, "solana_bpf_loader_program"),
    (ProgramID.bpfLoaderUpgradeable, "solana_bpf_loader_upgradeable_program"),
    (ProgramID.computeBudget, "compute_budget_program"),
    (ProgramID.vote, "vote_program"),
    (ProgramID.zkElGamalProof, "zk_elgamal_proof_program"),
    (ProgramID.ed25519, ""),
    (ProgramID.secp256k1, ""),
    (ProgramID.secp256r1, ""),
  ]

  /// Sorted by key.
  package static let all: [(key: Pubkey, account: Account)] =
    names.map { entry in
      let account = Account(
        lamports: 1, data: Array(entry.name.utf8), owner: ProgramID.nativeLoader, executable: true,
        rentEpoch: 0)
      return (entry.key, account)
    }
    .sorted { $0.key < $1.key }

  /// What the account at `key` is, where it is the runtime's own and not to be set: one of these or another of the native
  /// loader's, a sysvar, Ethereum's state, the EVM program's vault; `nil` for others.
  ///
  /// - Parameter account: what is there or is to be, if that is known.
  package static func role(of key: Pubkey, _ account: Account? = nil) -> String? {
    if SysvarID.all.contains(key) { return "a sysvar" }
    let isOther =
      EVMKey.contains(key) || key == ProgramID.nativeLoader || key == ProgramID.ethereumVault
      || account?.owner == ProgramID.nativeLoader
    return isOther || all.contains { $0.key == key } ? "a part of the runtime" : nil
  }
}
