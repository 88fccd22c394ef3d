// Random blocks for the executors: system transfers, creations and assignments, nonces, a program that writes two
// accounts, chains of calls, and transactions that fail at every stage, over a population whose size sets how much they
// contend.

import Ledger
import Linking
import Primitives
import Runtime
import SBPF

@testable import Estuary

struct RandomBlock {
  let genesis: Genesis
  private(set) var wires: [[UInt8]] = []
  private var random: SplitMix64
  private let payers: [Ed25519.KeyPair]
  private let cells: [Pubkey]
  private let contention: Int
  private static let programID = Pubkey(word0: 11, word1: 12, word2: 13, word3: 14)
  private static let callerID = Pubkey(word0: 21, word1: 22, word2: 23, word3: 24)
  private static let blockhash = Hash(word0: 31, word1: 32, word2: 33, word3: 34)

  /// Moves `amount` (data byte 1) from the first account's data to the second's, logs, and fails if byte 0 is odd.
  private static let mover = """
    entrypoint:
      ldxb r6, [r2+0]
      ldxb r7, [r2+1]
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

  /// - Parameter contention: per cent of accounts that are drawn from a few hot ones.
  init(seed: UInt64, count: Int, contention: Int) throws {
    random = SplitMix64(seed: seed)
    self.contention = contention
    var generator = random
    payers = (0..<24).map { _ in Ed25519.KeyPair(seed: Hash(Self.key(&generator))) }
    cells = (0..<64).map { _ in Self.key(&generator) }
    random = generator
    var accounts: [(key: Pubkey, account: Account)] = []
    for (index, payer) in payers.enumerated() {
      let lamports: UInt64 = index == 0 ? 12_000 : index == 1 ? 900_000 : 10_000_000_000
      accounts.append((payer.pubkey, Account(lamports: lamports, owner: ProgramID.system)))
    }
    for cell in cells {
      accounts.append(
        (cell, Account(lamports: 946_560, data: [UInt8](repeating: 0, count: 8), owner: Self.programID)))
    }
    let image = try Assembler.assemble(Self.mover, version: .v3)
    let program = UpgradeableProgram.accounts(
      programID: Self.programID, elf: try ObjectLinker.executable(image), rent: Rent())
    accounts.append((Self.programID, program.program))
    accounts.append(program.programData)
    genesis = try Genesis(slot: 7, unixTimestamp: 1000, blockhash: Self.blockhash, accounts: accounts)
    for _ in 0..<count { wires.append(try transaction()) }
  }

  private static func key(_ random: inout SplitMix64) -> Pubkey {
    Pubkey(word0: random.next(), word1: random.next(), word2: random.next(), word3: random.next())
  }

  private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

  private mutating func pick(_ count: Int) -> Int { below(100) < contention ? below(2) : below(count) }

  private mutating func transaction() throws -> [UInt8] {
    let kind = below(20)
    if kind == 0, let earlier = wires.last { return earlier }
    if kind == 1 { return (0..<below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
    let payer = payers[2 + pick(payers.count - 2)]
    let first = below(40) == 0 ? payers[below(2)] : payer
    let count = 1 + below(3)
    var instructions: [Instruction] = []
    for _ in 0..<count { instructions.append(instruction(by: first)) }
    let hash = below(50) == 0 ? Hash(Self.key(&random)) : Self.blockhash
    let builder = TransactionBuilder(payer: first.pubkey, recentBlockhash: hash, instructions: instructions)
    var bytes = try builder.signed(by: payers).bytes
    if below(40) == 0 { bytes[5 + below(40)] ^= 1 }  // a damaged signature
    return bytes
  }

  private mutating func instruction(by payer: Ed25519.KeyPair) -> Instruction {
    switch below(10) {
    case 0, 1, 2:
      return System.transfer(
        from: payer.pubkey, to: payers[pick(payers.count)].pubkey, lamports: random.next() % 2_000_000)
    case 3:
      // Far too much now and then: fails half-way through a transaction.
      return System.transfer(
        from: payer.pubkey, to: Self.key(&random), lamports: random.next() % 40_000_000_000)
    case 4:
      return Instruction(
        programID: ProgramID.system,
        accounts: [AccountMeta(key: payer.pubkey, isSigner: true, isWritable: true)],
        data: SystemInstruction.allocate(space: 1).encode())
    case 5:
      return Instruction(programID: Self.key(&random), accounts: [], data: [])
    default:
      let (source, target) = (cells[pick(cells.count)], cells[pick(cells.count)])
      let isWritable = below(12) > 0
      return Instruction(
        programID: Self.programID,
        accounts: [
          AccountMeta(key: source, isSigner: false, isWritable: true),
          AccountMeta(key: target, isSigner: false, isWritable: isWritable),
        ], data: [UInt8(below(8) == 0 ? 1 : 0), UInt8(below(256))])
    }
  }
}
