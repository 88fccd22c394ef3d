// What a chain leaves for its history, and the blocks that its next transactions may refer to.

import Execution
import Ledger
import Primitives

extension Chain {
  /// What has come of earlier transactions; empty where the chain keeps none.
  package var history: SolanaHistory { SolanaHistory(of: store) }

  /// What the batch of the block of `record` has for its history, and what goes because it is too old.
  func historyEntries(
    _ record: BlockRecord, _ transactions: BlockTransactions, _ receipts: [Receipt], _ details: BlockDetails
  ) throws(ChainError) -> [StoreEntry] {
    var decimals: [Pubkey: UInt8?] = [:]
    var stored: [StoredTransaction] = []
    for position in transactions.indices {
      guard var noted = details[position], case .solana(let result) = receipts[position] else { continue }
      try fillDecimals(&noted, known: &decimals)
      stored.append(StoredTransaction(wire: transactions.wires[position], result, noted))
    }
    do throws(StoreError) {
      return SolanaHistory.entries(record, stored)
        + (try history.expired(before: record.height, keeping: historyBlockCount))
    } catch {
      throw .store(error)
    }
  }

  /// Looks up the decimals of the tokens' mints, which no transaction changes.
  package func fillDecimals(
    _ details: inout TransactionDetails, known: inout [Pubkey: UInt8?]
  ) throws(ChainError) {
    for index in details.tokensBefore.indices {
      details.tokensBefore[index].decimals = try decimals(of: details.tokensBefore[index].mint, &known)
    }
    for index in details.tokensAfter.indices {
      details.tokensAfter[index].decimals = try decimals(of: details.tokensAfter[index].mint, &known)
    }
  }

  private func decimals(of mint: Pubkey, _ known: inout [Pubkey: UInt8?]) throws(ChainError) -> UInt8? {
    if TokenState.nativeMints.contains(mint) { return 9 }
    if let found = known[mint] { return found }
    let found = try account(mint).flatMap { TokenState.Mint($0) }?.decimals
    known[mint] = .some(found)
    return found
  }
}
