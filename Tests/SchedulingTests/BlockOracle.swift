// Random blocks and what serial execution makes of them: each account holds the number of its last writer,
// and each transaction notes what it sees in every account that it declares. Executions are serial-equivalent
// exactly if all notes agree.
@testable import Scheduling

struct TestTransaction: Sendable {
  var reads: [AccountIndex]
  var writes: [AccountIndex]
  var group = GroupKey.none
}

struct TestBlock: Sendable, CustomStringConvertible {
  var name: String
  var accountCount: Int
  var transactions: [TestTransaction]
  var description: String { name }

  var accessCount: Int { transactions.reduce(0) { $0 + $1.reads.count + $1.writes.count } }

  /// For every transaction what it sees in its accounts, and the accounts' last state.
  struct Outcome: Equatable {
    var seen: [[Int]]
    var last: [Int]
  }

  /// Block order, one after the other.
  var serialOutcome: Outcome {
    var outcome = Outcome(seen: [], last: Array(repeating: -1, count: accountCount))
    for (number, transaction) in transactions.enumerated() {
      outcome.seen.append((transaction.reads + transaction.writes).map { outcome.last[$0.position] })
      for account in transaction.writes { outcome.last[account.position] = number }
    }
    return outcome
  }
}

/// The same through a graph and a pool. Memory is plain on purpose: a missing edge is a data race.
final class BlockExecution: @unchecked Sendable {
  let block: TestBlock
  private let cells: UnsafeMutablePointer<Int>
  private let seen: UnsafeMutablePointer<[Int]>
  private let runCounts: UnsafeMutablePointer<Int>

  init(_ block: TestBlock) {
    self.block = block
    cells = .allocate(capacity: block.accountCount)
    cells.initialize(repeating: -1, count: block.accountCount)
    seen = .allocate(capacity: block.transactions.count)
    seen.initialize(repeating: [], count: block.transactions.count)
    runCounts = .allocate(capacity: block.transactions.count)
    runCounts.initialize(repeating: 0, count: block.transactions.count)
  }

  deinit {
    cells.deallocate()
    seen.deinitialize(count: block.transactions.count)
    seen.deallocate()
    runCounts.deallocate()
  }

  func addAll(to graph: ConflictGraph) {
    for transaction in block.transactions {
      graph.add(reads: transaction.reads, writes: transaction.writes, group: transaction.group)
    }
  }

  func run(_ index: TransactionIndex) {
    let transaction = block.transactions[index.position]
    runCounts[index.position] += 1
    seen[index.position] = (transaction.reads + transaction.writes).map { cells[$0.position] }
    for account in transaction.writes { cells[account.position] = index.position }
  }

  var outcome: TestBlock.Outcome {
    TestBlock.Outcome(
      seen: Array(UnsafeBufferPointer(start: seen, count: block.transactions.count)),
      last: Array(UnsafeBufferPointer(start: cells, count: block.accountCount)))
  }

  var ranEachOnce: Bool {
    UnsafeBufferPointer(start: runCounts, count: block.transactions.count).allSatisfy { $0 == 1 }
  }
}

extension TestBlock {
  /// Accounts drawn from a population: the smaller it is, the more transactions conflict.
  static func random(
    seed: UInt64, transactions: Int, population: Int, accesses: ClosedRange<Int>, writePercent: Int,
    hotPercent: Int = 0, groups: UInt32 = 1
  ) -> TestBlock {
    var random = SplitMix64(state: seed)
    let list = (0..<transactions).map { _ in
      var transaction = TestTransaction(reads: [], writes: [])
      for _ in 0..<Int.random(in: accesses, using: &random) {
        let isHot = Int.random(in: 0..<100, using: &random) < hotPercent
        let account = AccountIndex(isHot ? 0 : UInt32.random(in: 0..<UInt32(population), using: &random))
        if Int.random(in: 0..<100, using: &random) < writePercent {
          transaction.writes.append(account)
        } else {
          transaction.reads.append(account)
        }
      }
      transaction.group = GroupKey(UInt32.random(in: 0..<groups, using: &random))
      return transaction
    }
    return TestBlock(
      name: "seed \(seed), \(transactions) over \(population), \(writePercent) % writes, \(hotPercent) % hot",
      accountCount: population, transactions: list)
  }

  static func shape(
    _ name: String, accounts: Int, count: Int, _ make: (UInt32) -> (reads: [UInt32], writes: [UInt32])
  ) -> TestBlock {
    TestBlock(
      name: name, accountCount: accounts,
      transactions: (0..<UInt32(count)).map { number in
        let accesses = make(number)
        return TestTransaction(
          reads: accesses.reads.map { AccountIndex($0) }, writes: accesses.writes.map { AccountIndex($0) },
          group: GroupKey(number % 3))
      })
  }

  static let shapes: [TestBlock] = [
    shape("empty", accounts: 1, count: 0) { _ in ([], []) },
    shape("no accounts", accounts: 1, count: 500) { _ in ([], []) },
    shape("one", accounts: 1, count: 1) { _ in ([], [0]) },
    shape("independent", accounts: 3000, count: 3000) { ([], [$0]) },
    shape("one chain", accounts: 1, count: 3000) { _ in ([], [0]) },
    shape("four chains", accounts: 4, count: 3000) { ([], [$0 % 4]) },
    shape("same five accounts", accounts: 5, count: 2000) { _ in ([3, 4], [0, 1, 2]) },
    shape("readers only", accounts: 2, count: 3000) { _ in ([0, 1], []) },
    shape("rare writers", accounts: 1, count: 3000) { $0 % 500 == 7 ? ([], [0]) : ([0], []) },
    shape("a writer between readers", accounts: 1, count: 3000) { $0 % 2 == 0 ? ([0], []) : ([], [0]) },
    shape("duplicates", accounts: 8, count: 2000) {
      let account = $0 % 8
      return ([account, account, (account + 1) % 8, account], [account, (account + 2) % 8, account])
    },
    shape("read of the written", accounts: 4, count: 2000) { ([$0 % 4, 0], [$0 % 4]) },
    shape("links", accounts: 2001, count: 2000) { ([$0], [$0 + 1]) },
    shape("diamonds", accounts: 64, count: 2000) {
      $0 % 65 == 64 ? (Array(0..<64), [0]) : ([0], [$0 % 65 == 0 ? 1 : $0 % 65])
    },
    shape("fan in, fan out", accounts: 513, count: 2056) {
      $0 % 514 == 513 ? ([], Array(1...512)) : ([0], [$0 % 514 == 0 ? 1 : min($0 % 514, 512)])
    },
  ]
}
