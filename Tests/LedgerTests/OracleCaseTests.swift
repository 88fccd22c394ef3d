// Ours against Solana's own crates: cases that Tools/oracle/ledger_cases.py writes (seeded; about 4,000 of
// them). ESTUARY_LEDGER_CASES names the file; without it these tests are skipped.

import Foundation
import Primitives
import Testing

@testable import Ledger

private let casesPath = ProcessInfo.processInfo.environment["ESTUARY_LEDGER_CASES"]

@Suite(.enabled(if: casesPath != nil, "ESTUARY_LEDGER_CASES names no file of oracle cases"))
struct OracleCaseTests {
  private static func cases(_ kind: String) throws -> [JSONValue] {
    let text = try Data(contentsOf: URL(fileURLWithPath: casesPath!))
    let cases = try text.split(separator: UInt8(ascii: "\n")).map { try JSONValue.parse([UInt8]($0)) }
    return cases.filter { $0["kind"]?.string == kind }
  }

  private static func indices(_ value: JSONValue) -> [UInt8] { value.array!.map { UInt8($0.uint64!) } }

  @Test func transactionsDecodeAlike() throws {
    let cases = try Self.cases("transaction")
    #expect(cases.count > 1000)
    for example in cases {
      let wire = Base64.decode(example["wire"]!.string!)!
      let transaction = try? Transaction.decode(wire)
      #expect((transaction != nil) == example["decodes"]!.bool!, "\(example)")
      guard let transaction else { continue }
      let message = transaction.message
      #expect(message.staticKeys.map(\.description) == example["keys"]!.array!.map { $0.string! })
      #expect(message.recentBlockhash.description == example["blockhash"]!.string!)
      #expect((message.version == .legacy ? "Legacy.Legacy" : "0") == example["version"]!.string!)
      let instructions = message.instructions.map { instruction in
        JSONValue.array([
          .unsigned(UInt64(instruction.programIndex)),
          .array(message.accountIndices(of: instruction).map { .unsigned(UInt64($0)) }),
          .string(Hex.encode(Array(message.data(of: instruction)))),
        ])
      }
      #expect(JSONValue.array(instructions) == example["instructions"])
      let lookups = message.addressTableLookups.map { lookup in
        JSONValue.array([
          .string(lookup.tableKey.description),
          .array(message.bytes[lookup.writableIndices].map { .unsigned(UInt64($0)) }),
          .array(message.bytes[lookup.readonlyIndices].map { .unsigned(UInt64($0)) }),
        ])
      }
      #expect(JSONValue.array(lookups) == example["lookups"])
      #expect(message.hash().description == example["messageHash"]!.string!)
      try checkRoles(transaction, example)
    }
  }

  /// The crates' roles know nothing of reserved keys, which `reservedKeys` compares on their own.
  private func checkRoles(_ transaction: Transaction, _ example: JSONValue) throws {
    let isSane = (try? transaction.sanitize()) != nil
    #expect(isSane == example["sane"]!.bool!, "\(example)")
    var generator = SplitMix64(seed: 1)
    var loaded = LoadedAddresses()
    for lookup in transaction.message.addressTableLookups {
      loaded.writable += lookup.writableIndices.map { _ in generator.pubkey() }
      loaded.readonly += lookup.readonlyIndices.map { _ in generator.pubkey() }
    }
    guard
      let resolved = try? ResolvedTransaction(transaction, lookUp: { (_) throws(TransactionError) in loaded })
    else { return }
    let writable = example["writable"]!.array!.map { $0.bool! }
    let signers = example["signers"]!.array!.map { $0.bool! }
    for (index, key) in transaction.message.staticKeys.enumerated() {
      #expect(resolved.isSigner(index) == signers[index])
      #expect(resolved.isWritable(index) == (writable[index] && !ReservedKeys.contains(key)), "\(example)")
    }
  }

  @Test func reservedKeys() throws {
    let cases = try Self.cases("reserved")
    #expect(cases.count > 30)
    for example in cases {
      let key = example["key"]!.string!
      #expect(ReservedKeys.contains(Pubkey(text: key)) == example["reserved"]!.bool!, "\(key)")
    }
  }

  @Test func buildersMakeTheSameBytes() throws {
    let cases = try Self.cases("builder")
    #expect(cases.count > 100)
    for example in cases {
      let instructions = example["instructions"]!.array!.map { value in
        Instruction(
          programID: Pubkey(text: value.array![0].string!),
          accounts: value.array![2].array!.map {
            AccountMeta(
              key: Pubkey(text: $0.array![0].string!), isSigner: $0.array![1].bool!,
              isWritable: $0.array![2].bool!)
          }, data: Hex.decode(value.array![1].string!)!)
      }
      let tables = example["tables"]!.array.map { tables in
        tables.map { table in
          (
            key: Pubkey(text: table.array![0].string!),
            addresses: table.array![1].array!.map { Pubkey(text: $0.string!) }
          )
        }
      }
      let builder = TransactionBuilder(
        payer: Pubkey(text: example["payer"]!.string!),
        recentBlockhash: Hash(text: example["blockhash"]!.string!),
        instructions: instructions, version: tables == nil ? .legacy : .v0, lookupTables: tables ?? [])
      let pairs = example["seeds"]!.array!.map { Ed25519.KeyPair(seed: Hash(Hex.decode($0.string!)!)!) }
      #expect(try Base64.encode(builder.signed(by: pairs).bytes) == example["wire"]!.string!)
    }
  }

  @Test func lookupTablesResolveAlike() throws {
    let cases = try Self.cases("table")
    #expect(cases.count > 100)
    for example in cases {
      let transaction = try Transaction.decode(Base64.decode(example["wire"]!.string!)!)
      let hashes = example["slotHashes"]!.array!.map {
        SlotHash(slot: $0.array![0].uint64!, hash: Hash(text: $0.array![1].string!))
      }
      let account = example["account"]!.array.map {
        Account(lamports: 1, data: Base64.decode($0[0].string!)!, owner: Pubkey(text: $0[1].string!))
      }
      var name: String?
      do throws(TransactionError) {
        _ = try ResolvedTransaction(transaction) { (message) throws(TransactionError) in
          try AddressLookupTable.load(message, slot: example["slot"]!.uint64!, slotHashes: hashes) { key in
            key.description == example["table"]!.string! ? account : nil
          }
        }
      } catch {
        name = "\(error)"
      }
      #expect(name?.lowercased() == example["error"]!.string?.lowercased(), "\(example)")
    }
  }

  @Test func sysvarsAreTheSame() throws {
    let cases = try Self.cases("sysvars")
    #expect(cases.count == 3)
    for example in cases {
      let genesis = try Genesis(
        slot: example["slot"]!.uint64!, unixTimestamp: example["unixTimestamp"]!.int64!,
        blockhash: Hash(text: example["blockhash"]!.string!))
      let expected = example["accounts"]!.object!.members
      #expect(Set(expected.map(\.name)) == Set(genesis.accounts.map(\.key.description)))
      for member in expected {
        let values = member.value.array!
        let account = try #require(genesis.accounts.first { $0.key == Pubkey(text: member.name) }?.account)
        #expect(account.lamports == values[0].uint64!)
        #expect(account.data.count == Int(values[1].uint64!))
        #expect(Hex.encode(SHA256.hash(account.data).bytes) == values[2].string!, "\(member.name)")
        #expect(account.owner.description == values[3].string!)
        #expect(account.executable == values[4].bool!)
        #expect(account.rentEpoch == values[5].uint64!)
      }
    }
  }
}
