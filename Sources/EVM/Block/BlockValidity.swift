// Why a block is refused: the rules of headers, bodies and results, one case each, with the names that Ethereum's tests
// give them (`BlockException.…`, https://github.com/ethereum/execution-spec-tests).

import Primitives
import WideIntegers

/// The first rule that a block breaks.
package enum BlockValidityError: Error, Equatable, Sendable {
  case malformed(BlockDecodingError)
  /// EIP-7934: more than 8 MiB, from Osaka on.
  case tooManyBytes(count: Int, maximum: Int)
  case unknownParent(Hash)
  case wrongNumber(UInt64, expected: UInt64)
  case timestampNotAfterParent(UInt64, parent: UInt64)
  case extraDataTooLong(byteCount: Int)
  case missingDAOMark
  case wrongGasLimit(UInt64, parent: UInt64)
  case gasUsedAboveLimit(UInt64, limit: UInt64)
  /// A header without a field that its fork has.
  case missingField(String, Fork)
  /// A header or body with a field that its fork has not.
  case unexpectedField(String, Fork)
  case wrongBaseFee(UInt256, expected: UInt256)
  case wrongDifficulty(UInt256, expected: UInt256)
  /// Proof of work after the merge, or none before it.
  case difficultyAfterMerge(UInt256)
  case zeroDifficultyBeforeMerge
  case nonceAfterMerge(UInt64)
  case ommersAfterMerge
  case wrongExcessBlobGas(UInt64, expected: UInt64)
  case blobGasAboveLimit(UInt64, limit: UInt64)
  case wrongTransactionsRoot(Hash, expected: Hash)
  case wrongOmmersHash(Hash, expected: Hash)
  case wrongWithdrawalsRoot(Hash, expected: Hash)
  case tooManyOmmers(Int)
  /// An ommer twice, or one that an earlier block had.
  case ommerUsedBefore(Hash)
  case ommerIsAncestor(Hash)
  /// An ommer whose parent is none of the last ancestors, or the block's own.
  case ommerParent(Hash)
  indirect case ommer(BlockValidityError)
  case signature(EthereumSignatureError, index: Int)
  case transaction(TransactionValidityError, index: Int)
  case wrongGasUsed(UInt64, expected: UInt64)
  case wrongBlobGasUsed(UInt64, expected: UInt64)
  case wrongStateRoot(Hash, expected: Hash)
  case wrongReceiptsRoot(Hash, expected: Hash)
  case wrongBloom
  case wrongRequestsHash(Hash, expected: Hash)
  case malformedDeposit(index: Int)
  case systemContract(Address, EVMHalt?)
}

extension BlockValidityError {
  /// As the tests write it, without the prefix.
  package var exceptionName: String {
    switch self {
    case .malformed(.rlp(.integerTooLarge, part: _, field: _)): "RLP_INVALID_FIELD_OVERFLOW_64"
    case .malformed(.rlp(.invalidByteCount(_, expected: 20, found: _), part: _, field: _)):
      "RLP_INVALID_ADDRESS"
    case .malformed(.transaction(let error, index: _)): error.exceptionName
    case .malformed: "RLP_STRUCTURES_ENCODING"
    case .tooManyBytes: "RLP_BLOCK_LIMIT_EXCEEDED"
    case .unknownParent(let hash): hash == .zero ? "UNKNOWN_PARENT_ZERO" : "UNKNOWN_PARENT"
    case .wrongNumber: "INVALID_BLOCK_NUMBER"
    case .timestampNotAfterParent: "INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT"
    case .extraDataTooLong: "EXTRA_DATA_TOO_BIG"
    case .missingDAOMark: "EXTRA_DATA_INVALID_DAO"
    case .wrongGasLimit: "INVALID_GASLIMIT"
    case .gasUsedAboveLimit: "GAS_USED_OVERFLOW"
    case .missingField("baseFeePerGas", _): "IMPORT_IMPOSSIBLE_LEGACY"
    case .unexpectedField("baseFeePerGas", _): "IMPORT_IMPOSSIBLE_LONDON_WRONG_PARENT"
    case .missingField, .unexpectedField: "INCORRECT_BLOCK_FORMAT"
    case .wrongBaseFee: "INVALID_BASEFEE_PER_GAS"
    case .wrongDifficulty: "INVALID_DIFFICULTY"
    case .difficultyAfterMerge: "IMPORT_IMPOSSIBLE_PARIS_WRONG_POW"
    case .zeroDifficultyBeforeMerge: "IMPORT_IMPOSSIBLE_PARIS_WRONG_POS"
    case .nonceAfterMerge: "IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS"
    case .ommersAfterMerge: "IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS"
    case .wrongExcessBlobGas: "INCORRECT_EXCESS_BLOB_GAS"
    case .blobGasAboveLimit: "BLOB_GAS_USED_ABOVE_LIMIT"
    case .wrongTransactionsRoot: "INVALID_TRANSACTIONS_ROOT"
    case .wrongOmmersHash: "INVALID_UNCLES_HASH"
    case .wrongWithdrawalsRoot: "INVALID_WITHDRAWALS_ROOT"
    case .tooManyOmmers: "TOO_MANY_UNCLES"
    case .ommerUsedBefore: "UNCLE_IN_CHAIN"
    case .ommerIsAncestor: "UNCLE_IS_ANCESTOR"
    case .ommerParent: "UNCLE_PARENT_INCORRECT"
    case .ommer(let error): error.exceptionName
    case .signature(let error, _): error.exceptionName
    case .transaction(let error, _): error.exceptionName
    case .wrongGasUsed: "INVALID_GAS_USED"
    case .wrongBlobGasUsed: "INCORRECT_BLOB_GAS_USED"
    case .wrongStateRoot: "INVALID_STATE_ROOT"
    case .wrongReceiptsRoot: "INVALID_RECEIPTS_ROOT"
    case .wrongBloom: "INVALID_LOG_BLOOM"
    case .wrongRequestsHash: "INVALID_REQUESTS"
    case .malformedDeposit: "INVALID_DEPOSIT_EVENT_LAYOUT"
    case .systemContract(_, let halt): halt == nil ? "SYSTEM_CONTRACT_EMPTY" : "SYSTEM_CONTRACT_CALL_FAILED"
    }
  }
}

extension BlockValidityError: CustomStringConvertible {
  /// The tests' name, and the figures.
  package var description: String {
    let detail = figures
    return detail.isEmpty ? exceptionName : "\(exceptionName) (\(detail))"
  }

  private var figures: String {
    switch self {
    case .malformed(let error): error.description
    case .tooManyBytes(let count, let maximum): "\(count) bytes, at most \(maximum)"
    case .unknownParent(let hash): "no block \(hex(hash))"
    case .wrongNumber(let found, let expected): "number \(found), should be \(expected)"
    case .timestampNotAfterParent(let found, let parent): "time \(found), the parent's is \(parent)"
    case .extraDataTooLong(let count): "\(count) bytes of extra data, at most 32"
    case .missingDAOMark: "the extra data is not 'dao-hard-fork'"
    case .wrongGasLimit(let found, let parent): "gas limit \(found), the parent's is \(parent)"
    case .gasUsedAboveLimit(let used, let limit): "\(used) of \(limit) gas used"
    case .missingField(let name, let fork): "no \(name), which \(fork.name) asks for"
    case .unexpectedField(let name, let fork): "\(name), which \(fork.name) does not have"
    case .wrongBaseFee(let found, let expected): "base fee \(found), should be \(expected)"
    case .wrongDifficulty(let found, let expected): "difficulty \(found), should be \(expected)"
    case .difficultyAfterMerge(let found): "difficulty \(found) after the merge"
    case .zeroDifficultyBeforeMerge: "difficulty 0 before the merge"
    case .nonceAfterMerge(let nonce): "nonce \(nonce) after the merge"
    case .wrongExcessBlobGas(let found, let expected): "excess \(found), should be \(expected)"
    case .blobGasAboveLimit(let found, let limit): "blob gas \(found), limit \(limit) and whole blobs"
    case .wrongTransactionsRoot(let found, let expected), .wrongOmmersHash(let found, let expected),
      .wrongWithdrawalsRoot(let found, let expected), .wrongStateRoot(let found, let expected),
      .wrongReceiptsRoot(let found, let expected), .wrongRequestsHash(let found, let expected):
      "\(hex(found)), should be \(hex(expected))"
    case .tooManyOmmers(let count): "\(count) ommers, at most 2"
    case .ommerUsedBefore(let hash), .ommerIsAncestor(let hash), .ommerParent(let hash): hex(hash)
    case .ommer(let error): "ommer: \(error.figures)"
    case .signature(let error, let index): "transaction \(index): \(error)"
    case .transaction(let error, let index): "transaction \(index): \(error)"
    case .wrongGasUsed(let found, let expected), .wrongBlobGasUsed(let found, let expected):
      "\(found) used, should be \(expected)"
    case .malformedDeposit(let index): "deposit event \(index)"
    case .systemContract(let address, let halt): "\(address)\(halt.map { ": \($0)" } ?? " has no code")"
    case .ommersAfterMerge, .wrongBloom: ""
    }
  }

  private func hex(_ hash: Hash) -> String { "0x" + Hex.encode(hash.bytes) }
}
