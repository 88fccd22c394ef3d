// Random blocks of both families under one order: the two random halves, lines that hold no transaction, and Solana's
// transactions that read records of the EVM's. Everything follows from the seed.

import EVM
import Ledger
import Linking
import Primitives
import Runtime
import SBPF
import WideIntegers

@testable import Estuary

struct RandomMixedBlock {
  /// What the generator's block has, beside what its two halves have.
  enum Situation: CaseIterable {
    case malformedLine, solanaBehindEthereum, ethereumBehindSolana
    /// A Solana transaction reads a record of the EVM's, itself, after one that changed, or through a table.
    case peek, peekBehindChange, peekByLookupTable
    /// An entry of Ethereum's with a binding set.
    case declared
  }

  let genesis: Genesis
  private(set) var lines: [TransactionLine] = []
  /// By line: the family, and what the line is there for.
  private(set) var names: [String] = []
  /// Situations that are no line's alone.
  private(set) var neighbours: [Situation] = []

  private static let peekerID = Pubkey(word0: 41, word1: 42, word2: 43, word3: 44)
  private static let tableKey = Pubkey(word0: 51, word1: 52, word2: 53, word3: 54)
  private static let payer = Ed25519.KeyPair(seed: SHA256.hash([7]))
  private static let cell = Pubkey(word0: 61, word1: 62, word2: 63, word3: 64)
  static let cells = (0..<4).map {
    Pubkey(word0: cell.word0, word1: cell.word1, word2: cell.word2, word3: $0)
  }
  /// The EVM's accounts whose nonces are looked at.
  private static let watched = (1...4).map { EVMKey.account(Address(UInt256(0x10_0000 + UInt64($0)))) }

  /// Adds the low byte of the nonce of the second account, a record of the EVM's, to the first account's data, shifted.
  private static let peeker = """
    entrypoint:
      ldxdw r3, [r1+96]
      mul64 r3, 31
      ldxb r4, [r1+10442]
      add64 r3, r4
      stxdw [r1+96], r3
      mov64 r0, 0
      exit
    """

  init(seed: UInt64, count: Int, contention: Int) throws {
    var random = SplitMix64(seed: seed &+ 1_000_000)
    let solana = try RandomBlock(seed: seed, count: count, contention: contention)
    let forks: [Fork] = [.london, .shanghai, .cancun, .prague, .osaka]
    let ethereum = RandomEthereumBlock(
      seed: seed, count: count, fork: forks[Int(seed) % forks.count], contention: contention,
      gasLimit: seed % 7 == 4 ? 900_000 : 1 << 40)
    genesis = try Self.genesis(solana.genesis, ethereum.genesis)
    var left = Array(zip(solana.wires, solana.situations))[...]
    var right = Array(zip(try Self.entries(ethereum, genesis, &random), ethereum.situations))[...]
    var (wasEthereum, isChanged) = (false, false)
    while !left.isEmpty || !right.isEmpty {
      let choice = random.next() % 20
      if choice == 0 {
        add(.malformedLine, .failure(TransactionLineError(line: lines.count + 1, .noObject)))
      } else if choice <= 2 {
        if isChanged { neighbours.append(.peekBehindChange) }
        isChanged = false
        add(
          choice == 1 ? .peek : .peekByLookupTable,
          .success(.solana(try Self.peek(&random, byTable: choice == 2, solana.genesis.blockhash))))
      } else if let (wire, situation) = left.first, choice < 11 || right.isEmpty {
        if wasEthereum { neighbours.append(.solanaBehindEthereum) }
        wasEthereum = false
        left.removeFirst()
        add("solana.\(situation)", .success(.solana(wire)))
      } else if let (wire, situation) = right.first {
        if !wasEthereum { neighbours.append(.ethereumBehindSolana) }
        (wasEthereum, isChanged) = (true, true)
        right.removeFirst()
        if wire.access != nil { neighbours.append(.declared) }
        add("ethereum.\(situation)", .success(.ethereum(wire)))
      }
    }
  }

  private mutating func add(_ situation: Situation, _ line: TransactionLine) {
    add("mixed.\(situation)", line)
  }

  private mutating func add(_ name: String, _ line: TransactionLine) {
    names.append(name)
    lines.append(line)
  }

  /// Ethereum's entries: in some blocks none has its set, in some each, in some every other; and a few too little.
  private static func entries(
    _ block: RandomEthereumBlock, _ genesis: Genesis, _ random: inout SplitMix64
  ) throws -> [EthereumWire] {
    var wires = block.wires
    let mode = random.next() % 4
    if mode == 0 { return wires }
    let sets = try SerialAccesses(genesis, wires).emulated
    for (position, set) in sets.enumerated() where mode == 1 || random.next() % 2 == 0 {
      guard let set else { continue }
      wires[position].access =
        random.next() % 12 == 0 ? AccessSet(accounts: set.accounts, slots: set.slots.dropLast()) : set
    }
    return wires
  }

  private static func genesis(_ solana: Genesis, _ ethereum: EthereumGenesis) throws -> Genesis {
    var accounts: [(key: Pubkey, account: Account)] = solana.accounts
    let image = try Assembler.assemble(peeker, version: .v3)
    let program = UpgradeableProgram.accounts(
      programID: peekerID, elf: try ObjectLinker.executable(image), rent: Rent())
    accounts.append((peekerID, program.program))
    accounts.append(program.programData)
    accounts.append((payer.pubkey, Account(lamports: 10_000_000_000, owner: ProgramID.system)))
    for cell in cells {
      accounts.append(
        (cell, Account(lamports: 946_560, data: [UInt8](repeating: 0, count: 8), owner: peekerID)))
    }
    // A lookup table without an authority, never to be closed, whose addresses are the EVM's.
    var table = ByteWriter(capacity: 56 + 32 * watched.count)
    table.write(UInt32(1))
    table.write(UInt64.max)
    table.write(UInt64(0))
    table.write(UInt8(0))
    table.write(UInt8(0))
    table.write([UInt8](repeating: 0, count: 34))
    for key in watched { table.write(key) }
    accounts.append(
      (tableKey, Account(lamports: 1_000_000_000, data: table.bytes, owner: ProgramID.addressLookupTable)))
    return try Genesis(
      slot: solana.slot, unixTimestamp: solana.unixTimestamp, blockhash: solana.blockhash, accounts: accounts,
      ethereum: ethereum)
  }

  /// A transaction that looks at a nonce.
  private static func peek(
    _ random: inout SplitMix64, byTable: Bool, _ blockhash: Hash
  ) throws -> [UInt8] {
    let cell = cells[Int(random.next() % 4)]
    let place = Int(random.next() % UInt64(watched.count))
    let instruction = Instruction(
      programID: peekerID,
      accounts: [
        AccountMeta(key: cell, isSigner: false, isWritable: true),
        AccountMeta(key: watched[place], isSigner: false, isWritable: false),
      ], data: [UInt8(truncatingIfNeeded: random.next()), UInt8(truncatingIfNeeded: random.next())])
    if !byTable {
      return try TransactionBuilder(
        payer: payer.pubkey, recentBlockhash: blockhash, instructions: [instruction]
      ).signed(by: [payer]).bytes
    }
    // Version 0: payer and cell, the program, and one address of the table.
    var message = ByteWriter(capacity: 300)
    message.write(UInt8(0x80))
    message.write([1, 0, 1, 3] as [UInt8])
    for key in [payer.pubkey, cell, peekerID] { message.write(key) }
    message.write(blockhash)
    message.write([1, 2, 2, 1, 3, 2] as [UInt8])
    message.write(instruction.data)
    message.write(UInt8(1))
    message.write(tableKey)
    message.write([0, 1, UInt8(place)] as [UInt8])
    return [1] + payer.sign(message.bytes).bytes + message.bytes
  }
}
