// One of Ethereum's nodes, of whatever make: questions, and answers whose form is checked where they are read. Errors name the
// node, the method and what was asked about.

import EVM
import Estuary
import Primitives
import RPCClient
import WideIntegers

struct EthereumNode {
  let client: RPCClient

  var url: String { client.address.description }

  /// - Parameter subject: what the question is about, for errors.
  func ask(
    _ method: String, _ parameters: [JSONValue] = [], about subject: String? = nil
  ) throws(RPCClientError) -> Answer {
    do throws(RPCClientError) {
      return Answer(
        value: try client.call(method, parameters), node: client.address, method: method, subject: subject)
    } catch {
      var error = error
      error.subject = subject
      throw error
    }
  }

  /// An answer, or a part of one.
  struct Answer {
    let value: JSONValue
    fileprivate let node: NodeAddress
    fileprivate let method: String
    fileprivate let subject: String?
    /// Where it stands in the whole answer.
    fileprivate var path = ""

    var isNull: Bool { value.isNull }

    /// `nil` where it is missing or null.
    func optional(_ name: String) -> Answer? {
      guard let value = value[name], !value.isNull else { return nil }
      return part(value, name)
    }

    func member(_ name: String) throws(RPCClientError) -> Answer {
      guard let part = optional(name) else { throw unexpected(name) }
      return part
    }

    func elements() throws(RPCClientError) -> [Answer] {
      guard let array = value.array else { throw unexpected("a list") }
      return array.enumerated().map { part($0.element, "[\($0.offset)]") }
    }

    private func part(_ value: JSONValue, _ name: String) -> Answer {
      Answer(value: value, node: node, method: method, subject: subject, path: path + "." + name)
    }

    func unexpected(_ what: String) -> RPCClientError {
      let place = path.isEmpty ? "" : " at " + path.dropFirst()
      return RPCClientError(node, method, .unexpected(what + place), subject: subject)
    }

    // MARK: Values

    private func read<Value>(_ value: Value?, _ what: String) throws(RPCClientError) -> Value {
      guard let value else { throw unexpected(what) }
      return value
    }

    func quantity() throws(RPCClientError) -> UInt256 { try read(value.ethereumQuantity, "a quantity") }
    func number() throws(RPCClientError) -> UInt64 { try read(value.ethereumNumber, "a quantity below 2^64") }
    func data() throws(RPCClientError) -> [UInt8] { try read(value.ethereumData, "bytes in hexadecimal") }
    func hash() throws(RPCClientError) -> Hash { try read(value.ethereumHash, "a hash") }
    func address() throws(RPCClientError) -> Address { try read(value.ethereumAddress, "an address") }

    func logs() throws(RPCClientError) -> [EVMLog] {
      var logs: [EVMLog] = []
      for element in try elements() { logs.append(try element.read(element.value.ethereumLog, "a log")) }
      return logs
    }
  }
}

/// What is asked with.
extension JSONValue {
  static func quantity(_ number: UInt256) -> JSONValue { .string(EthereumForm.quantity(number)) }
  static func quantity(_ number: UInt64) -> JSONValue { .string(EthereumForm.quantity(number)) }
  static func hex(_ bytes: [UInt8]) -> JSONValue { .string(EthereumForm.data(bytes)) }
  static func word(_ number: UInt256) -> JSONValue { .string(EthereumForm.word(number)) }
  static func address(_ address: Address) -> JSONValue { .string(address.description) }

  /// Members that are `nil` are left out.
  static func members(_ members: [(String, JSONValue?)]) -> JSONValue {
    .object(
      JSONObject(
        members: members.compactMap { name, value in value.map { JSONObject.Member(name: name, value: $0) } })
    )
  }
}

extension EmulationOverrides {
  /// geth's state override set; `nil` where no account is overridden.
  var stateJSON: JSONValue? {
    if accounts.isEmpty { return nil }
    return .members(
      accounts.sorted { $0.key < $1.key }.map { address, override in
        let slots: JSONValue? =
          override.slots.isEmpty && !override.replacesStorage
          ? nil
          : .members(
            override.slots.sorted { $0.key < $1.key }.map { (EthereumForm.word($0.key), .word($0.value)) })
        return (
          address.description,
          .members([
            ("balance", override.balance.map { .quantity($0) }),
            ("nonce", override.nonce.map { .quantity($0) }),
            ("code", override.code.map { .hex($0) }),
            (override.replacesStorage ? "state" : "stateDiff", slots),
          ])
        )
      })
  }

  /// geth's block overrides; `nil` where nothing of the block is.
  var blockJSON: JSONValue? {
    if block == BlockOverrides() { return nil }
    return .members([
      ("number", block.number.map { .quantity($0) }), ("time", block.timestamp.map { .quantity($0) }),
      ("gasLimit", block.gasLimit.map { .quantity($0) }),
      ("feeRecipient", block.coinbase.map { .address($0) }),
      ("prevRandao", block.prevRandao.map { .hex($0.bytes) }),
      ("baseFeePerGas", block.baseFeePerGas.map { .quantity($0) }),
    ])
  }
}
