import Primitives
import Testing
import WideIntegers

@testable import EVM

extension Journal {
  /// The position of an account whose fields count.
  mutating func loadedPosition(of address: Address) throws -> Int {
    let position = position(of: address)
    try use([], at: position)
    return position
  }
}

/// The journal against a model that copies everything at every checkpoint.
struct JournalTests {
  private struct Model: Equatable {
    var balances: [Address: UInt256] = [:]
    var nonces: [Address: UInt64] = [:]
    var codes: [Address: Hash] = [:]
    var slots: [Address: [UInt256: UInt256]] = [:]
    var transient: [Address: [UInt256: UInt256]] = [:]
    var warm: Set<Address> = []
    var warmSlots: [Address: Set<UInt256>] = [:]
    var logCount = 0
    var refund: Int64 = 0
  }

  private static let addresses = (1...5).map { Address(UInt256(UInt64(0x1_0000 + $0))) }
  private static let keys = (0..<6).map { UInt256(UInt64($0)) &* UInt256(0x1_0001, 7, 0, 1) }

  private static func world() -> EVMWorld {
    let world = EVMWorld()
    for (index, address) in addresses.enumerated() where index > 0 {
      world.insert(
        address, balance: UInt256(UInt64(index) * 100), nonce: UInt64(index),
        code: index > 2 ? EVMCode([0x60, UInt8(index)]) : .empty,
        storage: [keys[index]: UInt256(UInt64(index))])
    }
    return world
  }

  private static func model(of journal: inout Journal) throws -> Model {
    var model = Model()
    for address in addresses {
      let position = try journal.loadedPosition(of: address)
      let account = journal[position]
      model.balances[address] = account.balance
      model.nonces[address] = account.nonce
      model.codes[address] = account.codeHash
      if account.flags.contains(.warm) { model.warm.insert(address) }
      for key in keys {
        var slot = journal.slotPosition(position, key)
        if slot < 0 { slot = try journal.loadSlot(position, key) }
        model.slots[address, default: [:]][key] = journal.slots.base[slot].value
        if journal.slots.base[slot].isWarm { model.warmSlots[address, default: []].insert(key) }
        model.transient[address, default: [:]][key] = journal.transient(position, key)
      }
    }
    model.logCount = journal.logs.count
    model.refund = journal.refund
    return model
  }

  /// One random change.
  private static func change(_ journal: inout Journal, _ random: inout SplitMix64) throws {
    let address = addresses.randomElement(using: &random)!
    let key = keys.randomElement(using: &random)!
    let value = UInt256(random.next() % 4)
    let position = try journal.loadedPosition(of: address)
    switch random.next() % 8 {
    case 0: journal.setBalance(UInt256(random.next()), at: position)
    case 1: journal.setNonce(random.next() % 8, at: position)
    case 2: journal.setCode(EVMCode([UInt8(random.next() % 250)]), at: position)
    case 3: _ = journal.warm(position)
    case 4:
      var slot = journal.slotPosition(position, key)
      if slot < 0 { slot = try journal.loadSlot(position, key) }
      if !journal.slots.base[slot].isWarm { journal.warmSlot(slot) }
      journal.setSlot(slot, to: value)
    case 5: journal.setTransient(position, key, to: value)
    case 6: journal.append(EVMLog(address: address, topics: [], data: []))
    default: journal.refund += Int64(random.next() % 100)
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func rollingBackRestoresWhatWas(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let world = Self.world()
    var journal = Journal(reader: world)
    defer { journal.deallocate() }
    for _ in 0..<20 {
      journal.begin(reader: world, fork: .cancun)
      var open: [(Journal.Checkpoint, Model)] = []
      for _ in 0..<300 {
        switch random.next() % 10 {
        case 0: open.append((journal.checkpoint, try Self.model(of: &journal)))
        case 1:
          guard let (checkpoint, model) = open.popLast() else { continue }
          journal.rollBack(to: checkpoint)
          #expect(try Self.model(of: &journal) == model)
        case 2: _ = open.popLast()  // committed
        default: try Self.change(&journal, &random)
        }
      }
      if let (checkpoint, model) = open.first {
        journal.rollBack(to: checkpoint)
        #expect(try Self.model(of: &journal) == model)
      }
    }
  }

  @Test func nothingChangedIsNoChange() throws {
    let world = Self.world()
    var journal = Journal(reader: world)
    defer { journal.deallocate() }
    journal.begin(reader: world, fork: .cancun)
    let position = try journal.loadedPosition(of: Self.addresses[2])
    let slot = try journal.loadSlot(position, Self.keys[2])
    journal.warmSlot(slot)
    journal.setSlot(slot, to: UInt256(9))
    journal.setSlot(slot, to: UInt256(2))
    journal.setBalance(UInt256(7), at: position)
    journal.setBalance(UInt256(200), at: position)
    let changes = try journal.finish(fork: .cancun)
    #expect(changes.accounts.isEmpty && changes.slots.isEmpty)
  }

  @Test(arguments: [Fork.tangerineWhistle, .spuriousDragon, .osaka])
  func touchedEmptyAccountsGoFromSpuriousDragonOn(fork: Fork) throws {
    let (empty, missing) = (Address(0x5_0000), Address(0x6_0000))
    let world = EVMWorld()
    world.insert(empty, balance: .zero, nonce: 0, code: .empty, storage: [:])
    var journal = Journal(reader: world)
    defer { journal.deallocate() }
    journal.begin(reader: world, fork: fork)
    for address in [empty, missing] { journal.touch(try journal.loadedPosition(of: address), fork: fork) }
    world.apply(try journal.finish(fork: fork))
    let stays = fork < .spuriousDragon
    #expect((world.account(empty) != nil) == stays)
    #expect((world.account(missing) != nil) == stays)
  }

  @Test func rollingBackKeepsTheTouchOfRipemd() throws {
    let (ripemd, other) = (Address(3), Address(0x7_0000))
    let world = EVMWorld()
    for address in [ripemd, other] {
      world.insert(address, balance: .zero, nonce: 0, code: .empty, storage: [:])
    }
    var journal = Journal(reader: world)
    defer { journal.deallocate() }
    journal.begin(reader: world, fork: .spuriousDragon)
    let checkpoint = journal.checkpoint
    for address in [ripemd, other] { journal.touch(try journal.loadedPosition(of: address), fork: .spuriousDragon) }
    journal.rollBack(to: checkpoint)
    world.apply(try journal.finish(fork: .spuriousDragon))
    #expect(world.account(ripemd) == nil)
    #expect(world.account(other) != nil)
  }

  @Test func precompilesAreWarmFromTheStart() throws {
    let world = EVMWorld()
    var journal = Journal(reader: world)
    defer { journal.deallocate() }
    for (address, fork, isWarm) in [
      (1, .berlin, true), (0x0a, .shanghai, false), (0x0a, .cancun, true), (0x12, .osaka, false),
      (0x100, .prague, false), (0x100, .osaka, true),
    ] as [(UInt64, Fork, Bool)] {
      journal.begin(reader: world, fork: fork)
      let position = try journal.loadedPosition(of: Address(UInt256(address)))
      #expect(journal[position].flags.contains(.warm) == isWarm, "\(address) \(fork)")
    }
  }

  @Test func positionTablesHoldManyKeys() throws {
    let world = EVMWorld()
    var journal = Journal(reader: world)
    defer { journal.deallocate() }
    journal.begin(reader: world, fork: .osaka)
    let position = try journal.loadedPosition(of: Address(99))
    for number in 0..<20_000 as Range<UInt64> {
      let slot = try journal.loadSlot(position, UInt256(number))
      journal.setSlot(slot, to: UInt256(number &+ 1))
    }
    for number in 0..<20_000 as Range<UInt64> {
      let slot = journal.slotPosition(position, UInt256(number))
      #expect(slot >= 0 && journal.slots.base[slot].value == UInt256(number &+ 1))
    }
    #expect(journal.slotPosition(position, UInt256(20_000)) == -1)
    journal.begin(reader: world, fork: .osaka)
    #expect(journal.slotPosition(0, UInt256(1)) == -1)
  }
}
