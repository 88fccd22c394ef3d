import EVM
import Estuary
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Node

/// Ethereum's pool without a chain: what it takes, in which order blocks get it, what goes.
@Suite struct EthereumPoolTests {
  private static let gwei = UInt256(1_000_000_000)
  private static let block = BlockEnvironment(
    fork: .osaka, chainID: 1337, number: 5, gasLimit: 1_000_000, baseFeePerGas: gwei)
  private static let rich = SenderState(nonce: 0, balance: UInt256(1) << 80, code: .none)

  private static func sender(_ number: UInt32) -> Address { Address(word0: 7, word1: 7, word2: number) }

  private static func transaction(
    _ sender: UInt32 = 1, nonce: UInt64 = 0, tip: UInt64 = 1, price: UInt64 = 20, gas: UInt64 = 21_000,
    value: UInt64 = 0, data: [UInt8] = [], kind: EthereumTransaction.Kind = .dynamicFee,
    chainID: UInt64 = 1337,
    to: Address? = .zero, _ change: (inout EthereumTransaction) -> Void = { _ in }
  ) -> PooledEthereumTransaction {
    var transaction = EthereumTransaction(
      kind: kind, chainID: chainID, nonce: nonce, maxPriorityFeePerGas: UInt256(tip) &* gwei,
      maxFeePerGas: UInt256(price) &* gwei, gasLimit: gas, to: to, value: UInt256(value), data: data,
      signature: .standing(for: Self.sender(sender)))
    change(&transaction)
    return PooledEthereumTransaction(transaction, from: Self.sender(sender))
  }

  private func insert(
    _ transaction: PooledEthereumTransaction, into pool: inout EthereumPool, _ account: SenderState = rich
  ) throws(EthereumPoolError) {
    try pool.insert(transaction, in: Self.block) { () throws(EthereumPoolError) in account }
  }

  private func problem(
    _ transaction: PooledEthereumTransaction, in pool: EthereumPool = EthereumPool(),
    _ account: SenderState = rich
  ) -> String? {
    var pool = pool
    do throws(EthereumPoolError) { try insert(transaction, into: &pool, account) } catch {
      return error.description
    }
    return nil
  }

  @Test func wordsAreGeths() {
    let poor = SenderState(nonce: 3, balance: 100, code: .none)
    let all: [(PooledEthereumTransaction, SenderState, String)] = [
      (Self.transaction(gas: 20_999), Self.rich, "intrinsic gas too low: gas 20999, minimum needed 21000"),
      (Self.transaction(gas: 1_000_001), Self.rich, "exceeds block gas limit"),
      (
        Self.transaction(gas: 22_000, data: [UInt8](repeating: 1, count: 50)), Self.rich,
        "insufficient gas for floor data gas cost: gas 22000, minimum needed 23000"
      ),
      (
        Self.transaction(gas: TransactionLimits.gas + 1), Self.rich,
        "transaction gas limit too high (cap: 16777216, tx: 16777217)"
      ),
      (
        Self.transaction(tip: 21), Self.rich,
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 21000000000, maxFeePerGas: 20000000000"
      ),
      (
        Self.transaction(chainID: 1), Self.rich,
        "invalid sender: invalid chain id for signer: have 1 want 1337"
      ),
      (Self.transaction(nonce: .max), Self.rich, "nonce has max value"),
      (Self.transaction(nonce: 2), poor, "nonce too low: next nonce 3, tx nonce 2"),
      (
        Self.transaction(nonce: 3), poor,
        "insufficient funds for gas * price + value: balance 100, tx cost 420000000000000, overshot 419999999999900"
      ),
      (
        Self.transaction(gas: 900_000, data: [UInt8](repeating: 0, count: 49_153), to: nil), Self.rich,
        "max initcode size exceeded: code size 49153, limit 49152"
      ),
      (
        Self.transaction { $0.signature.s = 2 }, SenderState(nonce: 0, balance: .max, code: .contract),
        "sender not an eoa: address \(Self.sender(1).checksummed)"
      ),
      (Self.transaction(kind: .setCode), Self.rich, "set code tx must have at least one authorization tuple"),
      (Self.transaction(kind: .blob), Self.rich, "blobless blob transaction"),
      (
        Self.transaction(kind: .blob) { $0.blobVersionedHashes = [.zero] }, Self.rich,
        "blob 0 has an invalid hash version"
      ),
      (
        Self.transaction(kind: .blob) {
          $0.blobVersionedHashes = Array(repeating: Hash(word0: 1, word1: 0, word2: 0, word3: 0), count: 7)
        }, Self.rich, "too many blobs in transaction: have 7, permitted 6"
      ),
      (
        Self.transaction(gas: 1_000_000, data: [UInt8](repeating: 0, count: 140_000)), Self.rich,
        "oversized data: transaction size"
      ),
    ]
    for (transaction, account, words) in all {
      let found = problem(transaction, account)
      #expect(found == words || found?.hasPrefix(words + " ") == true, "\(found ?? "taken"), want \(words)")
    }
    #expect(problem(Self.transaction()) == nil)
    // Somebody acts for the contract.
    #expect(problem(Self.transaction(), SenderState(nonce: 0, balance: .max, code: .contract)) == nil)
  }

  @Test func noncesAreInOrderAndGapsWait() throws {
    var pool = EthereumPool()
    for nonce in [4, 1, 0, 6] as [UInt64] { try insert(Self.transaction(nonce: nonce), into: &pool) }
    #expect(pool.status == (2, 2))
    #expect(pool.nextNonce(of: Self.sender(1)) == 2)
    #expect(pool.pack(for: Self.block).map(\.nonce) == [0, 1])
    for nonce in [3, 2] as [UInt64] { try insert(Self.transaction(nonce: nonce), into: &pool) }
    #expect(pool.status == (5, 1))
    #expect(pool.pack(for: Self.block).map(\.nonce) == [0, 1, 2, 3, 4])
    // A block used four of them.
    pool.update(Self.sender(1), SenderState(nonce: 4, balance: Self.rich.balance, code: .none))
    #expect(pool.content(of: Self.sender(1))?.pending.map(\.nonce) == [4])
    #expect(pool.content(of: Self.sender(1))?.queued.map(\.nonce) == [6])
    #expect(problem(Self.transaction(nonce: 3), in: pool) == "nonce too low: next nonce 4, tx nonce 3")
  }

  @Test func replacingCostsATenthMoreOnBothPrices() throws {
    var pool = EthereumPool()
    let first = Self.transaction(tip: 10, price: 100)
    try insert(first, into: &pool)
    #expect(problem(first, in: pool) == "already known")
    for (tip, price) in [(10, 110), (11, 109), (10, 200), (9, 300), (11, 100)] as [(UInt64, UInt64)] {
      let found = problem(Self.transaction(tip: tip, price: price), in: pool)
      #expect(found == "replacement transaction underpriced", "\(tip) \(price)")
    }
    let second = Self.transaction(tip: 11, price: 110)
    try insert(second, into: &pool)
    #expect(pool.count == 1 && pool.transaction(first.hash) == nil && pool.transaction(second.hash) != nil)
  }

  @Test func blobsDoubleThePrice() throws {
    func blob(_ factor: UInt64, _ blobFee: UInt64) -> PooledEthereumTransaction {
      Self.transaction(tip: factor, price: 10 * factor, kind: .blob) {
        $0.blobVersionedHashes = [Hash(word0: 1, word1: 0, word2: 0, word3: 0)]
        $0.maxFeePerBlobGas = UInt256(blobFee)
      }
    }
    var pool = EthereumPool()
    try insert(blob(1, 10), into: &pool)
    #expect(problem(blob(2, 19), in: pool) == "replacement transaction underpriced")
    #expect(problem(Self.transaction(tip: 1, price: 19), in: pool) == "replacement transaction underpriced")
    try insert(blob(2, 20), into: &pool)
    #expect(pool.count == 1)
  }

  @Test func theBestTipGoesFirstAndSendersKeepTheirOrder() throws {
    var pool = EthereumPool()
    // The second of sender 1 pays best of all, and has to wait for the first.
    let all = [
      Self.transaction(1, nonce: 0, tip: 2), Self.transaction(1, nonce: 1, tip: 9),
      Self.transaction(2, tip: 3),
      Self.transaction(3, tip: 3), Self.transaction(4, tip: 1),
      // Its own limit leaves less for the recipient.
      Self.transaction(5, tip: 3, price: 3),
      // Below the base fee: not now.
      Self.transaction(6, tip: 0, price: 0),
    ]
    for one in all { try insert(one, into: &pool) }
    let order = pool.pack(for: Self.block)
    #expect(order.map(\.hash) == [2, 3, 0, 1, 5, 4].map { all[$0].hash })
    #expect(pool.count == 7)
    #expect(pool.hasTransaction(for: Self.block))
    let dear = BlockEnvironment(
      fork: .osaka, chainID: 1337, gasLimit: 1_000_000, baseFeePerGas: UInt256(21) &* Self.gwei)
    #expect(!pool.hasTransaction(for: dear) && pool.pack(for: dear).isEmpty)
  }

  @Test func gasLimitsOfABlockFitIntoIt() throws {
    var pool = EthereumPool()
    let all = [
      Self.transaction(1, nonce: 0, tip: 9, gas: 600_000),
      Self.transaction(1, nonce: 1, tip: 9, gas: 300_000),
      Self.transaction(2, tip: 8, gas: 500_000), Self.transaction(3, tip: 7, gas: 100_000),
    ]
    for one in all { try insert(one, into: &pool) }
    #expect(pool.pack(for: Self.block).map(\.hash) == [0, 1, 3].map { all[$0].hash })
  }

  @Test func whatWaitsCountsAgainstTheBalance() throws {
    var pool = EthereumPool()
    // Each can take 420,000 gwei.
    let account = SenderState(nonce: 0, balance: UInt256(900_000) &* Self.gwei, code: .none)
    for nonce in [0, 1] as [UInt64] { try insert(Self.transaction(nonce: nonce), into: &pool, account) }
    let found = problem(Self.transaction(nonce: 2), in: pool, account)
    #expect(found?.contains("queued cost") == true, "\(found ?? "")")
    // Less is there than either can take.
    pool.update(Self.sender(1), SenderState(nonce: 0, balance: 1, code: .none))
    #expect(pool.isEmpty)
  }

  @Test func aFullPoolLetsGoOfWhatPaysLeast() throws {
    var limits = EthereumPool.Limits()
    limits.capacity = 3
    limits.senderCapacity = 2
    var pool = EthereumPool(limits: limits)
    for sender in 1...3 as ClosedRange<UInt32> {
      try insert(Self.transaction(sender, tip: UInt64(sender)), into: &pool)
    }
    #expect(problem(Self.transaction(4, tip: 1), in: pool) == "transaction underpriced")
    try insert(Self.transaction(4, tip: 5), into: &pool)
    #expect(pool.count == 3 && pool.content(of: Self.sender(1)) == nil)
    try insert(Self.transaction(4, nonce: 1, tip: 6), into: &pool)
    #expect(
      problem(Self.transaction(4, nonce: 2, tip: 7), in: pool)
        == "account limit exceeded: too many transactions of this sender wait")
  }

  @Test func aTipBelowTheLeastIsRefused() throws {
    var limits = EthereumPool.Limits()
    limits.leastTip = UInt256(2) &* Self.gwei
    let pool = EthereumPool(limits: limits)
    #expect(
      problem(Self.transaction(tip: 1), in: pool)?.hasPrefix("transaction gas price below minimum") == true)
    #expect(problem(Self.transaction(tip: 2), in: pool) == nil)
  }

  /// Random insertions, blocks and losses: what is packed is always in nonce order, within the gas, and sums agree.
  @Test func randomRunsKeepTheirBooks() throws {
    var random = SeededRandom(seed: 0x5eed)
    var pool = EthereumPool()
    var nonces = [UInt64](repeating: 0, count: 8)
    for _ in 0..<3000 {
      let sender = Int(random.next() % 8)
      switch random.next() % 8 {
      case 0:
        let packed = pool.pack(for: Self.block)
        #expect(packed.reduce(0) { $0 + $1.transaction.gasLimit } <= Self.block.gasLimit)
        for number in 0..<8 {
          let own = packed.filter { $0.sender == Self.sender(UInt32(number)) }.map(\.nonce)
          #expect(own == Array(nonces[number]..<nonces[number] + UInt64(own.count)))
          nonces[number] += UInt64(own.count)
          pool.update(
            Self.sender(UInt32(number)),
            SenderState(nonce: nonces[number], balance: Self.rich.balance, code: .none))
        }
      case 1:
        if let one = pool.content.randomElement(using: &random)?.pending.last { pool.remove(one.hash) }
      default:
        let one = Self.transaction(
          UInt32(sender), nonce: nonces[sender] + random.next() % 6, tip: random.next() % 20,
          price: 20 + random.next() % 50,
          gas: 21_000 + random.next() % 200_000)
        _ = try? pool.insert(one, in: Self.block) { () throws(EthereumPoolError) in
          SenderState(nonce: nonces[sender], balance: Self.rich.balance, code: .none)
        }
      }
      let content = pool.content
      #expect(pool.count == content.reduce(0) { $0 + $1.pending.count + $1.queued.count })
      #expect(
        content.allSatisfy { all in
          (all.pending + all.queued).allSatisfy { pool.transaction($0.hash)?.hash == $0.hash }
        })
    }
  }
}

private struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
