// Transactions to a node: sent, sent again while they are not confirmed, and signed again when their blockhash has become
// too old, so that they can be executed no more. Many go over many connections at once.

import Estuary
import Execution
import Glibc
import Ledger
import Primitives
import RPCClient
import Runtime

extension RemoteLedger {
  /// Blockhashes that are tried, one after the other.
  private static let attemptCount = 5
  /// Nanoseconds after which what is not confirmed is sent again.
  private static let resendNanoseconds: UInt64 = 2_000_000_000
  /// Nanoseconds without any confirmation after which a transaction is given up.
  private static let patienceNanoseconds: UInt64 = 90_000_000_000
  /// Transactions of which a node tells the state in one answer.
  private static let statusCount = 256

  /// A transaction that is under way.
  private struct Sending {
    let index: Int
    let wire: [UInt8]
    let signature: Signature
    /// Lamports, as far as its bytes say.
    let fee: UInt64
  }

  func send(
    transactions: [TransactionDraft], progress: (Int) -> Void
  ) throws(SubmissionError) -> [TransactionResult] {
    var results: [TransactionResult?] = Array(repeating: nil, count: transactions.count)
    for _ in 0..<Self.attemptCount {
      let waiting = results.indices.filter { results[$0] == nil }
      if waiting.isEmpty { break }
      let lastHeight = try asking { () throws(RPCClientError) in try takeBlockhash() }
      var sendings: [Sending] = []
      for index in waiting { sendings.append(try sign(transactions[index], index)) }
      let mayRepeat = try asking { () throws(RPCClientError) in
        try run(sendings, until: lastHeight, &results, progress)
      }
      if !mayRepeat { break }
    }
    let done = results.compactMap(\.self)
    guard done.count == results.count else {
      throw .node(NotConfirmed(address: client.address, count: results.count - done.count))
    }
    return done
  }

  private func asking<Value>(
    _ body: () throws(RPCClientError) -> Value
  ) throws(SubmissionError) -> Value {
    do throws(RPCClientError) { return try body() } catch { throw .node(error) }
  }

  private func sign(_ draft: TransactionDraft, _ index: Int) throws(SubmissionError) -> Sending {
    guard let payer = draft.signers.first else { throw .noPayer }
    let builder = TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: blockhash, instructions: draft.instructions)
    do throws(TransactionBuildingError) {
      let transaction = try builder.signed(by: draft.signers)
      return Sending(
        index: index, wire: transaction.bytes, signature: transaction.signature(at: 0),
        fee: Self.fee(of: transaction))
    } catch { throw .building(error) }
  }

  /// - Returns: the last block that may hold transactions with it.
  private func takeBlockhash() throws(RPCClientError) -> UInt64 {
    let method = "getLatestBlockhash"
    let value = try client.call(method, [Self.atLevel])["value"]
    guard let text = value?["blockhash"]?.string, let bytes = Base58.decode(text), let hash = Hash(bytes)
    else {
      throw unexpected(method, "blockhash")
    }
    guard let height = value?["lastValidBlockHeight"]?.uint64 else {
      throw unexpected(method, "lastValidBlockHeight")
    }
    blockhash = hash
    return height
  }

  /// Sends until all are confirmed, or can be executed no more: those keep no result.
  ///
  /// - Returns: whether those without a result cannot be executed any more.
  private func run(
    _ sendings: [Sending], until lastHeight: UInt64, _ results: inout [TransactionResult?],
    _ progress: (Int) -> Void
  ) throws(RPCClientError) -> Bool {
    // One alone is judged before it is sent, and what fails costs nothing; of many the first that lags is.
    var waiting = try post(sendings, checks: sendings.count == 1, &results)
    var lastSent = Clocks.monotonicNanoseconds()
    var lastProgress = lastSent
    var pause: UInt32 = 5_000
    while !waiting.isEmpty {
      let before = waiting.count
      waiting = try collect(waiting, &results)
      if waiting.count < before {
        progress(results.count { $0 != nil })
        lastProgress = Clocks.monotonicNanoseconds()
        pause = 5_000
      }
      if waiting.isEmpty { break }
      let now = Clocks.monotonicNanoseconds()
      if now - lastSent > Self.resendNanoseconds {
        if try number("getBlockHeight") > lastHeight {
          _ = try collect(waiting, &results)
          return true
        }
        if now - lastProgress > Self.patienceNanoseconds { return false }
        waiting = try post(waiting.prefix(1), checks: true, &results) + waiting.dropFirst()
        waiting = try post(waiting, checks: false, &results)
        lastSent = Clocks.monotonicNanoseconds()
      }
      usleep(pause)
      pause = min(pause * 2, 400_000)
    }
    return true
  }

  /// - Parameter checks: whether the node executes it first, and refuses one that fails.
  /// - Returns: those that are under way; those that were refused have their result.
  private func post(
    _ sendings: some Collection<Sending>, checks: Bool, _ results: inout [TransactionResult?]
  ) throws(RPCClientError) -> [Sending] {
    let sendings = Array(sendings)
    let options = Self.object(
      ("encoding", .string("base64")), ("skipPreflight", .bool(!checks)), ("preflightCommitment", Self.level))
    let answers = client.callAll(
      sendings.map {
        RPCClient.Call("sendTransaction", [.string(Base64.encode($0.wire)), options])
      })
    var waiting: [Sending] = []
    for (sending, answer) in zip(sendings, answers) {
      do throws(RPCClientError) {
        _ = try answer.get()
        waiting.append(sending)
      } catch {
        guard case .refused(_, _, let data?) = error.reason,
          let failure = data["err"].flatMap(TransactionError.init)
        else { throw error }
        if failure == .alreadyProcessed {
          waiting.append(sending)
          continue
        }
        results[sending.index] = TransactionResult(
          signature: sending.signature, error: failure, computeUnits: data["unitsConsumed"]?.uint64 ?? 0,
          logs: TransactionLogs(lines: (data["logs"]?.array ?? []).compactMap(\.string)))
      }
    }
    return waiting
  }

  /// Takes the results of those that are confirmed.
  ///
  /// - Returns: the others.
  private func collect(
    _ sendings: [Sending], _ results: inout [TransactionResult?]
  ) throws(RPCClientError) -> [Sending] {
    let method = "getSignatureStatuses"
    var waiting: [Sending] = []
    for start in stride(from: 0, to: sendings.count, by: Self.statusCount) {
      let part = sendings[start..<min(start + Self.statusCount, sendings.count)]
      let answer = try client.call(method, [.array(part.map { .string($0.signature.description) })])
      guard let statuses = answer["value"]?.array, statuses.count == part.count else {
        throw unexpected(method, "a status each")
      }
      for (sending, status) in zip(part, statuses) {
        let level = status["confirmationStatus"]?.string
        guard level == "confirmed" || level == "finalized" else {
          waiting.append(sending)
          continue
        }
        var result = try result(of: sending, error: status["err"])
        if results.count == 1, let detailed = try details(of: sending) { result = detailed }
        results[sending.index] = result
      }
    }
    return waiting
  }

  private static let lamportsPerSignature: UInt64 = 5000

  private static func fee(of transaction: Transaction) -> UInt64 {
    [
      UInt64(transaction.signatureCount) * lamportsPerSignature,
      (try? ComputeBudget(transaction.message))?.priorityFee ?? 0,
    ].saturatedSum
  }

  private func result(
    of sending: Sending, error: JSONValue?
  ) throws(RPCClientError) -> TransactionResult {
    var failure: TransactionError?
    if let error, !error.isNull {
      guard let known = TransactionError(json: error) else {
        throw unexpected("getSignatureStatuses", "an error that this version knows")
      }
      failure = known
    }
    return TransactionResult(
      signature: sending.signature, error: failure, fee: sending.fee)
  }

  /// Fee, log, units and what a program handed back.
  private func details(of sending: Sending) throws(RPCClientError) -> TransactionResult? {
    let answer = try client.call(
      "getTransaction",
      [
        .string(sending.signature.description),
        Self.object(
          ("encoding", .string("base64")), ("commitment", Self.level),
          ("maxSupportedTransactionVersion", .unsigned(0))),
      ])
    guard let meta = answer["meta"], !meta.isNull else { return nil }
    var result = try result(of: sending, error: meta["err"])
    result.fee = meta["fee"]?.uint64 ?? result.fee
    result.computeUnits = meta["computeUnitsConsumed"]?.uint64 ?? 0
    result.logs = TransactionLogs(lines: (meta["logMessages"]?.array ?? []).compactMap(\.string))
    if let returned = meta["returnData"], let program = Self.key(returned["programId"]),
      let data = returned["data"]?.array?.first?.string.flatMap({ Base64.decode($0) })
    {
      result.returnData = TransactionResult.ReturnData(programID: program, data: data)
    }
    return result
  }
}

/// Transactions that a node took and no block holds.
struct NotConfirmed: Error, Sendable, CustomStringConvertible {
  let address: NodeAddress
  let count: Int

  var description: String {
    "\(address), sendTransaction: \(count == 1 ? "the transaction was" : "\(count) transactions were") taken and not "
      + "confirmed, after sending again and again; if the node makes blocks (estuary slot --url \(address)), give the "
      + "command again"
  }
}
