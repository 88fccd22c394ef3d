// The programs of random blocks, assembled once.

import Ledger
import Linking
import Primitives
import SBPF

struct RandomBlockPrograms {
  static let moverID = Pubkey(word0: 11, word1: 12, word2: 13, word3: 14)
  static let callerID = Pubkey(word0: 21, word1: 22, word2: 23, word3: 24)

  let moverELF: [UInt8]
  /// Moves twice as much.
  let upgradeELF: [UInt8]
  /// Of the mover and of the caller.
  let accounts: [(key: Pubkey, account: Account)]

  static let all: Result<RandomBlockPrograms, any Error> = Result { try RandomBlockPrograms() }

  private init() throws {
    (moverELF, upgradeELF) = (try Self.elf(Self.mover(factor: 1)), try Self.elf(Self.mover(factor: 2)))
    let codes = [(Self.moverID, moverELF), (Self.callerID, try Self.elf(Self.caller))]
    accounts = codes.flatMap { id, elf in
      let program = UpgradeableProgram.accounts(programID: id, elf: elf, rent: Rent())
      return [(id, program.program), program.programData]
    }
  }

  private static func elf(_ assembly: String) throws -> [UInt8] {
    try ObjectLinker.executable(try Assembler.assemble(assembly, version: .v3))
  }

  /// Moves an amount (data byte 1) from the first account's data to the second's, logs, and fails if byte 0 is odd.
  private static func mover(factor: Int) -> String {
    """
    entrypoint:
      ldxb r6, [r2+0]
      ldxb r7, [r2+1]
      mul64 r7, \(factor)
      ldxdw r3, [r1+96]
      sub64 r3, r7
      stxdw [r1+96], r3
      ldxdw r3, [r1+10440]
      add64 r3, r7
      stxdw [r1+10440], r3
      mov64 r1, r6
      mov64 r2, r7
      mov64 r3, 0
      mov64 r4, 0
      mov64 r5, 0
      call sol_log_64_
      and64 r6, 1
      mov64 r0, r6
      exit
    """
  }

  // MARK: A chain of calls

  /// Where the caller's accounts lie in its input: two with 8 bytes of data, two programs with 36.
  private static let inputs = [8, 10_352, 20_696, 31_072]
  private static func info(_ index: Int) -> Int { 1024 - 56 * index }
  private static func meta(_ index: Int) -> Int { 512 - 16 * index }

  /// With data (depth, a, b) and accounts (first, second, mover, itself): at depth 0 calls the mover on the first two
  /// with data (a, b), else itself with one depth less.
  private static var caller: String {
    let accounts = inputs.indices.map { index in
      let (info, meta) = (info(index), meta(index))
      return """
          mov64 r3, r6
          add64 r3, \(inputs[index])
          mov64 r4, r3
          add64 r4, 8
          stxdw [r10-\(info)], r4
          stxdw [r10-\(meta)], r4
          mov64 r4, r3
          add64 r4, 72
          stxdw [r10-\(info - 8)], r4
          ldxdw r4, [r3+80]
          stxdw [r10-\(info - 16)], r4
          mov64 r4, r3
          add64 r4, 88
          stxdw [r10-\(info - 24)], r4
          mov64 r4, r3
          add64 r4, 40
          stxdw [r10-\(info - 32)], r4
          stdw [r10-\(info - 40)], 0
          stdw [r10-\(info - 48)], 0
          stdw [r10-\(meta - 8)], 0
          ldxb r4, [r3+2]
          stxb [r10-\(info - 49)], r4
          stxb [r10-\(meta - 8)], r4
          ldxb r4, [r3+3]
          stxb [r10-\(info - 50)], r4

        """
    }.joined()
    return """
      entrypoint:
        mov64 r6, r1
        mov64 r7, r2
      \(accounts)
        ldxb r8, [r7+0]
        ldxb r3, [r7+1]
        ldxb r4, [r7+2]
        jeq r8, 0, last
        sub64 r8, 1
        stxb [r10-64], r8
        stxb [r10-63], r3
        stxb [r10-62], r4
        mov64 r3, r6
        add64 r3, \(inputs[3] + 8)
        stdw [r10-24], 4
        stdw [r10-8], 3
        ja call
      last:
        stxb [r10-64], r3
        stxb [r10-63], r4
        mov64 r3, r6
        add64 r3, \(inputs[2] + 8)
        stdw [r10-24], 2
        stdw [r10-8], 2
      call:
        stxdw [r10-40], r3
        mov64 r3, r10
        add64 r3, -\(meta(0))
        stxdw [r10-32], r3
        mov64 r3, r10
        add64 r3, -64
        stxdw [r10-16], r3
        mov64 r1, r10
        add64 r1, -40
        mov64 r2, r10
        add64 r2, -\(info(0))
        mov64 r3, 4
        mov64 r4, 0
        mov64 r5, 0
        call sol_invoke_signed_c
        mov64 r0, 0
        exit
      """
  }
}
