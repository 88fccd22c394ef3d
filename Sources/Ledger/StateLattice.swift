// The identity of a ledger's whole state: the sum of one lattice element per account (SIMD-0215,
// https://github.com/solana-foundation/solana-improvement-documents/blob/main/proposals/0215-accounts-lattice-hash.md).
// A sum, so the order of accounts does not matter and a block changes it by its changed accounts alone. It is
// computed after a block's execution, spread over whatever workers the caller has.

import Primitives

package struct StateLattice: Sendable, Equatable {
  package private(set) var lattice: LatticeHash

  /// Runs `body` for every index in `[0, count)`, in any order and on any threads, and returns when all are
  /// done.
  package typealias ParallelFor = (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

  /// Accounts that one call of a parallel body hashes; a lattice element takes a few microseconds.
  private static let chunkCount = 64

  /// The lattice of no accounts.
  package init() { lattice = .identity }

  /// Reads the 2,048 bytes that `bytes` gave; `nil` for any other number of bytes.
  package init?(bytes: [UInt8]) {
    guard let lattice = bytes.withUnsafeBytes({ LatticeHash(bytes: $0) }) else { return nil }
    self.lattice = lattice
  }

  package var bytes: [UInt8] { lattice.bytes }

  /// 32 bytes that identify the state.
  package var stateHash: Hash { lattice.checksum }

  /// Takes each change's old account out and puts its new one in; each key at most once.
  package mutating func apply(_ changes: [AccountChange], parallelFor: ParallelFor = Self.serialFor) {
    let chunkCount = (changes.count + Self.chunkCount - 1) / Self.chunkCount
    if chunkCount <= 1 {
      Self.apply(changes[...], to: &lattice)
      return
    }
    // Each call of the body owns one slot, and `parallelFor` returns after all of them, so nothing is shared.
    let partials = UnsafeMutableBufferPointer<LatticeHash>.allocate(capacity: chunkCount)
    partials.initialize(repeating: .identity)
    defer {
      partials.deinitialize()
      partials.deallocate()
    }
    nonisolated(unsafe) let slots = partials
    parallelFor(chunkCount) { chunk in
      let start = chunk * Self.chunkCount
      Self.apply(changes[start..<min(start + Self.chunkCount, changes.count)], to: &slots[chunk])
    }
    for partial in partials { lattice.add(partial) }
  }

  /// A `ParallelFor` on the calling thread.
  package static func serialFor(count: Int, body: @Sendable (Int) -> Void) {
    for index in 0..<count { body(index) }
  }

  private static func apply(_ changes: ArraySlice<AccountChange>, to lattice: inout LatticeHash) {
    lattice.update { updates in
      for change in changes {
        if let old = change.old { withHashed(old, at: change.key) { updates.subtract($0) } }
        if let new = change.new { withHashed(new, at: change.key) { updates.add($0) } }
      }
    }
  }

  private static func withHashed(_ account: Account, at key: Pubkey, _ body: (LatticeHash.Account) -> Void) {
    account.data.withUnsafeBytes { data in
      body(
        LatticeHash.Account(
          key: key, owner: account.owner, lamports: account.lamports, isExecutable: account.executable,
          data: data, existsWithoutLamports: !account.isVacant))
    }
  }
}
