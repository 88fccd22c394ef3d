// What development chains offer beside Ethereum's own methods: evm_*, and the methods of Hardhat and Anvil, which mostly have
// the same names behind other prefixes (https://hardhat.org/hardhat-network/docs/reference,
// https://getfoundry.sh/anvil/reference). Solana's half has the same under estuary_*.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  private typealias P = EthereumParameters

  /// Under their names, and under `anvil_` and `hardhat_` where these have them.
  static let controlMethods: [String: Method] = {
    var all = mainMethods
    for (name, method) in sharedMethods {
      all["anvil_" + name] = method
      all["hardhat_" + name] = method
    }
    for (name, method) in aliases { all[name] = all[method] }
    return all
  }()

  private static let aliases = [
    "anvil_snapshot": "evm_snapshot", "anvil_revert": "evm_revert", "anvil_increaseTime": "evm_increaseTime",
    "anvil_setNextBlockTimestamp": "evm_setNextBlockTimestamp", "anvil_setTime": "evm_setTime",
    "anvil_setAutomine": "evm_setAutomine", "anvil_getAutomine": "hardhat_getAutomine",
    "hardhat_setIntervalMining": "evm_setIntervalMining", "evm_setAccountNonce": "hardhat_setNonce",
    "evm_setAccountBalance": "hardhat_setBalance", "evm_setAccountCode": "hardhat_setCode",
    "evm_setAccountStorageAt": "hardhat_setStorageAt", "evm_setBlockGasLimit": "anvil_setBlockGasLimit",
    "estuary_snapshot": "evm_snapshot", "estuary_revert": "evm_revert", "estuary_reset": "hardhat_reset",
  ]

  private static let mainMethods: [String: Method] = [
    "evm_snapshot": { (rpc, parameters) async throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer(try await rpc.control { (node) throws(ControlError) in try node.snapshot() })
    },
    "evm_revert": { (rpc, parameters) async throws(RPCError) in
      let id = try parameters.value(0, number)
      try parameters.expect(atMost: 1)
      let isDone = try await rpc.control { (node) throws(ControlError) in try node.revert(to: id) }
      return answer { $0.value(isDone) }
    },
    "evm_mine": { (rpc, parameters) async throws(RPCError) in
      let (count, timestamp) = try parameters.optional(0, minedBlocks) ?? (1, nil)
      try parameters.expect(atMost: 1)
      try await rpc.control { (node) throws(ControlError) in try node.mine(count, timestamp: timestamp) }
      return answer { $0.value("0x0") }
    },
    "evm_increaseTime": { (rpc, parameters) async throws(RPCError) in
      let seconds = try parameters.value(0, signedNumber)
      try parameters.expect(atMost: 1)
      let offset = try await rpc.control { (node) throws(ControlError) in try node.increaseTime(by: seconds) }
      return answer { $0.value(offset) }
    },
    "evm_setNextBlockTimestamp": { (rpc, parameters) async throws(RPCError) in
      let time = try parameters.value(0, number)
      try parameters.expect(atMost: 1)
      try await rpc.control { (node) throws(ControlError) in try node.setNextTimestamp(time) }
      return null
    },
    "evm_setTime": { (rpc, parameters) async throws(RPCError) in
      let time = try parameters.value(0, number)
      try parameters.expect(atMost: 1)
      // Some clients give milliseconds.
      let seconds = time >= 100_000_000_000 ? time / 1000 : time
      let offset = try await rpc.control { (node) throws(ControlError) in try node.setTime(seconds) }
      return answer { $0.value(offset) }
    },
    "evm_setAutomine": { (rpc, parameters) async throws(RPCError) in
      let isOn = try parameters.bool(0)
      try parameters.expect(atMost: 1)
      try await rpc.control { (node) throws(ControlError) in node.setMining(instant: isOn) }
      return answer { $0.value(true) }
    },
    "hardhat_getAutomine": { (rpc, parameters) async throws(RPCError) in
      try parameters.expect(atMost: 0)
      let isOn = try await rpc.control { (node) throws(ControlError) in node.isInstant }
      return answer { $0.value(isOn) }
    },
    "evm_setIntervalMining": { (rpc, parameters) async throws(RPCError) in
      try await rpc.setInterval(parameters, unitMilliseconds: 1)
    },
    "anvil_setIntervalMining": { (rpc, parameters) async throws(RPCError) in
      try await rpc.setInterval(parameters, unitMilliseconds: 1000)
    },
    "anvil_getIntervalMining": { (rpc, parameters) async throws(RPCError) in
      try parameters.expect(atMost: 0)
      let milliseconds = try await rpc.control { (node) throws(ControlError) in node.slotMilliseconds }
      return answer { writer in
        // Whole seconds; 0 would be no interval.
        if let milliseconds { writer.value((milliseconds + 999) / 1000) } else { writer.null() }
      }
    },
    "anvil_setBlockTimestampInterval": { (rpc, parameters) async throws(RPCError) in
      let seconds = try parameters.value(0, number)
      try parameters.expect(atMost: 1)
      try await rpc.control { (node) throws(ControlError) in try node.setTimestampInterval(seconds) }
      return null
    },
    "anvil_removeBlockTimestampInterval": { (rpc, parameters) async throws(RPCError) in
      try parameters.expect(atMost: 0)
      try await rpc.control { (node) throws(ControlError) in try node.setTimestampInterval(nil) }
      return answer { $0.value(true) }
    },
    "anvil_setBlockGasLimit": { (rpc, parameters) async throws(RPCError) in
      let limit = try parameters.value(0, number)
      try parameters.expect(atMost: 1)
      guard (5000...UInt64(Int64.max)).contains(limit) else {
        throw .invalidParameters("a block needs 5,000 gas or more")
      }
      try await rpc.control { (node) throws(ControlError) in
        try node.changeNextBlock { (next) throws(ControlError) in next.gasLimit = limit }
      }
      return answer { $0.value(true) }
    },
    "anvil_dropAllTransactions": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      rpc.producer.dropAll()
      return null
    },
    "anvil_autoImpersonateAccount": { (rpc, parameters) throws(RPCError) in
      let isOn = try parameters.bool(0)
      try parameters.expect(atMost: 1)
      rpc.producer.impersonateAll(isOn)
      return null
    },
    "anvil_nodeInfo": { (rpc, parameters) async throws(RPCError) in
      try parameters.expect(atMost: 0)
      return try await rpc.nodeInfo()
    },
    "estuary_setAccount": { (rpc, parameters) async throws(RPCError) in
      try await rpc.setSolanaAccount(parameters)
    },
    "estuary_warpToSlot": { (rpc, parameters) async throws(RPCError) in
      let slot = try parameters.value(0, number)
      try parameters.expect(atMost: 1)
      try await rpc.control { (node) throws(ControlError) in try node.warp(to: slot) }
      return answer { $0.value(rpc.producer.head.slot) }
    },
  ]

  private static let sharedMethods: [String: Method] = [
    "mine": { (rpc, parameters) async throws(RPCError) in
      let count = try parameters.optional(0, number) ?? 1
      let interval = try parameters.optional(1, number)
      try parameters.expect(atMost: 2)
      try await rpc.control { (node) throws(ControlError) in try node.mine(count, interval: interval) }
      return null
    },
    "reset": { (rpc, parameters) async throws(RPCError) in
      if let options = parameters.optional(0), options["forking"] != nil {
        throw .invalidParameters("the node forks no other chain")
      }
      try await rpc.control { (node) throws(ControlError) in try node.resetToStart() }
      return answer { $0.value(true) }
    },
    "setBalance": { (rpc, parameters) async throws(RPCError) in
      let (address, balance) = (try parameters.address(0), try parameters.value(1, bigNumber))
      try parameters.expect(atMost: 2)
      var override = AccountOverride()
      override.balance = balance
      return try await rpc.override(address, override)
    },
    "setNonce": { (rpc, parameters) async throws(RPCError) in
      let (address, nonce) = (try parameters.address(0), try parameters.value(1, number))
      try parameters.expect(atMost: 2)
      guard nonce < .max else { throw .invalidParameters("a nonce is below 2^64 - 1") }
      var override = AccountOverride()
      override.nonce = nonce
      return try await rpc.override(address, override)
    },
    "setCode": { (rpc, parameters) async throws(RPCError) in
      let (address, code) = (try parameters.address(0), try parameters.data(1))
      try parameters.expect(atMost: 2)
      var override = AccountOverride()
      override.code = code
      return try await rpc.override(address, override)
    },
    "setStorageAt": { (rpc, parameters) async throws(RPCError) in
      let address = try parameters.address(0)
      let (slot, value) = (try parameters.value(1, bigNumber), try parameters.value(2, bigNumber))
      try parameters.expect(atMost: 3)
      var override = AccountOverride()
      override.slots = [slot: value]
      return try await rpc.override(address, override)
    },
    "impersonateAccount": { (rpc, parameters) throws(RPCError) in
      let address = try parameters.address(0)
      try parameters.expect(atMost: 1)
      do throws(ControlError) { try rpc.producer.impersonate(address) } catch {
        throw .ethereum(error.description)
      }
      return answer { $0.value(true) }
    },
    "stopImpersonatingAccount": { (rpc, parameters) throws(RPCError) in
      let address = try parameters.address(0)
      try parameters.expect(atMost: 1)
      rpc.producer.stopImpersonating(address)
      return answer { $0.value(true) }
    },
    "dropTransaction": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      let hasWaited = rpc.producer.drop(hash)
      return answer { $0.value(hasWaited) }
    },
    "setNextBlockBaseFeePerGas": { (rpc, parameters) async throws(RPCError) in
      let fee = try parameters.value(0, bigNumber)
      try parameters.expect(atMost: 1)
      return try await rpc.next { $0.baseFeePerGas = fee }
    },
    "setCoinbase": { (rpc, parameters) async throws(RPCError) in
      let address = try parameters.address(0)
      try parameters.expect(atMost: 1)
      return try await rpc.next { $0.coinbase = address }
    },
    "setPrevRandao": { (rpc, parameters) async throws(RPCError) in
      let value = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      return try await rpc.next { $0.prevRandao = value }
    },
    "setMinGasPrice": { (rpc, parameters) throws(RPCError) in
      let price = try parameters.value(0, bigNumber)
      try parameters.expect(atMost: 1)
      rpc.producer.setLeastTip(price)
      return answer { $0.value(true) }
    },
    "metadata": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      let head = try rpc.head()
      return answer { writer in
        writer.object { writer in
          writer.member("clientVersion", clientVersion)
          writer.member("chainId", rpc.ledger.chainID)
          writer.member("instanceId", EthereumForm.hash(rpc.producer.head.genesisHash))
          writer.member("latestBlockNumber", head.header.number)
          writer.hash("latestBlockHash", head.hash)
        }
      }
    },
    "dumpState": { (rpc, parameters) async throws(RPCError) in
      try parameters.expect(atMost: 1)
      let accounts = try await rpc.control { (node) throws(ControlError) in try node.dumpEthereum() }
      return answer(data: StateDump.write(accounts))
    },
    "loadState": { (rpc, parameters) async throws(RPCError) in
      let bytes = try parameters.data(0)
      try parameters.expect(atMost: 1)
      let accounts: [Address: AccountOverride]
      do throws(EthereumFormError) { accounts = try StateDump.read(bytes) } catch {
        throw .invalidParameters(error.text)
      }
      try await rpc.control { (node) throws(ControlError) in try node.override(ethereum: accounts) }
      return answer { $0.value(true) }
    },
  ]

  // MARK: Doing

  private func control<Value: Sendable>(
    _ body: @escaping @Sendable (Producer) throws(ControlError) -> Value
  ) async throws(RPCError) -> Value {
    do throws(ControlError) { return try await producer.control(body) } catch {
      throw .ethereum(error.description)
    }
  }

  private func override(_ address: Address, _ override: AccountOverride) async throws(RPCError) -> [UInt8] {
    try await control { (node) throws(ControlError) in try node.override(ethereum: [address: override]) }
    return Self.answer { $0.value(true) }
  }

  /// Has blocks made on a clock, or no more where the interval is 0. Anvil counts in seconds, others in milliseconds.
  private func setInterval(
    _ parameters: EthereumParameters, unitMilliseconds: UInt64
  ) async throws(RPCError) -> [UInt8] {
    let interval = try parameters.value(0, Self.number)
    try parameters.expect(atMost: 1)
    guard interval <= 3_600_000 / unitMilliseconds else {
      throw .invalidParameters("an interval is at most an hour")
    }
    let milliseconds = Int(interval * unitMilliseconds)
    try await control { (node) throws(ControlError) in
      node.setMining(milliseconds: .some(milliseconds == 0 ? nil : milliseconds))
    }
    return Self.answer { $0.value(true) }
  }

  private func next(_ body: @escaping @Sendable (inout NextEthereumBlock) -> Void) async throws(RPCError)
    -> [UInt8]
  {
    try await control { (node) throws(ControlError) in
      try node.changeNextBlock { (next) throws(ControlError) in body(&next) }
    }
    return Self.answer { $0.value(true) }
  }

  /// As Anvil tells of itself.
  private func nodeInfo() async throws(RPCError) -> [UInt8] {
    let isInstant = try await control { (node) throws(ControlError) in node.isInstant }
    let head = try head()
    guard let next = producer.head.nextEthereum else { throw .ethereum("the ledger has no Ethereum side") }
    return Self.answer { writer in
      writer.object { writer in
        writer.quantity("currentBlockNumber", head.header.number)
        writer.member("currentBlockTimestamp", head.header.timestamp)
        writer.hash("currentBlockHash", head.hash)
        writer.member("hardFork", next.fork.name)
        writer.member("transactionOrder", "fees")
        writer.member("miningMode", isInstant ? "auto" : "interval")
        writer.key("environment")
        writer.object { writer in
          writer.quantity("baseFee", next.baseFeePerGas)
          writer.member("chainId", ledger.chainID)
          writer.quantity("gasLimit", next.gasLimit)
          writer.quantity("gasPrice", next.baseFeePerGas.addingSaturated(1_000_000_000))
        }
        writer.key("forkConfig")
        writer.object { writer in
          for name in ["forkUrl", "forkBlockNumber", "forkRetryBackoff"] { writer.memberNull(name) }
        }
      }
    }
  }

  /// Sets an account of Solana's: `[key, {"lamports"?, "data"?, "owner"?, "executable"?, "rentEpoch"?}]`, data in hex; what is
  /// left out stays. No lamports take the account away.
  private func setSolanaAccount(_ parameters: EthereumParameters) async throws(RPCError) -> [UInt8] {
    let key = try Parameters.pubkey(try parameters.value(0, EthereumForm.string))
    let fields = try parameters.value(1) { value throws(EthereumFormError) in
      EthereumFields(try EthereumForm.object(value, "Account"), "Account")
    }
    try parameters.expect(atMost: 2)
    func field<Value>(
      _ name: String, _ read: (JSONValue) throws(EthereumFormError) -> Value
    ) throws(RPCError) -> Value? {
      do throws(EthereumFormError) { return try fields.optional(name, read) } catch {
        throw .invalidParameters(error.text)
      }
    }
    let known = try stored { () throws(StoreError) in try producer.store.account(key) }
    var account = known ?? Account(lamports: 0, owner: ProgramID.system)
    account.lamports = try field("lamports", Self.number) ?? account.lamports
    if let text = try field("data", EthereumForm.string) {
      guard let data = Hex.decode(text), data.count <= Self.accountByteLimit else {
        throw .invalidParameters("data is hex of at most \(Self.accountByteLimit) bytes")
      }
      account.data = data
    }
    if let owner = try field("owner", EthereumForm.string) { account.owner = try Parameters.pubkey(owner) }
    account.executable = try field("executable", EthereumForm.bool) ?? account.executable
    account.rentEpoch = try field("rentEpoch", Self.number) ?? account.rentEpoch
    let changed = account.lamports == 0 ? nil : account
    try producer.expectSettable([key])
    try await control { (node) throws(ControlError) in try node.override(solana: [(key, changed)]) }
    return Self.null
  }

  /// Of an account; the runtime's own limit.
  private static let accountByteLimit = 10 << 20

  // MARK: Numbers

  /// These methods take numbers as they are, decimal text and hex.
  static func number(_ value: JSONValue) throws(EthereumFormError) -> UInt64 {
    if let number = value.uint64 { return number }
    guard let text = value.string else { throw .kind(value, "uint64") }
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      guard let number = UInt64(text.dropFirst(2), radix: 16) else {
        throw EthereumFormError("invalid number '\(text.prefix(80))'")
      }
      return number
    }
    guard let number = UInt64(text) else { throw EthereumFormError("invalid number '\(text.prefix(80))'") }
    return number
  }

  private static func signedNumber(_ value: JSONValue) throws(EthereumFormError) -> Int64 {
    if let number = value.int64 { return number }
    if let text = value.string, let number = Int64(text) { return number }
    guard let number = Int64(exactly: try number(value)) else {
      throw EthereumFormError("number out of range")
    }
    return number
  }

  private static func bigNumber(_ value: JSONValue) throws(EthereumFormError) -> UInt256 {
    if let text = value.string, text.hasPrefix("0x") || text.hasPrefix("0X") {
      let digits = text.dropFirst(2)
      guard digits.utf8.count <= 64, let number = UInt256(hex: digits.isEmpty ? "0" : String(digits)) else {
        throw EthereumFormError("invalid number '\(text.prefix(80))'")
      }
      return number
    }
    return UInt256(try number(value))
  }

  /// A timestamp, or Anvil's `{"timestamp", "blocks"}`.
  private static func minedBlocks(_ value: JSONValue) throws(EthereumFormError) -> (
    count: UInt64, timestamp: UInt64?
  ) {
    guard let object = value.object else { return (1, try number(value)) }
    func member(_ name: String) throws(EthereumFormError) -> UInt64? {
      guard let value = object[name], !value.isNull else { return nil }
      return try number(value)
    }
    return (try member("blocks") ?? 1, try member("timestamp"))
  }
}

/// Ethereum's accounts in the members of Anvil's dumps, not compressed.
enum StateDump {
  static func write(_ accounts: [EthereumGenesis.Account]) -> [UInt8] {
    EthereumRPC.answer { writer in
      writer.object { writer in
        writer.key("accounts")
        writer.object { writer in
          for account in accounts {
            writer.key(account.address.description)
            writer.object { writer in
              writer.member("nonce", account.nonce)
              writer.quantity("balance", account.balance)
              writer.data("code", account.code)
              writer.key("storage")
              writer.object { writer in
                for slot in account.storage {
                  writer.member(EthereumForm.word(slot.key), EthereumForm.word(slot.value))
                }
              }
            }
          }
        }
      }
    }
  }

  static func read(_ bytes: [UInt8]) throws(EthereumFormError) -> [Address: AccountOverride] {
    guard let value = try? JSONValue.parse(bytes), let accounts = value["accounts"]?.object else {
      throw EthereumFormError(
        "a state is JSON with a member \"accounts\", as dumpState gives it, and not compressed")
    }
    var overrides: [Address: AccountOverride] = [:]
    for member in accounts.members {
      let fields = EthereumFields(try EthereumForm.object(member.value, "Account"), "Account")
      var override = AccountOverride()
      override.nonce = try fields.optional("nonce", EthereumRPC.number)
      override.balance = try fields.optional("balance", EthereumForm.big)
      override.code = try fields.optional("code", EthereumForm.data)
      for slot in fields.object["storage"]?.object?.members ?? [] {
        override.slots[UInt256(try EthereumForm.hash(.string(slot.name)))] = UInt256(
          try EthereumForm.hash(slot.value))
      }
      overrides[try EthereumForm.address(.string(member.name))] = override
    }
    return overrides
  }
}
