// Transactions of stored blocks executed again, on the state that they met.

import EVM
import Execution
import Ledger
import Primitives

extension EthereumLedger {
  /// The transactions of a stored block, one after the other, each to be executed again.
  package final class BlockReplay {
    package let emulator: Emulator
    package let records: [EthereumTransactionRecord]
    private var position = 0

    fileprivate init(_ emulator: Emulator, _ records: [EthereumTransactionRecord]) {
      (self.emulator, self.records) = (emulator, records)
      (emulator.tracer, emulator.capsGas) = (nil, false)
    }

    /// Executes what stands before the transaction at `index`, and that one for `tracer` to see. Its changes are not part
    /// of the state yet when this returns.
    ///
    /// - Parameter index: not below that of the call before.
    package func run(_ index: Int, tracer: EVMTracer?) throws(EmulationError) -> Emulation {
      while position < index { emulator.apply(try next()) }
      emulator.tracer = tracer
      let emulation = try next()
      emulator.tracer = nil
      return emulation
    }

    /// Makes what came of the last transaction the state of the next one.
    package func goOn(_ emulation: Emulation) { emulator.apply(emulation) }

    private func next() throws(EmulationError) -> Emulation {
      let record = records[position]
      position += 1
      let emulation = try emulator.run(record.transaction, from: record.sender, checks: .all)
      // Transactions of Solana's that stand between Ethereum's are not executed again here.
      guard emulation.receipt.gasUsed == record.gasUsed,
        record.isSuccess.map({ $0 == emulation.receipt.isSuccess }) ?? true
      else {
        throw .state(
          .pastState(
            detail: "transaction \(record.index) of block \(record.block.header.number) comes out otherwise, "
              + "as transactions of Solana's stand before it in its block"))
      }
      return emulation
    }
  }

  /// - Parameters:
  ///   - block: not the ledger's first.
  ///   - height: of a block of the ledger's at or behind that one.
  ///   - isTraced: whether tracers will be told of opcodes.
  /// - Returns: `nil` where the state before the block is not known.
  package func replay(
    of block: EthereumArchive.StoredHeader, through height: UInt64, isTraced: Bool
  ) throws(ChainError) -> BlockReplay? {
    let before: UInt64
    let records: [EthereumTransactionRecord]
    let solana: [StoredTransaction]
    let isInTurns: Bool
    do throws(StoreError) {
      guard let found = try self.height(before: block.header.number, through: height),
        try knowsState(at: found)
      else { return nil }
      before = found
      records = try archive.transactions(block.header.number) ?? []
      (solana, isInTurns) = (
        try SolanaHistory(of: store).transactions(before + 1),
        try SolanaHistory(of: store).order(before + 1) != nil
      )
    } catch { throw .store(error) }
    var earlier: EarlierChanges?
    if !solana.isEmpty, !isInTurns { earlier = try changes(of: solana, after: before, in: block) }
    let changed = earlier?.accounts ?? [:]
    // Where Solana's transactions stand between Ethereum's, or what they met is not known any more, neither is what a
    // contract met of programs' accounts.
    let isKnown = solana.isEmpty || earlier != nil
    let emulator = try Emulator(
      over: state(at: before, with: changed), in: environment(of: block),
      isBegun: earlier?.haveBegunBlock ?? false, programs: programs,
      reaching: try programs(sysvarsAt: before + 1, accountsAt: isKnown ? before : nil, changed: changed),
      tracer: isTraced ? EVMTracer { _ in } : nil)
    return BlockReplay(emulator, records)
  }

  /// What Solana's transactions of a block have changed of both worlds.
  private struct EarlierChanges {
    var accounts: [Pubkey: Account?] = [:]
    /// Whether they called contracts, so that what Ethereum's block does at its beginning is among it.
    var haveBegunBlock: Bool
  }

  /// Executes Solana's transactions of a block again, which stand before Ethereum's.
  ///
  /// - Parameter height: of the ledger's block before.
  /// - Returns: `nil` where the sysvars that they met are not kept any more.
  private func changes(
    of solana: [StoredTransaction], after height: UInt64, in block: EthereumArchive.StoredHeader
  ) throws(ChainError) -> EarlierChanges? {
    let before: BlockRecord
    let record: BlockRecord
    let parent: EthereumArchive.StoredHeader
    do throws(StoreError) {
      guard let head = store.head, head.height - height < AccountHistory.keptSysvarBlocks,
        let found = try store.block(height), let next = try store.block(height + 1),
        let header = try archive.header(block.header.number &- 1)
      else { return nil }
      (before, record, parent) = (found, next, header)
    } catch { throw .store(error) }
    let chain = try Chain(
      store: PastStore(of: store, after: before, ethereumHead: parent), genesis: nil,
      executor: SerialExecutor(), progress: .advancing)
    chain.nextBlockSettings = NextEthereumBlock(of: block.header, after: parent.header)
    let transactions = BlockTransactions(solana: solana.map(\.wire))
    let (_, changes) = try chain.dryRun(
      transactions, on: SerialExecutor(), unixTimestamp: record.unixTimestamp, verifiesSignatures: false,
      slots: record.slot &- before.slot, endsBlock: false)
    var earlier = EarlierChanges(haveBegunBlock: transactions.mayCallContracts)
    for change in changes { earlier.accounts[change.key] = .some(change.new) }
    return earlier
  }
}
