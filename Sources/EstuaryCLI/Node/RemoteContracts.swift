// The verbs for contracts on a node, with standard methods alone: what a block would do is asked with eth_call and
// eth_estimateGas on the pending block, transactions are signed here. estuary_createAccessSet is asked where there is one.

import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import RPCClient
import WideIntegers

final class RemoteContracts: ContractHost {
  let node: EthereumNode

  init(_ client: RPCClient) { node = EthereumNode(client: client) }

  var place: String { "the chain of \(node.url)" }

  static var latest: JSONValue { .string("latest") }
  /// The block that comes next.
  static var pending: JSONValue { .string("pending") }

  // MARK: After the last block

  func balance(of address: Address) throws -> UInt256 { try balance(of: address, at: Self.latest) }
  func nonce(of address: Address) throws -> UInt64 { try nonce(of: address, at: Self.latest) }

  func balance(of address: Address, at block: JSONValue) throws(RPCClientError) -> UInt256 {
    try node.ask("eth_getBalance", [.address(address), block], about: address.checksummed).quantity()
  }

  func nonce(of address: Address, at block: JSONValue) throws(RPCClientError) -> UInt64 {
    try node.ask("eth_getTransactionCount", [.address(address), block], about: address.checksummed).number()
  }

  func code(at address: Address) throws -> [UInt8] {
    try node.ask("eth_getCode", [.address(address), Self.latest], about: address.checksummed).data()
  }

  func storage(of address: Address, slot: UInt256) throws -> UInt256 {
    // Not all nodes take a slot for a quantity, and not all of them pad what they answer.
    let answer = try node.ask(
      "eth_getStorageAt", [.address(address), .word(slot), Self.latest],
      about: "slot \(EthereumForm.quantity(slot)) of \(address.checksummed)")
    return try answer.quantity()
  }

  func receipt(of hash: Hash) throws -> ContractReceipt? {
    let subject = Self.subject(hash)
    let transaction = try node.ask("eth_getTransactionByHash", [.hex(hash.bytes)], about: subject)
    let answer = try node.ask("eth_getTransactionReceipt", [.hex(hash.bytes)], about: subject)
    if answer.isNull {
      if transaction.isNull { return nil }
      throw ContractError.waits(hash, url: node.url)
    }
    return try ContractReceipt(answer, gasLimit: try transaction.member("gas").number())
  }

  static func subject(_ hash: Hash) -> String { "transaction \(EthereumForm.hash(hash))" }

  // MARK: In the block that comes next

  func call(_ message: ContractMessage, _ overrides: EmulationOverrides) throws -> ContractExecution {
    try call(Self.json(message, overrides), about: Self.subject(message), overrides)
  }

  /// Executes a call, of which output and failure are told.
  func call(
    _ call: JSONValue, about subject: String, _ overrides: EmulationOverrides = EmulationOverrides()
  ) throws(RPCClientError) -> ContractExecution {
    var parameters = [call, Self.pending]
    let (state, block) = (overrides.stateJSON, overrides.blockJSON)
    if state != nil || block != nil { parameters.append(state ?? .members([])) }
    if let block { parameters.append(block) }
    do throws(RPCClientError) {
      return ContractExecution(output: try node.ask("eth_call", parameters, about: subject).data())
    } catch {
      guard let execution = ContractExecution(error) else { throw error }
      return execution
    }
  }

  static func subject(_ message: ContractMessage) -> String {
    "a call of " + (message.target?.checksummed ?? "initcode")
  }

  /// A block's base fee counts only where a price is named.
  static func json(_ message: ContractMessage, _ overrides: EmulationOverrides) -> JSONValue {
    let price = message.price ?? overrides.block.baseFeePerGas
    return .members([
      ("from", .address(message.sender)), ("to", message.target.map { .address($0) }),
      ("input", message.data.isEmpty ? nil : .hex(message.data)),
      ("value", message.value.isZero ? nil : .quantity(message.value)),
      ("gas", message.gasLimit.map { .quantity($0) }), ("gasPrice", price.map { .quantity($0) }),
    ])
  }

  /// - Parameters:
  ///   - gas: `nil`: all that the node gives.
  ///   - hasPrices: whether it is to pay for its gas.
  static func json(
    _ transaction: EthereumTransaction, from sender: Address, gas: UInt64?, hasPrices: Bool = true
  ) -> JSONValue {
    let hasTip = transaction.kind.rawValue >= EthereumTransaction.Kind.dynamicFee.rawValue
    let price: JSONValue? = hasPrices ? .quantity(transaction.maxFeePerGas) : nil
    let list = transaction.accessList.map { entry in
      JSONValue.members([
        ("address", .address(entry.address)),
        ("storageKeys", .array(entry.storageKeys.map { .hex($0.bytes) })),
      ])
    }
    let authorizations = transaction.authorizations.map { authorization in
      JSONValue.members([
        ("chainId", .quantity(authorization.chainID)), ("address", .address(authorization.address)),
        ("nonce", .quantity(authorization.nonce)),
        ("yParity", .quantity(UInt64(authorization.signature.yParity))),
        ("r", .quantity(authorization.signature.r)), ("s", .quantity(authorization.signature.s)),
      ])
    }
    return .members([
      ("from", .address(sender)), ("to", transaction.to.map { .address($0) }),
      ("input", transaction.data.isEmpty ? nil : .hex(transaction.data)),
      ("value", .quantity(transaction.value)),
      ("nonce", .quantity(transaction.nonce)), ("gas", gas.map { .quantity($0) }),
      ("gasPrice", hasTip ? nil : price), ("maxFeePerGas", hasTip ? price : nil),
      (
        "maxPriorityFeePerGas",
        hasTip && hasPrices ? .quantity(transaction.maxPriorityFeePerGas) : nil
      ),
      ("accessList", list.isEmpty ? nil : .array(list)),
      ("authorizationList", authorizations.isEmpty ? nil : .array(authorizations)),
      (
        "maxFeePerBlobGas",
        transaction.blobVersionedHashes.isEmpty ? nil : .quantity(transaction.maxFeePerBlobGas)
      ),
      (
        "blobVersionedHashes",
        transaction.blobVersionedHashes.isEmpty
          ? nil : .array(transaction.blobVersionedHashes.map { .hex($0.bytes) })
      ),
    ])
  }

  func accesses(
    of subject: ContractAccess.Subject, _ overrides: EmulationOverrides
  ) throws -> ContractAccess.Use {
    guard overrides.blockJSON == nil else {
      throw ContractError.notAsked(
        option: "--block", url: node.url,
        detail: "eth_createAccessList knows no block overrides, give --ledger")
    }
    let (call, sender, target, name): (JSONValue, Address, Address?, String)
    switch subject {
    case .signed(let signed):
      (sender, target) = (try signed.recoverSender(fork: .latest), signed.to)
      (call, name) = (Self.json(signed, from: sender, gas: signed.gasLimit), Self.subject(signed.hash))
    case .call(let message):
      (sender, target, name) = (message.sender, message.target, Self.subject(message))
      call = Self.json(message, overrides)
    }
    var execution = try self.call(call, about: name, overrides)
    let parameters = [call, Self.pending] + (overrides.stateJSON.map { [$0] } ?? [])
    do throws(RPCClientError) {
      let answer = try node.ask("estuary_createAccessSet", parameters, about: name)
      execution.gasUsed = try answer.member("gasUsed").number()
      return ContractAccess.Use(
        of: execution, from: sender, to: target, set: try Self.set(answer.member("access")))
    } catch {
      guard case .refused(let code, _, _) = error.reason, Self.unknownMethodCodes.contains(code) else {
        throw error
      }
      Terminal.note(
        "\(node.url) has no estuary_createAccessSet: the list of EIP-2930 alone, and no binding set")
    }
    let answer = try node.ask("eth_createAccessList", parameters, about: name)
    execution.gasUsed = try answer.member("gasUsed").number()
    return ContractAccess.Use(of: execution, list: try Self.list(answer.member("accessList")))
  }

  /// Of JSON-RPC, and what some nodes answer in its place.
  private static let unknownMethodCodes: Set<Int64> = [-32601, -32004]

  private static func set(_ answer: EthereumNode.Answer) throws(RPCClientError) -> AccessSet {
    do throws(AccessSetError) { return try AccessSet(answer.value) } catch {
      throw answer.unexpected("an access set (\(error))")
    }
  }

  private static func list(_ answer: EthereumNode.Answer) throws(RPCClientError) -> [AccessListEntry] {
    var list: [AccessListEntry] = []
    for entry in try answer.elements() {
      var keys: [Hash] = []
      for key in try entry.member("storageKeys").elements() { keys.append(try key.hash()) }
      list.append(AccessListEntry(address: try entry.member("address").address(), storageKeys: keys))
    }
    return list
  }
}

extension ContractExecution {
  /// The execution that a node's error tells of; `nil` where the error is about something else.
  init?(_ error: RPCClientError) {
    guard case .refused(let code, let message, let data) = error.reason else { return nil }
    // Most nodes have the output as the error's data, some a member of them.
    if let output = data.flatMap({ $0.ethereumData ?? $0["data"]?.ethereumData ?? $0["result"]?.ethereumData }
    ) {
      self.init(failure: Failure(.revert), output: output)
    } else if let halt = code == 3 ? .revert : EVMHalt(gethText: message) {
      self.init(failure: Failure(halt))
    } else {
      return nil
    }
  }
}
