// The transaction of a call, and what it sees in place of the chain's: geth's TransactionArgs, StateOverride and
// BlockOverrides (go-ethereum's internal/ethapi/transaction_args.go and override), with its words for what is wrong.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct EthereumCallArguments: Sendable {
  var from: Address?
  var to: Address?
  var gas: UInt64?
  var gasPrice: UInt256?
  var maxFeePerGas: UInt256?
  var maxPriorityFeePerGas: UInt256?
  var value: UInt256?
  var nonce: UInt64?
  var data: [UInt8]?
  var input: [UInt8]?
  var accessList: [AccessListEntry]?
  var chainID: UInt256?
  var maxFeePerBlobGas: UInt256?
  var blobVersionedHashes: [Hash]?
  var authorizations: [Authorization]?

  init() {}

  init(_ value: JSONValue) throws(EthereumFormError) {
    let fields = EthereumFields(try EthereumForm.object(value, "ethapi.TransactionArgs"), "TransactionArgs")
    from = try fields.optional("from", EthereumForm.address)
    to = try fields.optional("to", EthereumForm.address)
    gas = try fields.optional("gas", EthereumForm.quantity)
    gasPrice = try fields.optional("gasPrice", EthereumForm.big)
    maxFeePerGas = try fields.optional("maxFeePerGas", EthereumForm.big)
    maxPriorityFeePerGas = try fields.optional("maxPriorityFeePerGas", EthereumForm.big)
    self.value = try fields.optional("value", EthereumForm.big)
    nonce = try fields.optional("nonce", EthereumForm.quantity)
    data = try fields.optional("data", EthereumForm.data)
    input = try fields.optional("input", EthereumForm.data)
    accessList = try fields.list("accessList", Self.accessListEntry)
    chainID = try fields.optional("chainId", EthereumForm.big)
    maxFeePerBlobGas = try fields.optional("maxFeePerBlobGas", EthereumForm.big)
    blobVersionedHashes = try fields.list("blobVersionedHashes", EthereumForm.hash)
    authorizations = try fields.list("authorizationList", Self.authorization)
  }

  private static func accessListEntry(_ value: JSONValue) throws(EthereumFormError) -> AccessListEntry {
    let fields = EthereumFields(try EthereumForm.object(value, "types.AccessTuple"), "AccessTuple")
    return AccessListEntry(
      address: try fields.optional("address", EthereumForm.address) ?? .zero,
      storageKeys: try fields.list("storageKeys", EthereumForm.hash) ?? [])
  }

  private static func authorization(_ value: JSONValue) throws(EthereumFormError) -> Authorization {
    let name = "SetCodeAuthorization"
    let fields = EthereumFields(try EthereumForm.object(value, "types.\(name)"), name)
    func required<Value>(
      _ key: String, _ read: (JSONValue) throws(EthereumFormError) -> Value
    ) throws(EthereumFormError) -> Value {
      guard let value = try fields.optional(key, read) else {
        throw EthereumFormError("missing required field '\(key)' for \(name)")
      }
      return value
    }
    let parity = try required("yParity", EthereumForm.quantity)
    return Authorization(
      chainID: try required("chainId", EthereumForm.big),
      address: try required("address", EthereumForm.address),
      nonce: try required("nonce", EthereumForm.quantity),
      signature: EthereumSignature(
        yParity: UInt8(truncatingIfNeeded: min(parity, 255)), r: try required("r", EthereumForm.big),
        s: try required("s", EthereumForm.big)))
  }

  var sender: Address { from ?? .zero }
  var calldata: [UInt8] { input ?? data ?? [] }

  /// Whether it names a price of gas.
  var hasPrice: Bool {
    [gasPrice, maxFeePerGas, maxPriorityFeePerGas].contains { $0.map { !$0.isZero } ?? false }
  }

  /// Whether it pays nothing for blobs: one that has none sees what they cost.
  var hasFreeBlobs: Bool {
    maxFeePerBlobGas.map(\.isZero) ?? (blobVersionedHashes != nil)
  }

  /// The transaction that a call executes, without a signature.
  ///
  /// - Parameters:
  ///   - gasCap: the most gas that it may have, and what it has where it asks for none.
  ///   - nonce: where it names none.
  func transaction(in fork: Fork, chainID: UInt64, gasCap: UInt64, nonce next: UInt64 = 0) throws(RPCError)
    -> EthereumTransaction
  {
    if gasPrice != nil, maxFeePerGas != nil || maxPriorityFeePerGas != nil {
      throw .ethereum("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    }
    if fork < .london, maxFeePerGas != nil || maxPriorityFeePerGas != nil {
      throw .ethereum("maxFeePerGas and maxPriorityFeePerGas are not valid before London is active")
    }
    if let wanted = self.chainID, wanted != UInt256(chainID) {
      throw .ethereum("chainId does not match node's (have=\(wanted.decimal), want=\(chainID))")
    }
    var transaction = EthereumTransaction(
      kind: .legacy, chainID: nil, nonce: nonce ?? next, maxPriorityFeePerGas: .zero, maxFeePerGas: .zero,
      gasLimit: min(gas ?? gasCap, gasCap), to: to, value: value ?? .zero, data: calldata)
    transaction.maxFeePerGas = gasPrice ?? maxFeePerGas ?? .zero
    transaction.maxPriorityFeePerGas = gasPrice ?? maxPriorityFeePerGas ?? .zero
    if fork >= .london, gasPrice == nil { transaction.kind = .dynamicFee }
    // Of a kind that the fork does not know, it is refused when it is run.
    if let accessList {
      if transaction.kind == .legacy { transaction.kind = .accessList }
      transaction.accessList = accessList
    }
    if blobVersionedHashes != nil || maxFeePerBlobGas != nil && fork < .cancun {
      transaction.kind = .blob
      transaction.blobVersionedHashes = blobVersionedHashes ?? []
      transaction.maxFeePerBlobGas = maxFeePerBlobGas ?? .zero
    }
    if let authorizations {
      transaction.kind = .setCode
      transaction.authorizations = authorizations
    }
    if transaction.kind != .legacy { transaction.chainID = chainID }
    return transaction
  }
}

/// The members of an object of a request. What is wrong with one names it, as Go's decoder does.
struct EthereumFields {
  let object: JSONObject
  private let name: String

  init(_ object: JSONObject, _ name: String) { (self.object, self.name) = (object, name) }

  /// Names are told apart by their letters' case only where that is needed, as by Go's decoder.
  private func member(_ key: String) -> JSONValue? {
    object[key] ?? object.members.first { $0.name.lowercased() == key.lowercased() }?.value
  }

  func optional<Value>(
    _ key: String, _ read: (JSONValue) throws(EthereumFormError) -> Value
  ) throws(EthereumFormError) -> Value? {
    guard let value = member(key), !value.isNull else { return nil }
    do throws(EthereumFormError) { return try read(value) } catch { throw error.inField("\(name).\(key)") }
  }

  func list<Value>(
    _ key: String, _ read: (JSONValue) throws(EthereumFormError) -> Value
  ) throws(EthereumFormError) -> [Value]? {
    try optional(key) { value throws(EthereumFormError) in
      guard let list = value.array else { throw EthereumFormError.kind(value, "[]\(key)") }
      var values: [Value] = []
      for element in list { values.append(try read(element)) }
      return values
    }
  }
}

extension EthereumFormError {
  fileprivate func inField(_ field: String) -> EthereumFormError {
    let parts = text.split(separator: "into Go value of type ", maxSplits: 1)
    guard parts.count == 2, text.hasPrefix("json: cannot unmarshal") else { return self }
    return EthereumFormError("\(parts[0])into Go struct field \(field) of type \(parts[1])")
  }
}

// MARK: Overrides

extension EthereumForm {
  /// How many accounts and slots of them a request may override.
  private static let overrideLimit = 100_000

  static func stateOverrides(_ value: JSONValue) throws(EthereumFormError) -> [Address: AccountOverride] {
    var overrides: [Address: AccountOverride] = [:]
    var count = 0
    for member in try object(value, "override.StateOverride").members {
      let address = try address(.string(member.name))
      let override = try accountOverride(member.value, of: address)
      count += 1 + override.slots.count
      if count > overrideLimit { throw EthereumFormError("more than \(overrideLimit) overrides") }
      overrides[address] = override
    }
    return overrides
  }

  private static func accountOverride(
    _ value: JSONValue, of address: Address
  ) throws(EthereumFormError) -> AccountOverride {
    let fields = EthereumFields(try object(value, "override.OverrideAccount"), "OverrideAccount")
    var override = AccountOverride()
    override.nonce = try fields.optional("nonce", quantity)
    override.code = try fields.optional("code", data)
    override.balance = try fields.optional("balance", big)
    let state = try fields.optional("state", slots)
    let difference = try fields.optional("stateDiff", slots)
    if state != nil, difference != nil {
      throw EthereumFormError("account \(address.checksummed) has both 'state' and 'stateDiff'")
    }
    override.replacesStorage = state != nil
    override.slots = state ?? difference ?? [:]
    override.movedPrecompile = try fields.optional("movePrecompileToAddress", Self.address)
    return override
  }

  private static func slots(_ value: JSONValue) throws(EthereumFormError) -> [UInt256: UInt256] {
    var slots: [UInt256: UInt256] = [:]
    for member in try object(value, "map[common.Hash]common.Hash").members {
      slots[UInt256(try hash(.string(member.name)))] = UInt256(try hash(member.value))
    }
    return slots
  }

  static func blockOverrides(_ value: JSONValue) throws(EthereumFormError) -> BlockOverrides {
    let fields = EthereumFields(try object(value, "override.BlockOverrides"), "BlockOverrides")
    var overrides = BlockOverrides()
    overrides.number = try fields.optional("number", big).map(\.saturatedUInt64)
    overrides.timestamp = try fields.optional("time", quantity)
    overrides.gasLimit = try fields.optional("gasLimit", quantity)
    overrides.coinbase = try fields.optional("feeRecipient", Self.address)
    overrides.prevRandao = try fields.optional("prevRandao", hash)
    overrides.baseFeePerGas = try fields.optional("baseFeePerGas", big)
    overrides.difficulty = try fields.optional("difficulty", big)
    overrides.blobBaseFee = try fields.optional("blobBaseFee", big)
    return overrides
  }
}
