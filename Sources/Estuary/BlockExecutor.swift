// The seam behind which blocks are executed. An executor decides in what order and on how many threads; what one
// transaction does is the processor's affair. Every executor must leave the accounts, the results and their logs as
// the serial one does: that is what the tests compare.

import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

package protocol BlockExecutor: AnyObject {
  /// As the command line spells it.
  var name: String { get }
  var workerCount: Int { get }
  /// What runs programs.
  var engine: Engine { get }

  /// Runs a body for every index in `[0, count)` on this executor's threads, outside of `execute`.
  func parallelFor(count: Int, body: @Sendable (Int) -> Void)

  /// Loads programs ahead of the blocks that call them.
  func warm(_ programs: [ProgramSource], environment: ExecutionEnvironment)

  /// Executes `block` on `table`, which holds the state after it when this returns.
  ///
  /// - Throws: when the store cannot be read; the table is then as it was before.
  func execute(_ block: BlockInput, on table: AccountTable) throws(StoreError) -> BlockExecution
}

/// A block's transactions as runs of one kind, in order.
package struct BlockTransactions: Sendable {
  package enum Run: Sendable {
    /// Solana's wire format.
    case solana([[UInt8]])
    case ethereum([EthereumWire])
  }

  package private(set) var runs: [Run]
  /// Lines that hold no transaction: they count as entries of the block and do nothing.
  package private(set) var malformedCount = 0

  /// Solana's transactions alone.
  package init(_ wires: [[UInt8]]) { runs = [.solana(wires)] }

  package init(_ lines: some Collection<TransactionLine>) {
    runs = []
    var solana: [[UInt8]] = []
    var ethereum: [EthereumWire] = []
    for line in lines {
      switch line {
      case .failure: malformedCount += 1
      case .success(.solana(let wire)):
        if !ethereum.isEmpty { runs.append(.ethereum(ethereum)) }
        ethereum = []
        solana.append(wire)
      case .success(.ethereum(let wire)):
        if !solana.isEmpty { runs.append(.solana(solana)) }
        solana = []
        ethereum.append(wire)
      }
    }
    if !solana.isEmpty || (runs.isEmpty && ethereum.isEmpty) { runs.append(.solana(solana)) }
    if !ethereum.isEmpty { runs.append(.ethereum(ethereum)) }
  }
}

/// What of a block an executor is given.
package struct BlockInput: Sendable {
  /// Transactions in Solana's wire format, in order.
  package var wires: [[UInt8]]
  package var environment: ExecutionEnvironment
  /// Transactions of earlier blocks.
  package var statusCache: StatusCache
  package var verifiesSignatures = true
  /// Whether to note when, where and after what each transaction ran.
  package var recordsTimeline = false
}

/// What came of a block.
package struct BlockExecution: Sendable {
  /// One a transaction, in order.
  package var results: [TransactionResult]
  /// Whether the transaction was executed or charged, so that it may not run again; one a transaction.
  package var processed: [Bool]
  /// State before the block of every account written, in lists of any order.
  package var firstChanges: [[AccountTable.FirstChange]]
  /// Processor time spent on signatures, over all threads.
  package var signatureNanoseconds: UInt64 = 0
  /// Where asked for.
  package var timeline: Timeline?
}

/// Signatures of the transactions that may not run again: those that earlier blocks executed or charged.
package struct StatusCache: Sendable {
  private var signatures: Set<Signature> = []

  package init() {}

  package mutating func insert(_ signature: Signature) { signatures.insert(signature) }
  package func contains(_ signature: Signature) -> Bool {
    !signatures.isEmpty && signatures.contains(signature)
  }
}
