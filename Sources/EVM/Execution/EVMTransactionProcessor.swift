// Executes one transaction (Yellow Paper section 6, with the rules of each fork up to Osaka): checks it against the
// sender's account, buys gas, warms what the rules say, applies authorizations, runs the outermost frame, and
// settles fees. Rules that a later fork changes about transactions as a whole live here and in Transaction/; those
// about blocks in EVMBlockProcessor.swift; those about frames in Host/.

import Primitives
import SBPF
import WideIntegers

/// Used by one thread at a time.
package struct EVMTransactionProcessor {
  package enum Checks: Sendable {
    case all
    /// For finding out what a transaction would do: nonce, balance and fees of the sender do not count.
    case none
    /// A call as nodes take it: its sender pays and has to be able to, but may be anybody, contracts included; the nonce is
    /// its account's, and limits on a transaction's or a block's gas do not hold.
    case call

    var pays: Bool { self != .none }
  }

  package let host: EVMHost
  private var state: UnsafeMutablePointer<HostState> { host.state }

  package init(host: EVMHost) { self.host = host }

  /// Executes `transaction`, sent by `sender`, on the state that `reader` shows.
  ///
  /// - Parameters:
  ///   - gasUsed: by the block so far.
  ///   - blobGasUsed: by the block so far.
  package func process(
    _ transaction: EthereumTransaction, sender: Address, in block: BlockEnvironment,
    reader: any EVMStateReader, gasUsed: UInt64 = 0, blobGasUsed: UInt64 = 0, checks: Checks = .all
  ) throws(EVMStateError) -> EVMTransactionResult {
    let intrinsic: IntrinsicGas
    do throws(TransactionValidityError) {
      intrinsic = try transaction.validate(
        in: block, gasUsed: gasUsed, blobGasUsed: blobGasUsed, limitsGas: checks != .call)
    } catch {
      return .refused(error)
    }
    let fees = TransactionFees(of: transaction, in: block)
    host.begin(
      reader: reader, block: block,
      message: EVMMessageOrigin(
        origin: sender, gasPrice: fees.effectiveGasPrice, blobHashes: transaction.blobVersionedHashes))
    let payer = state.pointee.journal.position(of: sender)
    try state.pointee.journal.use([.nonce, .balance, .code], at: payer)
    if checks == .all {
      let account = try senderState(payer)
      do throws(TransactionValidityError) {
        try transaction.validate(sender: account, at: sender, fork: block.fork)
      } catch {
        return .refused(error)
      }
    } else if checks == .call {
      let balance = state.pointee.journal.accounts.base[payer].balance
      guard let cost = transaction.maximumCost, cost <= balance else {
        return .refused(.insufficientFunds(balance: balance))
      }
    }
    if checks.pays {
      state.pointee.journal.debit(fees.upfrontCost(gasLimit: transaction.gasLimit), from: payer)
    }
    return try execute(transaction, payer, sender, block, intrinsic, fees, checks)
  }

  private func senderState(_ position: Int) throws(EVMStateError) -> SenderState {
    let account = state.pointee.journal.accounts.base[position]
    var code = SenderState.Code.none
    if account.hasCode {
      let bytes = try state.pointee.journal.code(at: position)
      code = bytes._withUnsafeGuaranteedRef({ $0.delegate }) == nil ? .contract : .delegation
    }
    return SenderState(nonce: account.nonce, balance: account.balance, code: code)
  }

  private func execute(
    _ transaction: EthereumTransaction, _ payer: Int, _ sender: Address, _ block: BlockEnvironment,
    _ intrinsic: IntrinsicGas, _ fees: TransactionFees, _ checks: Checks
  ) throws(EVMStateError) -> EVMTransactionResult {
    let nonce = checks == .all ? transaction.nonce : state.pointee.journal.accounts.base[payer].nonce
    state.pointee.journal.setNonce(nonce &+ 1, at: payer)
    warm(transaction, payer, block)
    try authorize(transaction.authorizations, block)
    let gas = transaction.gasLimit &- intrinsic.gas
    let result: EVMCallResult
    var created: Address?
    // Without checks a value may be more than there is, which a frame would not survive.
    let canPay = state.pointee.journal.accounts.base[payer].balance >= transaction.value
    if !canPay {
      result = EVMCallResult(halt: .insufficientBalance, gasLeft: gas, output: [])
    } else if let target = transaction.to {
      result = try host.call(
        target, from: sender, value: transaction.value, input: transaction.data, gas: gas)
    } else {
      let address = Address.created(by: sender, nonce: nonce)
      let position = state.pointee.journal.position(of: address)
      _ = state.pointee.journal.warm(position)
      result = try host.create(
        address, from: sender, value: transaction.value, initcode: transaction.data, gas: gas)
      if result.halt == nil { created = address }
    }
    return try settle(transaction, payer, sender, block, intrinsic, fees, checks, result, created)
  }

  private func settle(
    _ transaction: EthereumTransaction, _ payer: Int, _ sender: Address, _ block: BlockEnvironment,
    _ intrinsic: IntrinsicGas, _ fees: TransactionFees, _ checks: Checks, _ result: EVMCallResult,
    _ created: Address?
  ) throws(EVMStateError) -> EVMTransactionResult {
    let spent = transaction.gasLimit &- result.gasLeft
    let refund = min(
      UInt64(clamping: state.pointee.journal.refund), spent / (block.fork >= .london ? 5 : 2))
    // EIP-7623: the floor counts after refunds.
    let gasUsed = max(spent &- refund, intrinsic.floor)
    if checks.pays {
      let unused = fees.refund(unusedGas: transaction.gasLimit &- gasUsed)
      state.pointee.journal.setBalance(
        state.pointee.journal.accounts.base[payer].balance &+ unused, at: payer)
    }
    let coinbase = state.pointee.journal.position(of: block.coinbase)
    state.pointee.journal.reward = fees.coinbaseReward(gasUsed: gasUsed)
    state.pointee.journal.rewardPosition = coinbase
    if state.pointee.journal.reward.isZero {
      if block.fork < .spuriousDragon { try state.pointee.journal.use(.vitality, at: coinbase) }
      state.pointee.journal.touch(coinbase, fork: block.fork)
    }
    let receipt = EVMReceipt(
      sender: sender, halt: result.halt, gasUsed: gasUsed, gasRefund: spent > gasUsed ? spent - gasUsed : 0,
      logs: state.pointee.journal.takeLogs(), contractAddress: created, output: result.output,
      effectiveGasPrice: fees.effectiveGasPrice,
      blobGasUsed: transaction.blobGas)
    return .executed(receipt, try host.finish())
  }

  // MARK: Before the outermost frame

  /// EIP-2929, 2930, 3651; precompiles are warm in any case.
  private func warm(_ transaction: EthereumTransaction, _ payer: Int, _ block: BlockEnvironment) {
    guard block.fork >= .berlin else { return }
    _ = state.pointee.journal.warm(payer)
    if let target = transaction.to {
      _ = state.pointee.journal.warm(state.pointee.journal.position(of: target))
    }
    if block.fork >= .shanghai {
      _ = state.pointee.journal.warm(state.pointee.journal.position(of: block.coinbase))
    }
    for entry in transaction.accessList {
      let position = state.pointee.journal.position(of: entry.address)
      _ = state.pointee.journal.warm(position)
      for key in entry.storageKeys { state.pointee.journal.listSlot(position, UInt256(key)) }
    }
  }

  /// EIP-7702: an authorization that does not hold is passed over. What they do stays, whatever the execution does.
  private func authorize(_ authorizations: [Authorization], _ block: BlockEnvironment) throws(EVMStateError) {
    let candidates = authorizations.filter {
      ($0.chainID.isZero || $0.chainID == UInt256(block.chainID)) && $0.nonce < .max
    }
    if candidates.isEmpty { return }
    var batch = SignerBatch()
    for authorization in candidates { batch.add(authorization) }
    for (authorization, signer) in zip(candidates, batch.signers()) {
      guard case .success(let authority) = signer else { continue }
      let position = state.pointee.journal.position(of: authority)
      _ = state.pointee.journal.warm(position)
      try state.pointee.journal.use([.nonce, .code], at: position)
      let account = state.pointee.journal.accounts.base[position]
      if account.hasCode {
        let code = try state.pointee.journal.code(at: position)
        guard code._withUnsafeGuaranteedRef({ $0.delegate }) != nil else { continue }
      }
      guard account.nonce == authorization.nonce else { continue }
      // Code or a nonce is enough to know that the account is there.
      let isKnown = account.hasCode || account.nonce > 0
      if !isKnown { try state.pointee.journal.use(.vitality, at: position) }
      if state.pointee.journal.accounts.base[position].flags.contains(.exists) {
        // The account is there, if only as an empty one: half of what its creation would have cost comes back.
        state.pointee.journal.refund &+= EVMTransactionProcessor.authorizationRefund
      }
      let code = authorization.address == .zero ? .empty : delegation(to: authorization.address)
      state.pointee.journal.setCode(code, at: position)
      state.pointee.journal.setNonce(authorization.nonce &+ 1, at: position)
    }
  }

  /// EIP-7702: PER_EMPTY_ACCOUNT_COST − PER_AUTH_BASE_COST.
  private static let authorizationRefund: Int64 = 25_000 - 12_500

  private func delegation(to address: Address) -> EVMCode {
    let bytes = EVMCode.delegationBytes(to: address)
    return state.pointee.programs.code(bytes, hash: Keccak256.hash(bytes))
  }
}
