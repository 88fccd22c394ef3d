// Which transactions a block may hold (Yellow Paper section 6.2 and the EIPs named at the cases). The rules come in two
// parts: those that follow from transaction and block, and those that need the sender's account as it is when the
// transaction's turn comes. A transaction that breaks one has no effect at all.
// Names as the tests write them: TransactionValidity+Names.swift.

import Primitives
import WideIntegers

/// The first rule that a transaction breaks.
package enum TransactionValidityError: Error, Equatable, Sendable {
  /// The fork does not know the type yet (EIP-2718).
  case unsupportedType(EthereumTransaction.Kind, Fork)
  /// Signed for another chain (EIP-155).
  case wrongChain(signed: UInt64, expected: UInt64)
  /// A chain in a legacy signature before Spurious Dragon.
  case signatureNamesChain
  /// EIP-4844 and EIP-7702 transactions create no contracts.
  case typeCannotCreate(EthereumTransaction.Kind)
  case noBlobs
  /// More blobs than a transaction (EIP-7594) or a block may have.
  case tooManyBlobs(count: Int, maximum: UInt64)
  /// A versioned hash that does not begin with 1.
  case invalidBlobVersion(index: Int)
  /// EIP-7702: nothing to authorize.
  case noAuthorizations
  /// EIP-7825: more than 2^24 gas, from Osaka on.
  case gasLimitAboveCap(gasLimit: UInt64, cap: UInt64)
  /// More gas than the block has left.
  case gasLimitAboveBlock(gasLimit: UInt64, available: UInt64)
  /// More blob gas than the block has left.
  case blobGasAboveBlock(blobGas: UInt64, available: UInt64)
  case intrinsicGasTooLow(gasLimit: UInt64, needed: UInt64)
  /// EIP-7623
  case gasBelowFloor(gasLimit: UInt64, floor: UInt64)
  /// EIP-2681: a nonce of 2^64 − 1.
  case nonceIsMaximum
  /// EIP-3860
  case initcodeTooLarge(byteCount: Int, maximum: Int)
  case priorityFeeAboveMaxFee
  case maxFeeBelowBaseFee(maxFee: UInt256, baseFee: UInt256)
  case maxFeePerBlobGasTooLow(maxFee: UInt256, baseFee: UInt256)
  case nonceTooLow(nonce: UInt64, account: UInt64)
  case nonceTooHigh(nonce: UInt64, account: UInt64)
  /// EIP-3607: the sender is a contract, for which nobody acts (`EthereumSignature.standing`).
  case senderIsContract
  /// The balance is below gas limit × fee cap + value + blob gas × blob fee cap.
  case insufficientFunds(balance: UInt256)
}

/// What the validity rules ask of the sender's account.
package struct SenderState: Equatable, Sendable {
  package enum Code: Sendable {
    case none
    /// An EIP-7702 designator, which from Prague on does not make a contract of an account.
    case delegation
    case contract
  }

  package var nonce: UInt64
  /// Wei.
  package var balance: UInt256
  package var code: Code

  package init(nonce: UInt64, balance: UInt256, code: Code) {
    (self.nonce, self.balance, self.code) = (nonce, balance, code)
  }
}

/// Limits on transactions.
package enum TransactionLimits {
  /// EIP-3860: twice the largest contract.
  package static let initcodeByteCount = 49_152
  /// EIP-7825
  package static let gas: UInt64 = 1 << 24
  /// EIP-4844's first byte of a versioned hash.
  static let blobHashVersion: UInt8 = 1
}

extension EthereumTransaction.Kind {
  /// The first fork whose blocks may hold the type.
  package var firstFork: Fork {
    switch self {
    case .legacy: .frontier
    case .accessList: .berlin
    case .dynamicFee: .london
    case .blob: .cancun
    case .setCode: .prague
    }
  }
}

extension EthereumTransaction {
  /// The rules that need no account, in a block that has used `gasUsed` and `blobGasUsed` so far.
  ///
  /// - Parameter limitsGas: false where transaction and block may have any gas, and nonces do not count.
  package func validate(
    in environment: BlockEnvironment, gasUsed: UInt64 = 0, blobGasUsed: UInt64 = 0, limitsGas: Bool = true
  ) throws(TransactionValidityError) -> IntrinsicGas {
    try validateEnvelope(environment)
    try validateBlobs(environment, blobGasUsed: blobGasUsed)
    let intrinsic = try validateGas(environment, gasUsed: gasUsed, isLimited: limitsGas)
    if limitsGas, nonce == .max { throw .nonceIsMaximum }
    if isCreation, environment.fork >= .shanghai, data.count > TransactionLimits.initcodeByteCount {
      throw .initcodeTooLarge(byteCount: data.count, maximum: TransactionLimits.initcodeByteCount)
    }
    if maxPriorityFeePerGas > maxFeePerGas { throw .priorityFeeAboveMaxFee }
    if maxFeePerGas < environment.baseFeePerGas {
      throw .maxFeeBelowBaseFee(maxFee: maxFeePerGas, baseFee: environment.baseFeePerGas)
    }
    if kind == .blob, maxFeePerBlobGas < environment.blobBaseFee {
      throw .maxFeePerBlobGasTooLow(maxFee: maxFeePerBlobGas, baseFee: environment.blobBaseFee)
    }
    return intrinsic
  }

  /// The rules about the account of `address`, the sender.
  package func validate(
    sender: SenderState, at address: Address, fork: Fork
  ) throws(TransactionValidityError) {
    if nonce < sender.nonce { throw .nonceTooLow(nonce: nonce, account: sender.nonce) }
    if nonce > sender.nonce { throw .nonceTooHigh(nonce: nonce, account: sender.nonce) }
    let isContract = sender.code == .contract || (sender.code == .delegation && fork < .prague)
    if isContract, !isUnsigned(from: address) { throw .senderIsContract }
    guard let cost = maximumCost, cost <= sender.balance else {
      throw .insufficientFunds(balance: sender.balance)
    }
  }

  /// The most that the transaction can take from its sender: gas limit × fee cap + value + blob gas × blob fee cap;
  /// `nil` from 2^256 on.
  package var maximumCost: UInt256? {
    let gas = UInt512(product: UInt256(gasLimit), maxFeePerGas)
    let blobs = UInt512(product: UInt256(blobGas), maxFeePerBlobGas)
    let (fees, feesOverflow) = gas.low.addingReportingOverflow(blobs.low)
    let (cost, overflow) = fees.addingReportingOverflow(value)
    return gas.high.isZero && blobs.high.isZero && !feesOverflow && !overflow ? cost : nil
  }

  private func validateEnvelope(_ environment: BlockEnvironment) throws(TransactionValidityError) {
    if environment.fork < kind.firstFork { throw .unsupportedType(kind, environment.fork) }
    if let chainID {
      if environment.fork < .spuriousDragon { throw .signatureNamesChain }
      if chainID != environment.chainID {
        throw .wrongChain(signed: chainID, expected: environment.chainID)
      }
    }
    if isCreation, kind == .blob || kind == .setCode { throw .typeCannotCreate(kind) }
    if kind == .setCode, authorizations.isEmpty { throw .noAuthorizations }
  }

  private func validateBlobs(
    _ environment: BlockEnvironment, blobGasUsed: UInt64
  ) throws(TransactionValidityError) {
    guard kind == .blob else { return }
    let parameters = environment.blobParameters
    let maximum = min(parameters.maximumCount, parameters.maximumCountPerTransaction)
    if blobVersionedHashes.isEmpty { throw .noBlobs }
    if UInt64(blobVersionedHashes.count) > maximum {
      throw .tooManyBlobs(count: blobVersionedHashes.count, maximum: maximum)
    }
    let firstWrong = blobVersionedHashes.firstIndex {
      UInt8(truncatingIfNeeded: $0.word0) != TransactionLimits.blobHashVersion
    }
    if let firstWrong { throw .invalidBlobVersion(index: firstWrong) }
    let available = parameters.maximumGas &- min(blobGasUsed, parameters.maximumGas)
    if blobGas > available { throw .blobGasAboveBlock(blobGas: blobGas, available: available) }
  }

  private func validateGas(
    _ environment: BlockEnvironment, gasUsed: UInt64, isLimited: Bool
  ) throws(TransactionValidityError) -> IntrinsicGas {
    if isLimited, environment.fork >= .osaka, gasLimit > TransactionLimits.gas {
      throw .gasLimitAboveCap(gasLimit: gasLimit, cap: TransactionLimits.gas)
    }
    let available = environment.gasLimit &- min(gasUsed, environment.gasLimit)
    if isLimited, gasLimit > available { throw .gasLimitAboveBlock(gasLimit: gasLimit, available: available) }
    let intrinsic = IntrinsicGas(of: self, fork: environment.fork)
    if gasLimit < intrinsic.gas { throw .intrinsicGasTooLow(gasLimit: gasLimit, needed: intrinsic.gas) }
    if gasLimit < intrinsic.floor { throw .gasBelowFloor(gasLimit: gasLimit, floor: intrinsic.floor) }
    return intrinsic
  }
}
