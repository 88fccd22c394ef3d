// Ethereum's side for another program: accounts, calls that nobody pays for, transactions, contracts.

import Contracts
import EVM
import Execution
import Ledger
import Primitives
import WideIntegers

/// What a call or a transaction says, before anybody signs it.
public struct EthereumMessage: Sendable, Equatable {
  /// `nil` creates a contract of the code that `data` returns.
  public var to: Address?
  /// Wei sent along.
  public var value: UInt256
  /// The call's input, or the initcode.
  public var data: [UInt8]
  /// `nil`: of a call all that a transaction may have, of a transaction the least with which it succeeds.
  public var gasLimit: UInt64?

  public init(to: Address?, value: UInt256 = .zero, data: [UInt8] = [], gasLimit: UInt64? = nil) {
    (self.to, self.value, self.data, self.gasLimit) = (to, value, data, gasLimit)
  }
}

/// What came of a call that nobody pays for and nothing keeps.
public struct CallResult: Sendable {
  let emulation: Emulation
  let errors: [ABIItem]

  public var isSuccess: Bool { emulation.receipt.isSuccess }
  /// Returned or reverted with.
  public var output: [UInt8] { emulation.receipt.output }
  /// Of a transaction that does the same, refunds taken off.
  public var gasUsed: UInt64 { emulation.receipt.gasUsed }
  public var logs: [EthereumTransactionResult.Log] { .init(emulation.receipt.logs) }
  /// Why it failed, read by the interface where that is known; `nil` where it did not.
  public var failure: String? { emulation.receipt.failure(errors: errors) }
  /// The accounts and slots that it used: a set that may bind a transaction which does the same.
  public var access: AccessSet { emulation.accessSet }
}

extension EVMReceipt {
  func failure(errors: [ABIItem]) -> String? {
    halt.map { $0 == .revert ? RevertReason(output, errors: errors).description : $0.description }
  }
}

extension Chain {
  // MARK: Accounts

  /// Wei; 0 where there is no account.
  public func balance(of address: Address) throws(ChainError) -> UInt256 {
    try ethereumAccount(address)?.balance ?? .zero
  }

  /// Of the next transaction that the account signs.
  public func nonce(of address: Address) throws(ChainError) -> UInt64 {
    try ethereumAccount(address)?.nonce ?? 0
  }

  /// Bytecode; empty where there is none.
  public func code(at address: Address) throws(ChainError) -> [UInt8] { try ethereumCode(at: address) }

  /// The value of a storage slot; 0 where there is none.
  public func storage(of address: Address, slot: UInt256) throws(ChainError) -> UInt256 {
    try ethereumStorage(of: address, slot: slot)
  }

  /// The root of Ethereum's state trie after the last block; `nil` where the ledger has no Ethereum side.
  public func stateRoot() throws(ChainError) -> Hash? { try ethereumStateRoot() }

  // MARK: Calls and transactions

  /// What the message would do in the block that comes next; the ledger stays as it is. Always ends: no call uses more
  /// than 2^27 gas.
  ///
  /// - Parameters:
  ///   - message: what is called, with what.
  ///   - sender: anybody; it signs nothing and pays no gas.
  public func call(
    _ message: EthereumMessage, from sender: Address = .zero
  ) throws(RequestError) -> CallResult {
    try call(message, from: sender, errors: [])
  }

  func call(
    _ message: EthereumMessage, from sender: Address, errors: [ABIItem]
  ) throws(RequestError) -> CallResult {
    let emulator = try openEmulator()
    return try RequestError.emulating { () throws(EmulationError) in
      // No transaction: the price is what the block asks for, and nobody pays it.
      let price = emulator.block.baseFeePerGas
      let transaction = EthereumTransaction(
        kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: price, maxFeePerGas: price,
        gasLimit: message.gasLimit ?? emulator.gasLimit, to: message.to, value: message.value,
        data: message.data)
      return CallResult(emulation: try emulator.run(transaction, from: sender, checks: .none), errors: errors)
    }
  }

  /// Builds and signs a transaction of Ethereum's for the next block.
  ///
  /// - Parameters:
  ///   - message: what is called or created, with what.
  ///   - key: the sender's.
  ///   - nonce: `nil`: the signer's next; another one for further transactions of the same block.
  ///   - maxFeePerGas: in wei; `nil`: twice the base fee and the tip.
  ///   - tip: in wei, part of the price; `nil`: 1 gwei.
  /// - Throws: `reverted` and `refused` where no gas limit is given and there is none with which it succeeds now.
  public func transaction(
    _ message: EthereumMessage, signedBy key: PrivateKey, nonce: UInt64? = nil,
    maxFeePerGas: UInt256? = nil, tip: UInt256? = nil
  ) throws(RequestError) -> SignedTransaction {
    .ethereum(
      try sign(message, key, nonce: nonce, maxFeePerGas: maxFeePerGas, tip: tip, errors: [], openEmulator())
        .encoded)
  }

  func sign(
    _ message: EthereumMessage, _ key: PrivateKey, nonce: UInt64?, maxFeePerGas: UInt256? = nil,
    tip: UInt256? = nil, errors: [ABIItem], _ emulator: Emulator
  ) throws(RequestError) -> EthereumTransaction {
    let draft = try RequestError.emulating { () throws(EmulationError) in
      try emulator.draft(
        to: message.to, value: message.value, data: message.data, from: key.address,
        gasLimit: message.gasLimit, price: maxFeePerGas, tip: tip)
    }
    guard var draft else { throw .refused("there is no tip in \(emulator.block.fork.name)") }
    if message.gasLimit == nil {
      let search = try RequestError.emulating { () throws(EmulationError) in
        try emulator.smallestGasLimit(draft, from: key.address, checks: .all)
      }
      switch search {
      case .found(let gasLimit, _): draft.gasLimit = gasLimit
      case .fails(_, let emulation):
        throw .reverted(
          reason: emulation.receipt.failure(errors: errors) ?? "", output: emulation.receipt.output)
      }
    }
    if let nonce { draft.nonce = nonce }
    return draft.signed(by: key)
  }

  func openEmulator() throws(RequestError) -> Emulator {
    let opened = try RequestError.onChain { () throws(ChainError) in try emulator() }
    guard let opened else { throw .noEthereum }
    return opened
  }

  // MARK: Contracts

  /// Creates a contract, in a block of its own.
  ///
  /// - Parameters:
  ///   - artefact: what a compiler wrote.
  ///   - arguments: the constructor's.
  ///   - value: wei that the contract gets.
  ///   - key: the creator's.
  /// - Throws: `reverted` where the constructor fails, without sending anything.
  @discardableResult
  public func deploy(
    _ artefact: ContractArtefact, _ arguments: [ABIValue] = [], value: UInt256 = .zero, from key: PrivateKey
  ) throws(RequestError) -> Contract {
    let abi = artefact.abi ?? ContractABI()
    let constructor = abi.constructor
    let encoded = try RequestError.coding { () throws(ABIError) in
      try constructor.inputs.encode(fitting: arguments, signature: constructor.signature)
    }
    let message = EthereumMessage(to: nil, value: value, data: artefact.initcode + encoded)
    let result = try send(message, key, errors: abi.errors)
    guard let address = result.contractAddress else {
      throw .refused("the creation left no contract: it is larger than a contract may be")
    }
    return Contract(at: address, abi: abi, on: self)
  }

  /// Signs the message and executes it as a block of its own.
  func send(
    _ message: EthereumMessage, _ key: PrivateKey, errors: [ABIItem]
  ) throws(RequestError) -> EthereumTransactionResult {
    let emulator = try openEmulator()
    let signed = try sign(message, key, nonce: nil, errors: errors, emulator)
    let result = try RequestError.onChain { () throws(ChainError) in
      try send(signed, unixTimestamp: emulator.block.timestamp)
    }
    switch result.outcome {
    case .failure(let error): throw .refused(error.description)
    case .success(let receipt):
      if let reason = receipt.failure(errors: errors) {
        throw .reverted(reason: reason, output: receipt.output)
      }
      return result
    }
  }
}
