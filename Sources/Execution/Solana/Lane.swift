// What one worker owns: its processor, with all the memory that executing transactions needs, and the list of what it
// changed. A lane is used by one thread at a time and lives as long as the executor.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

final class Lane {
  private let engine: Engine
  /// Of a lane whose transactions are watched.
  let observer: (any LaneObserver)?
  @exclusivity(unchecked) private var processor: TransactionProcessor?
  @exclusivity(unchecked) private var firstChanges: [AccountTable.FirstChange] = []
  /// Accounts whose changes may make or unmake programs, of which the table hears at the next barrier.
  @exclusivity(unchecked) private var programChanges: [AccountIndex] = []

  init(engine: Engine, observer: (any LaneObserver)? = nil) {
    (self.engine, self.observer) = (engine, observer)
  }

  /// - Parameter changeCount: accounts that may change, for which room is made at once.
  func begin(_ environment: ExecutionEnvironment, changeCount: Int = 0) {
    firstChanges.removeAll(keepingCapacity: true)
    firstChanges.reserveCapacity(changeCount)
    programChanges.removeAll()
    if let processor {
      processor.begin(environment)
    } else {
      processor = TransactionProcessor(environment: environment, engine: engine)
      processor?.invoke.observer = observer
    }
  }

  func warm(_ programs: [ProgramSource]) {
    for program in programs { processor?.warm(program) }
  }

  /// Executes the prepared transaction `position`, publishes the accounts it changed and lets go of it.
  ///
  /// - Parameters:
  ///   - receipts: one an entry; those of duplicates' originals are read.
  ///   - ethereum: where contracts run that the transaction may reach; then it runs alone.
  func run(
    _ position: Int, of preparation: BlockPreparation, into receipts: BlockReceipts, _ ethereum: EthereumLane? = nil
  ) {
    let prepared = preparation.slot(position)
    let signature = prepared.pointee.firstSignature
    guard let resolved = prepared.pointee.take(), let processor else {
      receipts.set(
        position,
        preparation.isTransaction(position)
          ? .solana(TransactionResult(signature: signature, error: prepared.pointee.error))
          : preparation.receiptWithoutExecution(at: position))
      return
    }
    let last = Int(prepared.pointee.duplicateOf)
    let isRepeated = last >= 0 && receipts.hasUsedSignature(upTo: last)
    let table = preparation.table
    let view = TableView(
      table: table, indices: preparation.indices + prepared.pointee.firstIndex, prepared: prepared)
    let details = preparation.block.details
    var noted = details == nil ? nil : TransactionDetails(resolved, in: view)
    let reachesContracts = prepared.pointee.namesEthereumProgram
    let contracts = reachesContracts ? ethereum?.beginSolana(firstSigner: resolved.keys[0]) : nil
    processor.invoke.ethereum = contracts
    defer { processor.invoke.ethereum = nil }
    let verdict = processor.process(
      resolved, accounts: view,
      isAlreadyProcessed: { isRepeated || preparation.wasProcessedBefore(signature) },
      publish: { position, slot in
        let index = view.indices[position]
        if table.mayChangeProgramData(slot, at: index) { programChanges.append(index) }
        table.publish(from: slot, at: index, noting: &firstChanges)
      })
    let logs = contracts == nil ? [] : endContracts(ethereum, resolved, processor, verdict)
    guard verdict.status == .executed else {
      receipts.set(
        position, .solana(TransactionResult(signature: signature, error: verdict.error)),
        isRepeated ? .repeated : .rejected)
      return
    }
    if let details {
      noted?.finish(resolved, in: view, processor)
      details[position] = noted
    }
    receipts.set(
      position,
      .solana(
        TransactionResult(
          signature: signature, error: verdict.error, computeUnits: verdict.computeUnits, fee: verdict.fee,
          logs: processor.logs,
          returnData: processor.returnData.map {
            TransactionResult.ReturnData(programID: $0.program, data: $0.data)
          }, contractLogs: .init(logs))),
      .processed)
  }

  /// Makes what the transaction that ran last did in contracts the state, where it succeeded.
  private func endContracts(
    _ ethereum: EthereumLane?, _ resolved: ResolvedTransaction, _ processor: TransactionProcessor,
    _ verdict: TransactionVerdict
  ) -> [EVMLog] {
    ethereum?.endSolana(isSuccess: verdict.status == .executed && verdict.error == nil) { key in
      processor.invoke.transaction.index(of: key).map { resolved.isWritable($0) } ?? false
    } ?? []
  }

  /// Tells `table`, while no worker runs, of the programs that this lane made or unmade.
  func noteBarrier(in table: AccountTable) { table.noteBarrier(programChanges) }

  func takeFirstChanges() -> [AccountTable.FirstChange] {
    defer { firstChanges = [] }
    return firstChanges
  }
}

/// The processor's window on the table: accounts by position in the transaction, then the implicit ones.
struct TableView: AccountView {
  unowned(unsafe) let table: AccountTable
  let indices: UnsafeMutablePointer<AccountIndex>
  let prepared: UnsafeMutablePointer<PreparedTransaction>

  @inline(__always) func account(at position: Int) -> Account? {
    let account = table[indices[position]]
    return account.lamports == 0 ? nil : account
  }

  @inline(__always) func copyAccount(at position: Int, to slot: UnsafeMutablePointer<Account>) {
    // The table holds `Account.empty` where there is none.
    slot.pointee.assign(table.account(at: indices[position]))
  }

  /// The transaction has locked the account for reading at least.
  @inline(__always) func account(lentAt position: Int) -> UnsafePointer<Account>? {
    table.account(at: indices[position])
  }

  func implicitPosition(of key: Pubkey, keyCount: Int) -> Int? {
    prepared.pointee.implicitKeys.firstIndex(of: key).map { keyCount + $0 }
  }
}
