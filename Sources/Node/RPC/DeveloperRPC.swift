// What somebody who develops programs asks of a node of their own: traces, profiles, what could have run side by side, other
// slots and times, accounts that are set, exported and imported. Under `estuary_`, and where Surfpool has a method of the same
// meaning (https://docs.surfpool.run, its cheatcodes) under its name and in its form as well.

import Estuary
import Execution
import Ledger
import Primitives
import Runtime

struct DeveloperRPC: Sendable {
  let solana: SolanaRPC

  var producer: Producer { solana.producer }

  typealias Method = @Sendable (DeveloperRPC, Parameters) async throws(RPCError) -> [UInt8]

  static let methods: [String: Method] = {
    var methods = mainMethods.merging(surfpoolMethods) { first, _ in first }
    for (surfpool, own) in [
      "surfnet_timeTravel": "estuary_timeTravel", "surfnet_profileTransaction": "estuary_profileTransaction",
      "surfnet_setTokenAccount": "estuary_setTokenAccount",
      "surfnet_setProgramAuthority": "estuary_setProgramAuthority",
      "surfnet_cloneProgramAccount": "estuary_cloneProgramAccount",
      "surfnet_exportSnapshot": "estuary_exportAccounts",
    ] { methods[surfpool] = mainMethods[own] }
    return methods
  }()

  private static let mainMethods: [String: Method] = [
    "estuary_traceTransaction": { (rpc, parameters) throws(RPCError) in try await rpc.trace(parameters) },
    "estuary_profileTransaction": { (rpc, parameters) throws(RPCError) in try await rpc.profile(parameters) },
    "estuary_blockParallelism": { (rpc, parameters) throws(RPCError) in try rpc.parallelism(parameters) },
    "estuary_timeTravel": { (rpc, parameters) throws(RPCError) in
      try await rpc.travel(parameters)
      return SolanaRPC.epochInfo(rpc.producer.head)
    },
    "surfnet_setAccount": { (rpc, parameters) throws(RPCError) in
      let key = try parameters.pubkey(0)
      let account = try AccountUpdate.account(
        try parameters.options(1), over: try rpc.solana.account(key), decode: { Hex.decode($0) })
      return try await rpc.set([(key, account)])
    },
    "estuary_setTokenAccount": { (rpc, parameters) throws(RPCError) in
      try await rpc.setTokenAccount(parameters)
    },
    "estuary_setProgramAuthority": { (rpc, parameters) throws(RPCError) in
      try await rpc.setAuthority(parameters)
    },
    "estuary_cloneProgramAccount": { (rpc, parameters) throws(RPCError) in
      try await rpc.cloneProgram(parameters)
    },
    "estuary_exportAccounts": { (rpc, parameters) throws(RPCError) in try await rpc.export(parameters) },
    "estuary_importAccounts": { (rpc, parameters) throws(RPCError) in try await rpc.importAccounts(parameters)
    },
  ]

  // MARK: Small parts

  func control<Value: Sendable>(
    _ body: @escaping @Sendable (Producer) throws(ControlError) -> Value
  ) async throws(RPCError) -> Value {
    do throws(ControlError) { return try await producer.control(body) } catch {
      throw RPCError(-32000, error.description)
    }
  }

  /// Sets accounts; `nil`: there is none any more.
  func set(_ accounts: [(key: Pubkey, account: Account?)]) async throws(RPCError) -> [UInt8] {
    try producer.expectSettable(accounts.map(\.key))
    try await control { (node) throws(ControlError) in try node.override(solana: accounts) }
    return SolanaRPC.answer(at: producer.head.slot) { $0.null() }
  }

  // MARK: Time

  private func travel(_ parameters: Parameters) async throws(RPCError) {
    let options = try parameters.options(0)
    guard options.object.members.count <= 1 else {
      throw .invalidParameters(
        "Invalid params: one of `absoluteEpoch`, `absoluteSlot`, `absoluteTimestamp` is expected.")
    }
    if let epoch = try options.integer("absoluteEpoch") {
      try await control { (node) throws(ControlError) in try node.warp(toEpoch: epoch) }
    } else if let slot = try options.integer("absoluteSlot") {
      try await control { (node) throws(ControlError) in try node.warp(to: slot) }
    } else if let milliseconds = try options.integer("absoluteTimestamp") {
      try await control { (node) throws(ControlError) in try node.warp(toTime: milliseconds / 1000) }
    } else if options.object.members.isEmpty {
      // As Surfpool: on to the next epoch.
      let epoch = producer.head.clock.epoch + 1
      try await control { (node) throws(ControlError) in try node.warp(toEpoch: epoch) }
    } else {
      throw .invalidParameters(
        "Invalid params: one of `absoluteEpoch`, `absoluteSlot`, `absoluteTimestamp` is expected.")
    }
  }

  // MARK: Traces

  private func trace(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let signature = try Parameters.signature(parameters.string(0))
    let wantsText = try parameters.options(1).bool("text") ?? false
    let report = try await control { (node) throws(ControlError) -> [UInt8]? in
      let trace = InstructionTrace()
      let retraced: RetracedTransaction?
      do throws(ChainError) { retraced = try node.chain.retrace(signature, observer: trace) } catch {
        throw ControlError(error.description)
      }
      guard let retraced else { return nil }
      let report = TraceReport(retraced, trace)
      if !wantsText { return SolanaRPC.answer { report.write(to: &$0) } }
      return SolanaRPC.answer { writer in writer.object { $0.member("text", report.text) } }
    }
    return report ?? SolanaRPC.answer { $0.null() }
  }

  // MARK: What could have run side by side

  /// The waves in which a block's transactions could have run, each after those before it in the block that write what it
  /// uses or use what it writes; and the compute units of the longest chain of such transactions.
  private func parallelism(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let slot =
      try parameters.optional(0).map { (value) throws(RPCError) in try Parameters.integer(value) }
      ?? producer.head.slot
    let history = producer.history
    let stored = try solana.stored { () throws(StoreError) -> [StoredTransaction]? in
      try history.height(ofSlot: slot).map { (height) throws(StoreError) in try history.transactions(height) }
    }
    guard let stored else { throw .blockNotAvailable(slot: slot) }
    struct Use {
      var wave = 0
      var units: UInt64 = 0
    }
    var (writes, reads): ([Pubkey: Use], [Pubkey: Use]) = ([:], [:])
    var waves: [[String]] = []
    var (longest, total): (UInt64, UInt64) = (0, 0)
    for one in stored {
      guard let transaction = try? Transaction.decode(one.wire) else { continue }
      let message = transaction.message
      let positions = Set(message.writablePositions)
      let loaded = one.details.loadedAddresses
      let keys =
        message.staticKeys.enumerated().map { (key: $1, isWritten: positions.contains($0)) }
        + loaded.writable.map { ($0, true) } + loaded.readonly.map { ($0, false) }
      var before = Use()
      for (key, isWritten) in keys {
        for use in [writes[key], isWritten ? reads[key] : nil] {
          guard let use else { continue }
          before.wave = max(before.wave, use.wave)
          before.units = max(before.units, use.units)
        }
      }
      let own = Use(wave: before.wave + 1, units: before.units + max(one.computeUnits, 1))
      for (key, isWritten) in keys {
        if isWritten {
          writes[key] = own
          reads[key] = nil
        } else {
          let known = reads[key] ?? Use()
          reads[key] = Use(wave: max(known.wave, own.wave), units: max(known.units, own.units))
        }
      }
      if waves.count < own.wave { waves.append([]) }
      waves[own.wave - 1].append(transaction.firstSignature?.description ?? "")
      longest = max(longest, own.units)
      total += max(one.computeUnits, 1)
    }
    return SolanaRPC.answer { writer in
      writer.object { writer in
        writer.member("slot", slot)
        writer.member("transactions", stored.count)
        writer.member("computeUnits", total)
        writer.member("longestChainComputeUnits", longest)
        writer.key("waves")
        writer.array { writer in
          for wave in waves { writer.array { writer in for signature in wave { writer.value(signature) } } }
        }
      }
    }
  }
}
