// Transactions to a node: tried out there, signed here, and waited for until a block holds them.

import Contracts
import EVM
import Estuary
import Execution
import Glibc
import Primitives
import RPCClient
import WideIntegers

extension RemoteContracts {
  /// What a draft needs to know of the chain.
  private struct Terms {
    let chainID: UInt64
    /// Of the block that comes next; `nil` before London.
    let baseFee: UInt256?
    /// Of the last block.
    let gasLimit: UInt64
    /// The sender's, without what waits and with it.
    let nonces: (next: UInt64, pending: UInt64)
    /// Wei; what is waiting counted.
    let balance: UInt256
  }

  private func terms(of sender: Address) throws(RPCClientError) -> Terms {
    let chainID = try node.ask("eth_chainId").number()
    let block = try node.ask("eth_getBlockByNumber", [Self.latest, .bool(false)], about: "the last block")
    return Terms(
      chainID: chainID, baseFee: block.optional("baseFeePerGas") == nil ? nil : try nextBaseFee(after: block),
      gasLimit: try block.member("gasLimit").number(),
      nonces: (try nonce(of: sender, at: Self.latest), try nonce(of: sender, at: Self.pending)),
      balance: try balance(of: sender, at: Self.pending))
  }

  /// The last block's own where the node does not tell of the next.
  private func nextBaseFee(after block: EthereumNode.Answer) throws(RPCClientError) -> UInt256 {
    do throws(RPCClientError) {
      let history = try node.ask("eth_feeHistory", [.quantity(1 as UInt64), Self.latest, .array([])])
      if let last = try history.member("baseFeePerGas").elements().last { return try last.quantity() }
    } catch {
      guard case .refused = error.reason else { throw error }
    }
    return try block.member("baseFeePerGas").quantity()
  }

  func tryOut(_ request: ContractRequest) throws -> ContractTrial {
    let sender = request.sender
    let terms = try terms(of: sender)
    var price = request.price
    if price == nil && terms.baseFee == nil { price = try node.ask("eth_gasPrice").quantity() }
    let draft = EthereumTransaction.draft(
      to: request.to, value: request.value, data: request.data, nonce: request.nonce ?? terms.nonces.pending,
      chainID: terms.chainID, baseFee: terms.baseFee, gasLimit: request.gasLimit ?? terms.gasLimit,
      price: price,
      tip: request.tip)
    guard var transaction = draft else { throw ContractRequest.noTip(on: "on this chain") }
    try check(transaction, from: sender, terms)
    let subject =
      (request.to.map { "a transaction to \($0.checksummed)" } ?? "a creation") + " by \(sender.checksummed)"
    let execution: ContractExecution
    if let gasLimit = request.gasLimit {
      try checkFunds(transaction, sender, terms)
      execution = try call(Self.json(transaction, from: sender, gas: gasLimit), about: subject)
    } else {
      var free = transaction
      free.gasLimit = 0
      try checkFunds(free, sender, terms)
      execution = try estimate(&transaction, from: sender, terms, about: subject)
      if execution.failure == nil { try checkFunds(transaction, sender, terms) }
    }
    return ContractTrial(transaction: transaction, sender: sender, execution: execution)
  }

  /// Refuses what no next block would take, and what would only wait for one that does.
  private func check(_ transaction: EthereumTransaction, from sender: Address, _ terms: Terms) throws {
    let nonce = transaction.nonce
    if nonce < terms.nonces.next {
      throw Self.refusal(.nonceTooLow(nonce: nonce, account: terms.nonces.next), transaction, sender)
    }
    if nonce > max(terms.nonces.next, terms.nonces.pending) {
      throw Self.refusal(.nonceTooHigh(nonce: nonce, account: terms.nonces.pending), transaction, sender)
    }
    if transaction.maxPriorityFeePerGas > transaction.maxFeePerGas {
      throw Self.refusal(.priorityFeeAboveMaxFee, transaction, sender)
    }
    if let baseFee = terms.baseFee, transaction.maxFeePerGas < baseFee {
      throw Self.refusal(
        .maxFeeBelowBaseFee(maxFee: transaction.maxFeePerGas, baseFee: baseFee), transaction, sender)
    }
  }

  private func checkFunds(_ transaction: EthereumTransaction, _ sender: Address, _ terms: Terms) throws {
    if transaction.maximumCost.map({ $0 <= terms.balance }) ?? false { return }
    throw Self.refusal(.insufficientFunds(balance: terms.balance), transaction, sender)
  }

  private static func refusal(
    _ reason: TransactionValidityError, _ transaction: EthereumTransaction, _ sender: Address
  ) -> ContractError {
    .refused("not sent: " + reason.explained(transaction, from: sender))
  }

  /// Sets the gas limit to the smallest that does.
  private func estimate(
    _ transaction: inout EthereumTransaction, from sender: Address, _ terms: Terms, about subject: String
  ) throws -> ContractExecution {
    // More than the sender can pay for is not asked for.
    let price = transaction.maxFeePerGas
    let affordable =
      price.isZero ? .max : (terms.balance &- transaction.value).divided(by: price).saturatedUInt64
    let gas = affordable < terms.gasLimit ? affordable : nil
    let call = Self.json(transaction, from: sender, gas: gas)
    do throws(RPCClientError) {
      let answer = try node.ask("eth_estimateGas", [call, Self.pending], about: subject)
      transaction.gasLimit = try answer.number()
      return ContractExecution()
    } catch {
      if let gas { transaction.gasLimit = gas }
      guard let execution = ContractExecution(error) else { throw error }
      return execution
    }
  }

  func gasUsed(by trial: ContractTrial) throws -> UInt64? {
    let call = Self.json(
      trial.transaction, from: trial.sender, gas: trial.transaction.gasLimit, hasPrices: false)
    let blocks = JSONValue.members([
      ("blockStateCalls", .array([.members([("calls", .array([call]))])]))
    ])
    do throws(RPCClientError) {
      let answer = try node.ask("eth_simulateV1", [blocks, Self.latest])
      return try answer.elements().first?.member("calls").elements().first?.member("gasUsed").number()
    } catch {
      // A newer method: a node without it does not tell.
      guard case .refused = error.reason else { throw error }
      return nil
    }
  }

  // MARK: Sending

  func send(
    _ signed: EthereumTransaction, from sender: Address, patience: UInt64
  ) throws -> (execution: ContractExecution, blockNumber: UInt64) {
    let hash = signed.hash
    _ = try node.ask("eth_sendRawTransaction", [.hex(signed.encoded)], about: Self.subject(hash))
    let answer = try receipt(awaiting: hash, patience: patience)
    var execution = ContractExecution(gasUsed: try answer.member("gasUsed").number())
    execution.effectiveGasPrice = try answer.optional("effectiveGasPrice")?.quantity() ?? signed.maxFeePerGas
    execution.logs = try answer.member("logs").logs()
    if try answer.member("status").number() == 1 {
      execution.contractAddress = try answer.optional("contractAddress")?.address()
    } else {
      (execution.failure, execution.output) = failure(of: hash)
    }
    return (execution, try answer.member("blockNumber").number())
  }

  /// Milliseconds between two questions, at first and at last.
  private static let pauses: (shortest: UInt64, longest: UInt64) = (5, 400)

  private func receipt(awaiting hash: Hash, patience: UInt64) throws -> EthereumNode.Answer {
    let end = Clocks.monotonicNanoseconds() + patience * 1_000_000_000
    var pause = Self.pauses.shortest
    while true {
      do throws(RPCClientError) {
        let answer = try node.ask("eth_getTransactionReceipt", [.hex(hash.bytes)], about: Self.subject(hash))
        if !answer.isNull { return answer }
      } catch {
        throw ContractError.notSeen(hash, url: node.url, detail: "then: \(error)")
      }
      guard Clocks.monotonicNanoseconds() < end else {
        throw ContractError.notSeen(hash, url: node.url, detail: "no block holds it after \(patience) s")
      }
      usleep(UInt32(pause * 1000))
      pause = min(pause * 2, Self.pauses.longest)
    }
  }

  /// Why a transaction of a block failed, which its receipt does not say.
  private func failure(of hash: Hash) -> (ContractExecution.Failure, output: [UInt8]) {
    let options = JSONValue.members([
      ("tracer", .string("callTracer")), ("tracerConfig", .members([("onlyTopCall", .bool(true))])),
    ])
    let answer = try? node.ask("debug_traceTransaction", [.hex(hash.bytes), options])
    guard let text = answer?.value["error"]?.string else {
      return (
        ContractExecution.Failure(
          text: "the node does not tell why (debug_traceTransaction would)", isRevert: false), []
      )
    }
    let failure = EVMHalt(gethText: text).map { ContractExecution.Failure($0) }
    return (failure ?? .init(text: text, isRevert: false), answer?.value["output"]?.ethereumData ?? [])
  }
}
