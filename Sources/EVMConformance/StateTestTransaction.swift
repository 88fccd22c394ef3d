// The transaction of a state test: signed bytes, or what a file without `txbytes` tells of it: the fields, lists that the
// case's indexes choose from, and the sender or the sender's key. The type follows from which fields there are.

import EVM
import Primitives
import WideIntegers

package enum StateTestTransaction: Sendable {
  case encoded([UInt8])
  case built(EthereumTransaction, sender: Address)
  /// It cannot be written down; the name of the exception.
  case inexpressible(String)
}

/// The `transaction` of a test.
struct StateTestTemplate {
  private let fields: Node?

  init(_ fields: Node?) { self.fields = fields }

  var isThere: Bool { fields != nil }

  /// The transaction of the case with `indexes`.
  func transaction(_ indexes: Node) throws(StateTestError) -> StateTestTransaction {
    guard let fields else { throw StateTestError(path: indexes.path, problem: "choose from no transaction") }
    let data = try fields["data"].element(try indexes["data"].index())
    let gasLimit = try fields["gasLimit"].element(try indexes["gas"].index())
    let value = try fields["value"].element(try indexes["value"].index())
    // Values that no transaction can hold, marked as such by the tests' filler.
    if let text = value.value.string, text.contains("bigint") { return .inexpressible("RLP_INVALID_VALUE") }
    let to = try fields.optional("to")?.text() ?? ""
    let price = fields.optional("gasPrice")
    let maximum = fields.optional("maxFeePerGas") ?? price
    let tip = fields.optional("maxPriorityFeePerGas") ?? maximum
    let kind = kind(of: fields, dataIndex: try indexes["data"].index())
    var transaction = EthereumTransaction(
      kind: kind, chainID: kind == .legacy ? nil : 1, nonce: try fields["nonce"].integer(),
      maxPriorityFeePerGas: try tip?.number() ?? .zero, maxFeePerGas: try maximum?.number() ?? .zero,
      gasLimit: try gasLimit.number().saturatedUInt64,
      to: to.isEmpty || to == "0x" ? nil : try fields["to"].address(), value: try value.number(),
      data: try data.bytes())
    if let lists = fields.optional("accessLists") {
      transaction.accessList = try accessList(try lists.element(try indexes["data"].index()))
    }
    if let hashes = fields.optional("blobVersionedHashes") {
      for hash in try hashes.elements() { transaction.blobVersionedHashes.append(try hash.hash()) }
    }
    transaction.maxFeePerBlobGas = try fields.number("maxFeePerBlobGas")
    if let list = fields.optional("authorizationList") {
      for entry in try list.elements() { transaction.authorizations.append(try authorization(entry)) }
    }
    return .built(transaction, sender: try sender(fields))
  }

  private func kind(of fields: Node, dataIndex: UInt64) -> EthereumTransaction.Kind {
    if fields.optional("authorizationList") != nil { return .setCode }
    if fields.optional("blobVersionedHashes") != nil || fields.optional("maxFeePerBlobGas") != nil {
      return .blob
    }
    if fields.optional("maxFeePerGas") != nil || fields.optional("maxPriorityFeePerGas") != nil {
      return .dynamicFee
    }
    guard let lists = fields.optional("accessLists")?.value.array, dataIndex < UInt64(lists.count),
      !lists[Int(dataIndex)].isNull
    else { return .legacy }
    return .accessList
  }

  private func accessList(_ list: Node) throws(StateTestError) -> [AccessListEntry] {
    if list.value.isNull { return [] }
    var entries: [AccessListEntry] = []
    for entry in try list.elements() {
      var keys: [Hash] = []
      for key in try entry.optional("storageKeys")?.elements() ?? [] { keys.append(Hash(try key.number())) }
      entries.append(AccessListEntry(address: try entry["address"].address(), storageKeys: keys))
    }
    return entries
  }

  private func authorization(_ entry: Node) throws(StateTestError) -> Authorization {
    let parity = entry.optional("yParity") ?? entry.optional("v")
    // What does not fit is no valid authorization, which execution passes over.
    return Authorization(
      chainID: try entry["chainId"].number(), address: try entry["address"].address(),
      nonce: try entry["nonce"].number().saturatedUInt64,
      signature: EthereumSignature(
        yParity: UInt8(clamping: try parity?.number().saturatedUInt64 ?? 0), r: try entry["r"].number(),
        s: try entry["s"].number()))
  }

  private func sender(_ fields: Node) throws(StateTestError) -> Address {
    if let sender = fields.optional("sender") { return try sender.address() }
    guard let key = fields.optional("secretKey") else {
      throw StateTestError(
        path: "\(fields.path)/secretKey", problem: "is missing, and so is 'sender': one says who sends")
    }
    guard let point = Secp256k1.publicKey(of: try key.bytes()) else {
      throw StateTestError(path: key.path, problem: "is no secret key of secp256k1")
    }
    return Address(Keccak256.hash(point))
  }
}
