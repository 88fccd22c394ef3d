// Every executor and number of workers against the serial one: same state, same results, same logs in the same order.

import Ledger
import Primitives
import Testing

@testable import Estuary
@testable import Execution

@Suite(.serialized) struct BlockExecutorTests {
  /// Executes `block` one after the other and on `executors`, and compares.
  ///
  /// - Returns: the receipts.
  @discardableResult private func compare(
    _ block: RandomBlock, _ executors: [any BlockExecutor], blockSize: Int = 0, seed: UInt64
  ) throws -> [Receipt] {
    var replay = Replay(genesis: block.genesis, wires: block.wires)
    replay.blockSize = blockSize
    // Without checks, two messages can come under one signature.
    replay.verifiesSignatures = seed % 3 != 0
    let expected = try replay.run(executor: SerialExecutor())
    for executor in executors {
      let actual = try replay.run(on: TestStore.tight(seed), executor: executor)
      #expect(actual.stateHash == expected.stateHash, "seed \(seed), \(executor.workerCount) workers")
      #expect(actual.receipts == expected.receipts, "seed \(seed), \(executor.workerCount) workers")
    }
    return expected.receipts
  }

  @Test func locksEqualSerialOverRandomBlocks() throws {
    let executors: [any BlockExecutor] =
      try [1, 2, 4, 8].map { try LockExecutor(workerCount: $0) }
      + [ScheduledExecutor(RandomScheduler(workerCount: 3), contracts: .none)]
    let seeds = RandomBlocks.seeds(400)
    var tally = SituationTally()
    for seed in seeds {
      let block = try RandomBlock(
        seed: seed, count: 20 + Int(seed % 60), contention: Int(seed % 101) * 7 % 101)
      let receipts = try compare(block, executors, seed: seed)
      tally.add(zip(block.situations, receipts).map { ("solana.\($0)", $1) })
    }
    RandomBlocks.report("\(seeds.count) blocks of Solana's: \(tally)")
    tally.expect(
      "solana", RandomBlock.Situation.self, atLeast: seeds.count / 2, failing: RandomBlock.neverSucceeding)
  }

  @Test(arguments: [1, 7, 50]) func blocksOfAnySizeGiveTheSameState(blockSize: Int) throws {
    let executor = try LockExecutor(workerCount: 3)
    for seed in 2000..<2010 as Range<UInt64> {
      let block = try RandomBlock(seed: seed, count: 100, contention: 30)
      try compare(block, [executor], blockSize: blockSize, seed: seed)
    }
  }

  @Test func someTransactionsOfARandomBlockSucceedAndSomeFail() throws {
    let block = try RandomBlock(seed: 5, count: 200, contention: 20)
    let outcome = try Replay(genesis: block.genesis, wires: block.wires).run(executor: SerialExecutor())
    let failures = outcome.receipts.solana.compactMap(\.error)
    #expect(failures.count > 40 && failures.count < 160)
    #expect(Set(failures.map(\.name)).count >= 6)
  }

  @Test func aRepeatedTransactionRunsOnce() throws {
    var workload = Workload(.transfer, program: .zero, seed: 3)
    var wires: [[UInt8]] = []
    let blockhash = Hash(word0: 1, word1: 0, word2: 0, word3: 0)
    try workload.append(1, contention: 0, blockhash: blockhash, to: &wires)
    let genesis = try Genesis(slot: 1, unixTimestamp: 0, blockhash: blockhash, accounts: workload.accounts)
    for executor in [SerialExecutor(), try LockExecutor(workerCount: 2)] as [any BlockExecutor] {
      for blockSize in [0, 1] {
        var replay = Replay(genesis: genesis, wires: [wires[0], wires[0], wires[0]])
        replay.blockSize = blockSize
        let outcome = try replay.run(executor: executor)
        #expect(outcome.receipts.solana.map(\.error) == [nil, .alreadyProcessed, .alreadyProcessed])
      }
    }
  }

  /// A signature is used up by the first transaction with it that runs or is charged, however many were rejected before.
  @Test func aRejectedTransactionThatComesAgainRunsOnce() throws {
    let blockhash = Hash(word0: 1, word1: 0, word2: 0, word3: 0)
    let (rich, poor) = (Ed25519.KeyPair(seed: SHA256.hash([1])), Ed25519.KeyPair(seed: SHA256.hash([2])))
    let target = Ed25519.KeyPair(seed: SHA256.hash([3])).pubkey
    func transfer(_ source: Ed25519.KeyPair, _ target: Pubkey, _ lamports: UInt64) throws -> [UInt8] {
      try TransactionBuilder(
        payer: source.pubkey, recentBlockhash: blockhash,
        instructions: [System.transfer(from: source.pubkey, to: target, lamports: lamports)]
      ).signed(by: [source]).bytes
    }
    let payment = try transfer(poor, target, 1_000_000)
    let gift = try transfer(rich, poor.pubkey, 50_000_000)
    var forged = try transfer(rich, target, 2_000_000)
    forged.replaceSubrange(1..<65, with: payment[1..<65])
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 0, blockhash: blockhash,
      accounts: [(rich.pubkey, Account(lamports: 10_000_000_000, owner: ProgramID.system))])
    let executors: [any BlockExecutor] =
      try [SerialExecutor()] + [1, 2, 4, 8].map { try LockExecutor(workerCount: $0) }
    for executor in executors {
      for blockSize in [0, 1, 2, 3] {
        var replay = Replay(
          genesis: genesis, wires: [payment, payment, gift, payment, payment, payment, forged, payment])
        replay.blockSize = blockSize
        replay.verifiesSignatures = false
        let outcome = try replay.run(executor: executor)
        #expect(
          outcome.receipts.solana.map(\.error) == [
            .accountNotFound, .accountNotFound, nil, nil, .alreadyProcessed, .alreadyProcessed, .alreadyProcessed,
            .alreadyProcessed,
          ])
      }
    }
  }

  @Test func aTimelineHasEveryTransactionOnce() throws {
    let block = try RandomBlock(seed: 9, count: 150, contention: 50)
    var replay = Replay(genesis: block.genesis, wires: block.wires)
    replay.recordsTimeline = true
    let outcome = try replay.run(executor: LockExecutor(workerCount: 3))
    let timeline = try #require(outcome.blocks.first?.timeline)
    #expect(timeline.slices.count == 150)
    for slice in timeline.slices {
      guard let release = slice.releasedBy else { continue }
      #expect(timeline.slices[release.predecessor.position].endNanoseconds <= slice.startNanoseconds)
    }
    let text = LanePicture(timeline) { _ in "account" }.text()
    #expect(text.contains("worker   0") && text.contains("worker   2"))
  }
}
