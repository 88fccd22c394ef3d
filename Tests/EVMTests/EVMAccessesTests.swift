import Primitives
import SBPF
import Testing
import WideIntegers

@testable import EVM

/// What a transaction used of the state: exactly, in reverted frames as well.
struct EVMAccessesTests {
  private static let sender = Address(0x5e0d)
  private static let target = Address(0xc0de)
  private static let other = Address(0x07e4)
  private static let coinbase = Address(0xfee)

  private final class CreditWorld: EVMStateReader {
    let world: EVMWorld
    private(set) var asked: [Address] = []
    init(_ world: EVMWorld) { self.world = world }
    var takesCredits: Bool { true }
    func account(_ address: Address) -> EVMAccount? {
      asked.append(address)
      return world.account(address)
    }
    func incarnation(of address: Address) -> UInt64 { world.incarnation(of: address) }
    func storage(_ address: Address, incarnation: UInt64, slot: UInt256) -> UInt256 {
      world.storage(address, incarnation: incarnation, slot: slot)
    }
    func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
      try world.code(address, account)
    }
  }

  private struct Outcome {
    var accounts: [String]
    var slots: [String]
    var changes: EVMStateChanges
    var asked: [Address]
    var isSuccess: Bool
  }

  private static func run(
    _ code: [UInt8], value: UInt256 = .zero, data: [UInt8] = [], to: Address? = target,
    accessList: [AccessListEntry] = [], price: UInt256 = 2, fork: Fork = .cancun
  ) throws -> Outcome {
    let world = EVMWorld()
    world.insert(sender, balance: 1_000_000_000, nonce: 0, code: .empty, storage: [:])
    world.insert(target, balance: 10, nonce: 1, code: EVMCode(code), storage: [1: 5])
    world.insert(other, balance: 3, nonce: 0, code: .empty, storage: [:])
    let reader = CreditWorld(world)
    let host = try EVMHost(programs: EVMProgramCache())
    let transaction = EthereumTransaction(
      kind: accessList.isEmpty ? .legacy : .accessList, chainID: accessList.isEmpty ? nil : 1, nonce: 0,
      maxPriorityFeePerGas: price,
      maxFeePerGas: price, gasLimit: 200_000, to: to, value: value, data: data, accessList: accessList)
    let block = BlockEnvironment(fork: fork, coinbase: coinbase)
    let result = try EVMTransactionProcessor(host: host).process(
      transaction, sender: sender, in: block, reader: reader)
    guard case .executed(let receipt, let changes) = result else {
      throw EVMStateError.pastState(detail: "\(result)")
    }
    let names = [sender: "sender", target: "target", other: "other", coinbase: "coinbase"]
    func name(_ address: Address) -> String { names[address] ?? "\(address)" }
    return Outcome(
      accounts: host.accesses.accounts.map { "\(name($0.address)) \($0.isWritten ? "w" : "r")" }.sorted(),
      slots: host.accesses.slots.map { "\(name($0.address)) \($0.slot.limb0) \($0.isWritten ? "w" : "r")" }
        .sorted(),
      changes: changes, asked: reader.asked, isSuccess: receipt.halt == nil)
  }

  private static func push(_ address: Address) -> [UInt8] { [0x73] + address.bytes }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var code: [UInt8]
    var value: UInt256 = .zero
    var accounts: [String]
    var slots: [String] = []
  }

  static let cases: [Case] = [
    Case(testDescription: "a call", code: [0x00], accounts: ["sender w", "target r"]),
    Case(testDescription: "value", code: [0x00], value: 1, accounts: ["sender w", "target w"]),
    Case(
      testDescription: "slots", code: [0x60, 1, 0x54, 0x60, 2, 0x55, 0x00],
      accounts: ["sender w", "target r"], slots: ["target 1 r", "target 2 w"]),
    Case(
      testDescription: "a slot set to what it was", code: [0x60, 5, 0x60, 1, 0x55, 0x00],
      accounts: ["sender w", "target r"], slots: ["target 1 r"]),
    Case(
      testDescription: "a reverted write", code: [0x60, 9, 0x60, 1, 0x55, 0x60, 0, 0x60, 0, 0xfd],
      accounts: ["sender w", "target r"], slots: ["target 1 w"]),
    Case(
      testDescription: "a balance", code: push(other) + [0x31, 0x00],
      accounts: ["other r", "sender w", "target r"]),
    Case(
      testDescription: "a code's hash", code: push(other) + [0x3f, 0x00],
      accounts: ["other r", "sender w", "target r"]),
    Case(
      testDescription: "the fee recipient's balance", code: [0x41, 0x31, 0x00],
      accounts: ["coinbase r", "sender w", "target r"]),
    Case(
      testDescription: "a precompile",
      code: [0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 4, 0x5a, 0xfa, 0x00],
      accounts: ["sender w", "target r"]),
    Case(
      testDescription: "value to another",
      code: [0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 1] + push(other) + [0x5a, 0xf1, 0x00],
      accounts: ["other w", "sender w", "target w"]),
    Case(
      testDescription: "value to another, reverted",
      code: [0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 1] + push(other) + [
        0x5a, 0xf1, 0x60, 0, 0x60, 0, 0xfd,
      ],
      accounts: ["other w", "sender w", "target w"]),
  ]

  @Test(arguments: cases) func whatIsUsed(_ given: Case) throws {
    let outcome = try Self.run(given.code, value: given.value)
    #expect(outcome.accounts == given.accounts)
    #expect(outcome.slots == given.slots)
  }

  @Test func whatAListNamesIsWarmAndNotRead() throws {
    let list = [
      AccessListEntry(address: Self.other, storageKeys: [.zero]),
      .init(address: Self.target, storageKeys: [Hash(UInt256(7))]),
    ]
    let outcome = try Self.run([0x60, 1, 0x54, 0x00], accessList: list)
    #expect(outcome.accounts == ["sender w", "target r"] && outcome.slots == ["target 1 r"])
    #expect(!outcome.asked.contains(Self.other) && !outcome.asked.contains(Self.coinbase))
  }

  @Test func listedSlotsAreWarmFromTheStart() throws {
    let inner: [UInt8] = [0x60, 7, 0x54, 0x50]
    let list = [AccessListEntry(address: Self.target, storageKeys: [Hash(UInt256(7))])]
    let world = EVMWorld()
    world.insert(Self.sender, balance: 1_000_000_000, nonce: 0, code: .empty, storage: [:])
    world.insert(Self.target, balance: 0, nonce: 1, code: EVMCode(inner + inner + [0x00]), storage: [:])
    let host = try EVMHost(programs: EVMProgramCache())
    let transaction = EthereumTransaction(
      kind: .accessList, chainID: 1, nonce: 0, maxPriorityFeePerGas: 1, maxFeePerGas: 1, gasLimit: 100_000,
      to: Self.target, accessList: list)
    let result = try EVMTransactionProcessor(host: host).process(
      transaction, sender: Self.sender, in: BlockEnvironment(fork: .cancun), reader: world)
    guard case .executed(let receipt, _) = result else {
      throw EVMStateError.pastState(detail: "\(result)")
    }
    #expect(receipt.gasUsed == 21_000 + 2_400 + 1_900 + 2 * (3 + 100 + 2))
  }

  // MARK: Credits

  @Test func onlyReceivingIsACredit() throws {
    let outcome = try Self.run([0x00], value: 7)
    #expect(outcome.changes.accounts.map(\.address) == [Self.sender])
    #expect(outcome.changes.credits.map(\.address) == [Self.target] && outcome.changes.credits[0].amount == 7)
    #expect(outcome.changes.reward == UInt256(2 * 21_000))
  }

  @Test func whoLooksAtItsBalanceIsWrittenWhole() throws {
    let outcome = try Self.run([0x47, 0x50, 0x00], value: 7)
    #expect(outcome.changes.accounts.map(\.address) == [Self.sender, Self.target])
    #expect(outcome.changes.accounts[1].account?.balance == 17 && outcome.changes.credits.isEmpty)
  }

  @Test func aRewardGoesWithAnAccountThatIsWrittenWhole() throws {
    let world = EVMWorld()
    world.insert(Self.coinbase, balance: 1_000_000, nonce: 0, code: .empty, storage: [:])
    let host = try EVMHost(programs: EVMProgramCache())
    let transaction = EthereumTransaction(
      kind: .legacy, chainID: 1, nonce: 0, maxPriorityFeePerGas: 2, maxFeePerGas: 2, gasLimit: 21_000,
      to: Self.other, value: 5)
    let block = BlockEnvironment(fork: .cancun, coinbase: Self.coinbase)
    for takesCredits in [false, true] {
      let reader: any EVMStateReader = takesCredits ? CreditWorld(world) : world
      let result = try EVMTransactionProcessor(host: host).process(
        transaction, sender: Self.coinbase, in: block, reader: reader)
      guard case .executed(_, let changes) = result else {
        throw EVMStateError.pastState(detail: "\(result)")
      }
      #expect(changes.reward.isZero)
      let left = changes.accounts.first { $0.address == Self.coinbase }?.account?.balance
      #expect(left == UInt256(1_000_000 - 5))
    }
  }

  /// A fee of nothing touches: an empty account goes, one that is not there stays away.
  @Test func aRewardOfNothingTouches() throws {
    let outcome = try Self.run([0x00], price: 0)
    #expect(outcome.changes.reward.isZero && outcome.changes.credits.isEmpty)
    #expect(outcome.changes.accounts.map(\.address) == [Self.sender])
    let old = try Self.run([0x00], price: 0, fork: .homestead)
    #expect(old.changes.accounts.map(\.address).sorted() == [Self.coinbase, Self.sender].sorted())
  }
}
