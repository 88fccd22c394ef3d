import Ledger
import Primitives
import Testing

@testable import Estuary
@testable import Execution

@Suite struct ChainTests {
  private func chain(_ store: any AccountStore = MemoryStore()) throws -> Chain {
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 100, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      accounts: [(Chain.faucet.pubkey, Account(lamports: Chain.faucetLamports, owner: ProgramID.system))])
    return try Chain(store: store, genesis: genesis, executor: SerialExecutor(), progress: .advancing)
  }

  @Test func aBlockThatCannotBeCommittedLeavesNothingBehind() throws {
    let (straight, chain) = (try chain(), try chain(TestStore(refusing: 2)))
    let target = Ed25519.KeyPair.random().pubkey
    for number in 1...4 as ClosedRange<UInt64> {
      var hashes: [Hash] = []
      for chain in [straight, chain] {
        let transfer = System.transfer(from: Chain.faucet.pubkey, to: target, lamports: 1_000_000 * number)
        let builder = TransactionBuilder(
          payer: Chain.faucet.pubkey, recentBlockhash: chain.blockhash, instructions: [transfer])
        let block = BlockTransactions(solana: [try builder.signed(by: [Chain.faucet]).bytes])
        func execute() throws -> Chain.Block {
          try chain.execute(block, verifiesSignatures: true, unixTimestamp: Int64(100 + number))
        }
        if number == 2 && chain.store is TestStore {
          let before = (chain.slot, chain.blockhash, chain.stateHash, try chain.account(SysvarID.clock))
          #expect(throws: ChainError.self) { try execute() }
          #expect(before == (chain.slot, chain.blockhash, chain.stateHash, try chain.account(SysvarID.clock)))
        }
        let done = try execute()
        #expect(done.receipts.solana[0].error == nil)
        hashes += [done.stateHash, chain.blockhash]
      }
      #expect(hashes[0] == hashes[2] && hashes[1] == hashes[3])
    }
  }

  @Test func eachBlockMovesSlotAndBlockhashOn() throws {
    let chain = try chain()
    let target = Ed25519.KeyPair.random()
    var seen: Set<Hash> = [chain.blockhash]
    for slot in 2...6 as ClosedRange<UInt64> {
      let transfer = System.transfer(from: Chain.faucet.pubkey, to: target.pubkey, lamports: 1_000_000)
      #expect(try chain.send([transfer], signers: [Chain.faucet]).error == nil)
      #expect(chain.slot == slot)
      #expect(seen.insert(chain.blockhash).inserted)
    }
    #expect(try chain.account(target.pubkey)?.lamports == 5_000_000)
  }

  private func transfer(_ blockhash: Hash, lamports: UInt64 = 1_000_000) throws -> [UInt8] {
    let target = Pubkey(word0: 5, word1: 5, word2: 5, word3: lamports)
    return try TransactionBuilder(
      payer: Chain.faucet.pubkey, recentBlockhash: blockhash,
      instructions: [System.transfer(from: Chain.faucet.pubkey, to: target, lamports: lamports)]
    ).signed(by: [Chain.faucet]).bytes
  }

  /// A blockhash holds in the 151 blocks after its own, and what has used it is not forgotten before.
  @Test func aBlockhashHoldsFor151Blocks() throws {
    let store = MemoryStore()
    var chain = try chain(store)
    let first = chain.blockhash
    let wire = try transfer(first)
    #expect(try chain.execute([wire]).receipts.solana[0].error == nil)
    for age in 1...150 as ClosedRange<UInt64> {
      // A chain that is opened anew reads what came before.
      if age % 50 == 0 {
        chain = try Chain(store: store, genesis: nil, executor: SerialExecutor(), progress: .advancing)
      }
      #expect(try chain.recentBlocks().lastValidBlockHeight(of: first) == 150)
      let block = try chain.execute([wire, try transfer(first, lamports: 2_000_000 + age)])
      #expect(block.receipts.solana.map(\.error) == [.alreadyProcessed, nil])
    }
    #expect(try chain.recentBlocks().lastValidBlockHeight(of: first) == nil)
    #expect(chain.state.statusCache.contains(try #require(Transaction.decode(wire).firstSignature)))
    let block = try chain.execute([wire, try transfer(first, lamports: 3_000_000)])
    #expect(block.receipts.solana.map(\.error) == [.blockhashNotFound, .blockhashNotFound])
    #expect(!chain.state.statusCache.contains(try #require(Transaction.decode(wire).firstSignature)))
  }

  @Test func aBlockhashOfNoBlockIsRefused() throws {
    let chain = try chain()
    let wire = try transfer(Hash(word0: 1, word1: 2, word2: 3, word3: 4))
    #expect(try chain.execute([wire]).receipts.solana[0].error == .blockhashNotFound)
  }

  @Test func theClockFollowsTheBlocks() throws {
    let chain = try chain()
    _ = try chain.execute(BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: 500)
    let clock = try #require(try chain.account(SysvarID.clock)).data
    #expect(clock[0] == 2 && clock[32] == 0xf4 && clock[33] == 1)
    // Time does not run backwards.
    _ = try chain.execute(BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: 400)
    #expect(try chain.account(SysvarID.clock)?.data[32] == 0xf4)
  }

  @Test func aStoreOfAnotherGenesisIsRefused() throws {
    let store = MemoryStore()
    let one = try Genesis(slot: 1, unixTimestamp: 0, blockhash: .zero)
    let other = try Genesis(slot: 2, unixTimestamp: 0, blockhash: .zero)
    _ = try Chain(store: store, genesis: one, executor: SerialExecutor(), progress: .fixed)
    #expect(throws: ChainError.self) {
      try Chain(store: store, genesis: other, executor: SerialExecutor(), progress: .fixed)
    }
    #expect(throws: ChainError.self) {
      try Chain(store: MemoryStore(), genesis: nil, executor: SerialExecutor(), progress: .fixed)
    }
  }

  @Test func aReplayGoesOnAfterTheLastBlock() throws {
    let block = try RandomBlock(seed: 77, count: 90, contention: 10)
    var replay = Replay(genesis: block.genesis, wires: block.wires)
    replay.blockSize = 10
    let straight = try replay.run(executor: SerialExecutor())
    let store = MemoryStore()
    var half = Replay(genesis: block.genesis, wires: Array(block.wires[..<40]))
    half.blockSize = 10
    let first = try half.run(on: store, executor: SerialExecutor())
    let second = try replay.run(on: store, executor: SerialExecutor())
    #expect(second.skippedCount == 40)
    #expect(first.receipts + second.receipts == straight.receipts)
    #expect(second.stateHash == straight.stateHash)
  }
}
