// A small ledger in a dictionary and a processor over it: what the tests of the transaction path share.
// Programs are assembled and wrapped into ELF files, so that they come in through the same door as real ones.

import Ledger
import Primitives
import Testing

@testable import Linking
@testable import Runtime
@testable import SBPF

struct TransactionRig {
  var accounts: [Pubkey: Account] = [:]
  let payer = Ed25519.KeyPair(seed: Hash([UInt8](repeating: 1, count: 32))!)
  let other = Ed25519.KeyPair(seed: Hash([UInt8](repeating: 2, count: 32))!)
  let blockhash = Hash([UInt8](repeating: 9, count: 32))!
  let processor: TransactionProcessor

  static let slot: UInt64 = 1000

  init(features: Features = .mainnet) throws {
    let sysvars = try Sysvars(slot: Self.slot, unixTimestamp: 1_700_000_000, blockhash: blockhash)
    processor = TransactionProcessor(
      environment: ExecutionEnvironment(
        slot: Self.slot, blockhash: blockhash, sysvars: sysvars, programs: ProgramCache(features: features)))
    for (key, account) in BuiltinAccounts.all { accounts[key] = account }
    for (key, account) in sysvars.accounts { accounts[key] = account }
    accounts[payer.pubkey] = Account(lamports: 1_000_000_000, owner: ProgramID.system, rentEpoch: .max)
    accounts[other.pubkey] = Account(lamports: 2_000_000, owner: ProgramID.system, rentEpoch: .max)
  }

  static func key(_ byte: UInt8) -> Pubkey { Pubkey([UInt8](repeating: byte, count: 32))! }

  /// An ELF file of version 3.
  static func elf(_ assembly: String) throws -> [UInt8] {
    let image = try Assembler.assemble(assembly, version: .v3)
    var program = LinkedProgram(version: .v3)
    program.text = image.text
    program.entryPC = image.entryPC
    return try ExecutableWriter.strict(program)
  }

  /// Puts a program under the second loader.
  mutating func install(_ assembly: String, at key: Pubkey, loader: Pubkey = ProgramID.bpfLoader2) throws {
    accounts[key] = Account(
      lamports: 1_000_000_000, data: try Self.elf(assembly), owner: loader, executable: true, rentEpoch: .max)
  }

  func transaction(
    _ instructions: [Instruction], signers: [Ed25519.KeyPair]? = nil, blockhash: Hash? = nil
  ) throws -> ResolvedTransaction {
    let builder = TransactionBuilder(
      payer: (signers?.first ?? payer).pubkey, recentBlockhash: blockhash ?? self.blockhash,
      instructions: instructions)
    let transaction = try builder.signed(by: signers ?? [payer])
    return try ResolvedTransaction(transaction) { (_) throws(TransactionError) in
      throw .addressLookupTableNotFound
    }
  }

  /// Executes and takes over the changes.
  mutating func run(
    _ instructions: [Instruction], signers: [Ed25519.KeyPair]? = nil, blockhash: Hash? = nil,
    lendsPrograms: Bool = true, isAlreadyProcessed: Bool = false
  ) throws -> TransactionOutcome {
    let resolved = try transaction(instructions, signers: signers, blockhash: blockhash)
    var lent = resolved.keys.map { accounts[$0] }
    let implicit = lendsPrograms ? lent.compactMap { $0.flatMap(ImplicitRead.programData(of:)) } : []
    lent += implicit.map { accounts[$0] }
    let outcome = processor.process(
      resolved, accounts: ArrayAccountView(accounts: lent, implicitKeys: implicit),
      isAlreadyProcessed: { isAlreadyProcessed })
    for change in outcome.changes { accounts[resolved.keys[change.position]] = change.account }
    return outcome
  }

  func lamports(_ key: Pubkey) -> UInt64 { accounts[key]?.lamports ?? 0 }
}

func meta(_ key: Pubkey, signs: Bool = false, writes: Bool = false) -> AccountMeta {
  AccountMeta(key: key, isSigner: signs, isWritable: writes)
}

func transfer(_ from: Pubkey, _ to: Pubkey, _ lamports: UInt64) -> Instruction {
  Instruction(
    programID: ProgramID.system, accounts: [meta(from, signs: true, writes: true), meta(to, writes: true)],
    data: [2, 0, 0, 0] + withUnsafeBytes(of: lamports.littleEndian) { Array($0) })
}

func budget(_ tag: UInt8, _ value: UInt64, byteCount: Int) -> Instruction {
  Instruction(
    programID: ProgramID.computeBudget, accounts: [],
    data: [tag] + withUnsafeBytes(of: value.littleEndian) { Array($0.prefix(byteCount)) })
}
