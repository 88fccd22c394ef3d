// Where the verbs for contracts work: a ledger in a directory (LedgerContracts.swift) or a node (RemoteContracts.swift).
// The verbs know neither; which it is, is decided where options are read (`EthereumLedgerOptions`).

import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

protocol ContractHost: AnyObject {
  /// For errors: "this ledger", or the node.
  var place: String { get }

  // MARK: After the last block

  /// Wei; 0 where there is no account.
  func balance(of address: Address) throws -> UInt256
  func nonce(of address: Address) throws -> UInt64
  /// Empty where there is none.
  func code(at address: Address) throws -> [UInt8]
  func storage(of address: Address, slot: UInt256) throws -> UInt256
  /// `nil` where no transaction has that hash.
  func receipt(of hash: Hash) throws -> ContractReceipt?

  // MARK: In the block that comes next

  /// What a call does; nothing of it is kept.
  func call(_ message: ContractMessage, _ overrides: EmulationOverrides) throws -> ContractExecution

  /// The accounts and slots that an execution uses.
  func accesses(of subject: ContractAccess.Subject, _ overrides: EmulationOverrides) throws
    -> ContractAccess.Use

  /// Tries a transaction out, with the smallest gas limit that does unless one is given.
  ///
  /// - Throws: where no block would take it.
  func tryOut(_ request: ContractRequest) throws -> ContractTrial

  /// What `trial` would be charged; `nil` where that is not to be known.
  func gasUsed(by trial: ContractTrial) throws -> UInt64?

  /// Sends a transaction that was tried out, and waits until a block holds it.
  ///
  /// - Parameter patience: seconds to wait at most.
  func send(
    _ signed: EthereumTransaction, from sender: Address, patience: UInt64
  ) throws -> (execution: ContractExecution, blockNumber: UInt64)

  // MARK: Looking on

  /// Executes a call, or a transaction of a block once more.
  func trace(_ subject: ContractTrace.Subject, _ watch: ContractTrace.Watch) throws -> ContractTrace
}

/// What is to be sent.
struct ContractRequest {
  let key: PrivateKey
  let to: Address?
  let data: [UInt8]
  /// Wei.
  let value: UInt256
  /// `nil`: the smallest that does.
  let gasLimit: UInt64?
  let price: UInt256?
  let tip: UInt256?
  let nonce: UInt64?
  /// What reasons and events are read by.
  let abi: ContractABI

  var sender: Address { key.address }

  /// What a draft needs that there is none of: a tip where the chain knows no tips.
  static func noTip(on chain: String) -> ContractError {
    .refused("--priority-gas-price: there is none \(chain), give --gas-price")
  }
}

/// A transaction without a signature and what it would do.
struct ContractTrial {
  let transaction: EthereumTransaction
  let sender: Address
  let execution: ContractExecution
}

/// A call that nobody pays for.
struct ContractMessage {
  let sender: Address
  let target: Address?
  let data: [UInt8]
  /// Wei.
  let value: UInt256
  let gasLimit: UInt64?
  /// Wei a unit of gas; `nil`: none is named.
  let price: UInt256?

  init(_ options: MessageOptions, from sender: Address, to target: Address?, data: [UInt8]) throws {
    (self.sender, self.target, self.data) = (sender, target, data)
    (value, gasLimit, price) = (try options.wei(), try options.gas(), try options.price())
  }
}

/// What an execution came to, wherever it was executed.
struct ContractExecution {
  struct Failure {
    /// In words, where it is no revert.
    let text: String
    let isRevert: Bool

    init(text: String, isRevert: Bool) { (self.text, self.isRevert) = (text, isRevert) }
    init(_ halt: EVMHalt) { self.init(text: halt.description, isRevert: halt == .revert) }
  }

  /// `nil` where it succeeded.
  var failure: Failure?
  /// Returned or reverted with.
  var output: [UInt8] = []
  /// `nil` where it is not known.
  var gasUsed: UInt64?
  /// Of the contract that was made.
  var contractAddress: Address?
  /// Wei a unit of gas; of a transaction in a block.
  var effectiveGasPrice: UInt256 = .zero
  var logs: [EVMLog] = []

  init(failure: Failure? = nil, output: [UInt8] = [], gasUsed: UInt64? = nil) {
    (self.failure, self.output, self.gasUsed) = (failure, output, gasUsed)
  }

  init(_ receipt: EVMReceipt) {
    self.init(failure: receipt.halt.map { Failure($0) }, output: receipt.output, gasUsed: receipt.gasUsed)
    (contractAddress, logs) = (receipt.contractAddress, receipt.logs)
    effectiveGasPrice = receipt.effectiveGasPrice
  }
}

extension ContractABI {
  /// Why an execution failed, as people and compilers say it; `nil` where it succeeded.
  func failure(of execution: ContractExecution) -> String? {
    execution.failure.map { reason(halt: $0.text, isRevert: $0.isRevert, output: execution.output) }
  }
}

/// An execution that was watched.
struct ContractTrace {
  enum Subject {
    case call(ContractMessage, EmulationOverrides)
    /// A transaction by its hash, on the state that it met.
    case transaction(Hash)
  }

  enum Watch {
    /// To show its calls.
    case calls
    /// To print a line for each opcode (EIP-3155).
    case opcodes
    case functions(ContractProfiler)
  }

  /// Empty unless they were watched.
  var calls = CallTrace()
  /// Failures of calls in words that stand for none of this machine's, by position.
  var words: [Int: String] = [:]
  let execution: ContractExecution
}
