// What the history of a transaction tells beside its result: balances before and after, the calls below its instructions,
// the addresses that lookup tables gave (https://solana.com/docs/rpc/json-structures#transactions). Workers note it while
// they hold the transaction's locks, in blocks that ask for it.

import Ledger
import Primitives
import Runtime

package struct TransactionDetails: Sendable, Equatable {
  /// Lamports of each of the transaction's accounts, in the order of its keys.
  package var balancesBefore: [UInt64] = []
  package var balancesAfter: [UInt64] = []
  /// Of those of its accounts that hold tokens.
  package var tokensBefore: [TokenBalance] = []
  package var tokensAfter: [TokenBalance] = []
  /// In the order in which they began.
  package var innerInstructions: [InnerInstruction] = []
  package var loadedAddresses = LoadedAddresses()
  /// What its accounts count towards the limit on loaded data, in bytes (SIMD-0186).
  package var loadedByteCount: UInt64 = 0

  package init() {}

  /// An instruction that a program called.
  package struct InnerInstruction: Sendable, Equatable {
    /// Of the transaction's own instruction that it ran below.
    package var topLevelIndex: UInt8
    /// Of the program's key among the transaction's.
    package var programIndex: UInt8
    /// Of its accounts' keys.
    package var accounts: [UInt8]
    package var data: [UInt8]
    /// 2 for a call of an instruction of the transaction itself.
    package var stackHeight: UInt8

    package init(topLevelIndex: UInt8, programIndex: UInt8, accounts: [UInt8], data: [UInt8], stackHeight: UInt8) {
      (self.topLevelIndex, self.programIndex) = (topLevelIndex, programIndex)
      (self.accounts, self.data, self.stackHeight) = (accounts, data, stackHeight)
    }
  }

  package struct TokenBalance: Sendable, Equatable {
    /// Of the account's key among the transaction's.
    package var accountIndex: UInt8
    package var programID: Pubkey
    package var mint: Pubkey
    package var owner: Pubkey
    package var amount: UInt64
    /// Of the mint; `nil` until it is looked up, and where there is no such mint.
    package var decimals: UInt8?

    package init(
      accountIndex: UInt8, programID: Pubkey, mint: Pubkey, owner: Pubkey, amount: UInt64, decimals: UInt8? = nil
    ) {
      (self.accountIndex, self.programID, self.mint) = (accountIndex, programID, mint)
      (self.owner, self.amount, self.decimals) = (owner, amount, decimals)
    }
  }
}

/// Details of a block's transactions while workers fill them in: each position is written by the worker that runs it.
package final class BlockDetails: @unchecked Sendable {
  // Sendable: an entry is written by one worker and read when all are done.
  private let entries: UnsafeMutableBufferPointer<TransactionDetails?>

  package init(count: Int) {
    entries = .allocate(capacity: count)
    entries.initialize(repeating: nil)
  }

  deinit {
    entries.deinitialize()
    entries.deallocate()
  }

  /// `nil` where the transaction was not processed.
  package internal(set) subscript(_ position: Int) -> TransactionDetails? {
    get { entries[position] }
    set { entries[position] = newValue }
  }
}

extension TransactionDetails {
  /// What can be told before the transaction runs.
  init(_ resolved: ResolvedTransaction, in view: TableView) {
    let keys = resolved.keys
    let message = resolved.message
    if keys.count > message.staticKeyCount {
      let writableCount = message.addressTableLookups.reduce(0) { $0 + $1.writableIndices.count }
      loadedAddresses = LoadedAddresses(
        writable: Array(keys.loaded.prefix(writableCount)),
        readonly: Array(keys.loaded.dropFirst(writableCount)))
    }
    balancesBefore = Self.balances(keys.count, in: view)
    tokensBefore = Self.tokens(resolved, in: view)
  }

  /// Adds what can be told when the transaction has run and its accounts are published.
  mutating func finish(_ resolved: ResolvedTransaction, in view: TableView, _ processor: TransactionProcessor)
  {
    balancesAfter = Self.balances(resolved.keys.count, in: view)
    tokensAfter = Self.tokens(resolved, in: view)
    loadedByteCount = UInt64(processor.loadedByteCount)
    let context = processor.invoke.transaction
    for place in 0..<context.traceLength {
      let frame = context.trace[place]
      guard frame.stackHeight > 1 else { continue }
      innerInstructions.append(
        InnerInstruction(
          topLevelIndex: UInt8(truncatingIfNeeded: frame.topLevelIndex),
          programIndex: UInt8(truncatingIfNeeded: frame.programIndex),
          accounts: frame.accounts.map { UInt8(truncatingIfNeeded: $0.indexInTransaction) },
          data: Array(frame.data), stackHeight: UInt8(truncatingIfNeeded: frame.stackHeight)))
    }
  }

  private static func balances(_ count: Int, in view: TableView) -> [UInt64] {
    (0..<count).map { view.table.account(at: view.indices[$0]).pointee.lamports }
  }

  /// Agave looks for tokens where one of the keys is a token program, at accounts that are not called as programs
  /// (ledger/src/token_balances.rs).
  private static func tokens(_ resolved: ResolvedTransaction, in view: TableView) -> [TokenBalance] {
    let keys = resolved.keys
    guard keys.contains(where: { TokenState.programs.contains($0) }) else { return [] }
    return keys.indices.compactMap { index in
      if resolved.isCalledAsProgram(index) || TokenState.programs.contains(keys[index]) { return nil }
      let account = view.table.account(at: view.indices[index])
      guard let state = TokenState.Holding(account.pointee) else { return nil }
      return TokenBalance(
        accountIndex: UInt8(truncatingIfNeeded: index), programID: account.pointee.owner, mint: state.mint,
        owner: state.owner, amount: state.amount)
    }
  }
}
