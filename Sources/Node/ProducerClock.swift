// The time that blocks are given: the machine's, moved by whoever develops contracts (evm_increaseTime and its like, as
// Hardhat and Anvil have them). Seconds since 1970.

import Estuary
import Execution

struct ProducerClock: Sendable, Equatable {
  /// Added to the machine's time.
  var offset: Int64 = 0
  /// Of the next block, whatever the clock says.
  var next: Int64?
  /// From each block to the one after it; `nil`: as the clock says.
  var interval: Int64?

  var now: Int64 { Clocks.unixSeconds() &+ offset }

  mutating func set(_ time: Int64) { offset = time &- Clocks.unixSeconds() }

  /// The timestamp of the next of Ethereum's blocks.
  ///
  /// - Parameters:
  ///   - ledger: of the ledger's last block, which no other is before.
  ///   - ethereum: of Ethereum's last block.
  func timestamp(after ledger: Int64, ethereum: UInt64?) -> Int64 {
    let last = max(ledger, Int64(clamping: ethereum ?? 0))
    return max(ledger, next ?? interval.map { last &+ $0 } ?? now)
  }

  /// A block has been made at `timestamp`: the clock goes on from what was asked for.
  mutating func pass(_ timestamp: Int64) {
    if next != nil { set(timestamp) }
    next = nil
  }
}
