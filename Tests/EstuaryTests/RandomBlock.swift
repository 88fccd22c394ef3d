// Random blocks for the executors: every kind of transaction that reads or writes more than it seems to, and failures at
// every stage, over a population whose size sets how much they contend. Each transaction says what it is there for, so
// that a test can count what happened. Everything follows from the seed. Programs: RandomBlockPrograms.swift.

import Ledger
import Primitives
import Runtime

@testable import Estuary

struct RandomBlock {
  /// What a transaction is there for.
  enum Situation: CaseIterable {
    case plain, creation, assignment
    /// Under the hash of a durable nonce account, and then something that fails.
    case nonce, failingNonce
    /// The account that holds a nonce is made in the block.
    case nonceCreation
    case callChain
    /// Version 0, accounts named through a table.
    case lookup
    /// Writes a table, or makes the account at a table's key, before others look keys up in it.
    case tableWrite, tableCreation
    /// Looks keys up in a table that may come to be in the block.
    case lookupInCreated
    case deployment, callOfDeployed, upgrade, callOfUpgraded
    /// The same bytes again; another message under a signature that was there before.
    case repeated, sharedSignature
    case garbage, damagedSignature, poorPayer, unknownHash, unknownProgram
  }

  /// Those whose transactions fail.
  static let neverSucceeding: Set<Situation> = [
    .failingNonce, .lookupInCreated, .callOfDeployed, .sharedSignature, .repeated, .garbage, .poorPayer,
    .unknownHash,
    .unknownProgram,
  ]

  let genesis: Genesis
  private(set) var wires: [[UInt8]] = []
  /// By transaction.
  private(set) var situations: [Situation] = []
  private var random: SplitMix64
  private let payers: [Ed25519.KeyPair]
  private let cells: [Pubkey]
  private let nonces: [Nonce]
  private let upgrades: [Upgrade]
  private let contention: Int
  /// A table that the genesis has, and one that it has not.
  private let tables: (present: Pubkey, later: Ed25519.KeyPair)
  private let addresses: [Pubkey]
  static let blockhash = Hash(word0: 31, word1: 32, word2: 33, word3: 34)

  private struct Nonce {
    let key: Pubkey
    let hash: Hash
  }

  /// A program whose code a buffer holds: one that is to be deployed, or one that is to be upgraded.
  private struct Upgrade {
    let program: Ed25519.KeyPair
    let buffer: Pubkey
    let isNew: Bool
    /// Two of its own.
    let cells: [Pubkey]
    var programData: Pubkey { UpgradeableProgram.programDataAddress(of: program.pubkey) ?? .zero }
  }

  /// - Parameter contention: per cent of accounts that are drawn from a few hot ones.
  init(seed: UInt64, count: Int, contention: Int) throws {
    self.contention = contention
    var draws = SplitMix64(seed: seed)
    payers = (0..<24).map { _ in Ed25519.KeyPair(seed: Hash(Self.key(&draws))) }
    cells = (0..<64).map { _ in Self.key(&draws) }
    nonces = (0..<6).map { _ in Nonce(key: Self.key(&draws), hash: Hash(Self.key(&draws))) }
    upgrades = (0..<4).map {
      Upgrade(
        program: Ed25519.KeyPair(seed: Hash(Self.key(&draws))), buffer: Self.key(&draws), isNew: $0 % 2 == 0,
        cells: [Self.key(&draws), Self.key(&draws)])
    }
    tables = (Self.key(&draws), Ed25519.KeyPair(seed: Hash(Self.key(&draws))))
    addresses = cells + payers.map(\.pubkey)
    random = draws
    genesis = try Genesis(
      slot: 7, unixTimestamp: 1000, blockhash: Self.blockhash,
      accounts: try Self.accounts(payers, cells, nonces, upgrades, tables.present, addresses))
    for _ in 0..<count { try add() }
  }

  private static func accounts(
    _ payers: [Ed25519.KeyPair], _ cells: [Pubkey], _ nonces: [Nonce], _ upgrades: [Upgrade], _ table: Pubkey,
    _ addresses: [Pubkey]
  ) throws -> [(key: Pubkey, account: Account)] {
    var accounts: [(key: Pubkey, account: Account)] = []
    for (index, payer) in payers.enumerated() {
      let lamports: UInt64 = index == 0 ? 12_000 : index == 1 ? 900_000 : 10_000_000_000
      accounts.append((payer.pubkey, Account(lamports: lamports, owner: ProgramID.system)))
    }
    for cell in cells {
      let data = [UInt8](repeating: 0, count: 8)
      accounts.append((cell, Account(lamports: 946_560, data: data, owner: RandomBlockPrograms.moverID)))
    }
    for (index, nonce) in nonces.enumerated() {
      let state = NonceState(
        contents: .init(
          authority: payers[2 + index].pubkey, durableNonce: nonce.hash, lamportsPerSignature: 5000))
      accounts.append(
        (nonce.key, Account(lamports: 5_000_000, data: state.encode(), owner: ProgramID.system)))
    }
    let list = AddressLookupTable(authority: nil, addresses: addresses)
    accounts.append(
      (table, Account(lamports: 100_000_000, data: list.encoded(), owner: ProgramID.addressLookupTable)))
    let programs = try RandomBlockPrograms.all.get()
    accounts += programs.accounts
    for upgrade in upgrades {
      let state = UpgradeableLoaderState.buffer(authority: authority.pubkey).encode()
      accounts.append(
        (
          upgrade.buffer,
          Account(
            lamports: 100_000_000, data: state + programs.upgradeELF, owner: ProgramID.bpfLoaderUpgradeable)
        ))
      for cell in upgrade.cells {
        let data = [UInt8](repeating: 0, count: 8)
        accounts.append((cell, Account(lamports: 946_560, data: data, owner: upgrade.program.pubkey)))
      }
      if upgrade.isNew { continue }
      let program = UpgradeableProgram.accounts(
        programID: upgrade.program.pubkey, elf: programs.moverELF, rent: Rent(), authority: authority.pubkey)
      accounts += [(upgrade.program.pubkey, program.program), program.programData]
    }
    return accounts
  }

  /// Of all that can be upgraded.
  private static let authority = Ed25519.KeyPair(seed: SHA256.hash([1, 2, 3]))

  private static func key(_ random: inout SplitMix64) -> Pubkey {
    Pubkey(word0: random.next(), word1: random.next(), word2: random.next(), word3: random.next())
  }

  // MARK: Transactions

  private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

  private mutating func pick(_ count: Int) -> Int { below(100) < contention ? below(2) : below(count) }

  private mutating func payer() -> Ed25519.KeyPair { payers[2 + pick(payers.count - 2)] }

  private mutating func add() throws {
    let all = Situation.allCases
    // Half of them are plain: what they have in common is what most of a block has.
    let situation = below(2) == 0 ? .plain : all[below(all.count)]
    if let wire = try wire(situation) {
      wires.append(wire)
      situations.append(situation)
    } else {
      wires.append(try plain(by: payer()))
      situations.append(.plain)
    }
  }

  private mutating func wire(_ situation: Situation) throws -> [UInt8]? {
    let payer = payer()
    switch situation {
    case .plain: return try plain(by: payer)
    case .creation:
      let pair = Ed25519.KeyPair(seed: Hash(Self.key(&random)))
      let owner = [ProgramID.system, RandomBlockPrograms.moverID][below(2)]
      // Too few lamports for rent now and then.
      return try signed(
        payer, [create(pair.pubkey, by: payer, below(6) == 0 ? 10 : 2_000_000, 8, owner)], with: pair)
    case .assignment: return try assignment(by: payer)
    case .nonce, .failingNonce: return try nonce(fails: situation == .failingNonce)
    case .nonceCreation: return try nonceCreation(by: payer)
    case .callChain: return try signed(payer, [chain()])
    case .lookup: return try lookup(by: payer, in: tables.present)
    case .lookupInCreated: return try lookup(by: payer, in: tables.later.pubkey)
    case .tableWrite:
      return try signed(payer, [System.transfer(from: payer.pubkey, to: tables.present, lamports: 7)])
    case .tableCreation:
      let later = tables.later
      return try signed(
        payer, [create(later.pubkey, by: payer, 2_000_000, 56, ProgramID.addressLookupTable)], with: later)
    case .deployment, .upgrade: return try newCode(situation, by: payer)
    case .callOfDeployed, .callOfUpgraded:
      let place = 2 * below(upgrades.count / 2) + (situation == .callOfDeployed ? 0 : 1)
      return try signed(payer, [move(by: upgrades[place].program.pubkey, cells: upgrades[place].cells)])
    case .repeated: return wires.isEmpty ? nil : wires[wires.count - 1 - below(min(wires.count, 4))]
    case .sharedSignature: return try sharedSignature(by: payer)
    case .garbage: return (0..<below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    case .damagedSignature:
      var bytes = try plain(by: payer)
      bytes[5 + below(40)] ^= 1
      return bytes
    case .poorPayer: return try plain(by: payers[below(2)])
    case .unknownHash: return try plain(by: payer, Hash(Self.key(&random)))
    case .unknownProgram:
      return try signed(payer, [Instruction(programID: Self.key(&random), accounts: [], data: [])])
    }
  }

  private func signed(
    _ payer: Ed25519.KeyPair, _ instructions: [Instruction], with others: Ed25519.KeyPair...,
    hash: Hash? = nil,
    tables: [(key: Pubkey, addresses: [Pubkey])] = []
  ) throws -> [UInt8] {
    try TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: hash ?? Self.blockhash, instructions: instructions,
      version: tables.isEmpty ? .legacy : .v0, lookupTables: tables
    ).signed(by: payers + others).bytes
  }

  private mutating func plain(by payer: Ed25519.KeyPair, _ hash: Hash? = nil) throws -> [UInt8] {
    var instructions: [Instruction] = []
    for _ in 0..<1 + below(3) { instructions.append(instruction(by: payer)) }
    return try signed(payer, instructions, hash: hash)
  }

  private mutating func instruction(by payer: Ed25519.KeyPair) -> Instruction {
    switch below(8) {
    case 0, 1, 2:
      return System.transfer(
        from: payer.pubkey, to: payers[pick(payers.count)].pubkey, lamports: random.next() % 2_000_000)
    case 3:
      // Far too much now and then: fails half-way through a transaction.
      return System.transfer(
        from: payer.pubkey, to: Self.key(&random), lamports: random.next() % 40_000_000_000)
    default: return move(by: RandomBlockPrograms.moverID)
    }
  }

  private mutating func distinctCells() -> (Pubkey, Pubkey) {
    let first = pick(cells.count)
    return (cells[first], cells[(first + 1 + pick(cells.count - 1)) % cells.count])
  }

  private mutating func move(by program: Pubkey, cells: [Pubkey]? = nil) -> Instruction {
    let cells = cells ?? self.cells
    let (source, target) = (cells[pick(cells.count)], cells[pick(cells.count)])
    let isWritable = below(12) > 0
    return Instruction(
      programID: program,
      accounts: [
        AccountMeta(key: source, isSigner: false, isWritable: true),
        AccountMeta(key: target, isSigner: false, isWritable: isWritable),
      ], data: [UInt8(below(8) == 0 ? 1 : 0), UInt8(below(256))])
  }

  /// A program that calls itself some times, and then another.
  private mutating func chain() -> Instruction {
    let (source, target) = distinctCells()
    let metas = [source, target].map { AccountMeta(key: $0, isSigner: false, isWritable: true) }
    let programs = [RandomBlockPrograms.moverID, RandomBlockPrograms.callerID].map {
      AccountMeta(key: $0, isSigner: false, isWritable: false)
    }
    return Instruction(
      programID: RandomBlockPrograms.callerID, accounts: metas + programs,
      data: [UInt8(below(5)), UInt8(below(8) == 0 ? 1 : 0), UInt8(below(256))])
  }

  private func create(
    _ key: Pubkey, by payer: Ed25519.KeyPair, _ lamports: UInt64, _ space: UInt64, _ owner: Pubkey
  ) -> Instruction {
    System.createAccount(from: payer.pubkey, to: key, lamports: lamports, space: space, owner: owner)
  }

  /// An account is funded, given room and given away, in one transaction.
  private mutating func assignment(by payer: Ed25519.KeyPair) throws -> [UInt8] {
    let pair = Ed25519.KeyPair(seed: Hash(Self.key(&random)))
    let meta = [AccountMeta(key: pair.pubkey, isSigner: true, isWritable: true)]
    let steps: [SystemInstruction] = [.allocate(space: 8), .assign(owner: RandomBlockPrograms.moverID)]
    let source = cells[pick(cells.count)]
    return try signed(
      payer,
      [System.transfer(from: payer.pubkey, to: pair.pubkey, lamports: 2_000_000)]
        + steps.map { Instruction(programID: ProgramID.system, accounts: meta, data: $0.encode()) }
        + [
          Instruction(
            programID: RandomBlockPrograms.moverID,
            accounts: [source, pair.pubkey].map { AccountMeta(key: $0, isSigner: false, isWritable: true) },
            data: [0, 9])
        ], with: pair)
  }

  private func advance(_ nonce: Pubkey, by authority: Pubkey) -> Instruction {
    Instruction(
      programID: ProgramID.system,
      accounts: [
        AccountMeta(key: nonce, isSigner: false, isWritable: true),
        AccountMeta(key: SysvarID.recentBlockhashes, isSigner: false, isWritable: false),
        AccountMeta(key: authority, isSigner: true, isWritable: false),
      ], data: SystemInstruction.advanceNonceAccount.encode())
  }

  private mutating func nonce(fails: Bool) throws -> [UInt8] {
    let place = pick(nonces.count)
    let authority = payers[2 + place]
    let amount: UInt64 = fails ? 1 << 60 : 1000
    // Now and then the hash that the account has once it was used.
    let hash = below(4) == 0 ? NonceState.durableNonce(from: Self.blockhash) : nonces[place].hash
    return try signed(
      payer(),
      [
        advance(nonces[place].key, by: authority.pubkey),
        System.transfer(
          from: authority.pubkey, to: payers[pick(payers.count)].pubkey, lamports: amount),
      ], hash: hash)
  }

  private mutating func nonceCreation(by payer: Ed25519.KeyPair) throws -> [UInt8] {
    let pair = Ed25519.KeyPair(seed: Hash(Self.key(&random)))
    let initialization = Instruction(
      programID: ProgramID.system,
      accounts: [
        AccountMeta(key: pair.pubkey, isSigner: false, isWritable: true),
        AccountMeta(key: SysvarID.recentBlockhashes, isSigner: false, isWritable: false),
        AccountMeta(key: SysvarID.rent, isSigner: false, isWritable: false),
      ], data: SystemInstruction.initializeNonceAccount(authority: payer.pubkey).encode())
    return try signed(
      payer,
      [
        create(pair.pubkey, by: payer, 2_000_000, UInt64(NonceState.byteCount), ProgramID.system),
        initialization,
      ],
      with: pair)
  }

  private mutating func lookup(by payer: Ed25519.KeyPair, in table: Pubkey) throws -> [UInt8] {
    try signed(payer, [move(by: RandomBlockPrograms.moverID)], tables: [(table, addresses)])
  }

  /// Deploys, or upgrades, what a buffer holds.
  private mutating func newCode(_ situation: Situation, by payer: Ed25519.KeyPair) throws -> [UInt8] {
    let given = upgrades[2 * below(upgrades.count / 2) + (situation == .deployment ? 0 : 1)]
    let (program, authority) = (given.program.pubkey, Self.authority)
    if !given.isNew {
      let upgrade = UpgradeableLoaderProgram.upgrade(
        program, programData: given.programData, buffer: given.buffer, spill: payer.pubkey,
        authority: authority.pubkey)
      return try signed(payer, [upgrade], with: authority)
    }
    let creation = create(
      program, by: payer, 2_000_000, UInt64(UpgradeableProgram.programByteCount),
      ProgramID.bpfLoaderUpgradeable)
    let deployment = UpgradeableLoaderProgram.deploy(
      program, programData: given.programData, buffer: given.buffer, maximumByteCount: 4000,
      payer: payer.pubkey,
      authority: authority.pubkey)
    return try signed(payer, [creation, deployment], with: given.program, authority)
  }

  /// Another message under the first signature of a transaction of the block; of use where signatures are not checked.
  private mutating func sharedSignature(by payer: Ed25519.KeyPair) throws -> [UInt8]? {
    let earlier = wires.suffix(6).filter { $0.first == 1 && $0.count > 65 }
    guard !earlier.isEmpty else { return nil }
    var bytes = try plain(by: payer)
    bytes.replaceSubrange(1..<65, with: earlier[earlier.startIndex + below(earlier.count)][1..<65])
    return bytes
  }
}
