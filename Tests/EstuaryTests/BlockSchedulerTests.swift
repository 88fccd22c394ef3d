// Schedulers of an embedding program's own: whatever order they choose, and stores of its own under them. Random blocks run
// on one beside the other executors (BlockExecutorTests, MixedBlockTests, AccountCacheTests).

import Glibc
import Ledger
import Primitives
import Scheduling
import Testing

@testable import Estuary
@testable import Execution

/// Runs any transaction that is ready, on any worker; which one follows from the seed and from who comes first.
final class RandomScheduler: BlockScheduler {
  private final class Run: @unchecked Sendable {
    // Sendable: what changes is touched only under `lock`.
    private let lock = Lock()
    private var ready: [Int] = []
    private var missing: [Int]
    private var successors: [[Int]]
    private var left: Int
    private var random: SplitMix64

    init(_ part: BlockPart, seed: UInt64) {
      random = SplitMix64(seed: seed)
      (missing, left) = ([Int](repeating: 0, count: part.count), part.count)
      successors = [[Int]](repeating: [], count: part.count)
      for index in 0..<part.count {
        missing[index] = part.predecessors(of: index).count
        for predecessor in part.predecessors(of: index) { successors[predecessor].append(index) }
        if missing[index] == 0 { ready.append(index) }
      }
    }

    /// `nil` where nothing is ready.
    func take() -> Int? {
      lock.withLock { ready.isEmpty ? nil : ready.remove(at: Int(random.next() % UInt64(ready.count))) }
    }

    func finish(_ index: Int) {
      lock.withLock {
        left -= 1
        for successor in successors[index] {
          missing[successor] -= 1
          if missing[successor] == 0 { ready.append(successor) }
        }
      }
    }

    var isDone: Bool { lock.withLock { left == 0 } }
  }

  private let pool: WorkerPool

  init(workerCount: Int) throws { pool = try WorkerPool(workerCount: workerCount) }

  var workerCount: Int { pool.workerCount }

  func run(_ part: BlockPart) {
    let run = Run(part, seed: UInt64(part.count))
    pool.perform { worker in
      while !run.isDone {
        guard let index = run.take() else {
          sched_yield()
          continue
        }
        part.run(index, on: worker.position)
        run.finish(index)
      }
    }
  }

  func forEach(count: Int, _ body: @Sendable (Int) -> Void) {
    pool.forEach(count: count, chunk: 1) { _, range in range.forEach(body) }
  }
}

/// The last that is ready first, on one thread, by turns on each worker; notes what it is given.
final class BackwardScheduler: BlockScheduler, @unchecked Sendable {
  // Sendable: used by one thread at a time.
  let workerCount = 3
  var parts: [Range<Int>] = []

  func run(_ part: BlockPart) {
    parts.append(part.firstIndex..<part.firstIndex + part.count)
    var isDone = [Bool](repeating: false, count: part.count)
    while let index = isDone.indices.last(where: { index in
      !isDone[index] && part.predecessors(of: index).allSatisfy { isDone[$0] }
    }) {
      part.run(index, on: index % workerCount)
      isDone[index] = true
    }
  }
}

@Suite struct BlockSchedulerTests {
  @Test func theOrderDoesNotMatter() throws {
    let scheduler = BackwardScheduler()
    let executor = try ScheduledExecutor(scheduler, contracts: .none)
    for seed in 0..<20 as Range<UInt64> {
      let block = try RandomMixedBlock(seed: seed, count: 25, contention: Int(seed % 5) * 20)
      var replay = Replay(genesis: block.genesis, transactions: BlockTransactions(block.lines))
      replay.verifiesSignatures = false
      let expected = try replay.run(executor: SerialExecutor())
      scheduler.parts = []
      let outcome = try replay.run(executor: executor)
      #expect(
        outcome.receipts == expected.receipts && outcome.stateHash == expected.stateHash, "seed \(seed)")
      #expect(Array(scheduler.parts.joined()) == Array(block.lines.indices))
    }
  }

  @Test func predecessorsAreThoseThatMeet() throws {
    var workload = Workload(.transfer, program: .zero, seed: 3)
    var wires: [[UInt8]] = []
    let blockhash = Hash(word0: 1, word1: 0, word2: 0, word3: 0)
    try workload.append(8, contention: 0, blockhash: blockhash, to: &wires)
    let genesis = try Genesis(slot: 1, unixTimestamp: 0, blockhash: blockhash, accounts: workload.accounts)
    final class Noting: BlockScheduler, @unchecked Sendable {
      // Sendable: used by one thread at a time.
      let workerCount = 1
      var predecessors: [[Int]] = []
      func run(_ part: BlockPart) {
        predecessors += (0..<part.count).map { Array(part.predecessors(of: $0)) }
        for index in 0..<part.count { part.run(index, on: 0) }
      }
    }
    let noting = Noting()
    let executor = try ScheduledExecutor(noting, contracts: .none)
    // The last one is the first again, and waits for it.
    let outcome = try Replay(genesis: genesis, wires: wires + [wires[0]]).run(executor: executor)
    #expect(outcome.receipts.solana.last?.error == .alreadyProcessed)
    #expect(noting.predecessors == [[Int]](repeating: [], count: 8) + [[0]])
  }

  @Test func aFailingStoreLeavesTheChainWhereItStood() throws {
    let block = try RandomBlock(seed: 4, count: 60, contention: 30)
    let store = TestStore(cacheByteCount: 0)
    let executor = try ScheduledExecutor(RandomScheduler(workerCount: 2), contracts: .none)
    let chain = try Chain(store: store, genesis: block.genesis, executor: executor, progress: .fixed)
    let before = chain.stateHash
    let transactions = BlockTransactions(solana: block.wires)
    store.failRead(after: 20)
    #expect(throws: ChainError.self) { try chain.execute(transactions, verifiesSignatures: true) }
    #expect(chain.stateHash == before)
    let expected = try Replay(genesis: block.genesis, wires: block.wires).run(executor: SerialExecutor())
    #expect(try chain.execute(transactions, verifiesSignatures: true).receipts == expected.receipts)
    #expect(chain.stateHash == expected.stateHash)
  }

  @Test func isAnOptionOfAChain() throws {
    var options = Chain.Options()
    options.scheduler = try RandomScheduler(workerCount: 2)
    let chain = try Chain(options: options)
    let (payer, shop) = (KeyPair.random(), KeyPair.random().pubkey)
    try chain.airdrop(Chain.lamportsPerSOL, to: payer.pubkey)
    let counter = try chain.deploy(CounterContract.artefact(), from: .development(0))
    let block = try chain.execute([
      chain.transaction(
        [.transfer(from: payer.pubkey, to: shop, lamports: 2_000_000)], signedBy: [payer]),
      counter.transaction("add", [7], signedBy: .development(0)),
    ])
    #expect(block.receipts.map(\.isSuccess) == [true, true])
    #expect(try counter.call("count") == [7])
    #expect(block.schedule.isEmpty)
  }

  #if compiler(>=6.2)
    @Test func brokenRulesEndTheProcess() async {
      await #expect(processExitsWith: .failure) { part().run(1, on: 0) }
      await #expect(processExitsWith: .failure) {
        let part = part()
        part.run(0, on: 0)
        part.run(0, on: 0)
      }
      await #expect(processExitsWith: .failure) { part().run(0, on: 2) }
      await #expect(processExitsWith: .failure) {
        let part = part()
        part.run(0, on: 1)
        part.finish()
      }
    }
  #endif
}

/// Of two transactions, the second waits for the first.
private func part() -> BlockPart {
  BlockPart(firstIndex: 0, predecessors: [[], [0]], workerCount: 2) { _, _ in }
}
