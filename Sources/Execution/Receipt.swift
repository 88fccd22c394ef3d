// What became of one entry of a block: one list in block order, whatever the families of its transactions.

import Ledger
import Primitives

public enum Receipt: Sendable, Equatable {
  /// Of one of Solana's transactions.
  case solana(TransactionResult)
  /// Of one of Ethereum's.
  case ethereum(EthereumTransactionResult)
  /// The entry was a line that holds no transaction.
  case malformed(TransactionLineError)

  /// Whether it was executed and succeeded.
  public var isSuccess: Bool {
    switch self {
    case .solana(let receipt): receipt.error == nil
    case .ethereum(let receipt): receipt.isSuccess
    case .malformed: false
    }
  }
}

extension Receipt {
  package var lineError: TransactionLineError? {
    if case .malformed(let error) = self { error } else { nil }
  }
}

extension Sequence where Element == Receipt {
  /// Those of Solana's transactions, in order.
  public var solana: [TransactionResult] {
    compactMap { if case .solana(let receipt) = $0 { receipt } else { nil } }
  }

  /// Those of Ethereum's transactions, in order.
  public var ethereum: [EthereumTransactionResult] {
    compactMap { if case .ethereum(let receipt) = $0 { receipt } else { nil } }
  }
}

/// Receipts of a block while workers fill them in, where they will stay: each entry is written by one worker.
final class BlockReceipts: @unchecked Sendable {
  // Sendable: a transaction's entry is written by the worker that runs it and read by its successors and, after the
  // run, by the caller; the scheduler orders these.
  private let receipts: UnsafeMutablePointer<Receipt>
  private let states: UnsafeMutablePointer<StateWord>

  /// `repeated`: rejected, where an earlier entry with its signature was processed.
  enum State: UInt8 { case missing, rejected, repeated, processed }

  /// A state as wide as a word: those of transactions that a worker takes together fill a cache line.
  private struct StateWord {
    var state: State
    private let padding: (UInt32, UInt16, UInt8) = (0, 0, 0)

    init(_ state: State) { self.state = state }
  }

  private init(_ receipts: UnsafeMutablePointer<Receipt>, _ states: UnsafeMutablePointer<StateWord>) {
    (self.receipts, self.states) = (receipts, states)
  }

  /// Runs `body`, which sets every receipt, or throws.
  ///
  /// - Returns: the receipts, and the signatures of the transactions that were executed or charged.
  static func collect(
    count: Int, _ body: (BlockReceipts) throws(BlockExecutionError) -> Void
  ) throws(BlockExecutionError) -> (receipts: [Receipt], signatures: [Signature]) {
    let states = UnsafeMutablePointer<StateWord>.allocate(capacity: max(count, 1))
    defer { states.deallocate() }
    states.initialize(repeating: StateWord(.missing), count: count)
    var failure: BlockExecutionError?
    var signatures: [Signature] = []
    signatures.reserveCapacity(count)
    let receipts = [Receipt](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      guard let base = buffer.baseAddress else { return }
      do throws(BlockExecutionError) {
        try body(BlockReceipts(base, states))
        for position in 0..<count {
          precondition(states[position].state != .missing, "an entry without a receipt")
          if states[position].state == .processed, case .solana(let receipt) = base[position],
            let signature = receipt.signature
          {
            signatures.append(signature)
          }
        }
        initializedCount = count
      } catch {
        failure = error
        for position in 0..<count where states[position].state != .missing {
          (base + position).deinitialize(count: 1)
        }
      }
    }
    if let failure { throw failure }
    return (receipts, signatures)
  }

  /// Called once for each position, unless `replace` is.
  ///
  /// - Parameter state: `processed` where it was executed or charged, so that its signature may not come again.
  @inline(__always) func set(_ position: Int, _ receipt: consuming Receipt, _ state: State = .rejected) {
    precondition(states[position].state == .missing, "an entry has one receipt")
    (receipts + position).initialize(to: receipt)
    states[position].state = state
  }

  /// As above, where the entry may have a receipt already, which counts no more.
  @inline(__always) func replace(_ position: Int, _ receipt: consuming Receipt) {
    if states[position].state != .missing { (receipts + position).deinitialize(count: 1) }
    states[position].state = .rejected
    (receipts + position).initialize(to: receipt)
  }

  /// Whether a transaction with the signature of the one at a position was processed, up to and with that one. Asked
  /// for the last one with a signature, the answer is for all.
  func hasUsedSignature(upTo position: Int) -> Bool { states[position].state.rawValue >= State.repeated.rawValue }

  /// The receipt at a position where one has been set.
  subscript(_ position: Int) -> Receipt {
    precondition(states[position].state != .missing, "an entry without a receipt")
    return receipts[position]
  }
}
