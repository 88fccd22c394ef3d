// Blocks for measuring lanes: transactions that each call a small program which computes for some microseconds and
// writes one account, either one of its own or one that all share.

import Execution
import Ledger
import Linking
import Primitives
import Runtime
import SBPF

package struct LaneBench {
  package let replay: Replay

  package enum Kind: Sendable {
    /// A call of the program below.
    case compute
    /// A SOL transfer.
    case transfer
  }

  /// Mixes a number for 20,000 rounds (160,000 units) and adds it to the first account's first eight bytes.
  private static let program = """
    entrypoint:
      mov64 r3, 20000
      lddw r4, 0x9e3779b97f4a7c15
    loop:
      mov64 r5, r4
      lsh64 r5, 13
      xor64 r4, r5
      mov64 r5, r4
      rsh64 r5, 7
      xor64 r4, r5
      sub64 r3, 1
      jne r3, 0, loop
      ldxdw r5, [r1+96]
      add64 r5, r4
      stxdw [r1+96], r5
      mov64 r0, 0
      exit
    """

  /// - Parameter contention: per cent of transactions that write one shared account.
  package init(kind: Kind = .compute, contention: Int, count: Int) throws {
    let programID = Pubkey(word0: 1, word1: 2, word2: 3, word3: 4)
    var workload = Workload(kind == .compute ? .counter : .transfer, program: programID, seed: 7)
    var wires: [[UInt8]] = []
    let blockhash = Hash(word0: 5, word1: 6, word2: 7, word3: 8)
    try workload.append(count, contention: contention, blockhash: blockhash, to: &wires)
    let image = try Assembler.assemble(Self.program, version: .v3)
    let accounts = UpgradeableProgram.accounts(
      programID: programID, elf: try ObjectLinker.executable(image), rent: Rent())
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 0, blockhash: blockhash,
      accounts: workload.accounts + [(programID, accounts.program), accounts.programData])
    var replay = Replay(genesis: genesis, wires: wires)
    replay.verifiesSignatures = false
    self.replay = replay
  }

  /// Nanoseconds of the fastest of `rounds` runs; every transaction must succeed.
  package func best(of rounds: Int, on executor: any BlockExecutor) throws -> UInt64 {
    var best = UInt64.max
    for _ in 0..<rounds {
      let outcome = try replay.run(executor: executor)
      if let failed = outcome.receipts.solana.first(where: { $0.error != nil }), let error = failed.error {
        throw error
      }
      best = min(best, outcome.timing.elapsedNanoseconds)
    }
    return best
  }
}
