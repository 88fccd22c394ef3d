import Primitives
import Testing
import WideIntegers

@testable import EVM

struct EVMBlockProcessorTests {
  /// From EIP-4788 and EIP-2935.
  private static let beaconCode =
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff8106908154"
    + "14603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500"
  private static let historyCode =
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff814303116042"
    + "57611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"

  private static let block = BlockEnvironment(
    fork: .prague, number: 10_000, timestamp: 1_700_000_000, parentBeaconBlockRoot: Hash(UInt256(0xbeac)),
    blockHash: { Hash(UInt256($0)) })

  private static func world(_ codes: [(Address, String)]) -> EVMWorld {
    let world = EVMWorld()
    for (address, code) in codes {
      world.insert(address, balance: .zero, nonce: 1, code: EVMCode(Hex.decode(code)!), storage: [:])
    }
    return world
  }

  private static func processor() throws -> EVMBlockProcessor {
    EVMBlockProcessor(host: try EVMHost(programs: EVMProgramCache(), engine: .interpreter))
  }

  @Test func addressesAreThoseOfTheEIPs() {
    #expect(EVMBlockProcessor.systemAddress.description == "0xfffffffffffffffffffffffffffffffffffffffe")
    #expect(EVMBlockProcessor.beaconRoots.description == "0x000f3df6d732807ef1319fb7b8bb8522d0beac02")
    #expect(EVMBlockProcessor.history.description == "0x0000f90827f1c53a10cb7a02335b175320002935")
    #expect(EVMBlockProcessor.withdrawalRequests.description == "0x00000961ef480eb55e80d19ad83579a64c007002")
    #expect(
      EVMBlockProcessor.consolidationRequests.description == "0x0000bbddc7ce488642fb579f8b00f3a590007251")
  }

  @Test func beginningStoresBeaconRootAndParentHash() throws {
    let world = Self.world([
      (EVMBlockProcessor.beaconRoots, Self.beaconCode), (EVMBlockProcessor.history, Self.historyCode),
    ])
    try Self.processor().begin(Self.block, reader: world) { world.apply($0) }
    let place = Self.block.timestamp % 8191
    let beacon = world.entries[EVMBlockProcessor.beaconRoots]?.storage
    #expect(
      beacon == [UInt256(place): UInt256(Self.block.timestamp), UInt256(place + 8191): UInt256(0xbeac)])
    let history = world.entries[EVMBlockProcessor.history]?.storage
    #expect(history == [UInt256(9_999 % 8191): UInt256(9_999)])
  }

  @Test func contractsThatAreNotThereArePassedOver() throws {
    let world = EVMWorld()
    try Self.processor().begin(Self.block, reader: world) { world.apply($0) }
    #expect(world.entries.isEmpty)
  }

  @Test func withdrawalsArePaidInGwei() throws {
    let (paid, empty) = (Address(0x9_0000), Address(0x9_0001))
    let world = EVMWorld()
    world.insert(empty, balance: .zero, nonce: 0, code: .empty, storage: [:])
    let withdrawals = [(paid, 3), (paid, 4), (empty, 0), (Address(0x9_0002), 0)].enumerated().map {
      EVMWithdrawal(index: UInt64($0), validatorIndex: 1, address: $1.0, amount: UInt64($1.1))
    }
    world.apply(try Self.processor().withdraw(withdrawals, Self.block, world))
    #expect(world.entries.count == 1)
    #expect(world.account(paid)?.balance == UInt256(7_000_000_000))
  }

  @Test(arguments: [true, false])
  func requestsNeedTheirContracts(isThere: Bool) throws {
    // Returns one byte; the other one returns nothing.
    let world = Self.world(
      isThere
        ? [
          (EVMBlockProcessor.withdrawalRequests, "60ff5f5360015ff3"),
          (EVMBlockProcessor.consolidationRequests, "00"),
        ]
        : [(EVMBlockProcessor.withdrawalRequests, "00")])
    let end = { () throws(EVMBlockError) -> [[UInt8]] in
      guard let processor = try? Self.processor() else { return [] }
      return try processor.end(Self.block, withdrawals: [], reader: world) { world.apply($0) }
    }
    if isThere {
      #expect(try end() == [[1, 0xff]])
    } else {
      #expect(throws: EVMBlockError.systemCallFailed(EVMBlockProcessor.consolidationRequests, nil)) {
        try end()
      }
    }
  }

  @Test func failingRequestsFailTheBlock() throws {
    let world = Self.world([(EVMBlockProcessor.withdrawalRequests, "5f5ffd")])
    #expect(throws: EVMBlockError.systemCallFailed(EVMBlockProcessor.withdrawalRequests, .revert)) {
      try Self.processor().end(Self.block, withdrawals: [], reader: world) { world.apply($0) }
    }
  }

  @Test func forksBeforePragueHaveNoRequests() throws {
    let block = BlockEnvironment(fork: .cancun)
    #expect(try Self.processor().end(block, withdrawals: [], reader: EVMWorld()) { _ in } == [])
  }
}
