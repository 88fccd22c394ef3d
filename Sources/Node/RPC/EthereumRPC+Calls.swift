// Executions that nobody keeps: eth_call, eth_estimateGas, eth_createAccessList
// (https://github.com/ethereum/execution-apis, src/eth/execute.yaml). They run on threads of their own, on the state of the
// block that was asked for.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  /// The most gas that a call may have, as geth's default; endless code is through with it in a fraction of a second.
  static let callGasCap: UInt64 = 50_000_000

  static let callMethods: [String: Method] = [
    "eth_call": { (rpc, parameters) async throws(RPCError) in
      let call = try rpc.call(parameters)
      return try await rpc.working { () throws(RPCError) in answer(data: try rpc.output(of: call)) }
    },
    "eth_estimateGas": { (rpc, parameters) async throws(RPCError) in
      let call = try rpc.call(parameters)
      return try await rpc.working { () throws(RPCError) in answer(try rpc.estimate(call)) }
    },
    "eth_createAccessList": { (rpc, parameters) async throws(RPCError) in
      let call = try rpc.call(parameters, hasBlockOverrides: false)
      return try await rpc.working { () throws(RPCError) in try rpc.accessList(of: call) }
    },
  ]

  struct Call: Sendable {
    var arguments: EthereumCallArguments
    var place: EthereumLedger.CallPlace
    var overrides: EmulationOverrides
  }

  /// Call, block, state overrides and block overrides.
  func call(_ parameters: EthereumParameters, hasBlockOverrides: Bool = true) throws(RPCError) -> Call {
    let arguments = try parameters.value(0) { value throws(EthereumFormError) in
      try EthereumCallArguments(value)
    }
    let reference = try parameters.blockOrLatest(1)
    var overrides = EmulationOverrides()
    overrides.accounts = try parameters.optional(2, EthereumForm.stateOverrides) ?? [:]
    if hasBlockOverrides {
      try Self.checkBlockOverrides(parameters.optional(3))
      overrides.block = try parameters.optional(3, EthereumForm.blockOverrides) ?? BlockOverrides()
    }
    try parameters.expect(atMost: hasBlockOverrides ? 4 : 3)
    return Call(arguments: arguments, place: try callPlace(try place(reference)), overrides: overrides)
  }

  /// What a call sees at a block: the block itself and the state after it, or the block that would come next.
  func callPlace(_ place: EthereumPlace) throws(RPCError) -> EthereumLedger.CallPlace {
    guard let head = place.pending else {
      return EthereumLedger.CallPlace(
        ledger.environment(of: place.block), height: place.height, isBegun: true)
    }
    return EthereumLedger.CallPlace(
      try Self.nextBlock(after: head).environment, height: place.height, isBegun: false)
  }

  /// An emulator and the transaction to run on it. A call that names no price pays nothing, and sees no price of the block's.
  func prepare(
    _ call: Call, tracer: EVMTracer? = nil
  ) throws(RPCError) -> (emulator: Emulator, transaction: EthereumTransaction) {
    var overrides = call.overrides
    let arguments = call.arguments
    let transaction = try arguments.transaction(
      in: call.place.environment.fork, chainID: ledger.chainID, gasCap: Self.callGasCap)
    if !arguments.hasPrice { overrides.block.baseFeePerGas = .zero }
    if arguments.hasFreeBlobs { overrides.block.blobBaseFee = .zero }
    try Self.check(overrides.accounts, in: call.place.environment.fork)
    do throws(ChainError) {
      return (try ledger.emulator(call.place, overrides: overrides, tracer: tracer), transaction)
    } catch { throw RPCError(error) }
  }

  /// Refuses what only a whole block has.
  static func checkBlockOverrides(_ overrides: JSONValue?) throws(RPCError) {
    for name in ["beaconRoot", "withdrawals"] {
      guard let value = overrides?[name], !value.isNull else { continue }
      throw .ethereum("block override \"\(name)\" is not supported for this RPC method")
    }
  }

  /// Refuses precompiles that cannot move.
  static func check(_ overrides: [Address: AccountOverride], in fork: Fork) throws(RPCError) {
    for (address, override) in overrides.sorted(by: { $0.key < $1.key }) {
      guard let target = override.movedPrecompile else { continue }
      if !Precompile.isActive(address, fork: fork) {
        throw .ethereum("account \(address.checksummed) is not a precompile")
      }
      if overrides[target] != nil {
        throw .ethereum("account \(target.checksummed) is already overridden")
      }
    }
  }

  /// Runs a call.
  func run(
    _ transaction: EthereumTransaction, from sender: Address, on emulator: Emulator
  ) throws(RPCError) -> Emulation {
    do throws(EmulationError) {
      return try emulator.run(transaction, from: sender, checks: .call)
    } catch {
      throw RPCError(error, transaction, from: sender)
    }
  }

  private func output(of call: Call) throws(RPCError) -> [UInt8] {
    let (emulator, transaction) = try prepare(call)
    let receipt = try run(transaction, from: call.arguments.sender, on: emulator).receipt
    if let halt = receipt.halt { throw RPCError(halt, receipt.output) }
    return receipt.output
  }

  private func estimate(_ call: Call) throws(RPCError) -> UInt64 {
    var (emulator, transaction) = try prepare(call)
    let sender = call.arguments.sender
    // The least is 21,000: a smaller limit is none.
    var most = call.arguments.gas.flatMap { $0 >= 21_000 ? $0 : nil } ?? emulator.block.gasLimit
    if emulator.block.fork >= .osaka { most = min(most, TransactionLimits.gas) }
    most = min(most, Self.callGasCap)
    transaction.gasLimit = most
    let search: Emulator.GasSearch
    do throws(EmulationError) {
      search = try emulator.smallestGasLimit(transaction, from: sender, checks: .call, atMost: most)
    } catch {
      switch error {
      case .refused(.intrinsicGasTooLow(let limit, _)), .refused(.gasBelowFloor(let limit, _)):
        // Where a price is named, gas takes what the value leaves.
        let balance = (try? emulator.account(sender))?.balance ?? .zero
        if !transaction.maxFeePerGas.isZero && transaction.value >= balance {
          throw .ethereum("insufficient funds for transfer")
        }
        throw .ethereum("gas required exceeds allowance (\(limit))")
      case .refused(let reason):
        throw .ethereum("failed with \(most) gas: \(reason.gethText(transaction, from: sender))")
      default: throw RPCError(error, transaction, from: sender)
      }
    }
    switch search {
    case .found(let gasLimit, _): return gasLimit
    case .fails(let gasLimit, let emulation):
      guard let halt = emulation.receipt.halt, halt != .outOfGas else {
        throw .ethereum("gas required exceeds allowance (\(gasLimit))")
      }
      throw RPCError(halt, emulation.receipt.output)
    }
  }

  /// Every list makes other slots warm, so code that looks at its gas may use others: it is run again with the list until
  /// that stays.
  private func accessList(of call: Call) throws(RPCError) -> [UInt8] {
    let sender = call.arguments.sender
    var list = call.arguments.accessList ?? []
    for _ in 0..<Self.accessListRounds {
      var call = call
      call.arguments.accessList = list
      let (emulator, transaction) = try prepare(call)
      let emulation: Emulation
      do throws(EmulationError) {
        emulation = try emulator.run(transaction, from: sender, checks: .call)
      } catch {
        guard case .refused(let reason) = error else { throw RPCError(error, transaction, from: sender) }
        throw .ethereum(
          "failed to apply transaction: \(EthereumForm.hash(transaction.unsignedHash)) err: "
            + reason.gethText(transaction, from: sender))
      }
      let excluded = try Self.listedNever(transaction, from: sender, on: emulator)
      let found = Self.accessList(
        emulation.accesses, beginningWith: call.arguments.accessList ?? [], without: excluded,
        fork: emulator.block.fork, coinbase: emulator.block.coinbase)
      if found == list {
        return Self.answer { writer in
          writer.object { writer in
            writer.key("accessList")
            EthereumForm.write(found, to: &writer)
            if let halt = emulation.receipt.halt { writer.member("error", halt.gethText) }
            writer.quantity("gasUsed", emulation.receipt.gasUsed)
          }
        }
      }
      list = found
    }
    throw .ethereum("the access list does not settle: the code uses other slots each time")
  }

  private static let accessListRounds = 16

  /// Sender, target and whoever authorizes are warm in any case, as geth has it; a new contract is even where its creation
  /// fails.
  private static func listedNever(
    _ transaction: EthereumTransaction, from sender: Address, on emulator: Emulator
  ) throws(RPCError) -> Set<Address> {
    var excluded: Set<Address> = [sender]
    if let target = transaction.to {
      excluded.insert(target)
    } else {
      do throws(EmulationError) {
        excluded.insert(.created(by: sender, nonce: try emulator.account(sender)?.nonce ?? 0))
      } catch { throw RPCError(error, transaction, from: sender) }
    }
    for authorization in transaction.authorizations
    where authorization.nonce < .max
      && (authorization.chainID.isZero || authorization.chainID == UInt256(emulator.block.chainID))
    {
      if let authority = try? authorization.recoverAuthority() { excluded.insert(authority) }
    }
    return excluded
  }

  /// Accounts that are warm without being listed are in it only for their slots.
  private static func accessList(
    _ accesses: EVMAccesses, beginningWith given: [AccessListEntry], without excluded: Set<Address>,
    fork: Fork, coinbase: Address
  ) -> [AccessListEntry] {
    var slots: [Address: Set<UInt256>] = [:]
    var addresses: Set<Address> = []
    for account in accesses.accounts
    where !excluded.contains(account.address) && !Precompile.isActive(account.address, fork: fork) {
      addresses.insert(account.address)
    }
    for slot in accesses.slots {
      addresses.insert(slot.address)
      slots[slot.address, default: []].insert(slot.slot)
    }
    for entry in given {
      if !excluded.contains(entry.address) && !Precompile.isActive(entry.address, fork: fork) {
        addresses.insert(entry.address)
      }
      if !entry.storageKeys.isEmpty { addresses.insert(entry.address) }
      slots[entry.address, default: []].formUnion(entry.storageKeys.map { UInt256($0) })
    }
    return addresses.sorted().map { address in
      AccessListEntry(
        address: address, storageKeys: (slots[address] ?? []).sorted().map { Hash($0) })
    }
  }
}

extension RPCError {
  /// What a call is answered with that ended with `halt`.
  init(_ halt: EVMHalt, _ output: [UInt8]) {
    self = halt == .revert ? .reverted(output) : .ethereum(halt.gethText)
  }

  init(_ error: EmulationError, _ transaction: EthereumTransaction, from sender: Address) {
    switch error {
    case .refused(let reason):
      self = .ethereum(
        "err: \(reason.gethText(transaction, from: sender)) (supplied gas \(transaction.gasLimit))")
    case .gasAboveCap(let limit, let cap): self = .ethereum("gas limit \(limit) is above the cap, \(cap)")
    case .state(let error): self = RPCError(error)
    }
  }
}
