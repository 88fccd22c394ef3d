import Primitives
import Testing
import WideIntegers

@testable import EVM

/// Transactions of every type and fork against Ethereum's executable specification.
struct EthereumTransactionTests {
  /// What a transaction comes to: the rule that refuses it, or what execution needs.
  struct Verdict {
    var refusal: String?
    var gas: IntrinsicGas?
    var sender: Address?
    var fees: TransactionFees?
  }

  static func environment(_ test: JSONValue) -> BlockEnvironment {
    BlockEnvironment(
      fork: Fork(name: test.text("fork"))!, number: 1, timestamp: 1, gasLimit: test.number("gasLimit"),
      baseFeePerGas: test.word("baseFee"), excessBlobGas: test.number("excessBlobGas"))
  }

  static func judge(_ test: JSONValue) -> Verdict {
    let environment = environment(test)
    var verdict = Verdict()
    do {
      let transaction = try EthereumTransaction(decoding: test.hex("wire"))
      verdict.gas = try transaction.validate(
        in: environment, gasUsed: test.number("gasUsed"), blobGasUsed: test.number("blobGasUsed"))
      let sender = try transaction.recoverSender(fork: environment.fork)
      verdict.sender = sender
      try transaction.validate(
        sender: SenderState(
          nonce: test.number("nonce"), balance: test.word("balance"),
          code: SenderState.Code(of: test.hex("code"))),
        at: sender, fork: environment.fork)
      verdict.fees = TransactionFees(of: transaction, in: environment)
    } catch let error as EthereumTransactionError {
      verdict.refusal = error.exceptionName
    } catch let error as TransactionValidityError {
      verdict.refusal = error.exceptionName
    } catch let error as EthereumSignatureError {
      verdict.refusal = error.exceptionName
    } catch { fatalError("\(error)") }
    return verdict
  }

  /// Our names for an exception of the specification.
  static func names(_ exception: String) -> Set<String> {
    let table: [(prefix: String, names: Set<String>)] = [
      ("PreFork", ["TYPE_1_TX_PRE_FORK", "TYPE_2_TX_PRE_FORK", "TYPE_3_TX_PRE_FORK", "TYPE_4_TX_PRE_FORK"]),
      (
        "BlobGasLimitExceeded",
        ["TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED", "TYPE_3_TX_BLOB_COUNT_EXCEEDED"]
      ),
      ("BlobCountExceeded", ["TYPE_3_TX_BLOB_COUNT_EXCEEDED"]),
      ("EmptyAuthorizationList", ["TYPE_4_EMPTY_AUTHORIZATION_LIST"]),
      ("GasUsedExceedsLimit", ["GAS_ALLOWANCE_EXCEEDED"]),
      ("InsufficientBalance", ["INSUFFICIENT_ACCOUNT_FUNDS"]),
      ("InsufficientMaxFeePerBlobGas", ["INSUFFICIENT_MAX_FEE_PER_BLOB_GAS"]),
      ("InsufficientMaxFeePerGas", ["INSUFFICIENT_MAX_FEE_PER_GAS"]),
      ("InsufficientTransactionGas", ["INTRINSIC_GAS_TOO_LOW", "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST"]),
      ("InvalidBlobVersionedHash", ["TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH"]),
      ("InvalidSender", ["SENDER_NOT_EOA"]),
      ("InvalidSignature", ["INVALID_SIGNATURE_VRS", "INVALID_CHAINID", "EC_RECOVERY_FAIL"]),
      ("NoBlobData", ["TYPE_3_TX_ZERO_BLOBS"]),
      ("NonceMismatchError nonce too high", ["NONCE_MISMATCH_TOO_HIGH"]),
      ("NonceMismatchError nonce too low", ["NONCE_MISMATCH_TOO_LOW"]),
      ("NonceOverflow", ["NONCE_IS_MAX"]), ("InitCodeTooLarge", ["INITCODE_SIZE_EXCEEDED"]),
      ("PriorityFeeGreaterThanMaxFee", ["PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS"]),
      ("TransactionGasLimitExceeded", ["GAS_LIMIT_EXCEEDS_MAXIMUM"]),
      ("TransactionTypeContractCreation", ["TYPE_3_TX_CONTRACT_CREATION", "TYPE_4_TX_CONTRACT_CREATION"]),
      // A gas price below the base fee, the one rule that the specification has no name for.
      ("InvalidBlock", ["INSUFFICIENT_MAX_FEE_PER_GAS"]),
    ]
    return table.first { exception.hasPrefix($0.prefix) }?.names ?? []
  }

  @Test func verdictsAreTheSpecifications() {
    for test in EthereumCases.cases("transaction") {
      let verdict = Self.judge(test)
      let error = test["error"]!.string
      #expect((verdict.refusal == nil) == (error == nil), "\(verdict) \(test)")
      if let error, let refusal = verdict.refusal, test.number("flaws") == 1 {
        #expect(Self.names(error).contains(refusal), "\(refusal) \(test)")
      }
      guard error == nil else { continue }
      #expect(verdict.gas?.gas == test.number("intrinsicGas"), "\(test)")
      #expect(verdict.gas?.floor == test.number("floorGas"), "\(test)")
      #expect(verdict.sender?.bytes == test.hex("sender"), "\(test)")
      if test["effectiveGasPrice"] != nil {
        #expect(verdict.fees?.effectiveGasPrice == test.word("effectiveGasPrice"), "\(test)")
      }
    }
  }

  @Test func wireFormAndHashes() throws {
    var kinds: Set<EthereumTransaction.Kind> = []
    for test in EthereumCases.cases("transaction") {
      let transaction = try EthereumTransaction(decoding: test.hex("wire"))
      kinds.insert(transaction.kind)
      #expect(transaction.encoded == test.hex("wire"), "\(test)")
      #expect(transaction.hash.bytes == test.hex("hash"))
      if let created = test["created"]?.string, let sender = Address(test.hex("sender")) {
        #expect(Address.created(by: sender, nonce: transaction.nonce) == Address(hex: created))
      }
    }
    #expect(kinds.count == 5)
  }

  @Test func authoritiesAreThoseThatSigned() throws {
    var (valid, invalid) = (0, 0)
    for test in EthereumCases.cases("transaction") {
      guard let authorities = test["authorities"]?.array else { continue }
      let transaction = try EthereumTransaction(decoding: test.hex("wire"))
      #expect(transaction.authorizations.count == authorities.count)
      for (authorization, expected) in zip(transaction.authorizations, authorities) {
        let authority = try? authorization.recoverAuthority()
        #expect(authority == expected.string.map { Address(hex: $0)! }, "\(authorization)")
        if authority == nil { invalid += 1 } else { valid += 1 }
      }
    }
    #expect(valid > 5 && invalid > 5)
  }

  /// Cut or changed anywhere, bytes are refused or are another transaction, never the same one or a crash.
  @Test func damagedBytesAreRefusedOrAnotherTransaction() throws {
    var random = SplitMix64(seed: 7)
    var refused = 0
    for test in EthereumCases.cases("transaction").prefix(100) {
      let wire = test.hex("wire")
      let accepted = (0..<wire.count).first {
        (try? EthereumTransaction(decoding: Array(wire.prefix($0)))) != nil
      }
      #expect(accepted == nil, "\(test)")
      #expect((try? EthereumTransaction(decoding: wire + [0])) == nil, "\(test)")
      for _ in 0..<200 {
        var damaged = wire
        damaged[Int.random(in: 0..<wire.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
        guard let other = try? EthereumTransaction(decoding: damaged) else {
          refused += 1
          continue
        }
        if other.encoded != damaged { Issue.record("\(other)") }
      }
    }
    #expect(refused > 1_000)
  }

  static let malformed: [(hex: String, error: EthereumTransactionError, name: String)] = [
    ("", .empty, "RLP_ERROR_EOF"), ("00", .unknownType(0), "TYPE_NOT_SUPPORTED"),
    ("05c0", .unknownType(5), "TYPE_NOT_SUPPORTED"), ("7f", .unknownType(0x7f), "TYPE_NOT_SUPPORTED"),
    ("80", .unknownType(0x80), "TYPE_NOT_SUPPORTED"),
    ("c0", .rlp(.endOfInput(offset: 1), field: .nonce), "RLP_TOO_FEW_ELEMENTS"),
    ("02c0", .rlp(.endOfInput(offset: 1), field: .chainID), "RLP_TOO_FEW_ELEMENTS"),
    ("01", .rlp(.endOfInput(offset: 0), field: .envelope), "RLP_ERROR_EOF"),
    ("0180", .rlp(.expectedList(offset: 0), field: .envelope), "RLP_INVALID_HEADER"),
    ("c5", .rlp(.lengthExceedsInput(offset: 0), field: .envelope), "RLP_ERROR_SIZE"),
    ("f800", .rlp(.nonCanonicalLength(offset: 0), field: .envelope), "RLP_ERROR_SIZE_LEADING_ZEROS"),
    ("c100", .rlp(.leadingZero(offset: 1), field: .nonce), "RLP_LEADING_ZEROS_NONCE"),
    ("c1c0", .rlp(.expectedBytes(offset: 1), field: .nonce), "RLP_INVALID_NONCE"),
    (
      "ca89010000000000000000", .rlp(.integerTooLarge(offset: 1, byteCount: 9), field: .nonce),
      "NONCE_OVERFLOW"
    ),
    ("c4018300ffff", .rlp(.trailingBytes(offset: 5, count: 1), field: .envelope), "RLP_TOO_MANY_ELEMENTS"),
    ("c5018300ffff", .rlp(.leadingZero(offset: 2), field: .gasPrice), "RLP_LEADING_ZEROS_GASPRICE"),
    (
      "c88080808201028080", .rlp(.invalidByteCount(offset: 4, expected: 20, found: 2), field: .to),
      "ADDRESS_TOO_SHORT"
    ),
    ("c9808080808080198080", .invalidV(25), "INVALID_SIGNATURE_VRS"),
    ("c9808080808080808080", .invalidV(0), "INVALID_SIGNATURE_VRS"),
    ("c98080808080801d8080", .invalidV(29), "INVALID_SIGNATURE_VRS"),
    (
      "ca8080808080801b808080", .rlp(.trailingBytes(offset: 10, count: 1), field: .envelope),
      "RLP_TOO_MANY_ELEMENTS"
    ),
    ("01cb01808080808080c0028080", .invalidV(2), "INVALID_SIGNATURE_VRS"),
    (
      "01cb0180808080808080018080", .rlp(.expectedList(offset: 8), field: .accessList),
      "RLP_INVALID_HEADER"
    ),
  ]

  @Test(arguments: malformed)
  func malformedBytes(hex: String, error: EthereumTransactionError, name: String) {
    #expect(throws: error) { try EthereumTransaction(decoding: Hex.decode(hex)!) }
    #expect(error.exceptionName == name)
  }
}
