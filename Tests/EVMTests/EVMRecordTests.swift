import Ledger
import Primitives
import Testing
import WideIntegers

@testable import EVM

struct EVMRecordTests {
  private static let numbers: [UInt64] = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 1 << 63, .max]

  private static let accounts: [EVMAccount] = numbers.flatMap { number in
    [EVMAccount.emptyCodeHash, Keccak256.hash([1])].map { hash in
      EVMAccount(
        balance: UInt256(number, 0, number, 0), nonce: number, codeHash: hash, incarnation: number / 3,
        hasOrphanStorage: number & 1 == 1)
    }
  }

  private static let slots: [EVMRecord.Slot] = numbers.map { number in
    EVMRecord.Slot(
      address: Address(UInt256(number, number, number, number)), incarnation: number,
      slot: UInt256(number, 0, 0, number), value: UInt256(number | 1))
  }

  @Test func recordsReadBack() {
    for account in Self.accounts {
      #expect(EVMRecord.decodeAccount(EVMRecord.encode(account)) == .account(account))
    }
    for slot in Self.slots { #expect(EVMRecord.decodeSlot(EVMRecord.encode(slot)) == slot) }
    for number in Self.numbers {
      #expect(EVMRecord.decodeAccount(EVMRecord.encode(goneAt: number)) == .gone(incarnation: number))
    }
  }

  /// Whatever is read is exactly what writing it gives: a state has one form.
  @Test func damagedRecordsAreRefusedOrOtherRecords() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<20_000 {
      var account = EVMRecord.encode(Self.accounts.randomElement(using: &random)!)
      damage(&account, &random)
      switch EVMRecord.decodeAccount(account) {
      case .account(let read): #expect(EVMRecord.encode(read) == account)
      case .gone(let incarnation): #expect(EVMRecord.encode(goneAt: incarnation) == account)
      case nil: break
      }
      var slot = EVMRecord.encode(Self.slots.randomElement(using: &random)!)
      damage(&slot, &random)
      if let read = EVMRecord.decodeSlot(slot) { #expect(EVMRecord.encode(read) == slot) }
    }
  }

  private func damage(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    switch random.next() % 3 {
    case 0: bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
    case 1: bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
    default: bytes.append(UInt8(truncatingIfNeeded: random.next()))
    }
  }

  private static let plain = EVMRecord.encode(EVMAccount(balance: UInt256(5)))

  @Test(
    arguments: [
      [], [1], [1, 4], [1, 4, 0, 0, 0, 0, 0, 0, 0], [1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [1, 5, 0, 0, 0, 0, 0, 0, 0, 0],
      [2] + plain.dropFirst(), [1, 8] + plain.dropFirst(2), [1, 1] + plain.dropFirst(2), plain.dropLast(),
      plain + [0],
      plain + EVMAccount.emptyCodeHash.bytes, [1, 1] + plain.dropFirst(2) + EVMAccount.emptyCodeHash.bytes,
    ] as [[UInt8]])
  func malformedAccountsAreRefused(bytes: [UInt8]) {
    #expect(EVMRecord.decodeAccount(bytes) == nil)
  }

  @Test func emptyCodeHashIsTheHashOfNothing() {
    #expect(EVMAccount.emptyCodeHash == Keccak256.hash([]))
    #expect(EVMCode.empty.hash == Keccak256.hash([]))
  }
}

struct EVMKeyTests {
  @Test func ownerIsItsName() {
    #expect(ProgramID.ethereum.description == "Ethereum11111111111111111111111111111111111")
  }

  @Test func accountsKeysGiveTheirAddresses() throws {
    var random = SplitMix64(seed: 3)
    for _ in 0..<1000 {
      let address = Address(UInt256(random.next(), random.next(), random.next(), 0))
      let key = EVMKey.account(address)
      #expect(key.bytes.suffix(20).elementsEqual(address.bytes))
      #expect(key.bytes.prefix(12).elementsEqual("estuary:evm:".utf8))
      #expect(EVMKey.kind(of: key) == .account(address))
      #expect(EVMKey.contains(key))
    }
  }

  @Test func slotsAndCodesHaveKeysOfTheirOwn() {
    var keys: Set<Pubkey> = []
    for address in [Address(1), Address(2)] {
      for incarnation in 0..<3 as Range<UInt64> {
        keys.insert(EVMKey.code(address, incarnation: incarnation))
        for slot in 0..<4 as Range<UInt64> {
          keys.insert(EVMKey.slot(address, incarnation: incarnation, slot: UInt256(slot)))
        }
      }
    }
    #expect(keys.count == 2 * 3 * 5)
    #expect(keys.allSatisfy { EVMKey.contains($0) })
  }

  @Test func othersKeysAreNotInTheKeySpace() {
    for text in ["11111111111111111111111111111111", "Ethereum11111111111111111111111111111111111"] {
      let key = Pubkey(base58: text)!
      #expect(!EVMKey.contains(key) && EVMKey.kind(of: key) == nil)
    }
  }
}
