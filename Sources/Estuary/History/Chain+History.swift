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
    // Even places: of Solana's.
    var runs: [UInt32] = [0]
    func note(_ place: Int) {
      if runs.count % 2 == place { runs.append(0) }
      runs[runs.count - 1] += 1
    }
    for position in transactions.indices {
      switch receipts[position] {
      case .solana(let result):
        guard var noted = details[position] else { continue }
        try fillDecimals(&noted, known: &decimals)
        stored.append(StoredTransaction(wire: transactions.wires[position], result, noted))
        note(0)
      case .ethereum(let result): if EthereumChain.executed(result) != nil { note(1) }
      case .malformed: continue
      }
    }
    do throws(StoreError) {
      return SolanaHistory.entries(record, stored)
        + [SolanaHistory.orderEntry(record, runs)].compactMap(\.self)
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
