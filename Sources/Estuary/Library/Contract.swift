// A contract on a chain, called by the names of its functions.
//
//   let token = try chain.deploy(ContractArtefact(file: "token.json"), ["Ocean", "OCN"], from: .development(0))
//   try token.send("transfer", ["0x7099…", 7], from: .development(0))
//   print(try token.call("balanceOf", ["0x7099…"])[0])
//
// Arguments are literals or `ABIValue`s: numbers, booleans, lists for arrays and tuples, and text, which is read as the
// command line reads it where the parameter is not text itself.

import Contracts
import EVM
import Execution
import Ledger
import Primitives
import WideIntegers

/// A contract and its interface. As little thread-safe as its chain.
public struct Contract {
  public let address: Address
  public let abi: ContractABI
  public let chain: Chain

  /// - Parameters:
  ///   - address: where it is.
  ///   - abi: may be empty: functions are then named by their signatures, `balanceOf(address)(uint256)`.
  ///   - chain: the chain that it is on.
  public init(at address: Address, abi: ContractABI = ContractABI(), on chain: Chain) {
    (self.address, self.abi, self.chain) = (address, abi, chain)
  }

  /// Calls a function without sending anything.
  ///
  /// - Parameters:
  ///   - function: its name or its signature, results behind the arguments where the interface does not know them.
  ///   - arguments: one a parameter.
  ///   - value: wei sent along.
  ///   - sender: anybody.
  /// - Returns: the results; none where their types are not known.
  /// - Throws: `reverted` with the reason where the call fails.
  public func call(
    _ function: String, _ arguments: [ABIValue] = [], value: UInt256 = .zero, from sender: Address = .zero
  ) throws(RequestError) -> [ABIValue] {
    let (message, item) = try self.message(function, arguments, value: value)
    let result = try chain.call(message, from: sender, errors: abi.errors)
    if let reason = result.failure { throw .reverted(reason: reason, output: result.output) }
    guard let outputs = item.outputs, !outputs.isEmpty else { return [] }
    return try RequestError.coding { () throws(ABIError) in try outputs.decode(result.output) }
  }

  /// The message that calls a function: for `Chain.call`, or to be signed.
  public func message(
    _ function: String, _ arguments: [ABIValue] = [], value: UInt256 = .zero
  ) throws(RequestError) -> EthereumMessage {
    try message(function, arguments, value: value).message
  }

  /// A signed transaction that calls a function, for a block.
  ///
  /// - Parameters:
  ///   - function: its name or its signature.
  ///   - arguments: one a parameter.
  ///   - value: wei sent along.
  ///   - key: the sender's.
  ///   - nonce: `nil`: the signer's next; another one for further transactions of the same block.
  ///   - gasLimit: `nil`: the least with which it succeeds now.
  public func transaction(
    _ function: String, _ arguments: [ABIValue] = [], value: UInt256 = .zero, signedBy key: PrivateKey,
    nonce: UInt64? = nil, gasLimit: UInt64? = nil
  ) throws(RequestError) -> SignedTransaction {
    var message = try message(function, arguments, value: value).message
    message.gasLimit = gasLimit
    return .ethereum(
      try chain.sign(message, key, nonce: nonce, errors: abi.errors, chain.openEmulator()).encoded)
  }

  /// Calls a function in a transaction that is a block of its own.
  ///
  /// - Throws: `reverted` with the reason where it would fail; nothing is sent then.
  @discardableResult
  public func send(
    _ function: String, _ arguments: [ABIValue] = [], value: UInt256 = .zero, from key: PrivateKey
  ) throws(RequestError) -> EthereumTransactionResult {
    try chain.send(try message(function, arguments, value: value).message, key, errors: abi.errors)
  }

  /// The events of this contract among `logs` that its interface knows, in order.
  public func events(in logs: [EthereumTransactionResult.Log]) -> [DecodedEvent] {
    logs.compactMap { $0.address == address ? abi.decode(topics: $0.topics, data: $0.data) : nil }
  }

  private func message(
    _ function: String, _ arguments: [ABIValue], value: UInt256
  ) throws(RequestError) -> (message: EthereumMessage, item: ABIItem) {
    let item = try abi.function(function, argumentCount: arguments.count)
    let data = try RequestError.coding { () throws(ABIError) in
      item.selector + (try item.inputs.encode(fitting: arguments, signature: item.signature))
    }
    return (EthereumMessage(to: address, value: value, data: data), item)
  }
}

extension ContractABI {
  package var errors: [ABIItem] { items.filter { $0.kind == .error } }

  /// The function of a signature, whose results the interface may know, or of a name.
  func function(_ text: String, argumentCount: Int) throws(RequestError) -> ABIItem {
    if text.contains("(") {
      var item = try RequestError.coding { () throws(ABIError) in
        try ABIItem(signature: text, kind: .function)
      }
      if item.outputs == nil { item.outputs = functions(named: item.signature).first?.outputs }
      return item
    }
    let named = functions(named: text)
    let fitting = named.filter { $0.inputs.count == argumentCount }
    if fitting.count == 1 { return fitting[0] }
    if named.count == 1 { return named[0] }
    if named.isEmpty { throw .noFunction(text) }
    throw .ambiguousFunction(text, named.map(\.signature))
  }
}
