// What became of one Ethereum transaction, as its sender sees it.

import EVM
import Ledger
import Primitives
import Runtime

/// The outcome of one of Ethereum's transactions.
public struct EthereumTransactionResult: Sendable, Equatable {
  /// An event that a contract emitted.
  public struct Log: Sendable, Equatable {
    public var address: Address
    /// At most four.
    public var topics: [Hash]
    public var data: [UInt8]

    package init(address: Address, topics: [Hash], data: [UInt8]) {
      (self.address, self.topics, self.data) = (address, topics, data)
    }
  }

  package let wire: [UInt8]
  /// The execution, or why there was none: the transaction then had no effect.
  package let outcome: Result<EVMReceipt, EthereumError>
  /// What programs logged that contracts called, as far as it was not reverted.
  package let programLogs: TransactionLogs

  init(
    _ wire: EthereumWire, _ outcome: Result<EVMReceipt, EthereumError>, programLogs: TransactionLogs = TransactionLogs()
  ) {
    self.init(wire.bytes, outcome, programLogs: programLogs)
  }

  init(
    _ bytes: [UInt8], _ outcome: consuming Result<EVMReceipt, EthereumError>, programLogs: TransactionLogs = TransactionLogs()
  ) {
    // What did not count has logged nothing.
    if case .failure = outcome { self.programLogs = TransactionLogs() } else { self.programLogs = programLogs }
    (self.wire, self.outcome) = (bytes, outcome)
  }

  /// The log of the programs that contracts called, a line each; what was reverted is not in it.
  public var programLogLines: [String] { programLogs.lines }

  package var execution: EVMReceipt? { try? outcome.get() }

  /// Keccak-256 of the wire bytes; `nil` where there are none. Computed when it is asked for.
  public var hash: Hash? { wire.isEmpty ? nil : Keccak256.hash(wire) }
  package var error: EthereumError? { if case .failure(let error) = outcome { error } else { nil } }
  /// Why it was not executed; `nil` where it was, whatever came of it.
  public var errorText: String? { error?.description }
  /// Whether it was executed and succeeded.
  public var isSuccess: Bool { execution?.isSuccess ?? false }
  /// Why the execution failed.
  public var halt: String? { execution?.halt?.description }
  /// Charged to the sender, refunds taken off.
  public var gasUsed: UInt64 { execution?.gasUsed ?? 0 }
  /// Of the contract that it created.
  public var contractAddress: Address? { execution?.contractAddress }
  /// In the order in which they were emitted.
  public var logs: [Log] { .init(execution?.logs ?? []) }
  /// Returned or reverted with.
  public var output: [UInt8] { execution?.output ?? [] }
}

extension [EthereumTransactionResult.Log] {
  package init(_ logs: [EVMLog]) {
    self = logs.map { .init(address: $0.address, topics: $0.topics, data: $0.data) }
  }
}

extension EthereumExecution {
  /// What a block keeps of it.
  package init(_ receipt: EVMReceipt) {
    self.init(
      sender: receipt.sender, isSuccess: receipt.isSuccess, gasUsed: receipt.gasUsed, logs: receipt.logs)
  }
}

/// Why an Ethereum transaction of a block was not executed, or had no effect.
package enum EthereumError: Error, Equatable, Sendable {
  /// The ledger's genesis has no Ethereum section.
  case noEthereum
  case malformed(EthereumTransactionError)
  case signature(EthereumSignatureError)
  /// The block may not hold it.
  case refused(TransactionValidityError)
  /// It did not keep to the access set that came with it.
  case undeclared(UndeclaredAccess)
}

extension EthereumError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noEthereum: "this ledger's genesis has no ethereum section"
    case .malformed(let error): error.description
    case .signature(let error): error.description
    case .refused(let error): error.description
    case .undeclared(let access): access.description
    }
  }
}
