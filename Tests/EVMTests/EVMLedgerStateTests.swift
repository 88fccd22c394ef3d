import Ledger
import Primitives
import Testing
import WideIntegers

@testable import EVM

/// The ledger's accounts against the world in memory: the same transactions, the same roots.
struct EVMLedgerStateTests {
  private final class Records: EVMAccountSource {
    var accounts: [Pubkey: Account] = [:]
    func account(at key: Pubkey) -> Account? { accounts[key] }
  }

  private static let addresses = (1...6).map { Address(UInt256(UInt64(0x2_0000 + $0))) }

  /// Random changes of a transaction that creates, changes and destroys.
  private static func run(
    _ journal: inout Journal, seed: UInt64, fork: Fork
  ) throws -> EVMStateChanges {
    var random = SplitMix64(seed: seed)
    for _ in 0..<12 {
      let address = addresses.randomElement(using: &random)!
      let position = try journal.loadedPosition(of: address)
      switch random.next() % 6 {
      case 0: journal.credit(UInt256(random.next() % 3), to: position, fork: fork)
      case 1: journal.setNonce(journal[position].nonce + 1, at: position)
      case 2:
        guard !FrameRun.collides(journal[position]) else { continue }
        journal.setFlags([.exists, .created, .touched], at: position)
        journal.setNonce(1, at: position)
        journal.setCode(EVMCode([0x60, UInt8(random.next() % 200)]), at: position)
      case 3 where random.next() % 2 == 0: journal.setFlags(.destroyed, at: position)
      default:
        guard journal[position].flags.contains(.exists) else { continue }
        let key = UInt256(random.next() % 3)
        var slot = journal.slotPosition(position, key)
        if slot < 0 { slot = try journal.loadSlot(position, key) }
        journal.setSlot(slot, to: UInt256(random.next() % 3))
      }
    }
    return try journal.finish(fork: fork)
  }

  @Test(arguments: [Fork.frontier, .byzantium, .osaka], [1, 2, 3, 4] as [UInt64])
  func ledgerAndWorldAgree(fork: Fork, seed: UInt64) throws {
    let (world, records, programs) = (EVMWorld(), Records(), EVMProgramCache())
    let ledger = EVMLedgerState(source: records, programs: programs)
    var index = EVMSlotIndex()
    var journal = Journal(reader: world)
    defer { journal.deallocate() }
    for number in 0..<60 as Range<UInt64> {
      journal.begin(reader: world, fork: fork)
      let expected = try Self.run(&journal, seed: seed << 32 | number, fork: fork)
      journal.begin(reader: ledger, fork: fork)
      let changes = try Self.run(&journal, seed: seed << 32 | number, fork: fork)
      #expect(changes.accounts.map(\.account) == expected.accounts.map(\.account))
      world.apply(expected)
      try ledger.forEachRecord(of: changes) { key, account in records.accounts[key] = account }
      for key in index.apply(changes) { records.accounts[key] = nil }

      var contents = EVMLedgerContents()
      for (key, account) in records.accounts { try contents.insert(key, account) }
      #expect(contents.stateRoot == world.stateRoot, "transaction \(number)")
      for address in contents.addresses {
        let incarnation = contents.accounts[address]?.incarnation ?? 0
        #expect(
          contents.storage(of: address).map(\.slot) == index.slots(of: address, incarnation: incarnation))
        guard let account = try ledger.account(address), account.codeHash != EVMAccount.emptyCodeHash else {
          continue
        }
        #expect(
          try EVMLedgerState(source: records, programs: EVMProgramCache()).code(address, account).hash
            == account.codeHash)
      }
    }
    // Nothing of a wiped storage is left behind.
    let slots = records.accounts.values.compactMap { EVMRecord.decodeSlot($0.data) }
    for slot in slots { #expect(world.entries[slot.address]?.storage[slot.slot] == slot.value) }
  }

  @Test func damagedRecordsAreErrors() throws {
    let records = Records()
    let ledger = EVMLedgerState(source: records, programs: EVMProgramCache())
    let address = Self.addresses[0]
    let key = EVMKey.account(address)
    let good = EVMRecord.encode(EVMAccount(balance: UInt256(5), codeHash: Keccak256.hash([1])))
    for account in [
      EVMRecord.account(holding: [1, 2, 3]), EVMRecord.account(holding: []),
      Account(lamports: 1, data: good, owner: ProgramID.system),
    ] {
      records.accounts[key] = account
      #expect(throws: EVMStateError.damagedRecord(key: key)) { try ledger.account(address) }
    }
    records.accounts[key] = EVMRecord.account(holding: good)
    let account = try #require(try ledger.account(address))
    #expect(throws: EVMStateError.missingCode(address)) { try ledger.code(address, account) }
    let codeKey = EVMKey.code(address, incarnation: 0)
    records.accounts[codeKey] = EVMRecord.account(holding: [2])
    #expect(throws: EVMStateError.damagedRecord(key: codeKey)) { try ledger.code(address, account) }

    // A slot's record under another slot's key.
    let slotKey = EVMKey.slot(address, incarnation: 0, slot: UInt256(1))
    let slot = EVMRecord.Slot(address: address, incarnation: 0, slot: UInt256(2), value: UInt256(3))
    records.accounts[slotKey] = EVMRecord.account(holding: EVMRecord.encode(slot))
    #expect(throws: EVMStateError.damagedRecord(key: slotKey)) {
      try ledger.storage(address, incarnation: 0, slot: UInt256(1))
    }
  }

  @Test func storesAreSources() throws {
    let store = MemoryStore()
    let source = EVMStoreSource(store: store)
    #expect(try source.account(at: EVMKey.account(Address(1))) == nil)
  }
}
