// What one worker owns: its processor, with all the memory that executing transactions needs, and the list of what it
// changed. A lane is used by one thread at a time and lives as long as the executor.

import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

final class Lane {
  private let engine: Engine
  @exclusivity(unchecked) private var processor: TransactionProcessor?
  @exclusivity(unchecked) private var firstChanges: [AccountTable.FirstChange] = []

  init(engine: Engine) { self.engine = engine }

  /// - Parameter changeCount: accounts that may change, for which room is made at once.
  func begin(_ environment: ExecutionEnvironment, changeCount: Int = 0) {
    firstChanges.removeAll(keepingCapacity: true)
    firstChanges.reserveCapacity(changeCount)
    if let processor {
      processor.begin(environment)
    } else {
      processor = TransactionProcessor(environment: environment, engine: engine)
    }
  }

  func warm(_ programs: [ProgramSource]) {
    for program in programs { processor?.warm(program) }
  }

  /// Executes the prepared transaction `position`, publishes the accounts it changed and lets go of it.
  ///
  /// - Parameter results: one a transaction; those of duplicates' originals are read.
  func run(_ position: Int, of preparation: BlockPreparation, into results: BlockResults) {
    let prepared = preparation.slot(position)
    let signature = prepared.pointee.firstSignature
    guard let resolved = prepared.pointee.take(), let processor else {
      results.set(
        position, TransactionResult(signature: signature, error: prepared.pointee.error), processed: false)
      return
    }
    let table = preparation.table
    let view = TableView(
      table: table, indices: preparation.indices + prepared.pointee.firstIndex, prepared: prepared)
    let verdict = processor.process(
      resolved, accounts: view,
      isAlreadyProcessed: {
        let earlier = Int(prepared.pointee.duplicateOf)
        return earlier >= 0 && results.isProcessed(earlier)
          || preparation.wasProcessedBefore(signature)
      },
      publish: { position, slot in
        table.publish(from: slot, at: view.indices[position], noting: &firstChanges)
      })
    guard verdict.status == .executed else {
      results.set(
        position, TransactionResult(signature: signature, error: verdict.error), processed: false)
      return
    }
    results.set(
      position,
      TransactionResult(
        signature: signature, error: verdict.error, computeUnits: verdict.computeUnits, fee: verdict.fee,
        logs: processor.logs,
        returnData: processor.returnData.map {
          TransactionResult.ReturnData(programID: $0.program, data: $0.data)
        }),
      processed: true)
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

/// Results of a block while lanes fill them in, where they will stay: each entry is written by one worker.
final class BlockResults: @unchecked Sendable {
  // Sendable: a transaction's entry is written by the worker that runs it and read by its successors and, after the
  // run, by the caller; the scheduler orders these.
  private let results: UnsafeMutablePointer<TransactionResult>
  private let states: UnsafeMutablePointer<State>

  private enum State: UInt8 { case missing, rejected, processed }

  private init(_ results: UnsafeMutablePointer<TransactionResult>, _ states: UnsafeMutablePointer<State>) {
    (self.results, self.states) = (results, states)
  }

  /// Runs `body`, which sets every result, or throws.
  ///
  /// - Returns: the results, and whether each transaction was executed or charged.
  static func collect(
    count: Int, _ body: (BlockResults) throws(StoreError) -> Void
  ) throws(StoreError) -> (results: [TransactionResult], processed: [Bool]) {
    let states = UnsafeMutablePointer<State>.allocate(capacity: max(count, 1))
    defer { states.deallocate() }
    states.initialize(repeating: .missing, count: count)
    var failure: StoreError?
    let results = [TransactionResult](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      guard let base = buffer.baseAddress else { return }
      do throws(StoreError) {
        try body(BlockResults(base, states))
        for position in 0..<count {
          precondition(states[position] != .missing, "a transaction without a result")
        }
        initializedCount = count
      } catch {
        failure = error
        for position in 0..<count where states[position] != .missing {
          (base + position).deinitialize(count: 1)
        }
      }
    }
    if let failure { throw failure }
    return (results, (0..<count).map { states[$0] == .processed })
  }

  /// Called once for each position.
  @inline(__always) func set(
    _ position: Int, _ result: consuming TransactionResult, processed isProcessed: Bool
  ) {
    precondition(states[position] == .missing, "a transaction has one result")
    (results + position).initialize(to: result)
    states[position] = isProcessed ? .processed : .rejected
  }

  func isProcessed(_ position: Int) -> Bool { states[position] == .processed }
}
