// Which transactions the pool takes whatever waits there: the rules that follow from transaction and block, in geth's order
// and words (core/txpool/validation.go, core/txpool/errors.go, core/error.go), because clients look for them.

import Contracts
import EVM
import Ledger
import Primitives
import WideIntegers

/// Why the pool does not take a transaction. Amounts are wei.
package enum EthereumPoolError: Error, Equatable, Sendable {
  case known
  case malformed(EthereumTransactionError)
  case noEthereum
  /// Neither a development account nor impersonated.
  case unknownAccount
  case unsupportedType(UInt8)
  case tooLarge(byteCount: Int, limit: Int)
  case initcodeTooLarge(byteCount: Int, limit: Int)
  case gasLimitAboveCap(gasLimit: UInt64, cap: UInt64)
  case gasLimitAboveBlock
  case tipAboveFee(tip: UInt256, fee: UInt256)
  case wrongChain(UInt64, expected: UInt64)
  case invalidSender(EthereumSignatureError)
  case senderIsContract(Address)
  case nonceIsMaximum
  case intrinsicGasTooLow(gasLimit: UInt64, needed: UInt64)
  case floorGasTooLow(gasLimit: UInt64, needed: UInt64)
  case tipBelowLeast(tip: UInt256, least: UInt256)
  case noBlobs
  case tooManyBlobs(count: Int, limit: UInt64)
  case invalidBlobHash(index: Int)
  case sidecar(BlobSidecarError)
  case noAuthorizations
  case cannotCreate
  case nonceTooLow(next: UInt64, nonce: UInt64)
  /// - Parameter queued: what those that wait before it can take.
  case insufficientFunds(balance: UInt256, queued: UInt256?, cost: UInt256)
  case replacementUnderpriced
  case underpriced
  case senderFull
  case full
  /// The ledger cannot be read.
  case state(String)
}

extension EthereumPoolError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .known: return "already known"
    case .malformed(.unknownType(RLP.emptyBytes...)): return "rlp: expected input list for types.LegacyTx"
    case .malformed(.unknownType): return "transaction type not supported"
    case .malformed(.empty): return "typed transaction too short"
    case .malformed(let error): return "rlp: \(error)"
    case .noEthereum: return "the ledger has no Ethereum side"
    case .unknownAccount: return "unknown account"
    case .unsupportedType(let type):
      return "transaction type not supported: tx type \(type) not supported by this pool"
    case .tooLarge(let count, let limit): return "oversized data: transaction size \(count), limit \(limit)"
    case .initcodeTooLarge(let count, let limit):
      return "max initcode size exceeded: code size \(count), limit \(limit)"
    case .gasLimitAboveCap(let gas, let cap):
      return "transaction gas limit too high (cap: \(cap), tx: \(gas))"
    case .gasLimitAboveBlock: return "exceeds block gas limit"
    case .tipAboveFee(let tip, let fee):
      return
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: \(tip.decimalText), maxFeePerGas: \(fee.decimalText)"
    case .wrongChain(let chain, let expected):
      return "invalid sender: invalid chain id for signer: have \(chain) want \(expected)"
    case .invalidSender(.invalidValues): return "invalid sender: invalid transaction v, r, s values"
    case .invalidSender(.noKey): return "invalid sender: invalid signature: recovery failed"
    case .senderIsContract(let address): return "sender not an eoa: address \(address.checksummed)"
    case .nonceIsMaximum: return "nonce has max value"
    case .intrinsicGasTooLow(let gas, let needed):
      return "intrinsic gas too low: gas \(gas), minimum needed \(needed)"
    case .floorGasTooLow(let gas, let needed):
      return "insufficient gas for floor data gas cost: gas \(gas), minimum needed \(needed)"
    case .tipBelowLeast(let tip, let least):
      return
        "transaction gas price below minimum: gas tip cap \(tip.decimalText), minimum needed \(least.decimalText)"
    case .noBlobs: return "blobless blob transaction"
    case .tooManyBlobs(let count, let limit):
      return "too many blobs in transaction: have \(count), permitted \(limit)"
    case .invalidBlobHash(let index): return "blob \(index) has an invalid hash version"
    case .sidecar(let error): return error.description
    case .noAuthorizations: return "set code tx must have at least one authorization tuple"
    case .cannotCreate: return "transaction of this type cannot create a contract"
    case .nonceTooLow(let next, let nonce): return "nonce too low: next nonce \(next), tx nonce \(nonce)"
    case .insufficientFunds(let balance, let queued, let cost):
      let missing = (queued ?? .zero).addingSaturated(cost) &- balance
      let waits = queued.map { "queued cost \($0.decimalText), " } ?? ""
      return
        "insufficient funds for gas * price + value: balance \(balance.decimalText), \(waits)tx cost \(cost.decimalText), overshot \(missing.decimalText)"
    case .replacementUnderpriced: return "replacement transaction underpriced"
    case .underpriced: return "transaction underpriced"
    case .senderFull: return "account limit exceeded: too many transactions of this sender wait"
    case .full: return "txpool is full"
    case .state(let text): return "the ledger cannot be read: \(text)"
    }
  }
}

extension PooledEthereumTransaction {
  /// The rules that need no account.
  func validate(in block: BlockEnvironment, _ limits: EthereumPool.Limits) throws(EthereumPoolError) {
    let transaction = transaction
    if block.fork < transaction.kind.firstFork { throw .unsupportedType(transaction.kind.rawValue) }
    if wire.count > limits.transactionByteCount {
      throw .tooLarge(byteCount: wire.count, limit: limits.transactionByteCount)
    }
    if transaction.isCreation, block.fork >= .shanghai,
      transaction.data.count > TransactionLimits.initcodeByteCount
    {
      throw .initcodeTooLarge(byteCount: transaction.data.count, limit: TransactionLimits.initcodeByteCount)
    }
    if block.fork >= .osaka, transaction.gasLimit > TransactionLimits.gas {
      throw .gasLimitAboveCap(gasLimit: transaction.gasLimit, cap: TransactionLimits.gas)
    }
    if transaction.gasLimit > block.gasLimit { throw .gasLimitAboveBlock }
    if transaction.maxPriorityFeePerGas > transaction.maxFeePerGas {
      throw .tipAboveFee(tip: transaction.maxPriorityFeePerGas, fee: transaction.maxFeePerGas)
    }
    if let chain = transaction.chainID, chain != block.chainID {
      throw .wrongChain(chain, expected: block.chainID)
    }
    if transaction.nonce == .max { throw .nonceIsMaximum }
    let intrinsic = IntrinsicGas(of: transaction, fork: block.fork)
    if transaction.gasLimit < intrinsic.gas {
      throw .intrinsicGasTooLow(gasLimit: transaction.gasLimit, needed: intrinsic.gas)
    }
    if transaction.gasLimit < intrinsic.floor {
      throw .floorGasTooLow(gasLimit: transaction.gasLimit, needed: intrinsic.floor)
    }
    if transaction.maxPriorityFeePerGas < limits.leastTip {
      throw .tipBelowLeast(tip: transaction.maxPriorityFeePerGas, least: limits.leastTip)
    }
    try validateType(block)
  }

  private func validateType(_ block: BlockEnvironment) throws(EthereumPoolError) {
    switch transaction.kind {
    case .blob:
      if transaction.isCreation { throw .cannotCreate }
      let parameters = block.blobParameters
      let limit = min(parameters.maximumCount, parameters.maximumCountPerTransaction)
      let count = transaction.blobVersionedHashes.count
      if count == 0 { throw .noBlobs }
      if UInt64(count) > limit { throw .tooManyBlobs(count: count, limit: limit) }
      let wrong = transaction.blobVersionedHashes.firstIndex { $0.bytes[0] != BlobSidecar.hashVersion }
      if let wrong { throw .invalidBlobHash(index: wrong) }
    case .setCode:
      if transaction.isCreation { throw .cannotCreate }
      if transaction.authorizations.isEmpty { throw .noAuthorizations }
    case .legacy, .accessList, .dynamicFee: break
    }
  }
}
