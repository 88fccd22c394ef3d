// What one worker owns: its processor, with all the memory that executing transactions needs, and the list of what it
// changed. A lane is used by one thread at a time and lives as long as the executor.

import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

final class Lane {
  private let engine: Engine
  private var processor: TransactionProcessor?
  private var firstChanges: [AccountTable.FirstChange] = []

  init(engine: Engine) { self.engine = engine }

  func begin(_ environment: ExecutionEnvironment) {
    firstChanges.removeAll(keepingCapacity: true)
    if let processor {
      processor.environment = environment
    } else {
      processor = TransactionProcessor(environment: environment, engine: engine)
    }
  }

  func warm(_ programs: [ProgramSource]) {
    for program in programs { processor?.warm(program) }
  }

  /// Executes the prepared transaction `position` and publishes the accounts it changed.
  ///
  /// - Parameter results: one a transaction; those of duplicates' originals are read.
  func run(_ position: Int, of preparation: BlockPreparation, into results: BlockResults) {
    let prepared = preparation.prepared + position
    let signature = preparation.decoded[position].transaction?.firstSignature
    guard let resolved = prepared.pointee.resolved, let processor else {
      results.set(position, TransactionResult(signature: signature, error: prepared.pointee.error), processed: false)
      return
    }
    let view = TableView(
      table: preparation.table, indices: preparation.indices + prepared.pointee.firstIndex,
      implicitKeys: prepared.pointee.implicitKeys)
    let earlier = Int(prepared.pointee.duplicateOf)
    let outcome = processor.process(
      resolved, accounts: view,
      isAlreadyProcessed: {
        earlier >= 0 && results.isProcessed(earlier)
          || signature.map(preparation.block.statusCache.contains) ?? false
      })
    for change in outcome.changes {
      preparation.table.publish(
        change.account ?? .empty, at: view.indices[change.position], noting: &firstChanges)
    }
    results.set(
      position,
      TransactionResult(
        signature: signature, error: outcome.error, computeUnits: outcome.computeUnits, fee: outcome.fee,
        logs: outcome.logs,
        returnData: outcome.returnData.map { TransactionResult.ReturnData(programID: $0.program, data: $0.data) }),
      processed: outcome.status == .executed)
  }

  /// What this lane changed first, since `begin`.
  var changesSoFar: [AccountTable.FirstChange] { firstChanges }

  func takeFirstChanges() -> [AccountTable.FirstChange] {
    defer { firstChanges = [] }
    return firstChanges
  }
}

/// The processor's window on the table: accounts by position in the transaction, then the implicit ones.
struct TableView: AccountView {
  let table: AccountTable
  let indices: UnsafeMutablePointer<AccountIndex>
  let implicitKeys: [Pubkey]

  @inline(__always) func account(at position: Int) -> Account? {
    let account = table[indices[position]]
    return account.lamports == 0 ? nil : account
  }
}

/// Results of a block while lanes fill them in: fixed memory, each entry written by one worker.
final class BlockResults: @unchecked Sendable {
  // Sendable: a transaction's entry is written by the worker that runs it and read by its successors and, after the
  // run, by the caller; the scheduler orders these.
  private let results: UnsafeMutablePointer<TransactionResult>
  private let processed: UnsafeMutablePointer<Bool>
  private let count: Int

  init(count: Int) {
    self.count = count
    results = .allocate(capacity: max(count, 1))
    results.initialize(repeating: TransactionResult(signature: nil, error: nil), count: count)
    processed = .allocate(capacity: max(count, 1))
    processed.initialize(repeating: false, count: count)
  }

  deinit {
    results.deinitialize(count: count)
    results.deallocate()
    processed.deallocate()
  }

  func set(_ position: Int, _ result: TransactionResult, processed isProcessed: Bool) {
    results[position] = result
    processed[position] = isProcessed
  }

  func isProcessed(_ position: Int) -> Bool { processed[position] }

  var all: [TransactionResult] { Array(UnsafeBufferPointer(start: results, count: count)) }
  var allProcessed: [Bool] { Array(UnsafeBufferPointer(start: processed, count: count)) }
}
