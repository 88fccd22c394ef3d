// Blocks of both families, whose transactions run at the same time: the same as one after the other, for any number of
// workers and whatever is committed at once.

import EVM
import Ledger
import Primitives
import SBPF
import Scheduling
import Testing

@testable import Estuary
@testable import Execution

@Suite(.serialized) struct MixedBlockTests {
  private static func run(
    _ block: RandomMixedBlock, on executor: any BlockExecutor, blockSize: Int = 0,
    recordsTimeline: Bool = false
  ) throws -> Replay.Outcome {
    var replay = Replay(genesis: block.genesis, transactions: BlockTransactions(block.lines))
    (replay.blockSize, replay.verifiesSignatures) = (blockSize, false)
    replay.recordsTimeline = recordsTimeline
    return try replay.run(on: TestStore.tight(UInt64(executor.workerCount + blockSize)), executor: executor)
  }

  @Test func lanesGiveWhatOneAfterTheOtherGives() throws {
    let seeds = RandomBlocks.seeds(40)
    let executors: [any BlockExecutor] =
      try [Engine.fastest, .interpreter].flatMap { engine in
        try [1, 2, 4, 8].flatMap {
          [
            try LockExecutor(workerCount: $0, engine: engine),
            try LockExecutor(workerCount: $0, engine: engine, alwaysInWaves: true, waveSize: 4),
          ]
        }
      } + [
        SerialExecutor(engine: .interpreter),
        ScheduledExecutor(RandomScheduler(workerCount: 3), contracts: .none),
      ]
    var tally = SituationTally()
    for seed in seeds {
      let block = try RandomMixedBlock(seed: seed, count: 30, contention: Int(seed % 101) * 7 % 101)
      let expected = try Self.run(block, on: SerialExecutor())
      Self.count(block, expected, in: &tally)
      let root = try expected.chain.ethereumStateRoot()
      for executor in executors {
        let isTimed = seed % 2 == 0 && executor.name != "scheduler" && (executor.name != "waves" || seed % 4 == 0)
        let outcome = try Self.run(
          block, on: executor, blockSize: seed % 3 == 2 ? 11 : 0, recordsTimeline: isTimed)
        let same = outcome.receipts == expected.receipts && outcome.stateHash == expected.stateHash
        let place: Comment =
          "seed \(seed), \(executor.name), \(executor.workerCount) workers, \(executor.engine)"
        #expect(same, place)
        #expect(try outcome.chain.ethereumStateRoot() == root, place)
        if isTimed { Self.expectWholeTimeline(outcome, place) }
        if !same { return }
      }
    }
    RandomBlocks.report("\(seeds.count) mixed blocks: \(tally)")
    let least = seeds.count / 8
    tally.expect("mixed", RandomMixedBlock.Situation.self, atLeast: 3 * least, failing: [.malformedLine])
    tally.expect("solana", RandomBlock.Situation.self, atLeast: least, failing: RandomBlock.neverSucceeding)
    tally.expect(
      "ethereum", RandomEthereumBlock.Situation.self, atLeast: least / 2,
      failing: RandomEthereumBlock.neverSucceeding)
    tally.expect(
      "contract deployed", "code deployed in the block ran", "code delegated in the block ran",
      "outside of its access set", "block gas used up", "blob gas used up", "peek saw a nonce",
      atLeast: least / 4)
    tally.expect("created again after its destruction", atLeast: seeds.count / 100)
  }

  /// One slice an entry, each of which came to its end.
  private static func expectWholeTimeline(_ outcome: Replay.Outcome, _ place: Comment) {
    var count = 0
    for block in outcome.blocks {
      let slices = block.timeline?.slices ?? []
      count += slices.count
      #expect(slices.allSatisfy { $0.startNanoseconds <= $0.endNanoseconds && $0.endNanoseconds > 0 }, place)
    }
    #expect(count == outcome.count && count == outcome.receipts.count, place)
  }

  private static func count(
    _ block: RandomMixedBlock, _ outcome: Replay.Outcome, in tally: inout SituationTally
  ) {
    tally.add(zip(block.names, outcome.receipts).map { ($0, $1) })
    for situation in block.neighbours { tally.add("mixed.\(situation)") }
    for cell in RandomMixedBlock.cells where (try? outcome.chain.account(cell)?.data.first ?? 0) != 0 {
      tally.add("peek saw a nonce")
    }
  }

  /// Between two barriers, Ethereum's transactions run after Solana's, and those of one sender one after the other.
  @Test func bothFamiliesShareOneTimeline() throws {
    let block = try RandomMixedBlock(seed: 5, count: 40, contention: 10)
    let lines = block.lines.filter { line in
      guard case .success(.solana(let wire)) = line else { return true }
      guard let transaction = try? Transaction.decode(wire) else { return true }
      let message = transaction.message
      return message.addressTableLookups.isEmpty
        && !(0..<message.staticKeyCount).contains { EVMKey.contains(message.staticKey(at: $0)) }
    }
    var replay = Replay(genesis: block.genesis, transactions: BlockTransactions(lines))
    (replay.verifiesSignatures, replay.recordsTimeline) = (false, true)
    let outcome = try replay.run(executor: LockExecutor(workerCount: 3, alwaysInWaves: true))
    let timeline = try #require(outcome.blocks.first?.timeline)
    #expect(timeline.slices.count == lines.count)
    var releaseCount = 0
    for (position, line) in lines.enumerated() {
      guard case .success(.ethereum) = line, let release = timeline.slices[position].releasedBy else { continue }
      releaseCount += 1
      #expect(release.predecessor.position < position)
      guard case .success(.ethereum) = lines[release.predecessor.position] else {
        Issue.record("one of Ethereum's waited for one of Solana's")
        continue
      }
      let before = timeline.slices[release.predecessor.position]
      #expect(before.endNanoseconds <= timeline.slices[position].startNanoseconds)
      #expect(EVMKey.contains(outcome.chain.key(inTimelines: release.account)))
    }
    #expect(releaseCount > 0)
  }
}
