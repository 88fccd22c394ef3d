// A transaction of Solana's executed again, on the accounts that its block met, while somebody watches.

import EVM
import Execution
import Ledger
import Primitives
import Runtime
import SBPF

/// A transaction executed again.
package struct RetracedTransaction {
  package let transaction: Transaction
  /// Of its block.
  package let record: BlockRecord
  package let result: TransactionResult
  /// What it changed, in ascending order of keys; sysvars left out.
  package let changes: [AccountChange]
  /// The chain as its block met it.
  package let chain: Chain
  /// What the transactions before it in its block changed.
  let earlier: [Pubkey: AccountChange]

  /// An account as it met it.
  package func account(_ key: Pubkey) throws(ChainError) -> Account? {
    if let change = earlier[key] { return change.new }
    return try chain.account(key)
  }
}

extension Chain {
  /// Executes a transaction of one of the last blocks again, which changes nothing.
  ///
  /// - Parameter observer: watches it, not those before it in its block.
  /// - Returns: `nil` where there is no such transaction in the blocks that are kept (`SolanaArchive.keptBlocks`).
  package func retrace(
    _ signature: Signature, observer: any InvokeObserver
  ) throws(ChainError) -> RetracedTransaction? {
    guard let found = try pastBlock(with: signature) else { return nil }
    let chain = try Chain(
      store: ForkedStore(over: store, as: found.accounts, after: found.before), genesis: nil,
      executor: SerialExecutor(), progress: .advancing)
    func run(_ count: Int, _ executor: SerialExecutor) throws(ChainError) -> (BlockExecution, [AccountChange])
    {
      try chain.dryRun(
        BlockTransactions(solana: Array(found.wires[..<count])), on: executor,
        unixTimestamp: found.record.unixTimestamp, slots: found.record.slot &- found.before.slot)
    }
    var earlier: [Pubkey: AccountChange] = [:]
    if found.index > 0 {
      for change in try run(found.index, SerialExecutor()).1 { earlier[change.key] = change }
    }
    let watcher = OneTransactionObserver(found.index, observer)
    let (execution, all) = try run(found.index + 1, SerialExecutor(observer: watcher, engine: .plain))
    guard let transaction = try? Transaction.decode(found.wires[found.index]),
      let result = execution.receipts.solana.last
    else { return nil }
    let changes = all.compactMap { change -> AccountChange? in
      var change = change
      if let before = earlier[change.key] { change.old = before.new }
      return change.old == change.new || SysvarID.all.contains(change.key) ? nil : change
    }
    return RetracedTransaction(
      transaction: transaction, record: found.record, result: result, changes: changes, chain: chain,
      earlier: earlier)
  }

  /// Executes a transaction as the next block would, which changes nothing and checks no signatures.
  ///
  /// - Parameter observer: watches it.
  package func tryOut(_ wire: [UInt8], observer: any InvokeObserver) throws(ChainError) {
    _ = try dryRun(
      BlockTransactions(solana: [wire]),
      on: SerialExecutor(observer: OneTransactionObserver(0, observer), engine: .plain),
      verifiesSignatures: false)
  }

  private struct PastBlock {
    let record: BlockRecord
    /// The block before.
    let before: BlockRecord
    /// Those that have changed since, as the block met them.
    let accounts: [Pubkey: Account?]
    let wires: [[UInt8]]
    /// Of the transaction that was looked for.
    let index: Int
  }

  private func pastBlock(with signature: Signature) throws(ChainError) -> PastBlock? {
    do throws(StoreError) {
      var accounts: [Pubkey: Account?] = [:]
      var height = head.height
      let history = AccountHistory(of: store)
      guard let first = try history.firstHeight() else { return nil }
      while height > first, head.height - height < SolanaArchive.keptBlocks,
        let record = try store.block(height)
      {
        for (key, account) in try history.replaced(by: height) { accounts[key] = .some(account) }
        if record.signatures.contains(signature) {
          guard let wires = try SolanaArchive.transactions(height, of: store),
            let index = wires.firstIndex(where: { Self.signature(of: $0) == signature }),
            let before = try store.block(height - 1)
          else { return nil }
          return PastBlock(record: record, before: before, accounts: accounts, wires: wires, index: index)
        }
        height -= 1
      }
      return nil
    } catch { throw .store(error) }
  }

  private static func signature(of wire: [UInt8]) -> Signature? {
    (try? Transaction.decode(wire))?.signatures.first
  }
}

/// Lets an observer see one transaction of a block.
private final class OneTransactionObserver: LaneObserver {
  private let index: Int
  private let observer: any InvokeObserver
  private var isRunning = false

  init(_ index: Int, _ observer: any InvokeObserver) { (self.index, self.observer) = (index, observer) }

  func willExecute(_ index: Int) { isRunning = index == self.index }
  func didExecute(_ index: Int, _ receipt: Receipt) { isRunning = false }
  func didBegin(_ call: CallTrace.Call, depth: Int) {
    if isRunning, let trace = observer as? InstructionTrace { trace.didBegin(call) }
  }
  func didEnd(_ call: CallTrace.Call, depth: Int) {
    if isRunning, let trace = observer as? InstructionTrace { trace.didEnd(call) }
  }
  func didBegin(_ invoke: InvokeContext) { if isRunning { observer.didBegin(invoke) } }
  func willEnd(_ invoke: InvokeContext, _ error: InstructionError?) {
    if isRunning { observer.willEnd(invoke, error) }
  }
  func willRun(_ executable: Executable, pc: Int, _ machine: UnsafeMutablePointer<VMContext>) {
    if isRunning { observer.willRun(executable, pc: pc, machine) }
  }
  func didRun(_ executable: Executable, _ outcome: RunOutcome, on machine: VirtualMachine) {
    if isRunning { observer.didRun(executable, outcome, on: machine) }
  }
}
