// Binding access sets: a transaction that comes with exactly what it uses has the outcome that it has without; with one
// entry less it fails, names that entry, and everything else is as if it were not there. On every executor.

import EVM
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite struct AccessBindingTests {
  private static let seeds = RandomBlocks.seeds(24)

  private static let forks: [Fork] = [.homestead, .constantinople, .london, .cancun, .prague, .osaka]

  private static func block(_ seed: UInt64) throws -> (Genesis, [EthereumWire]) {
    let block = RandomEthereumBlock(
      seed: seed, count: 24, fork: forks[Int(seed) % forks.count], contention: [20, 60, 100][Int(seed) % 3],
      gasLimit: seed % 5 == 4 ? 1_500_000 : 1 << 40)
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 1_700_000_000, blockhash: .zero, accounts: [], ethereum: block.genesis)
    return (genesis, block.wires)
  }

  private static func run(
    _ genesis: Genesis, _ wires: [EthereumWire], on executor: any BlockExecutor
  ) throws -> Replay.Outcome {
    var replay = Replay(genesis: genesis, transactions: wires.map { .ethereum($0) })
    replay.verifiesSignatures = false
    return try replay.run(executor: executor)
  }

  private static func executors() throws -> [any BlockExecutor] {
    [
      SerialExecutor(), try LockExecutor(workerCount: 1), try LockExecutor(workerCount: 3),
      try LockExecutor(workerCount: 1, alwaysInWaves: true), try LockExecutor(workerCount: 4, alwaysInWaves: true),
    ]
  }

  /// The emulator's set has everything that executing uses, and bound to it everything is as without it.
  @Test func emulatedSetsChangeNothing() throws {
    let executors = try Self.executors()
    var (boundCount, entryCount) = (0, 0)
    for seed in Self.seeds {
      let (genesis, wires) = try Self.block(seed)
      let expected = try Self.run(genesis, wires, on: SerialExecutor())
      var bound = wires
      let accesses = try SerialAccesses(genesis, wires)
      for (position, used) in accesses.used.enumerated() {
        bound[position].access = AccessSet()
        guard let used else { continue }
        let emulated = try #require(accesses.emulated[position], "seed \(seed), \(position)")
        for key in used.keys {
          #expect(emulated.contains(key.key, writing: key.isWritable), "seed \(seed), \(position), \(key)")
        }
        bound[position].access = emulated
        (boundCount, entryCount) = (boundCount + 1, entryCount + used.count)
      }
      for executor in executors {
        let outcome = try Self.run(genesis, bound, on: executor)
        let same = outcome.receipts == expected.receipts && outcome.stateHash == expected.stateHash
        #expect(same, "seed \(seed), \(executor.name), \(executor.workerCount) workers")
        if !same { return }
      }
    }
    RandomBlocks.report("access sets of \(boundCount) transactions, \(entryCount) entries")
    #expect(boundCount > 12 * Self.seeds.count)
  }

  /// The set with one entry taken away, or only read where it was written; and what is then missing.
  private static func without(_ set: AccessSet, _ number: Int, readOnly: Bool) -> (
    AccessSet, UndeclaredAccess
  ) {
    var (accounts, slots) = (set.accounts, set.slots)
    let key: AccessSet.Key
    let isWrite: Bool
    if number < accounts.count {
      (key, isWrite) = (.account(accounts[number].key), accounts[number].isWritable)
      if readOnly && isWrite { accounts[number].isWritable = false } else { accounts.remove(at: number) }
    } else {
      let place = number - accounts.count
      (key, isWrite) = (.slot(slots[place].key.address, slots[place].key.slot), slots[place].isWritable)
      if readOnly && isWrite { slots[place].isWritable = false } else { slots.remove(at: place) }
    }
    return (AccessSet(accounts: accounts, slots: slots), UndeclaredAccess(key, isWrite: isWrite))
  }

  @Test func aMissingEntryFailsTheTransactionAlone() throws {
    let executors = try Self.executors()
    var random = SplitMix64(seed: 4)
    var tries = 0
    var (accountCount, slotCount) = (0, 0)
    for seed in Self.seeds.prefix(Self.seeds.count / 2) {
      let (genesis, wires) = try Self.block(seed)
      let sets = try SerialAccesses(genesis, wires).used
      for _ in 0..<6 {
        let position = Int(random.next() % UInt64(wires.count))
        guard let set = sets[position] else { continue }
        let (less, missing) = Self.without(
          set, Int(random.next() % UInt64(set.count)), readOnly: random.next() % 2 == 0)
        if case .account = missing.key { accountCount += 1 } else { slotCount += 1 }
        var bound = wires
        bound[position].access = less
        var others = wires
        others.remove(at: position)
        let expected = try Self.run(genesis, others, on: SerialExecutor())
        for executor in executors {
          let outcome = try Self.run(genesis, bound, on: executor)
          let result = try #require(outcome.receipts.ethereum[safe: position])
          #expect(result.error == .undeclared(missing), "seed \(seed), \(position), \(executor.name)")
          #expect(result.errorText?.hasPrefix("undeclared access: ") == true)
          #expect(!result.isSuccess && result.gasUsed == 0 && result.logs.isEmpty)
          var receipts = outcome.receipts
          receipts.remove(at: position)
          #expect(receipts == expected.receipts && outcome.stateHash == expected.stateHash)
          tries += 1
        }
      }
    }
    RandomBlocks.report("\(tries) executions without an entry: \(accountCount) accounts, \(slotCount) slots")
    #expect(
      tries > 6 * Self.seeds.count && accountCount * 3 > Self.seeds.count && slotCount * 8 > Self.seeds.count)
  }

  /// What a block may not hold is refused for that, whatever its set says.
  @Test func validityIsJudgedFirst() throws {
    let (genesis, wires) = try Self.block(3)
    let expected = try Self.run(genesis, wires, on: SerialExecutor()).receipts.ethereum
    for (position, result) in expected.enumerated() {
      guard let error = result.error else { continue }
      var bound = wires
      bound[position].access = AccessSet()
      for executor in try Self.executors() {
        #expect(try Self.run(genesis, bound, on: executor).receipts.ethereum[position].error == error)
      }
    }
  }
}

extension Array {
  fileprivate subscript(safe position: Int) -> Element? { indices.contains(position) ? self[position] : nil }
}
