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
      processor.environment = environment
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
    defer { preparation.release(position) }
    let prepared = preparation.prepared + position
    let signature = preparation.decoded[position].firstSignature
    guard let resolved = prepared.pointee.resolved.take(), let processor else {
      results.set(
        position, TransactionResult(signature: signature, error: prepared.pointee.error), processed: false)
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
      },
      publish: { position, slot in
        preparation.table.publish(from: slot, at: view.indices[position], noting: &firstChanges)
      })
    results.set(
      position,
      TransactionResult(
        signature: signature, error: outcome.error, computeUnits: outcome.computeUnits, fee: outcome.fee,
        logs: outcome.logs,
        returnData: outcome.returnData.map {
          TransactionResult.ReturnData(programID: $0.program, data: $0.data)
        }),
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

  @inline(__always) func copyAccount(at position: Int, to slot: UnsafeMutablePointer<Account>) {
    // The table holds `Account.empty` where there is none.
    slot.pointee.assign(table.account(at: indices[position]))
  }

  func implicitPosition(of key: Pubkey, keyCount: Int) -> Int? {
    implicitKeys.firstIndex(of: key).map { keyCount + $0 }
  }
}

/// Results of a block while lanes fill them in: fixed memory, each entry written by one worker.
final class BlockResults: @unchecked Sendable {
  // Sendable: a transaction's entry is written by the worker that runs it and read by its successors and, after the
  // run, by the caller; the scheduler orders these.
  private let results: UnsafeMutablePointer<TransactionResult>
  private let states: UnsafeMutablePointer<State>
  private let count: Int

  private enum State: UInt8 { case missing, rejected, processed }

  init(count: Int) {
    self.count = count
    results = .allocate(capacity: max(count, 1))
    states = .allocate(capacity: max(count, 1))
    states.initialize(repeating: .missing, count: count)
  }

  deinit {
    for position in 0..<count where states[position] != .missing {
      (results + position).deinitialize(count: 1)
    }
    results.deallocate()
    states.deallocate()
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

  var allProcessed: [Bool] { (0..<count).map(isProcessed) }

  /// Moves the results out; each position has been set.
  func takeAll() -> [TransactionResult] {
    [TransactionResult](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      for position in 0..<count {
        precondition(states[position] != .missing, "a transaction without a result")
        states[position] = .missing
        buffer.initializeElement(at: position, to: (results + position).move())
      }
      initializedCount = count
    }
  }
}
