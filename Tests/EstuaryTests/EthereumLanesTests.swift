// Ethereum's transactions that run ahead give what they give one after the other: any number of workers, both engines.

import EVM
import Ledger
import Primitives
import SBPF
import Scheduling
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite struct EthereumLanesTests {
  private static func genesis(_ ethereum: EthereumGenesis) throws -> Genesis {
    try Genesis(slot: 1, unixTimestamp: 1_700_000_000, blockhash: .zero, accounts: [], ethereum: ethereum)
  }

  private static func run(
    _ block: RandomEthereumBlock, on executor: any BlockExecutor
  ) throws -> Replay.Outcome {
    var replay = Replay(genesis: try genesis(block.genesis), transactions: block.transactions)
    replay.verifiesSignatures = false
    return try replay.run(on: TestStore.tight(UInt64(executor.workerCount)), executor: executor)
  }

  private static let forks: [Fork] = [
    .homestead, .spuriousDragon, .constantinople, .london, .shanghai, .cancun, .prague, .osaka,
  ]

  private static func block(_ seed: UInt64) -> RandomEthereumBlock {
    RandomEthereumBlock(
      seed: seed, count: 60, fork: forks[Int(seed) % forks.count],
      contention: [0, 20, 60, 100][Int(seed / 8) % 4],
      gasLimit: seed % 5 == 4 ? 3_000_000 : 1 << 40)
  }

  @Test(arguments: [Engine.fastest, .interpreter])
  func lanesGiveWhatOneAfterTheOtherGives(engine: Engine) throws {
    let serial = SerialExecutor(engine: engine)
    // One wave a block, and many; and with a few run alone between those that have to.
    var executors = try [1, 2, 4, 8].flatMap { workerCount in
      try [EthereumLanes.defaultWaveSize, 3].map {
        try LockExecutor(workerCount: workerCount, engine: engine, alwaysInWaves: true, waveSize: $0)
      }
    }
    executors += try [2, 4].map { try LockExecutor(workerCount: $0, engine: engine) }
    var tally = SituationTally()
    let seeds = RandomBlocks.seeds(80)
    for seed in seeds {
      let block = Self.block(seed)
      let expected = try Self.run(block, on: serial)
      tally.add(zip(block.situations, expected.receipts).map { ("ethereum.\($0)", $1) })
      if block.mortalIsGone(in: expected.chain) { tally.add("contract destroyed") }
      let root = try expected.chain.ethereumStateRoot()
      for executor in executors {
        let outcome = try Self.run(block, on: executor)
        let same = outcome.receipts == expected.receipts && outcome.stateHash == expected.stateHash
        #expect(same, "seed \(seed), \(executor.workerCount) workers")
        #expect(try outcome.chain.ethereumStateRoot() == root, "seed \(seed)")
        if !same { return }
      }
    }
    RandomBlocks.report("\(seeds.count) blocks of Ethereum's, \(engine): \(tally)")
    tally.expect(
      "ethereum", RandomEthereumBlock.Situation.self, atLeast: seeds.count / 8,
      failing: RandomEthereumBlock.neverSucceeding)
    tally.expect(
      "contract deployed", "code deployed in the block ran", "code delegated in the block ran",
      "block gas used up", "blob gas used up", "created again after its destruction", "contract destroyed",
      atLeast: seeds.count / 16)
  }

  // MARK: How often

  /// People who pay each other once, with value alone.
  private static func plainTransfers(_ count: Int) -> (EthereumGenesis, [EthereumWire]) {
    var genesis = EthereumGenesis(chainID: 1, fork: "Cancun", baseFeePerGas: 0, coinbase: Address(0xfee))
    genesis.gasLimit = 1 << 40
    var wires: [EthereumWire] = []
    for number in 0..<count {
      let (payer, payee) = (
        Address(UInt256(0x1000 + UInt64(number))), Address(UInt256(0x90_0000 + UInt64(number)))
      )
      var account = EthereumGenesis.Account(address: payer)
      account.balance = 1_000_000
      genesis.alloc.append(account)
      let transaction = EthereumTransaction(
        kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: 1, maxFeePerGas: 1, gasLimit: 21_000,
        to: payee,
        value: 5)
      wires.append(EthereumWire(transaction.encoded, sender: payer))
    }
    return (genesis, wires)
  }

  private static func execute(
    _ genesis: EthereumGenesis, _ wires: [EthereumWire], workerCount: Int
  ) throws -> EthereumLanes.Outcome {
    let store = MemoryStore()
    let serial = SerialExecutor()
    let chain = try Chain(store: store, genesis: Self.genesis(genesis), executor: serial, progress: .fixed)
    let pool = try WorkerPool(workerCount: workerCount, stackByteCount: EVMHost.stackByteCount)
    let lanes = try EthereumLanes(pool: pool, programs: EVMProgramCache(), engine: .fastest)
    let environment = BlockEnvironment(
      fork: .cancun, number: 1, gasLimit: genesis.gasLimit, coinbase: genesis.coinbase)
    return try lanes.execute(
      wires[...], verifiesSignatures: false, in: environment, after: EthereumTotals(),
      on: EthereumState(chain.state.ethereumTable)
    ) { _, _ in }
  }

  /// One fee recipient for all is nothing to wait for.
  @Test(arguments: [1, 2, 4]) func peopleOfTheirOwnNeverRunTwice(workerCount: Int) throws {
    let (genesis, wires) = Self.plainTransfers(2_000)
    let totals = try Self.execute(genesis, wires, workerCount: workerCount).totals
    #expect(totals.executionCount == 2_000 && totals.repeatedCount == 0)
    #expect(totals.gasUsed == 2_000 * 21_000)
  }

  private static func replay(_ genesis: EthereumGenesis, _ wires: [EthereumWire]) throws -> Replay {
    var replay = Replay(
      genesis: try Self.genesis(genesis), transactions: BlockTransactions(wires.map { .success(.ethereum($0)) }))
    replay.verifiesSignatures = false
    return replay
  }

  private static func waves(_ workerCounts: [Int]) throws -> [LockExecutor] {
    try workerCounts.map { try LockExecutor(workerCount: $0, alwaysInWaves: true) }
  }

  /// Executes serially and on each of `executors`, which are to come to the same.
  private static func outcomes(
    of replay: Replay, on executors: [LockExecutor]
  ) throws -> (serial: Replay.Outcome, others: [Replay.Outcome]) {
    let serial = try replay.run(executor: SerialExecutor())
    let others = try executors.map { executor in
      let outcome = try replay.run(executor: executor)
      let isSame = outcome.receipts == serial.receipts && outcome.stateHash == serial.stateHash
      #expect(isSame, "\(executor.name), \(executor.workerCount) workers")
      return outcome
    }
    return (serial, others)
  }

  /// A block may have room for everything that a number can say, and its transactions ask for more together.
  @Test func gasLimitsBeyondAllNumbers() throws {
    var (genesis, wires) = Self.plainTransfers(40)
    genesis.gasLimit = .max
    var greedy = try EthereumTransaction(decoding: wires[7].bytes)
    (greedy.gasLimit, greedy.maxFeePerGas, greedy.maxPriorityFeePerGas) = (.max, 0, 0)
    wires[7] = EthereumWire(greedy.encoded, sender: wires[7].sender)
    let serial = try Self.outcomes(of: Self.replay(genesis, wires), on: Self.waves([1, 2, 4])).serial
    #expect(serial.receipts.count { !$0.isSuccess } == 1)
  }

  /// A transaction may name more keys than its wave has room for.
  @Test(arguments: [900, 3300, 20_000]) func keysBeyondAWavesRoom(keyCount: Int) throws {
    for peopleCount in [64, 400] {
      var (genesis, wires) = Self.plainTransfers(peopleCount)
      var reader = EthereumGenesis.Account(address: Address(0xc0de))
      // SLOAD of the number in the input, and of all below it but 0.
      reader.code = [0x5f, 0x35, 0x5b, 0x80, 0x54, 0x50, 0x60, 1, 0x90, 0x03, 0x80, 0x60, 2, 0x57, 0x00]
      genesis.alloc.append(reader)
      var account = EthereumGenesis.Account(address: Address(0x20_0000))
      account.balance = 1 << 60
      genesis.alloc.append(account)
      let transaction = EthereumTransaction(
        kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: 1, maxFeePerGas: 1, gasLimit: 1 << 28,
        to: reader.address, value: 0, data: UInt256(UInt64(keyCount)).bigEndianBytes)
      wires.insert(EthereumWire(transaction.encoded, sender: account.address), at: peopleCount / 2)
      let serial = try Self.outcomes(of: Self.replay(genesis, wires), on: Self.waves([1, 2, 4, 8])).serial
      let isWhole = serial.receipts.allSatisfy { $0.isSuccess }
      #expect(isWhole)
    }
  }

  /// Payments without a tip touch a fee recipient that is not there, which keeps nobody from running beside the others.
  @Test(arguments: [1, 2, 4]) func aFeeRecipientThatIsNotThere(workerCount: Int) throws {
    let (genesis, wires) = Self.plainTransfers(400)
    let free = try wires.map {
      var transaction = try EthereumTransaction(decoding: $0.bytes)
      (transaction.maxFeePerGas, transaction.maxPriorityFeePerGas) = (0, 0)
      return EthereumWire(transaction.encoded, sender: $0.sender)
    }
    for wires in [free, zip(free, wires).enumerated().map { $0 % 3 == 0 ? $1.1 : $1.0 }] {
      let outcomes = try Self.outcomes(of: Self.replay(genesis, wires), on: Self.waves([workerCount])).others
      #expect(outcomes[0].repeatedCount == 0)
    }
  }

  /// Transactions that run alone, some together and some apart.
  @Test(arguments: [1, 2, 7, 40]) func thoseThatRunAlone(apart: Int) throws {
    var (genesis, wires) = Self.plainTransfers(300)
    for number in 0..<300 where number / apart % 2 == 0 {
      var transaction = try EthereumTransaction(decoding: wires[number].bytes)
      transaction.to = genesis.coinbase
      wires[number] = EthereumWire(transaction.encoded, sender: wires[number].sender)
    }
    genesis.gasLimit = 250 * 21_000
    let executors = try Self.waves([1, 2, 4]) + [2, 4].map { try LockExecutor(workerCount: $0) }
    let serial = try Self.outcomes(of: Self.replay(genesis, wires), on: executors).serial
    #expect(serial.receipts.count { $0.isSuccess } == 250)
  }

  /// Plain payments, whose payees workers take for their own, and beside each a contract that pays the same one, whom its
  /// input names where no guess looks.
  private static func paidTwice(_ count: Int) -> (EthereumGenesis, [EthereumWire]) {
    var (genesis, wires) = plainTransfers(count)
    var contract = EthereumGenesis.Account(address: Address(0xc0de))
    // CALL with the value that came, to the address in the input.
    contract.code = [0x5f, 0x5f, 0x5f, 0x5f, 0x34, 0x5f, 0x35, 0x5a, 0xf1, 0x00]
    genesis.alloc.append(contract)
    for number in 0..<count {
      let payer = Address(UInt256(0x20_0000 + UInt64(number)))
      var account = EthereumGenesis.Account(address: payer)
      account.balance = 1_000_000
      genesis.alloc.append(account)
      // The payees are there, so that to be paid changes a balance alone.
      var payee = EthereumGenesis.Account(address: Address(UInt256(0x90_0000 + UInt64(number))))
      payee.balance = 1
      genesis.alloc.append(payee)
      let transaction = EthereumTransaction(
        kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: 1, maxFeePerGas: 1, gasLimit: 90_000,
        to: contract.address, value: 7, data: UInt256(payee.address).bigEndianBytes)
      wires.insert(EthereumWire(transaction.encoded, sender: payer), at: 2 * number + 1)
    }
    return (genesis, wires)
  }

  @Test func whatWasTakenMayBeSomebodyElses() throws {
    let (genesis, wires) = Self.paidTwice(1_500)
    var replay = try Self.replay(genesis, wires)
    replay.recordsTimeline = true
    let (serial, others) = try Self.outcomes(of: replay, on: Self.waves([1, 2, 4, 8]))
    let isWhole = serial.receipts.allSatisfy { $0.isSuccess }
    #expect(isWhole)
    for outcome in others {
      let timeline = try #require(outcome.blocks.first?.timeline)
      #expect(timeline.slices.count == wires.count && timeline.discards.count == outcome.repeatedCount)
      // Whoever shares a payee by chance is cut short once or twice; then nobody takes any.
      #expect(outcome.repeatedCount < wires.count / 2)
      let chain = outcome.chain
      for discard in timeline.discards {
        let name = chain.name(inTimelines: try #require(discard.account))
        #expect(name.hasPrefix("0x") && name.count == 42, "\(name)")
        if let writer = discard.writer { #expect(writer < discard.transaction) }
      }
      let picture = LanePicture(timeline) { chain.name(inTimelines: $0) }.text()
      #expect(picture.contains("executed twice: \(outcome.repeatedCount),") == (outcome.repeatedCount > 0))
    }
  }

  /// Entries that hold no transaction have their slice, wherever they stand.
  @Test(arguments: [1, 3]) func whatCannotBeDecodedStandsInTheTimeline(workerCount: Int) throws {
    let (genesis, transfers) = Self.plainTransfers(60)
    var wires = transfers
    for place in [0, 17, 18, wires.count] { wires.insert(EthereumWire([0x02, 0xc0]), at: place) }
    var replay = try Self.replay(genesis, wires)
    replay.recordsTimeline = true
    let outcome = try replay.run(executor: LockExecutor(workerCount: workerCount, alwaysInWaves: true))
    let slices = try #require(outcome.blocks.first?.timeline).slices
    #expect(slices.count == wires.count && outcome.receipts.count { !$0.isSuccess } == 4)
    let areWhole = slices.allSatisfy { $0.endNanoseconds > 0 && $0.startNanoseconds <= $0.endNanoseconds }
    #expect(areWhole)
  }

  @Test func nothingRunsMoreThanTwice() throws {
    for seed in 0..<20 as Range<UInt64> {
      let block = RandomEthereumBlock(seed: seed, count: 200, fork: .prague, contention: 100)
      let wires = block.wires
      let outcome = try Self.execute(block.genesis, wires, workerCount: 4)
      let (totals, repeats) = (outcome.totals, outcome.repeats)
      #expect(totals.executionCount <= 2 * wires.count && totals.repeatedCount == repeats.count)
      #expect(repeats.count <= totals.executionCount - wires.count / 2)
      #expect(zip(repeats, repeats.dropFirst()).allSatisfy { $0.position < $1.position })
      for again in repeats { if let writer = again.writer { #expect(writer < again.position) } }
    }
  }
}
