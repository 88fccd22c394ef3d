import Estuary
import Ledger
import Primitives
import Testing

@testable import Node

@Suite struct TransactionPoolTests {
  private static let program = Pubkey(word0: 1, word1: 1, word2: 1, word3: 1)

  /// A transaction that writes `target`, at a price a compute unit.
  private func transaction(
    _ number: UInt64, price: UInt64 = 0, units: UInt32 = 100_000, target: UInt64 = 0,
    lastHeight: UInt64 = 1000
  ) throws -> PooledTransaction {
    let payer = Ed25519.KeyPair(
      seed: SHA256.hash([UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]))
    var writer = ByteWriter()
    writer.write(3 as UInt8)
    writer.write(price)
    let built = try TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: .zero,
      instructions: [
        ComputeBudgetProgram.setComputeUnitLimit(units),
        Instruction(programID: ProgramID.computeBudget, accounts: [], data: writer.bytes),
        Instruction(
          programID: Self.program,
          accounts: [
            AccountMeta(
              key: Pubkey(word0: target, word1: 2, word2: 2, word3: 2), isSigner: false, isWritable: true)
          ], data: []),
      ]
    ).signed(by: [payer])
    return PooledTransaction(
      built, loaded: LoadedAddresses(), signature: try #require(built.firstSignature),
      lastValidBlockHeight: lastHeight)
  }

  private func limits(_ change: (inout TransactionPool.Limits) -> Void) -> TransactionPool.Limits {
    var limits = TransactionPool.Limits()
    change(&limits)
    return limits
  }

  @Test func whatPaysMoreGoesFirstAndEqualsInTheOrderOfArrival() throws {
    var pool = TransactionPool()
    let prices: [UInt64] = [0, 5_000_000, 0, 9_000_000, 5_000_000]
    let all = try prices.enumerated().map {
      try transaction(UInt64($0.offset), price: $0.element, target: UInt64($0.offset))
    }
    for one in all { #expect(pool.insert(one) == .taken) }
    #expect(pool.insert(all[2]) == .known)
    #expect(pool.pack(after: 1).map(\.signature) == [3, 1, 4, 0, 2].map { all[$0].signature })
    #expect(pool.isEmpty)
  }

  @Test func anAccountThatIsFullLeavesRoomForOthers() throws {
    // Each costs a little more than its 100,000 units.
    var pool = TransactionPool(limits: limits { $0.accountCost = 300_000 })
    let hot = try (0..<4).map { try transaction($0, price: 1_000_000, target: 1) }
    let cold = try transaction(9, target: 2)
    for one in hot + [cold] { #expect(pool.insert(one) == .taken) }
    #expect(pool.pack(after: 1).map(\.signature) == [hot[0], hot[1], cold].map(\.signature))
    #expect(pool.pack(after: 2).map(\.signature) == [hot[2], hot[3]].map(\.signature))
  }

  @Test func aFullBlockLeavesTheRestForTheNext() throws {
    var pool = TransactionPool(limits: limits { $0.blockCost = 250_000 })
    let all = try (0..<5).map { try transaction($0, price: 1000 * $0, target: $0) }
    for one in all { #expect(pool.insert(one) == .taken) }
    #expect(pool.pack(after: 1).map(\.signature) == [all[4], all[3]].map(\.signature))
    #expect(pool.count == 3)
  }

  /// However much others pay, whoever waits gets a turn.
  @Test func nobodyWaitsForEver() throws {
    var pool = TransactionPool(
      limits: limits {
        $0.blockCost = 130_000
        $0.patience = 3
      })
    let poor = try transaction(1000)
    #expect(pool.insert(poor) == .taken)
    for height in 0..<10 as Range<UInt64> {
      #expect(pool.insert(try transaction(height, price: 9_000_000)) == .taken)
      if pool.pack(after: height).contains(where: { $0.signature == poor.signature }) {
        #expect(height == 3)
        return
      }
    }
    Issue.record("ten blocks went by without it")
  }

  @Test func whatCanRunNoMoreGoes() throws {
    var pool = TransactionPool()
    let (early, late) = (try transaction(1, lastHeight: 5), try transaction(2, lastHeight: 6))
    #expect(pool.insert(early) == .taken && pool.insert(late) == .taken)
    #expect(pool.pack(after: 6).map(\.signature) == [late.signature])
    #expect(pool.isEmpty)
  }

  @Test func aFullPoolKeepsWhatPaysBest() throws {
    var pool = TransactionPool(limits: limits { $0.capacity = 2 })
    let prices: [UInt64] = [1_000_000, 3_000_000, 2_000_000, 1_000_000]
    let all = try prices.enumerated().map { try transaction(UInt64($0.offset), price: $0.element) }
    #expect(all.map { pool.insert($0) } == [.taken, .taken, .taken, .full])
    #expect(pool.pack(after: 1).map(\.signature) == [all[1], all[2]].map(\.signature))
    pool.restore([all[2], all[1]])
    #expect(pool.pack(after: 1).map(\.signature) == [all[2], all[1]].map(\.signature))
  }
}
