// Transactions that wait for a block, and which of them the next block takes: the best paying ones first, as far as they fit
// into what a block and each account written in it may cost (Agave's cost model: cost-model/src/block_cost_limits.rs;
// SIMD-0256, SIMD-0306). One that does not fit leaves room for cheaper ones that do; one that has been passed over for
// some blocks goes first, in the order of arrival, so that nobody waits for ever.
//
// A block runs in lanes and gives the result of its order, so two that write the same account may both be in it.

import Ledger
import Primitives
import Runtime

/// A transaction that waits.
package struct PooledTransaction: Sendable {
  package let wire: [UInt8]
  package let signature: Signature
  /// Keys that it locks for writing.
  let writable: [Pubkey]
  /// What it counts towards the limits of a block, in compute units.
  let cost: UInt64
  /// Micro-lamports a unit of cost.
  let price: UInt64
  /// The height of the last block after which it may still run.
  let lastValidBlockHeight: UInt64

  /// - Parameters:
  ///   - transaction: sane.
  ///   - loaded: what its lookup tables give, as far as that is known.
  package init(
    _ transaction: Transaction, loaded: LoadedAddresses, signature: Signature, lastValidBlockHeight: UInt64
  ) {
    let message = transaction.message
    wire = transaction.bytes
    self.signature = signature
    self.lastValidBlockHeight = lastValidBlockHeight
    writable = message.writablePositions.map { message.staticKey(at: $0) } + loaded.writable
    let budget = try? ComputeBudget(message)
    cost = TransactionCost.units(
      of: message, writableCount: writable.count, units: UInt64(budget?.unitLimit ?? 0),
      loadedByteCount: UInt64(budget?.loadedDataByteLimit ?? 0))
    let fee = UInt128(5000 * UInt64(message.header.requiredSignatureCount)) + UInt128(budget?.priorityFee ?? 0)
    price = UInt64(clamping: fee * 1_000_000 / UInt128(max(cost, 1)))
  }
}

package struct TransactionPool {
  package struct Limits: Sendable {
    /// What the transactions of a block may cost together, in compute units.
    package var blockCost: UInt64 = 60_000_000
    /// What those that write one account may cost together.
    package var accountCost: UInt64 = 24_000_000
    /// Bytes of a block's transactions.
    package var blockByteCount = 8 << 20
    /// Transactions that wait at most.
    package var capacity = 1 << 16
    /// Blocks that may pass over a transaction before it goes first.
    package var patience: UInt64 = 8

    package init() {}
  }

  private struct Entry {
    var transaction: PooledTransaction
    /// Counts up.
    var arrival: UInt64
    /// Blocks that have passed over it.
    var waited: UInt64 = 0
  }

  package enum Insertion: Sendable, Equatable {
    case taken
    /// It waits already.
    case known
    /// Too many wait that pay as much or more.
    case full
  }

  private let limits: Limits
  private var entries: [Signature: Entry] = [:]
  private var arrivals: UInt64 = 0

  package init(limits: Limits = Limits()) { self.limits = limits }

  package var count: Int { entries.count }
  package var isEmpty: Bool { entries.isEmpty }
  package func contains(_ signature: Signature) -> Bool { entries[signature] != nil }

  /// Takes in a transaction; a full pool lets go of the one that pays least.
  package mutating func insert(_ transaction: PooledTransaction) -> Insertion {
    if entries[transaction.signature] != nil { return .known }
    if entries.count >= limits.capacity {
      guard let worst = entries.values.max(by: { Self.isBefore($0, $1) }),
        worst.transaction.price < transaction.price
      else { return .full }
      entries[worst.transaction.signature] = nil
    }
    arrivals += 1
    entries[transaction.signature] = Entry(transaction: transaction, arrival: arrivals)
    return .taken
  }

  /// Puts back what a block that could not be committed had taken.
  package mutating func removeAll() { entries = [:] }

  package mutating func restore(_ transactions: [PooledTransaction]) {
    for transaction in transactions where entries[transaction.signature] == nil {
      arrivals += 1
      entries[transaction.signature] = Entry(
        transaction: transaction, arrival: arrivals, waited: limits.patience)
    }
  }

  private static func isBefore(_ left: Entry, _ right: Entry) -> Bool {
    (right.transaction.price, left.arrival) < (left.transaction.price, right.arrival)
  }

  /// Takes out what the block after `height` shall run, in its order, and lets go of what can run no more.
  package mutating func pack(after height: UInt64) -> [PooledTransaction] {
    for (signature, entry) in entries where entry.transaction.lastValidBlockHeight < height {
      entries[signature] = nil
    }
    let patience = limits.patience
    let order = entries.values.sorted { left, right in
      switch (left.waited >= patience, right.waited >= patience) {
      case (true, true): left.arrival < right.arrival
      case (true, false): true
      case (false, true): false
      case (false, false): Self.isBefore(left, right)
      }
    }
    var packed: [PooledTransaction] = []
    var (cost, byteCount): (UInt64, Int) = (0, 0)
    var accountCosts: [Pubkey: UInt64] = [:]
    for entry in order {
      let transaction = entry.transaction
      let fits =
        cost + transaction.cost <= limits.blockCost
        && byteCount + transaction.wire.count <= limits.blockByteCount
        && transaction.writable.allSatisfy {
          accountCosts[$0, default: 0] + transaction.cost <= limits.accountCost
        }
      guard fits else {
        entries[transaction.signature]?.waited += 1
        continue
      }
      cost += transaction.cost
      byteCount += transaction.wire.count
      for key in transaction.writable { accountCosts[key, default: 0] += transaction.cost }
      entries[transaction.signature] = nil
      packed.append(transaction)
    }
    return packed
  }
}
