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

/// What a transaction would do, or did.
struct TransactionProfile: Sendable {
  /// What a run of the first instructions came to.
  struct Step: Sendable {
    var result: TransactionResult
    /// Accounts that it changed.
    var changes: [Pubkey: Account?] = [:]
  }

  /// A name of its own (a UUID), or the transaction's signature where it has been executed.
  var key: String
  var tag: String?
  var slot: UInt64
  var transaction: Transaction
  var loaded: LoadedAddresses
  /// Of one instruction, two, and so on; all of them last. Of the whole alone where it is not known by instruction.
  var steps: [Step] = []
  var isByInstruction = false
  /// `nil`: not asked for.
  var functions: ExecutionProfile?
  /// As they are before.
  var accounts: [Pubkey: Account] = [:]

  var keys: [Pubkey] { transaction.message.staticKeys + loaded.writable + loaded.readonly }

  var byteCount: Int {
    let changed = steps.reduce(0) { sum, step in
      sum + step.changes.values.reduce(0) { $0 + ($1?.data.count ?? 0) + 128 }
        + step.result.logLines.reduce(0) { $0 + $1.utf8.count }
    }
    return changed + accounts.values.reduce(transaction.bytes.count) { $0 + $1.data.count + 128 }
  }

  /// Random, of version 4 (RFC 9562).
  static func newKey() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = Hex.encode(bytes)
    var parts: [Substring] = []
    var rest = digits[...]
    for count in [8, 4, 4, 4, 12] {
      parts.append(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return parts.joined(separator: "-")
  }

  /// Whether `text` has a UUID's form.
  static func isKey(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.map(\.utf8.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
  }
}

extension DeveloperRPC {
  typealias Step = TransactionProfile.Step

  fileprivate enum Depth: String, CaseIterable { case transaction, instruction }

  /// How a profile is written.
  struct ProfileForm {
    fileprivate let depth: Depth
    fileprivate let accounts: AccountForm

    init(_ options: Options) throws(RPCError) {
      depth = try options.choice("depth", Depth.self) ?? .instruction
      accounts = AccountForm(try options.choice("encoding", AccountEncoding.self) ?? .jsonParsed)
    }
  }

  func profile(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let transaction = try TransactionText.transaction(
      parameters, Options(object: JSONObject(members: [.init(name: "encoding", value: .string("base64"))])))
    let tag = try parameters.optional(1).map { (value) throws(RPCError) in try Parameters.string(value) }
    let form = try ProfileForm(parameters.options(2))
    let message = transaction.message
    let loaded = try solana.sanitize(transaction, producer.head)
    let isByInstruction = form.depth == .instruction
    let counts =
      isByInstruction ? Array(1...max(1, message.instructionCount)) : [max(1, message.instructionCount)]
    let wires = counts.map { $0 == message.instructionCount ? transaction.bytes : transaction.first($0) }
    let profile = try await control { (node) throws(ControlError) -> TransactionProfile in
      var profile = TransactionProfile(
        key: TransactionProfile.newKey(), tag: tag, slot: node.chain.slot, transaction: transaction,
        loaded: loaded,
        isByInstruction: isByInstruction)
      do throws(ChainError) {
        for key in profile.keys { profile.accounts[key] = try node.chain.account(key) }
        for wire in wires {
          let simulation = try node.runSimulation(wire, verifiesSignatures: false)
          var step = Step(result: simulation.result)
          for change in simulation.changes { step.changes[change.key] = .some(change.new) }
          profile.steps.append(step)
          if simulation.result.error != nil { break }
        }
        let profiler = ProgramProfiler()
        try node.chain.tryOut(transaction.bytes, observer: profiler)
        profile.functions = profiler.profile
      } catch { throw ControlError(error.description) }
      return profile
    }
    solana.notes.keep(profile)
    let value = try write(profile, form)
    return SolanaRPC.answer(at: profile.slot, value: value)
  }

  /// Those that were taken under a tag.
  func profiles(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let tag = try parameters.string(0)
    let form = try ProfileForm(parameters.options(1))
    guard let profiles = solana.notes.profiles(tagged: tag) else {
      return SolanaRPC.answer(at: producer.head.slot) { $0.null() }
    }
    var values: [[UInt8]] = []
    for profile in profiles { values.append(try write(profile, form)) }
    return SolanaRPC.answer(at: producer.head.slot) { writer in
      writer.array { writer in for value in values { writer.value(rawJSON: value) } }
    }
  }

  /// The one of a name, or that of a transaction of the last 1,024 blocks, which is executed again.
  func transactionProfile(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let key = try parameters.string(0)
    let form = try ProfileForm(parameters.options(1))
    let profile: TransactionProfile?
    if TransactionProfile.isKey(key) {
      profile = solana.notes.profile(key.lowercased())
    } else if let signature = Signature(base58: key) {
      profile = try await executedProfile(signature)
    } else {
      throw .invalidParameters("Invalid params: expected a Uuid or a valid Solana Signature.")
    }
    guard let profile else { return SolanaRPC.answer(at: producer.head.slot) { $0.null() } }
    return SolanaRPC.answer(at: profile.slot, value: try write(profile, form))
  }

  private func executedProfile(_ signature: Signature) async throws(RPCError) -> TransactionProfile? {
    let history = producer.history
    let stored = try solana.stored { () throws(StoreError) in
      try history.place(of: signature).flatMap { (place) throws(StoreError) in
        try history.transaction(at: place)
      }
    }
    guard let stored else { return nil }
    return try await control { (node) throws(ControlError) -> TransactionProfile? in
      do throws(ChainError) {
        let profiler = ProgramProfiler()
        guard let retraced = try node.chain.retrace(signature, observer: profiler) else { return nil }
        var step = Step(result: retraced.result)
        for change in retraced.changes { step.changes[change.key] = .some(change.new) }
        var profile = TransactionProfile(
          key: signature.description, slot: retraced.record.slot, transaction: retraced.transaction,
          loaded: stored.details.loadedAddresses, steps: [step], functions: profiler.profile)
        for key in profile.keys { profile.accounts[key] = try retraced.account(key) }
        return profile
      } catch { throw ControlError(error.description) }
    }
  }

  private func write(_ profile: TransactionProfile, _ form: ProfileForm) throws(RPCError) -> [UInt8] {
    let (message, keys) = (profile.transaction.message, profile.keys)
    let written = Set(message.writablePositions.map { message.staticKey(at: $0) } + profile.loaded.writable)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("slot", profile.slot)
    writer.member("key", profile.key)
    if form.depth == .instruction && profile.isByInstruction {
      writer.key("instructionProfiles")
      writer.beginArray()
      var before: Step?
      for step in profile.steps {
        try write(step, since: before, profile, keys, written, form.accounts, to: &writer)
        before = step
      }
      writer.endArray()
    }
    writer.key("transactionProfile")
    if let last = profile.steps.last {
      try write(last, since: nil, profile, keys, written, form.accounts, to: &writer)
    } else {
      writer.null()
    }
    writer.key("readonlyAccountStates")
    writer.beginObject()
    for key in keys where !written.contains(key) {
      guard let account = profile.accounts[key] else { continue }
      writer.key(key.description)
      try solana.write(account, at: key, as: form.accounts, to: &writer)
    }
    writer.endObject()
    if let functions = profile.functions {
      writer.key("functions")
      functions.write(to: &writer)
    }
    writer.endObject()
    return writer.bytes
  }

  private func write(
    _ step: Step, since before: Step?, _ profile: TransactionProfile, _ keys: [Pubkey],
    _ written: Set<Pubkey>,
    _ form: AccountForm, to writer: inout JSONWriter
  ) throws(RPCError) {
    let result = step.result
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
    let unitsBefore = before?.result.computeUnits ?? 0
    writer.member("computeUnitsConsumed", result.computeUnits - min(result.computeUnits, unitsBefore))
    writer.key("logMessages")
    // Those of the whole: in a part of it the lines about units name the limit of fewer instructions.
    let lines = profile.steps.last?.result.logLines ?? []
    let linesBefore = before?.result.logLines.count ?? 0
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
