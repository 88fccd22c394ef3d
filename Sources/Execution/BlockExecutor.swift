// The seam behind which blocks are executed: one ordered list of entries in, one ordered list of receipts out. An
// executor decides in what order and on how many threads, and publishes what transactions change; what one transaction
// does is its family's affair. Every executor must leave state, receipts and logs as the serial one does: that is what
// the tests compare.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling
import WideVM

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

  /// Executes `block` on `state`, which is the state after it when this returns.
  ///
  /// - Throws: when state cannot be read or machines cannot be had; the state is then as it was before.
  func execute(_ block: BlockInput, on state: BlockState) throws(BlockExecutionError) -> BlockExecution
}

/// What of a block an executor is given.
package struct BlockInput: Sendable {
  package var transactions: BlockTransactions
  /// For Solana's transactions.
  package var environment: ExecutionEnvironment
  /// For Ethereum's; `nil` where the ledger has no Ethereum side, whose transactions are then refused.
  package var ethereum: EthereumBlockPart?
  package var verifiesSignatures = true
  /// Whether to note when, where and after what each transaction ran.
  package var recordsTimeline = false
  /// Takes what the history of Solana's transactions tells; `nil`: nobody asks for it.
  package var details: BlockDetails?

  package init(
    transactions: BlockTransactions, environment: ExecutionEnvironment, ethereum: EthereumBlockPart? = nil,
    verifiesSignatures: Bool = true, recordsTimeline: Bool = false, details: BlockDetails? = nil
  ) {
    (self.transactions, self.environment, self.ethereum) = (transactions, environment, ethereum)
    (self.verifiesSignatures, self.recordsTimeline, self.details) = (verifiesSignatures, recordsTimeline, details)
  }
}

/// Ethereum's side of a block. A logical block may be executed in several parts: the first begins it, the last ends it,
/// and what the parts before have used is carried over.
package struct EthereumBlockPart: Sendable {
  package var environment: BlockEnvironment
  /// Paid at the block's end.
  package var withdrawals: [EVMWithdrawal] = []
  /// By the parts before.
  package var gasUsed: UInt64 = 0
  package var blobGasUsed: UInt64 = 0
  /// Whether the system calls before the first transaction are to be made.
  package var begins = true
  /// Whether withdrawals and the system calls after the last transaction are due.
  package var ends = true
  /// Whether the fee recipient earns what making a block before the merge does.
  package var rewards = false

  package init(
    environment: BlockEnvironment, withdrawals: [EVMWithdrawal] = [], gasUsed: UInt64 = 0, blobGasUsed: UInt64 = 0,
    begins: Bool = true, ends: Bool = true, rewards: Bool = false
  ) {
    (self.environment, self.withdrawals, self.rewards) = (environment, withdrawals, rewards)
    (self.gasUsed, self.blobGasUsed, self.begins, self.ends) = (gasUsed, blobGasUsed, begins, ends)
  }
}

/// What came of a block.
package struct BlockExecution: Sendable {
  /// One an entry, in order.
  package var receipts: [Receipt]
  /// First signatures of Solana's transactions that were executed or charged, in order: they may not run again.
  package var signatures: [Signature]
  package var changes: BlockChanges
  /// Processor time spent on signatures, over all threads.
  package var signatureNanoseconds: UInt64 = 0
  /// One slice an entry, where asked for.
  package var timeline: Timeline?
  package var ethereum = EthereumTotals()
}

/// What Ethereum's transactions of a block came to.
package struct EthereumTotals: Sendable, Equatable {
  /// Gas of the logical block, the parts before included.
  package var gasUsed: UInt64 = 0
  package var blobGasUsed: UInt64 = 0
  /// Executions, those that were thrown away included; a transaction that is malformed has none. At most twice as many
  /// as transactions.
  package var executionCount = 0
  /// Executions that were thrown away, each followed by one that counts.
  package var repeatedCount = 0
  /// For the consensus layer, of the block's end: type byte first, empty ones left out.
  package var requests: [[UInt8]] = []
}

/// Why a block could not be executed.
package enum BlockExecutionError: Error, Sendable {
  case store(StoreError)
  /// Ethereum's accounts cannot be read.
  case ethereum(EVMStateError)
  /// Memory for the EVM's frames cannot be had.
  case machine(WideMachineError)
  case workers(SchedulingError)
}

/// How an executor runs blocks that hold both families: each apart from the other, until a contract calls a program beside
/// Solana's transactions. That block and those after it, whose families may meet, are executed in order.
struct FamilyOrder {
  private var hasCrossed = false

  /// - Parameters:
  ///   - apart: executes the block, or throws `.crossing` and leaves the state as it was.
  ///   - inOrder: executes it whatever its transactions call.
  mutating func execute(
    apart: () throws(BlockExecutionError) -> BlockExecution, inOrder: () throws(BlockExecutionError) -> BlockExecution
  ) throws(BlockExecutionError) -> BlockExecution {
    if !hasCrossed {
      do throws(BlockExecutionError) {
        return try apart()
      } catch {
        guard case .ethereum(.crossing) = error else { throw error }
        hasCrossed = true
      }
    }
    return try inOrder()
  }
}

/// Signatures of the transactions that may not run again: those that earlier blocks executed or charged.
package struct StatusCache: Sendable {
  private var signatures: Set<Signature> = []

  package init() {}

  package mutating func insert(_ signature: Signature) { signatures.insert(signature) }
  package mutating func remove(_ signature: Signature) { signatures.remove(signature) }
  package func contains(_ signature: Signature) -> Bool {
    !signatures.isEmpty && signatures.contains(signature)
  }
}
