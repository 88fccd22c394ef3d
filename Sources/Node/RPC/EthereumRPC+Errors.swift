// Why transactions and calls fail, in geth's words (go-ethereum's core/error.go; those of core/vm/errors.go are in
// EVMHalt+Geth.swift), and with its codes.

import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

extension RPCError {
  init(_ error: EVMStateError) {
    if case .pastState(let detail) = error {
      self = .ethereum("historical state is not available: \(detail)")
    } else {
      self = .internalError("\(error)")
    }
  }

  init(_ error: ChainError) {
    if case .systemCall(let detail) = error {
      self = .ethereum(detail)
    } else {
      self = .internalError(error.description)
    }
  }

  /// A call that reverted: the output is the error's data.
  static func reverted(_ output: [UInt8]) -> RPCError {
    RPCError(3, Self.revertText(output), data: Array("\"\(EthereumForm.data(output))\"".utf8))
  }

  static func revertText(_ output: [UInt8]) -> String {
    revertReason(output).map { "execution reverted: \($0)" } ?? "execution reverted"
  }

  /// What Solidity's `Error(string)` or `Panic(uint256)` says; `nil` for any other output.
  static func revertReason(_ output: [UInt8]) -> String? {
    switch RevertReason(output) {
    case .message(let text): text
    case .panic(let code): panicText(code)
    case .none, .custom, .data: nil
    }
  }

  private static func panicText(_ code: UInt256) -> String {
    switch code {
    case 0x00: "generic panic"
    case 0x01: "assert(false)"
    case 0x11: "arithmetic underflow or overflow"
    case 0x12: "division or modulo by zero"
    case 0x21: "enum overflow"
    case 0x22: "invalid encoded storage byte array accessed"
    case 0x31: "out-of-bounds array access; popping on an empty array"
    case 0x32: "out-of-bounds access of an array or bytesN"
    case 0x41: "out of memory"
    case 0x51: "uninitialized function"
    default: "unknown panic code: \(code)"
    }
  }
}

extension TransactionValidityError {
  /// Why a block may not hold `transaction`.
  func gethText(_ transaction: EthereumTransaction, from sender: Address) -> String {
    let address = sender.checksummed
    switch self {
    case .unsupportedType(let kind, _):
      return "transaction type not supported: \(kind.gethName) (sender \(address))"
    case .wrongChain(let signed, let expected):
      return "invalid chain id for signer: have \(signed) want \(expected)"
    case .signatureNamesChain: return "only replay-protected (EIP-155) transactions allowed over RPC"
    case .typeCannotCreate(.blob): return "blob transaction of type create (sender \(address))"
    case .typeCannotCreate:
      return "EIP-7702 transaction cannot be used to create contract (sender \(address))"
    case .noBlobs: return "blob transaction missing blob hashes"
    case .tooManyBlobs(let count, let maximum):
      return "blob transaction has too many blobs: have \(count), max \(maximum)"
    case .invalidBlobVersion(let index): return "blob \(index) has invalid hash version"
    case .noAuthorizations: return "EIP-7702 transaction with empty auth list (sender \(address))"
    case .gasLimitAboveCap(let gasLimit, let cap):
      return "transaction gas limit too high (cap: \(cap), tx: \(gasLimit))"
    case .gasLimitAboveBlock: return "gas limit reached"
    case .blobGasAboveBlock: return "blob gas limit reached"
    case .intrinsicGasTooLow(let gasLimit, let needed):
      return "intrinsic gas too low: have \(gasLimit), want \(needed)"
    case .gasBelowFloor(let gasLimit, let floor):
      return "insufficient gas for floor data gas cost: have \(gasLimit), want \(floor)"
    case .nonceIsMaximum: return "nonce has max value: address \(address), nonce: \(transaction.nonce)"
    case .initcodeTooLarge(let byteCount, let maximum):
      return "max initcode size exceeded: code size \(byteCount) limit \(maximum)"
    case .priorityFeeAboveMaxFee:
      return "max priority fee per gas higher than max fee per gas: address \(address), "
        + "maxPriorityFeePerGas: \(transaction.maxPriorityFeePerGas.decimal), "
        + "maxFeePerGas: \(transaction.maxFeePerGas.decimal)"
    case .maxFeeBelowBaseFee(let maxFee, let baseFee):
      return "max fee per gas less than block base fee: address \(address), "
        + "maxFeePerGas: \(maxFee.decimal), baseFee: \(baseFee.decimal)"
    case .maxFeePerBlobGasTooLow(let maxFee, let baseFee):
      return "max fee per blob gas less than block blob gas fee: address \(address), "
        + "blobGasFeeCap: \(maxFee.decimal), blobBaseFee: \(baseFee.decimal)"
    case .nonceTooLow(let nonce, let account):
      return "nonce too low: address \(address), tx: \(nonce) state: \(account)"
    case .nonceTooHigh(let nonce, let account):
      return "nonce too high: address \(address), tx: \(nonce) state: \(account)"
    case .senderIsContract: return "sender not an eoa: address \(address)"
    case .insufficientFunds(let balance):
      let cost = transaction.maximumCost.map(\.decimal) ?? "more than 2^256"
      return
        "insufficient funds for gas * price + value: address \(address) have \(balance.decimal) want \(cost)"
    }
  }
}

extension EthereumTransaction.Kind {
  fileprivate var gethName: String {
    switch self {
    case .legacy: "legacy tx"
    case .accessList: "access list tx"
    case .dynamicFee: "dynamic fee tx"
    case .blob: "blob tx"
    case .setCode: "setcode tx"
    }
  }
}

extension UInt256 {
  /// Decimal digits.
  var decimal: String {
    var (rest, parts): (UInt256, [String]) = (self, [])
    let billion = UInt256(1_000_000_000)
    while rest >= billion {
      let quotient = rest.divided(by: billion)
      let digits = String((rest &- quotient &* billion).limb0)
      parts.append(String(repeating: "0", count: 9 - digits.count) + digits)
      rest = quotient
    }
    return String(rest.limb0) + parts.reversed().joined()
  }
}
