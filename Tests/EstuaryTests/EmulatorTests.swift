// The emulator against execution in a block: the same outcome, nothing left behind, the smallest gas limit there is.

import EVM
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite struct EmulatorTests {
  private static let sender = Address(0x1001)
  private static let target = Address(0xc0de)
  private static let other = Address(0xc0df)
  private static let ether = UInt256(1_000_000_000_000_000_000)

  /// A chain in memory with `code` at the target and at the other address.
  private static func chain(_ code: [UInt8], other otherCode: [UInt8] = [], fork: String = "Osaka") throws
    -> Chain
  {
    var ethereum = EthereumGenesis(chainID: 1337, fork: fork, baseFeePerGas: 7, coinbase: Address(0xfee))
    ethereum.gasLimit = 30_000_000
    for (address, code) in [(target, code), (other, otherCode)] where !code.isEmpty {
      var account = EthereumGenesis.Account(address: address)
      (account.code, account.nonce, account.balance) = (code, 1, 5)
      ethereum.alloc.append(account)
    }
    var account = EthereumGenesis.Account(address: sender)
    account.balance = ether
    ethereum.alloc.append(account)
    ethereum.alloc.sort { $0.address < $1.address }
    let genesis = try Genesis(
      slot: 5, unixTimestamp: 1_700_000_000, blockhash: .zero, accounts: [], ethereum: ethereum)
    return try Chain(store: MemoryStore(), genesis: genesis, executor: SerialExecutor(), progress: .fixed)
  }

  private static func transaction(
    to: Address? = target, value: UInt256 = .zero, data: [UInt8] = [], gasLimit: UInt64 = 1_000_000
  ) -> EthereumTransaction {
    EthereumTransaction(
      kind: .dynamicFee, chainID: 1337, nonce: 0, maxPriorityFeePerGas: 2, maxFeePerGas: 20,
      gasLimit: gasLimit,
      to: to, value: value, data: data)
  }

  private static func execute(_ transaction: EthereumTransaction, on chain: Chain) throws
    -> EthereumTransactionResult
  {
    let line = TransactionLine.success(.ethereum(EthereumWire(transaction.encoded, sender: sender)))
    return try chain.execute(BlockTransactions([line]), verifiesSignatures: false).receipts.ethereum[0]
  }

  private static let stop: [UInt8] = [0x00]
  /// Reverts with the word 7.
  private static let revert: [UInt8] = [0x60, 7, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xfd]
  /// Counts in slot 0, logs and returns the count.
  private static let count: [UInt8] = [
    0x60, 0, 0x54, 0x60, 1, 0x01, 0x80, 0x60, 0, 0x55, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xa0, 0x60, 32, 0x60,
    0, 0xf3,
  ]
  private static let endless: [UInt8] = [0x5b, 0x60, 0, 0x56]

  @Test(arguments: [stop, revert, count, endless, [0xfe], [0x33, 0xff]])
  func tellsWhatExecutingDoesAndLeavesNothing(_ code: [UInt8]) throws {
    let chain = try Self.chain(code)
    let before = chain.stateHash
    for transaction in [
      Self.transaction(), Self.transaction(value: 9), Self.transaction(to: Address(0xabcd), value: 3),
      Self.transaction(to: nil, data: [0x60, 1, 0x60, 0, 0xf3]), Self.transaction(to: nil, data: code),
    ] {
      let chain = try Self.chain(code)
      let emulator = try #require(try chain.emulator())
      let emulation = try emulator.run(transaction, from: Self.sender, checks: .all)
      #expect(chain.stateHash == before)
      #expect(
        try emulator.run(transaction, from: Self.sender, checks: .all).receipt.gasUsed
          == emulation.receipt.gasUsed)
      let result = try Self.execute(transaction, on: chain)
      #expect(result.errorText == nil)
      #expect(result.isSuccess == emulation.receipt.isSuccess)
      #expect(result.gasUsed == emulation.receipt.gasUsed)
      #expect(result.output == emulation.receipt.output)
      #expect(result.contractAddress == emulation.receipt.contractAddress)
      #expect(result.logs.map(\.data) == emulation.receipt.logs.map(\.data))
    }
  }

  @Test func appliesWhatItIsToldTo() throws {
    let emulator = try #require(try Self.chain(Self.count).emulator())
    for count in 1...3 {
      let emulation = try emulator.run(Self.transaction(), from: Self.sender, checks: .none)
      #expect(emulation.receipt.output == UInt256(UInt64(count)).bigEndianBytes)
      emulator.apply(emulation)
    }
  }

  /// Returns the word that `opcodes` leave.
  private static func returning(_ opcodes: [UInt8]) -> [UInt8] {
    opcodes + [0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3]
  }

  @Test func overridesTheBlock() throws {
    let cases: [(opcode: UInt8, change: (inout BlockOverrides) -> Void, word: UInt256)] = [
      (0x43, { $0.number = 77 }, 77), (0x42, { $0.timestamp = 1 << 40 }, 1 << 40),
      (0x45, { $0.gasLimit = 3_000_000 }, 3_000_000), (0x41, { $0.coinbase = Address(0xabc) }, 0xabc),
      (0x48, { $0.baseFeePerGas = 9 }, 9), (0x44, { $0.prevRandao = Hash(UInt256(5)) }, 5),
    ]
    for (opcode, change, word) in cases {
      let chain = try Self.chain(Self.returning([opcode]))
      var overrides = EmulationOverrides()
      let plain = try #require(try chain.emulator(overrides: overrides))
      change(&overrides.block)
      let emulator = try #require(try chain.emulator(overrides: overrides))
      func output(_ emulator: Emulator) throws -> [UInt8] {
        try emulator.run(Self.transaction(), from: Self.sender, checks: .none).receipt.output
      }
      #expect(try output(emulator) == word.bigEndianBytes, "opcode \(opcode)")
      #expect(try output(plain) != word.bigEndianBytes, "opcode \(opcode)")
    }
  }

  @Test(arguments: [false, true]) func overridesAccounts(_ replacesStorage: Bool) throws {
    // Counts in slot 0 of the ledger first.
    let chain = try Self.chain(Self.count)
    #expect(try Self.execute(Self.transaction(), on: chain).isSuccess)
    let before = chain.stateHash
    var overrides = EmulationOverrides()
    var (changed, made) = (AccountOverride(), AccountOverride())
    // Slot 0 a thousand times and slot 1, and what the other account has.
    changed.code = Self.returning(
      [0x60, 0, 0x54, 0x61, 0x03, 0xe8, 0x02, 0x60, 1, 0x54, 0x01, 0x73] + Self.other.bytes + [0x31, 0x01])
    (changed.slots, changed.replacesStorage) = ([1: 7], replacesStorage)
    made.balance = 20
    overrides.accounts = [Self.target: changed, Self.other: made]
    let emulator = try #require(try chain.emulator(overrides: overrides))
    let emulation = try emulator.run(Self.transaction(), from: Self.sender, checks: .none)
    #expect(emulation.receipt.output == UInt256(replacesStorage ? 27 : 1027).bigEndianBytes)
    // What it changes is seen over the overrides, and the ledger by nobody.
    emulator.apply(
      try emulator.run(Self.transaction(to: Self.other, value: 5), from: Self.sender, checks: .none))
    #expect(try emulator.account(Self.other)?.balance == 25)
    #expect(chain.stateHash == before)
    #expect(try chain.ethereumCode(at: Self.target) == Self.count)
    // The ledger's own code over other slots.
    changed.code = nil
    overrides.accounts = [Self.target: changed]
    let counting = try #require(try chain.emulator(overrides: overrides))
    let counted = try counting.run(Self.transaction(), from: Self.sender, checks: .none)
    #expect(counted.receipt.output == UInt256(replacesStorage ? 1 : 2).bigEndianBytes)
  }

  @Test func refusesWhatABlockRefuses() throws {
    let emulator = try #require(try Self.chain(Self.count).emulator())
    func refusal(_ change: (inout EthereumTransaction) -> Void) -> TransactionValidityError? {
      var transaction = Self.transaction()
      change(&transaction)
      do throws(EmulationError) {
        _ = try emulator.smallestGasLimit(transaction, from: Self.sender, checks: .all)
      } catch {
        if case .refused(let reason) = error { return reason }
      }
      return nil
    }
    #expect(refusal { $0.nonce = 1 } == .nonceTooHigh(nonce: 1, account: 0))
    #expect(
      refusal { ($0.maxFeePerGas, $0.maxPriorityFeePerGas) = (6, 1) }
        == .maxFeeBelowBaseFee(maxFee: 6, baseFee: 7))
    #expect(refusal { $0.maxPriorityFeePerGas = 21 } == .priorityFeeAboveMaxFee)
    #expect(refusal { $0.value = Self.ether } == .insufficientFunds(balance: Self.ether))
    #expect(refusal { $0.maxFeePerGas = Self.ether } == .insufficientFunds(balance: Self.ether))
    #expect(refusal { $0.chainID = 1 } == .wrongChain(signed: 1, expected: 1337))
  }

  @Test func stopsEndlessCode() throws {
    let emulator = try #require(try Self.chain(Self.endless, fork: "Cancun").emulator())
    let transaction = Self.transaction(gasLimit: Emulator.gasCap + 1)
    #expect(throws: EmulationError.self) { try emulator.run(transaction, from: Self.sender, checks: .none) }
    let emulation = try emulator.run(
      Self.transaction(gasLimit: emulator.gasLimit), from: Self.sender, checks: .none)
    #expect(emulation.receipt.halt == .outOfGas)
  }

  // MARK: Gas

  private static func smallest(_ code: [UInt8], other: [UInt8] = []) throws -> UInt64? {
    let emulator = try #require(try chain(code, other: other).emulator())
    let transaction = transaction(data: [1, 0])
    guard
      case .found(let limit, let found) = try emulator.smallestGasLimit(
        transaction, from: sender, checks: .all)
    else {
      return nil
    }
    #expect(found.receipt.isSuccess)
    #expect(try succeeds(transaction, limit, emulator))
    #expect(try !succeeds(transaction, limit - 1, emulator))
    return limit
  }

  private static func succeeds(
    _ transaction: EthereumTransaction, _ limit: UInt64, _ emulator: Emulator
  ) throws -> Bool {
    var transaction = transaction
    transaction.gasLimit = limit
    do throws(EmulationError) {
      return try emulator.run(transaction, from: sender, checks: .all).receipt.isSuccess
    } catch {
      guard case .refused(.intrinsicGasTooLow) = error else {
        guard case .refused(.gasBelowFloor) = error else { throw error }
        return false
      }
      return false
    }
  }

  @Test func findsTheSmallestGasLimit() throws {
    // Two bytes of data count 5 tokens, 10 gas each at least (EIP-7623).
    #expect(try Self.smallest(Self.stop) == 21_050)
    #expect(try Self.smallest(Self.count) == 21_020 + 22_767)
    #expect(try Self.smallest(Self.revert) == nil)
    #expect(try Self.smallest(Self.endless) == nil)
  }

  /// Code that looks at the gas that is left: a band in which it fails, between two in which it succeeds.
  @Test func looksBelowWhatItFinds() throws {
    // GAS, PUSH3 high, GT (high > gas), GAS, PUSH3 low, LT (low < gas), AND, JUMPI to the revert.
    let banded: [UInt8] =
      [0x5a, 0x62, 0x01, 0x86, 0xa0, 0x11, 0x5a, 0x62, 0x00, 0x4e, 0x20, 0x10, 0x16, 0x60, 17, 0x57, 0x00]
      + [0x5b, 0x60, 0, 0x60, 0, 0xfd]
    #expect(try #require(try Self.smallest(banded)) < 21_100)
  }

  /// Transactions whose limits are found (ESTUARY_GAS_LIMITS), over all seeds.
  private static let limitCount = Environment.variable("ESTUARY_GAS_LIMITS").flatMap { Int($0) } ?? 72
  private static let seedCount = 12

  @Test(arguments: 0..<UInt64(seedCount))
  func findsGasLimitsOfRandomCode(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let wanted = (Self.limitCount + Self.seedCount - 1) / Self.seedCount
    var (foundCount, tried) = (0, 0)
    // Some code fails whatever its gas.
    while foundCount < wanted, tried < 8 * wanted {
      tried += 1
      let code = Self.randomCode(&random, calls: true)
      if try Self.smallest(code, other: Self.randomCode(&random, calls: false)) != nil { foundCount += 1 }
    }
    #expect(foundCount == wanted)
  }

  /// Stores, loads, memory, logs, calls with all gas, and looks at the gas left.
  private static func randomCode(_ random: inout SplitMix64, calls: Bool) -> [UInt8] {
    var code: [UInt8] = []
    var labels: [Int] = []
    func jumpToRevert() {
      labels.append(code.count + 1)
      code += [0x61, 0, 0, 0x57]
    }
    for _ in 0..<(1 + random.next() % 8) {
      let byte = UInt8(truncatingIfNeeded: random.next() % 4)
      switch random.next() % (calls ? 7 : 5) {
      case 0: code += [0x60, byte, 0x60, byte ^ 1, 0x55]
      case 1: code += [0x60, byte, 0x54, 0x50]
      case 2: code += [0x60, 1, 0x61, UInt8(truncatingIfNeeded: random.next() % 64), byte, 0x52]
      case 3: code += [0x60, 32, 0x60, 0, 0xa0]
      case 4:
        code += [0x61, UInt8(truncatingIfNeeded: random.next() % 200), byte, 0x5a, 0x10]
        jumpToRevert()
      default:
        code += [0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x73] + other.bytes + [0x5a, 0xf1, 0x15]
        jumpToRevert()
      }
    }
    code.append(0x00)
    let label = code.count
    for place in labels { (code[place], code[place + 1]) = (UInt8(label >> 8), UInt8(label & 255)) }
    return code + [0x5b, 0x60, 0, 0x60, 0, 0xfd]
  }

  // MARK: Accesses and calls

  /// Stores 1 in slot 2 of its own, calls the other contract, and takes no notice of how that ends.
  private static let caller: [UInt8] =
    [0x60, 1, 0x60, 2, 0x55, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 3, 0x73] + other.bytes
    + [0x61, 0xff, 0xff, 0xf1, 0x00]

  @Test func tellsAccountsAndSlots() throws {
    let reverting: [UInt8] = [0x60, 9, 0x54, 0x60, 4, 0x60, 8, 0x55, 0x60, 0, 0x60, 0, 0xfd]
    let emulator = try #require(try Self.chain(Self.caller, other: reverting).emulator())
    let accesses = try emulator.run(Self.transaction(), from: Self.sender, checks: .all).accesses
    let accounts = Dictionary(uniqueKeysWithValues: accesses.accounts.map { ($0.address, $0.isWritten) })
    #expect(accounts[Self.sender] == true)
    #expect(accounts.keys.contains(Self.target) && accounts.keys.contains(Self.other))
    #expect(!accounts.keys.contains(Address(0xfee)))
    let slots = accesses.slots.map { [UInt256($0.address), $0.slot, $0.isWritten ? 1 : 0] }
    #expect(
      slots == [[UInt256(Self.target), 2, 1], [UInt256(Self.other), 9, 0], [UInt256(Self.other), 8, 1]])
  }

  @Test func recordsCalls() throws {
    let emitting: [UInt8] = Self.count.dropLast(5) + [0x60, 0, 0x60, 0, 0xfd]
    let tracer = EVMTracer(recordingCallsAnd: nil)
    let emulator = try #require(try Self.chain(Self.caller, other: emitting).emulator(tracer: tracer))
    let emulation = try emulator.run(Self.transaction(value: 4), from: Self.sender, checks: .all)
    let trace = tracer.takeCalls()
    try #require(trace.calls.count == 2)
    let (outer, inner) = (trace.calls[0], trace.calls[1])
    #expect(
      outer.kind == .call && outer.from == Self.sender && outer.account == Self.target && outer.value == 4)
    #expect(outer.halt == nil && outer.gasUsed == emulation.gasSpent - 21_000)
    #expect(
      inner.kind == .call && inner.from == Self.target && inner.account == Self.other && inner.value == 3)
    #expect(inner.halt == .revert)
    guard outer.events.count == 2, case .storage(2, 0, 1) = outer.events[0], case .call(1) = outer.events[1]
    else {
      Issue.record("\(outer.events)")
      return
    }
    guard inner.events.count == 2, case .storage(0, 0, 1) = inner.events[0],
      case .log(let log) = inner.events[1]
    else {
      Issue.record("\(inner.events)")
      return
    }
    #expect(log.address == Self.other && log.data == UInt256(1).bigEndianBytes)
    #expect(emulation.receipt.logs.isEmpty)
  }
}
