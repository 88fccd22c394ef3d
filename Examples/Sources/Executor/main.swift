// An executor and a store of one's own. The executor runs a block in waves: all transactions that wait for none run at the
// same time, then those that waited for them alone, and so on. The store is a map in memory, from which a second chain goes on.
//
//   swift run Executor

import Dispatch
import Estuary
import Synchronization

/// Runs transactions in waves on Dispatch's threads.
final class Waves: BlockScheduler {
  let workerCount: Int
  private let widths = Mutex<[Int]>([])

  init(workers: Int) { workerCount = workers }

  /// Transactions of each wave of the blocks so far.
  func takeWidths() -> [Int] {
    widths.withLock { widths in
      defer { widths = [] }
      return widths
    }
  }

  func run(_ part: BlockPart) {
    // A transaction's wave comes after those of all that it waits for.
    var wave = [Int](repeating: 0, count: part.count)
    for index in 0..<part.count {
      wave[index] = part.predecessors(of: index).map { wave[$0] + 1 }.max() ?? 0
    }
    for number in 0...(wave.max() ?? 0) {
      let ready = wave.indices.filter { wave[$0] == number }
      DispatchQueue.concurrentPerform(iterations: min(workerCount, ready.count)) { worker in
        for place in stride(from: worker, to: ready.count, by: workerCount) {
          part.run(ready[place], on: worker)
        }
      }
      widths.withLock { $0.append(ready.count) }
    }
  }

  func forEach(count: Int, _ body: @Sendable (Int) -> Void) {
    DispatchQueue.concurrentPerform(iterations: count, execute: body)
  }
}

/// An ordered map in memory; a real one would keep what `write` is given on a disk before it returns.
final class Map: KeyValueStore {
  private let values = Mutex<[[UInt8]: [UInt8]]>([:])

  func value(for key: [UInt8]) throws(StoreError) -> [UInt8]? { values.withLock { $0[key] } }

  func forEach(
    from first: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let found = values.withLock { $0 }.filter { !$0.key.lexicographicallyPrecedes(first) }
    for (key, value) in found.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      if try !body(key, value) { return }
    }
  }

  func write(_ batch: [(key: [UInt8], value: [UInt8]?)]) throws(StoreError) {
    values.withLock { values in
      for change in batch { values[change.key] = change.value }
    }
  }
}

let (waves, map) = (Waves(workers: 4), Map())
var options = Chain.Options()
options.scheduler = waves
let chain = try Chain(store: map, options: options)

// Six people pay one shop each, and then all pay one and the same.
let people = (0..<6).map { _ in KeyPair.random() }
for person in people { try chain.airdrop(Chain.lamportsPerSOL, to: person.pubkey) }
let shops = (0..<7).map { _ in KeyPair.random().pubkey }
_ = waves.takeWidths()
let block = try chain.execute(
  (people.indices.map { ($0, $0) } + people.indices.map { ($0, 6) }).map { person, shop in
    try chain.transaction(
      [.transfer(from: people[person].pubkey, to: shops[shop], lamports: 2_000_000)],
      signedBy: [people[person]])
  })
print("\(block.receipts.filter(\.isSuccess).count) payments in waves of \(waves.takeWidths())")

// The ledger is in the map, whoever opens it.
let again = try Chain(store: map, workers: 2)
guard again.stateHash == chain.stateHash else { fatalError("the store has another state") }
print("the last shop has \(try again.account(shops[6])?.lamports ?? 0) lamports")
