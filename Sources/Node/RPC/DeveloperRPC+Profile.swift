// What a transaction would cost, instruction by instruction and function by function, in the form of Surfpool's
// surfnet_profileTransaction, whose value has one member more: `functions`.
//
// An instruction's share is what the transaction with it does beyond the transaction that ends before it, so that accounts
// are seen as each instruction left them.

import Estuary
import Execution
import Ledger
import Primitives
import Runtime

extension DeveloperRPC {
  /// What a run of the first instructions of a transaction came to.
  private struct Step: Sendable {
    var simulation: Producer.Simulation
    /// Accounts that it changed.
    var changes: [Pubkey: Account?]
  }

  private struct Profile: Sendable {
    /// Of one instruction, two, and so on; all of them last.
    var steps: [Step] = []
    var functions = ExecutionProfile()
    /// As they are before.
    var accounts: [Pubkey: Account] = [:]
    var loaded = LoadedAddresses()
  }

  private enum Depth: String, CaseIterable { case transaction, instruction }

  func profile(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let transaction = try TransactionText.transaction(
      parameters, Options(object: JSONObject(members: [.init(name: "encoding", value: .string("base64"))])))
    _ = try parameters.optional(1).map { (value) throws(RPCError) in try Parameters.string(value) }
    let options = try parameters.options(2)
    let depth = try options.choice("depth", Depth.self) ?? .instruction
    let form = AccountForm(try options.choice("encoding", AccountEncoding.self) ?? .jsonParsed)
    let message = transaction.message
    let loaded = try solana.sanitize(transaction, producer.head)
    let counts =
      depth == .instruction ? Array(1...max(1, message.instructionCount)) : [max(1, message.instructionCount)]
    let wires = counts.map { $0 == message.instructionCount ? transaction.bytes : transaction.first($0) }
    let keys = message.staticKeys + loaded.writable + loaded.readonly
    let outcome = try await control { (node) throws(ControlError) -> Profile in
      var profile = Profile(loaded: loaded)
      do throws(ChainError) {
        for key in keys { profile.accounts[key] = try node.chain.account(key) }
        for wire in wires {
          let simulation = try node.runSimulation(wire, verifiesSignatures: false)
          var changes: [Pubkey: Account?] = [:]
          for change in simulation.changes { changes[change.key] = .some(change.new) }
          profile.steps.append(Step(simulation: simulation, changes: changes))
          if simulation.result.error != nil { break }
        }
        let profiler = ProgramProfiler()
        try node.chain.tryOut(transaction.bytes, observer: profiler)
        profile.functions = profiler.profile
      } catch { throw ControlError(error.description) }
      return profile
    }
    return try write(outcome, transaction, keys, depth, form)
  }

  private func write(
    _ profile: Profile, _ transaction: Transaction, _ keys: [Pubkey], _ depth: Depth, _ form: AccountForm
  ) throws(RPCError) -> [UInt8] {
    let message = transaction.message
    let written = Set(message.writablePositions.map { message.staticKey(at: $0) } + profile.loaded.writable)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("slot", producer.head.slot)
    writer.member("key", transaction.firstSignature?.description ?? "")
    if depth == .instruction {
      writer.key("instructionProfiles")
      writer.beginArray()
      var before: Step?
      for step in profile.steps {
        try write(step, since: before, profile, keys, written, form, to: &writer)
        before = step
      }
      writer.endArray()
    }
    writer.key("transactionProfile")
    if let last = profile.steps.last {
      try write(last, since: nil, profile, keys, written, form, to: &writer)
    } else {
      writer.null()
    }
    writer.key("readonlyAccountStates")
    writer.beginObject()
    for key in keys where !written.contains(key) {
      guard let account = profile.accounts[key] else { continue }
      writer.key(key.description)
      try solana.write(account, at: key, as: form, to: &writer)
    }
    writer.endObject()
    writer.key("functions")
    profile.functions.write(to: &writer)
    writer.endObject()
    return SolanaRPC.answer(at: producer.head.slot, value: writer.bytes)
  }

  private func write(
    _ step: Step, since before: Step?, _ profile: Profile, _ keys: [Pubkey], _ written: Set<Pubkey>,
    _ form: AccountForm, to writer: inout JSONWriter
  ) throws(RPCError) {
    let result = step.simulation.result
    writer.beginObject()
    writer.key("accountStates")
    writer.beginObject()
    for key in keys {
      writer.key(key.description)
      writer.beginObject()
      writer.member("type", written.contains(key) ? "writable" : "readonly")
      if written.contains(key) {
        let old = before?.changes[key] ?? profile.accounts[key]
        let new = step.changes[key] ?? profile.accounts[key]
        writer.key("accountChange")
        try write(old, new, at: key, as: form, to: &writer)
      }
      writer.endObject()
    }
    writer.endObject()
    let unitsBefore = before?.simulation.result.computeUnits ?? 0
    writer.member("computeUnitsConsumed", result.computeUnits - min(result.computeUnits, unitsBefore))
    writer.key("logMessages")
    // Those of the whole: in a part of it the lines about units name the limit of fewer instructions.
    let lines = profile.steps.last?.simulation.result.logLines ?? []
    let linesBefore = before?.simulation.result.logLines.count ?? 0
    writer.array { writer in
      for line in lines.prefix(result.logLines.count).dropFirst(linesBefore) { writer.value(line) }
    }
    writer.key("errorMessage")
    if let error = result.error { writer.value(error.sentence) } else { writer.null() }
    writer.endObject()
  }

  private func write(
    _ old: Account?, _ new: Account?, at key: Pubkey, as form: AccountForm, to writer: inout JSONWriter
  ) throws(RPCError) {
    writer.beginObject()
    switch (old, new) {
    case (let old?, let new?) where old != new:
      writer.member("type", "update")
      writer.key("data")
      writer.beginArray()
      try solana.write(old, at: key, as: form, to: &writer)
      try solana.write(new, at: key, as: form, to: &writer)
      writer.endArray()
    case (nil, let new?):
      writer.member("type", "create")
      writer.key("data")
      try solana.write(new, at: key, as: form, to: &writer)
    case (let old?, nil):
      writer.member("type", "delete")
      writer.key("data")
      try solana.write(old, at: key, as: form, to: &writer)
    case (let old?, _):
      writer.member("type", "unchanged")
      writer.key("data")
      try solana.write(old, at: key, as: form, to: &writer)
    case (nil, nil):
      writer.member("type", "unchanged")
      writer.memberNull("data")
    }
    writer.endObject()
  }
}

extension Transaction {
  /// The bytes of the transaction with its first instructions alone; the signatures are the whole one's.
  fileprivate func first(_ count: Int) -> [UInt8] {
    let start = message.blockhashOffset + 32
    var writer = ByteWriter(capacity: bytes.count)
    var rest = ByteWriter(capacity: bytes.count)
    writer.write(Array(bytes[..<start]))
    writer.writeCompactU16(UInt16(clamping: count))
    rest.writeCompactU16(UInt16(clamping: message.instructionCount))
    for (index, instruction) in message.instructions.enumerated() {
      var one = ByteWriter(capacity: 64)
      let (accounts, data) = (message.accountIndices(of: instruction), message.data(of: instruction))
      one.write(instruction.programIndex)
      one.writeCompactU16(UInt16(clamping: accounts.count))
      one.write(Array(accounts))
      one.writeCompactU16(UInt16(clamping: data.count))
      one.write(Array(data))
      rest.write(one.bytes)
      if index < count { writer.write(one.bytes) }
    }
    // What a v0 message has behind its instructions.
    return writer.bytes + bytes[(start + rest.bytes.count)...]
  }
}
