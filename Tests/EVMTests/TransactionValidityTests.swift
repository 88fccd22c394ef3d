import Primitives
import Testing
import WideIntegers

@testable import EVM

/// The limits of each rule; their agreement with the specification is EthereumTransactionTests.
struct TransactionValidityTests {
  struct Case: Sendable, CustomStringConvertible {
    let description: String
    let fork: Fork
    var gasUsed: UInt64 = 0
    var blobGasUsed: UInt64 = 0
    var sender = SenderState(nonce: 5, balance: UInt256(0, 1, 0, 0), code: .none)
    let error: String?
    let change: @Sendable (inout EthereumTransaction) -> Void
  }

  static func valid(_ kind: EthereumTransaction.Kind) -> EthereumTransaction {
    let hasOnePrice = kind == .legacy || kind == .accessList
    return EthereumTransaction(
      kind: kind, chainID: kind == .legacy ? nil : 1, nonce: 5, maxPriorityFeePerGas: hasOnePrice ? 10 : 2,
      maxFeePerGas: 10,
      gasLimit: 1_000_000, to: Address(0x1234), value: 7, maxFeePerBlobGas: kind == .blob ? 1 : 0,
      blobVersionedHashes: kind == .blob ? [hash(1)] : [],
      authorizations: kind == .setCode
        ? [Authorization(chainID: 0, address: .zero, nonce: 0, signature: .none)] : [])
  }

  static func hash(_ version: UInt8) -> Hash { Hash(UInt256(UInt64(version)) << 248) }

  static func environment(_ fork: Fork) -> BlockEnvironment {
    BlockEnvironment(fork: fork, gasLimit: 30_000_000, baseFeePerGas: 8)
  }

  static func make(
    _ description: String, _ kind: EthereumTransaction.Kind, _ fork: Fork, _ error: String?,
    gasUsed: UInt64 = 0,
    blobGasUsed: UInt64 = 0, sender: SenderState? = nil,
    change: @escaping @Sendable (inout EthereumTransaction) -> Void = { _ in }
  ) -> Case {
    var made = Case(description: "\(description) (\(kind), \(fork))", fork: fork, error: error) {
      $0 = valid(kind)
      change(&$0)
    }
    (made.gasUsed, made.blobGasUsed) = (gasUsed, blobGasUsed)
    if let sender { made.sender = sender }
    return made
  }

  static func blobs(_ count: Int) -> @Sendable (inout EthereumTransaction) -> Void {
    { $0.blobVersionedHashes = [Hash](repeating: hash(1), count: count) }
  }

  static func initcode(_ count: Int) -> @Sendable (inout EthereumTransaction) -> Void {
    { transaction in
      transaction.to = nil
      transaction.data = [UInt8](repeating: 0, count: count)
    }
  }

  static let types: [Case] = EthereumTransaction.Kind.allCases.flatMap { kind -> [Case] in
    Fork.allCases.map { fork in
      make("type", kind, fork, fork < kind.firstFork ? "TYPE_\(kind.rawValue)_TX_PRE_FORK" : nil)
    }
  }

  static let rules: [Case] = [
    make("protected", .legacy, .tangerineWhistle, "INVALID_SIGNATURE_VRS") { $0.chainID = 1 },
    make("protected", .legacy, .spuriousDragon, nil) { $0.chainID = 1 },
    make("other chain", .legacy, .osaka, "INVALID_CHAINID") { $0.chainID = 2 },
    make("other chain", .accessList, .berlin, "INVALID_CHAINID") { $0.chainID = 0 },
    make("other chain", .dynamicFee, .osaka, "INVALID_CHAINID") { $0.chainID = 2 },
    make("creation", .blob, .cancun, "TYPE_3_TX_CONTRACT_CREATION") { $0.to = nil },
    make("creation", .setCode, .prague, "TYPE_4_TX_CONTRACT_CREATION") { $0.to = nil },
    make("no authorization", .setCode, .prague, "TYPE_4_EMPTY_AUTHORIZATION_LIST") { $0.authorizations = [] },
    make("no blob", .blob, .cancun, "TYPE_3_TX_ZERO_BLOBS", change: blobs(0)),
    make("6 blobs", .blob, .cancun, nil, change: blobs(6)),
    make("7 blobs", .blob, .cancun, "TYPE_3_TX_BLOB_COUNT_EXCEEDED", change: blobs(7)),
    make("9 blobs", .blob, .prague, nil, change: blobs(9)),
    make("10 blobs", .blob, .prague, "TYPE_3_TX_BLOB_COUNT_EXCEEDED", change: blobs(10)),
    make("7 blobs", .blob, .osaka, "TYPE_3_TX_BLOB_COUNT_EXCEEDED", change: blobs(7)),
    make("last blobs", .blob, .cancun, nil, blobGasUsed: 4 << 17, change: blobs(2)),
    make(
      "a blob too many", .blob, .cancun, "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED", blobGasUsed: 5 << 17,
      change: blobs(2)),
    make("blob version", .blob, .cancun, "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH") {
      $0.blobVersionedHashes = [hash(1), hash(2)]
    },
    make("blob fee", .blob, .cancun, "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS") { $0.maxFeePerBlobGas = 0 },
    make("block is full", .legacy, .london, "GAS_ALLOWANCE_EXCEEDED", gasUsed: 29_000_001),
    make("block is just full", .legacy, .london, nil, gasUsed: 29_000_000),
    make("block is over full", .legacy, .london, "GAS_ALLOWANCE_EXCEEDED", gasUsed: .max),
    make("gas cap", .legacy, .osaka, nil) { $0.gasLimit = 1 << 24 },
    make("above the gas cap", .legacy, .osaka, "GAS_LIMIT_EXCEEDS_MAXIMUM") { $0.gasLimit = 1 << 24 + 1 },
    make("above the gas cap", .legacy, .prague, nil) { $0.gasLimit = 1 << 24 + 1 },
    make("gas", .legacy, .london, nil) { $0.gasLimit = 21_000 },
    make("gas", .legacy, .london, "INTRINSIC_GAS_TOO_LOW") { $0.gasLimit = 20_999 },
    make("floor", .legacy, .cancun, nil) { ($0.data, $0.gasLimit) = ([1], 21_016) },
    make("floor", .legacy, .prague, nil) { ($0.data, $0.gasLimit) = ([1], 21_040) },
    make("floor", .legacy, .prague, "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST") {
      ($0.data, $0.gasLimit) = ([1], 21_039)
    },
    make("largest nonce", .legacy, .london, "NONCE_IS_MAX") { $0.nonce = .max },
    make("initcode", .legacy, .shanghai, nil, change: initcode(49_152)),
    make("initcode", .legacy, .shanghai, "INITCODE_SIZE_EXCEEDED", change: initcode(49_153)),
    make("initcode", .legacy, .paris, nil, change: initcode(49_153)),
    make("tip", .dynamicFee, .london, nil) { $0.maxPriorityFeePerGas = 10 },
    make("tip", .dynamicFee, .london, "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS") {
      $0.maxPriorityFeePerGas = 11
    },
    make("base fee", .dynamicFee, .london, nil) { $0.maxFeePerGas = 8 },
    make("base fee", .dynamicFee, .london, "INSUFFICIENT_MAX_FEE_PER_GAS") { $0.maxFeePerGas = 7 },
    make("no base fee", .legacy, .berlin, nil) { ($0.maxFeePerGas, $0.maxPriorityFeePerGas) = (0, 0) },
    make("low nonce", .legacy, .london, "NONCE_MISMATCH_TOO_LOW") { $0.nonce = 4 },
    make("high nonce", .legacy, .london, "NONCE_MISMATCH_TOO_HIGH") { $0.nonce = 6 },
  ]

  /// The sender's.
  static let address = Address(word0: 7, word1: 7, word2: 1)

  static let senders: [Case] = {
    func sender(_ balance: UInt256, _ code: SenderState.Code = .none) -> SenderState {
      SenderState(nonce: 5, balance: balance, code: code)
    }
    let cost = UInt256(10_000_007)
    let blobCost = UInt256(10_000_007 + 2 << 17)
    return [
      make("contract", .legacy, .frontier, "SENDER_NOT_EOA", sender: sender(.max, .contract)),
      make("contract", .legacy, .osaka, "SENDER_NOT_EOA", sender: sender(.max, .contract)),
      make("contract that is acted for", .legacy, .osaka, nil, sender: sender(.max, .contract)) {
        $0.signature = .standing(for: address)
      },
      make("another is acted for", .legacy, .osaka, "SENDER_NOT_EOA", sender: sender(.max, .contract)) {
        $0.signature = .standing(for: .zero)
      },
      make("delegation", .legacy, .cancun, "SENDER_NOT_EOA", sender: sender(.max, .delegation)),
      make("delegation", .legacy, .prague, nil, sender: sender(.max, .delegation)),
      make("balance", .legacy, .berlin, nil, sender: sender(cost)),
      make("balance", .legacy, .berlin, "INSUFFICIENT_ACCOUNT_FUNDS", sender: sender(cost &- 1)),
      make("balance", .dynamicFee, .london, "INSUFFICIENT_ACCOUNT_FUNDS", sender: sender(cost &- 1)),
      make("blobs' balance", .blob, .cancun, nil, sender: sender(blobCost), change: blobs(2)),
      make(
        "blobs' balance", .blob, .cancun, "INSUFFICIENT_ACCOUNT_FUNDS", sender: sender(blobCost &- 1),
        change: blobs(2)),
      make("value beyond 2^256", .legacy, .london, "INSUFFICIENT_ACCOUNT_FUNDS", sender: sender(.max)) {
        $0.value = .max
      },
      make("fees beyond 2^256", .legacy, .london, "INSUFFICIENT_ACCOUNT_FUNDS", sender: sender(.max)) {
        ($0.maxFeePerGas, $0.maxPriorityFeePerGas) = (.max, .max)
      },
      make("blob fees beyond 2^256", .blob, .cancun, "INSUFFICIENT_ACCOUNT_FUNDS", sender: sender(.max)) {
        $0.maxFeePerBlobGas = .max
      },
    ]
  }()

  @Test(arguments: types + rules + senders) func rule(_ test: Case) {
    var transaction = Self.valid(.legacy)
    test.change(&transaction)
    var found: String?
    do throws(TransactionValidityError) {
      _ = try transaction.validate(
        in: Self.environment(test.fork), gasUsed: test.gasUsed, blobGasUsed: test.blobGasUsed)
      try transaction.validate(sender: test.sender, at: Self.address, fork: test.fork)
    } catch { found = error.exceptionName }
    #expect(found == test.error)
  }

  static let gas: [(fork: Fork, isCreation: Bool, data: [UInt8], gas: UInt64, floor: UInt64)] = [
    (.frontier, true, [0, 1], 21_072, 0), (.homestead, true, [0, 1], 53_072, 0),
    (.petersburg, false, [0, 1], 21_072, 0), (.istanbul, false, [0, 1], 21_020, 0),
    (.paris, true, [0, 1], 53_020, 0), (.shanghai, true, [0, 1], 53_022, 0),
    (.shanghai, true, [UInt8](repeating: 0, count: 33), 53_136, 0), (.prague, false, [0, 1], 21_020, 21_050),
    (.osaka, false, [], 21_000, 21_000),
  ]

  @Test(arguments: gas)
  func intrinsicGas(fork: Fork, isCreation: Bool, data: [UInt8], gas: UInt64, floor: UInt64) {
    var transaction = Self.valid(.legacy)
    if isCreation { transaction.to = nil }
    transaction.data = data
    let found = IntrinsicGas(of: transaction, fork: fork)
    #expect(found.gas == gas && found.floor == floor)
    transaction.accessList = [
      AccessListEntry(address: .zero, storageKeys: []),
      AccessListEntry(address: .zero, storageKeys: [.zero, .zero]),
    ]
    transaction.authorizations = Self.valid(.setCode).authorizations
    #expect(IntrinsicGas(of: transaction, fork: fork).gas == gas + 2 * 2_400 + 2 * 1_900 + 25_000)
  }

  @Test func everyByteOfCalldataCounts() {
    var transaction = Self.valid(.legacy)
    transaction.to = .zero
    for count in 0..<40 {
      for zeros in [0, 1, 2, 7] {
        // Values of all magnitudes, zeros between them.
        transaction.data = (0..<count).map {
          zeros > 0 && $0 % (zeros + 1) == 0 ? 0 : UInt8(($0 &* 37 &+ count &* 11) & 255)
        }
        let nonzero = UInt64(transaction.data.filter { $0 != 0 }.count)
        let expected = 21_000 + 16 * nonzero + 4 * (UInt64(count) - nonzero)
        #expect(IntrinsicGas(of: transaction, fork: .cancun).gas == expected)
      }
    }
  }

  @Test func feesAreSplitBetweenCoinbaseAndNobody() {
    var transaction = Self.valid(.blob)
    transaction.blobVersionedHashes = [Self.hash(1), Self.hash(1)]
    let fees = TransactionFees(of: transaction, in: Self.environment(.cancun))
    #expect(fees.effectiveGasPrice == 10 && fees.priorityFeePerGas == 2 && fees.blobFee == UInt256(2 << 17))
    #expect(fees.upfrontCost(gasLimit: 100) == UInt256(1_000 + 2 << 17))
    #expect(fees.refund(unusedGas: 40) == 400)
    #expect(fees.coinbaseReward(gasUsed: 60) == 120)
    #expect(fees.burnt(gasUsed: 60) == UInt256(480 + 2 << 17))
    transaction.maxFeePerGas = 9
    #expect(TransactionFees(of: transaction, in: Self.environment(.cancun)).priorityFeePerGas == 1)
    let old = TransactionFees(of: Self.valid(.legacy), in: Self.environment(.berlin))
    #expect(old.coinbaseReward(gasUsed: 3) == 30 && old.burnt(gasUsed: 3) == 0)
  }
}
