// Syscalls that Agave has and this build lacks. A program that calls one of them would run into a fault that mainnet
// does not know, so it is refused when it is loaded, by the syscall's name. A name that Agave itself does not know is
// another matter: its call faults when it is reached, as on chain. Names as in Agave's syscalls/src/lib.rs
// (https://github.com/anza-xyz/agave); a syscall that is implemented moves from here to `SyscallTable`.

import SBPF

package enum MissingSyscalls {
  package static let names = [
    "sol_poseidon", "sol_big_mod_exp", "sol_curve_decompress", "sol_curve_pairing_map",
  ]

  private static let nameByKey = Dictionary(
    uniqueKeysWithValues: names.map { (Murmur3.hash(Array($0.utf8)), $0) })

  /// The first call of one of `names` in `executable`, reachable or not.
  static func firstCall(in executable: Executable) -> (name: String, pc: Int)? {
    for (pc, key) in executable.unresolvedCalls {
      if let name = nameByKey[key] { return (name, pc) }
    }
    return nil
  }
}
