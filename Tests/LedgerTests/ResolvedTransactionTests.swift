// Keys, roles and locks of a sane transaction; lookup tables and when their entries may be used.

import Primitives
import Testing

@testable import Ledger

@Suite struct ResolvedTransactionTests {
  private static func resolve(
    _ message: RawMessage, _ loaded: LoadedAddresses = LoadedAddresses()
  ) throws -> ResolvedTransaction {
    try ResolvedTransaction(message.transaction()) { (_) throws(TransactionError) in loaded }
  }

  private static func roles(_ resolved: ResolvedTransaction) -> [String] {
    resolved.keys.indices.map {
      (resolved.isSigner($0) ? "s" : "-") + (resolved.isWritable($0) ? "w" : "-")
        + (resolved.isCalledAsProgram($0) ? "p" : "-")
    }
  }

  @Test func rolesFollowHeaderLookupsAndDemotion() throws {
    var generator = SplitMix64(seed: 1)
    let keys = (0..<8).map { _ in generator.pubkey() }
    var message = RawMessage(
      version: .v0, header: [2, 1, 1], keys: [keys[0], keys[1], keys[2], SysvarID.clock, keys[3]],
      instructions: [(2, [0, 1], []), (4, [5, 6], [])], lookups: [(keys[4], [0], [1])])
    let loaded = LoadedAddresses(writable: [keys[5]], readonly: [keys[6]])
    #expect(
      try Self.roles(Self.resolve(message, loaded)) == ["sw-", "s--", "--p", "---", "--p", "-w-", "---"])

    // With the upgradeable loader among the keys, called programs stay writable.
    message.lookups[0].readonly = [1, 2]
    let withLoader = LoadedAddresses(
      writable: [keys[5]], readonly: [keys[6], ProgramID.bpfLoaderUpgradeable])
    #expect(
      try Self.roles(Self.resolve(message, withLoader)) == [
        "sw-", "s--", "-wp", "---", "--p", "-w-", "---", "---",
      ])

    // A reserved key is demoted when it is looked up, too.
    message.lookups[0].readonly = [1]
    let reserved = LoadedAddresses(writable: [ProgramID.system], readonly: [keys[6]])
    #expect(try Self.roles(Self.resolve(message, reserved))[5] == "---")
  }

  @Test func locksAreChecked() throws {
    var generator = SplitMix64(seed: 2)
    let payer = generator.pubkey()
    func message(_ lookedUp: Int) -> RawMessage {
      RawMessage(
        version: .v0, keys: [payer, ProgramID.system], instructions: [(1, [0], [])],
        lookups: [(generator.pubkey(), [UInt8](repeating: 0, count: lookedUp), [])])
    }
    func loaded(_ count: Int) -> LoadedAddresses {
      LoadedAddresses(writable: (0..<count).map { _ in generator.pubkey() })
    }
    #expect(try Self.resolve(message(62), loaded(62)).keys.count == 64)
    #expect(throws: TransactionError.tooManyAccountLocks) { try Self.resolve(message(63), loaded(63)) }
    var twice = loaded(10)
    twice.writable[7] = twice.writable[2]
    #expect(throws: TransactionError.accountLoadedTwice) { try Self.resolve(message(10), twice) }
    var many = loaded(70)
    many.writable[69] = payer
    #expect(throws: TransactionError.accountLoadedTwice) { try Self.resolve(message(70), many) }
    let same = RawMessage(keys: [payer, payer, ProgramID.system], instructions: [(2, [0, 1], [])])
    #expect(throws: TransactionError.accountLoadedTwice) { try Self.resolve(same) }
  }

  @Test func sanitisingComesBeforeLookingUp() throws {
    let message = RawMessage(
      version: .v0, keys: [ProgramID.vote, ProgramID.system], instructions: [(0, [], [])],
      lookups: [(ProgramID.stake, [0], [])])
    let transaction = try message.transaction()
    #expect(throws: TransactionError.sanitizeFailure) {
      try ResolvedTransaction(transaction) { (_) throws(TransactionError) in throw .addressLookupTableNotFound
      }
    }
  }

  @Test func instructionsSysvarLayout() throws {
    var generator = SplitMix64(seed: 3)
    let (payer, other, program) = (generator.pubkey(), generator.pubkey(), generator.pubkey())
    let resolved = try Self.resolve(
      RawMessage(keys: [payer, other, program], instructions: [(2, [1, 0], [9, 8]), (2, [], [])]))
    let first: [UInt8] = [2, 0, 2] + other.bytes + [3] + payer.bytes + program.bytes + [2, 0, 9, 8]
    let second: [UInt8] = [0, 0] + program.bytes + [0, 0]
    var expected: [UInt8] = [2, 0, 6, 0, UInt8(6 + first.count), 0] + first + second + [0, 0]
    var data = InstructionsSysvar.data(for: resolved)
    #expect(data == expected)
    InstructionsSysvar.setCurrentIndex(1, in: &data)
    expected[expected.count - 2] = 1
    #expect(data == expected)
    var empty: [UInt8] = []
    InstructionsSysvar.setCurrentIndex(1, in: &empty)
    #expect(empty.isEmpty)
  }
}

@Suite struct AddressLookupTableTests {
  @Test func tablesRoundTrip() throws {
    var generator = SplitMix64(seed: 1)
    for count in [0, 1, 256] {
      let table = AddressLookupTable(
        deactivationSlot: generator.next(), lastExtendedSlot: generator.next(), lastExtendedStartIndex: 3,
        authority: count == 1 ? nil : generator.pubkey(),
        addresses: (0..<count).map { _ in generator.pubkey() })
      #expect(table.encoded().count == 56 + count * 32)
      #expect(try AddressLookupTable(decoding: table.encoded()) == table)
    }
  }

  @Test func malformedTablesAreRefused() {
    var good = AddressLookupTable(authority: .zero, addresses: [.zero]).encoded()
    for count in 0..<good.count where count != 56 {
      #expect(throws: AddressLookupTable.DecodingError.malformed) {
        try AddressLookupTable(decoding: Array(good[..<count]))
      }
    }
    good[21] = 2
    #expect(throws: AddressLookupTable.DecodingError.malformed) { try AddressLookupTable(decoding: good) }
    good[21] = 1
    good[0] = 2
    #expect(throws: AddressLookupTable.DecodingError.malformed) { try AddressLookupTable(decoding: good) }
    good[0] = 0
    #expect(throws: AddressLookupTable.DecodingError.uninitialized) { try AddressLookupTable(decoding: good) }
  }

  struct LookupCase: CustomTestStringConvertible, Sendable {
    let name: String
    var table = AddressLookupTable(authority: nil)
    var owner = ProgramID.addressLookupTable
    var exists = true
    var index: UInt8 = 1
    var error: TransactionError? = nil
    var testDescription: String { name }
  }

  /// Slot 100, whose recent slots are 99 and 98; tables of two addresses.
  static let lookups: [LookupCase] = [
    LookupCase(name: "active"),
    LookupCase(name: "no such account", exists: false, error: .addressLookupTableNotFound),
    LookupCase(name: "other owner", owner: ProgramID.system, error: .invalidAddressLookupTableOwner),
    LookupCase(name: "index out of range", index: 2, error: .invalidAddressLookupTableIndex),
    LookupCase(
      name: "deactivated now", table: AddressLookupTable(deactivationSlot: 100, authority: nil)),
    LookupCase(
      name: "deactivated lately", table: AddressLookupTable(deactivationSlot: 98, authority: nil)),
    LookupCase(
      name: "deactivated", table: AddressLookupTable(deactivationSlot: 97, authority: nil),
      error: .addressLookupTableNotFound),
    LookupCase(
      name: "extended in this slot, earlier part",
      table: AddressLookupTable(lastExtendedSlot: 100, lastExtendedStartIndex: 2, authority: nil)),
    LookupCase(
      name: "extended in this slot, new part",
      table: AddressLookupTable(lastExtendedSlot: 100, lastExtendedStartIndex: 1, authority: nil),
      error: .invalidAddressLookupTableIndex),
    LookupCase(
      name: "extended in the slot before",
      table: AddressLookupTable(lastExtendedSlot: 99, lastExtendedStartIndex: 1, authority: nil)),
    LookupCase(
      name: "start index beyond the table",
      table: AddressLookupTable(lastExtendedSlot: 100, lastExtendedStartIndex: 3, authority: nil),
      error: .invalidAddressLookupTableData),
  ]

  @Test(arguments: lookups)
  func lookupsFollowAgavesRules(example: LookupCase) throws {
    var generator = SplitMix64(seed: 2)
    var table = example.table
    table.addresses = [generator.pubkey(), generator.pubkey()]
    let transaction = try RawMessage(
      version: .v0, keys: [generator.pubkey(), ProgramID.system], instructions: [(1, [0], [])],
      lookups: [(generator.pubkey(), [example.index], [0])]
    ).transaction()
    let account = example.exists ? Account(lamports: 1, data: table.encoded(), owner: example.owner) : nil
    let hashes = [SlotHash(slot: 99, hash: .zero), SlotHash(slot: 98, hash: .zero)]
    func load() throws(TransactionError) -> LoadedAddresses {
      try AddressLookupTable.load(transaction.message, slot: 100, slotHashes: hashes) { _ in account }
    }
    if let error = example.error {
      #expect(throws: error) { try load() }
    } else {
      #expect(try load() == LoadedAddresses(writable: [table.addresses[1]], readonly: [table.addresses[0]]))
    }
  }

  @Test func malformedTableIsAnErrorOfItsOwn() throws {
    let transaction = try RawMessage(
      version: .v0, keys: [ProgramID.vote, ProgramID.system], instructions: [], lookups: [(.zero, [0], [])]
    ).transaction()
    let account = Account(lamports: 1, data: [1, 0, 0, 0], owner: ProgramID.addressLookupTable)
    #expect(throws: TransactionError.invalidAddressLookupTableData) {
      try AddressLookupTable.load(transaction.message, slot: 1, slotHashes: []) { _ in account }
    }
  }
}
