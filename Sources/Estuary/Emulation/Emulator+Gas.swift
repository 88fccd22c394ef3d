// The smallest gas limit with which a transaction succeeds.
//
// Gas left is visible to code (GAS, and the 63/64 that a call takes along), so what a transaction spends with much gas is
// only a guess at what it needs, and success need not be monotone in the limit. The search therefore executes the
// transaction itself at every limit it judges, and keeps one invariant: at `low` it fails, at `high` it succeeds. It ends
// when they are neighbours, so the limit it gives has been seen to succeed, and one less has been seen to fail. Where
// success is monotone, as for all code that does not punish gas, this is the smallest limit there is.
// For code that is not monotone, limits below are looked at in steps that double, from the result downwards and from the
// least that a block takes upwards; one that succeeds begins the search anew below it.

import EVM
import Primitives
import WideIntegers

extension Emulator {
  package enum GasSearch: Sendable {
    /// The smallest limit, and what the transaction does with it.
    case found(gasLimit: UInt64, Emulation)
    /// With all the gas that it may have it fails.
    case fails(gasLimit: UInt64, Emulation)
  }

  /// Sets aside the transaction's own gas limit and finds the smallest.
  ///
  /// - Parameter limit: the most that it may be; `nil`: all that a transaction may have here.
  /// - Throws: `refused` where a block may not hold the transaction whatever its limit.
  package func smallestGasLimit(
    _ transaction: EthereumTransaction, from sender: Address, checks: EVMTransactionProcessor.Checks,
    atMost limit: UInt64? = nil
  ) throws(EmulationError) -> GasSearch {
    var transaction = transaction
    let least = IntrinsicGas(of: transaction, fork: block.fork).minimumGasLimit
    let affordable = try affordableGas(transaction, sender, checks)
    if let limit, min(limit, affordable) < least {
      throw .refused(.intrinsicGasTooLow(gasLimit: min(limit, affordable), needed: least))
    }
    let most = max(least, min(limit ?? gasLimit, affordable))
    func attempt(_ limit: UInt64) throws(EmulationError) -> Emulation? {
      transaction.gasLimit = limit
      let emulation = try run(transaction, from: sender, checks: checks)
      return emulation.receipt.isSuccess ? emulation : nil
    }
    transaction.gasLimit = most
    let first = try run(transaction, from: sender, checks: checks)
    guard first.receipt.isSuccess else { return .fails(gasLimit: most, first) }

    var best = (limit: most, emulation: first)
    var low = least - 1
    // What was spent is often enough; a call that must take more along needs a 64th or more on top, level by level.
    var guess = max(first.gasSpent, least)
    var step = guess / 64 + 1
    while guess < best.limit {
      if let emulation = try attempt(guess) {
        best = (guess, emulation)
      } else {
        low = guess
        (guess, step) = (guess + step, step * 2)
      }
    }
    // And one less is the likeliest to fail.
    if best.limit - low > 1 {
      if let emulation = try attempt(best.limit - 1) {
        best = (best.limit - 1, emulation)
      } else {
        low = best.limit - 1
      }
    }
    try narrow(&low, &best, attempt)
    if try runsCode(transaction) { try searchBelow(least, &best, attempt) }
    return .found(gasLimit: best.limit, best.emulation)
  }

  private typealias Attempt = (UInt64) throws(EmulationError) -> Emulation?

  /// Halves until `low` and the best are neighbours.
  private func narrow(
    _ low: inout UInt64, _ best: inout (limit: UInt64, emulation: Emulation), _ attempt: Attempt
  ) throws(EmulationError) {
    while best.limit - low > 1 {
      let middle = low + (best.limit - low) / 2
      if let emulation = try attempt(middle) { best = (middle, emulation) } else { low = middle }
    }
  }

  private func searchBelow(
    _ least: UInt64, _ best: inout (limit: UInt64, emulation: Emulation), _ attempt: Attempt
  ) throws(EmulationError) {
    // A bound on the time, not on what is right: each round gives a limit that succeeds where one less fails.
    for _ in 0..<Self.roundLimit {
      let start = best.limit
      var distance: UInt64 = 2
      while distance < start - least, best.limit == start {
        for limit in [start - distance, least + distance - 2] where best.limit == start {
          if let emulation = try attempt(limit) { best = (limit, emulation) }
        }
        distance *= 2
      }
      if best.limit == start { return }
      var low = least - 1
      try narrow(&low, &best, attempt)
    }
  }

  private static var roundLimit: Int { 16 }

  private func runsCode(_ transaction: EthereumTransaction) throws(EmulationError) -> Bool {
    guard let target = transaction.to else { return true }
    return try account(target).map { $0.codeHash != EVMAccount.emptyCodeHash } ?? false
  }

  /// Gas that the sender can pay for.
  private func affordableGas(
    _ transaction: EthereumTransaction, _ sender: Address, _ checks: EVMTransactionProcessor.Checks
  ) throws(EmulationError) -> UInt64 {
    if checks == .none || transaction.maxFeePerGas.isZero { return .max }
    let balance = try account(sender)?.balance ?? .zero
    var free = transaction
    free.gasLimit = 0
    guard let cost = free.maximumCost, cost <= balance else { return 0 }
    return (balance &- cost).divided(by: transaction.maxFeePerGas).saturatedUInt64
  }
}
