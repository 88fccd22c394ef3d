// A ledger's blocks executed again from its genesis on: all that makes blocks comes out as it is recorded, and what was
// tampered with is noticed.

import EVM
import Execution
import Foundation
import Ledger
import Primitives
import Runtime
import Testing
import WideIntegers

@testable import Estuary

@Suite struct ReexecutionTests {
  private static let person = Address(0xbeef)
  /// Stores the number of its call data at itself.
  private static let writer = Address(0xa001)
  private static let writerCode: [UInt8] = [0x5f, 0x35, 0x80, 0x55]
  /// Stores fee recipient, gas limit, base fee, randomness and time.
  private static let observer = Address(0xa002)
  private static let observerCode: [UInt8] = [
    0x41, 0x5f, 0x55, 0x45, 0x60, 1, 0x55, 0x48, 0x60, 2, 0x55, 0x44, 0x60, 3, 0x55, 0x42, 0x60, 4, 0x55,
  ]

  private static func chain(_ store: any AccountStore, number: UInt64? = nil) throws -> Chain {
    var settings = EthereumGenesis.development(chainID: 77)
    settings.number = number
    for (address, code) in [(person, []), (writer, writerCode), (observer, observerCode)]
      as [(Address, [UInt8])]
    {
      var account = EthereumGenesis.Account(address: address)
      account.balance = UInt256(1) << 80
      if !code.isEmpty { (account.nonce, account.code) = (1, code) }
      settings.alloc.append(account)
    }
    settings.alloc.sort { $0.address < $1.address }
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 1000, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      accounts: [(Chain.faucet.pubkey, Account(lamports: 1 << 50, owner: ProgramID.system))],
      ethereum: settings)
    return try Chain(
      store: store, genesis: genesis, executor: try LockExecutor(workerCount: 2), progress: .advancing,
      keepsTransactions: true)
  }

  private static func call(
    _ target: Address, _ number: UInt64 = 0, nonce: UInt64, value: UInt64 = 0, from sender: Address = person
  ) -> TransactionLine {
    let transaction = EthereumTransaction(
      kind: .dynamicFee, chainID: 77, nonce: nonce, maxPriorityFeePerGas: 1,
      maxFeePerGas: UInt256(10_000_000_000),
      gasLimit: 300_000, to: target, value: UInt256(value), data: UInt256(number).bigEndianBytes)
    return .success(.ethereum(EthereumWire(transaction.encoded, vouchedSender: sender)))
  }

  private static func transfer(_ lamports: UInt64, on chain: Chain) throws -> TransactionLine {
    let target = Ed25519.KeyPair(seed: SHA256.hash([UInt8(truncatingIfNeeded: lamports)])).pubkey
    let builder = TransactionBuilder(
      payer: Chain.faucet.pubkey, recentBlockhash: chain.blockhash,
      instructions: [System.transfer(from: Chain.faucet.pubkey, to: target, lamports: lamports)])
    return .success(.solana(try builder.signed(by: [Chain.faucet]).bytes))
  }

  @discardableResult private static func mine(
    _ number: UInt64, on chain: Chain, slots: UInt64 = 1
  ) throws -> Chain.Block {
    let nonce = try chain.ethereumAccount(person)?.nonce ?? 0
    let lines = [
      try transfer(1_000_000 + number, on: chain), call(writer, number, nonce: nonce),
      try transfer(2_000_000 + number, on: chain), call(observer, nonce: nonce + 1),
    ]
    let block = try chain.execute(
      BlockTransactions(lines), verifiesSignatures: true, unixTimestamp: 2000 + Int64(number), slots: slots)
    #expect(!block.receipts.contains { !$0.isSuccess })
    return block
  }

  private static func onEachStore(_ body: (any AccountStore) throws -> Void) throws {
    try body(MemoryStore())
    let template = try #require(strdup("/tmp/estuary-reexecution-XXXXXX"))
    defer { free(template) }
    let path = String(cString: try #require(mkdtemp(template)))
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(try RocksDBStore(path: path))
  }

  // MARK: What comes out the same

  @Test func randomBlocksOfBothFamilies() throws {
    var total = Reexecution()
    var failed = 0
    for seed in RandomBlocks.seeds(24) {
      let block = try RandomMixedBlock(seed: seed, count: 30, contention: Int(seed % 101) * 7 % 101)
      let store = MemoryStore()
      let chain = try Chain(
        store: store, genesis: block.genesis,
        executor: try LockExecutor(workerCount: 2, alwaysInWaves: seed % 2 == 0), progress: .advancing,
        keepsTransactions: true)
      var lines = block.lines[...]
      while !lines.isEmpty {
        let part = lines.prefix(5 + Int(seed % 9))
        lines = lines.dropFirst(part.count)
        let made = try chain.execute(
          BlockTransactions(part), verifiesSignatures: seed % 3 == 0,
          unixTimestamp: 1_800_000_000 + Int64(lines.count))
        failed += made.receipts.count { !$0.isSuccess }
      }
      for workers in [1, 2] {
        let found = try Chain.reexecute(store, workers: workers)
        #expect(found.blockCount == chain.head.height, "seed \(seed)")
        total.solanaCount += found.solanaCount
        total.ethereumCount += found.ethereumCount
      }
    }
    #expect(total.solanaCount > 400 && total.ethereumCount > 400 && failed > 100)
  }

  @Test func allThatMakesBlocksBesideTransactions() throws {
    for number in [nil, 0] as [UInt64?] {
      try Self.onEachStore { store in
        let chain = try Self.chain(store, number: number)
        #expect(try Chain.reexecute(store, workers: 1).blockCount == 0)
        try Self.mine(1, on: chain)
        // Empty blocks of both kinds, other slots.
        _ = try chain.execute(
          BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: 2002, slots: 700)
        _ = try chain.execute(
          BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: 2003,
          makesEthereumBlock: true)
        // What a developer says of the next block.
        var next = NextEthereumBlock()
        (next.coinbase, next.gasLimit, next.baseFeePerGas) = (Address(0xfee), 20_000_000, UInt256(7))
        (next.prevRandao, next.mayShareTimestamp) = (Hash(word0: 1, word1: 2, word2: 3, word3: 4), true)
        chain.nextBlockSettings = next
        try Self.mine(3, on: chain)
        // Accounts that are set, and taken away.
        var override = AccountOverride()
        (override.balance, override.nonce, override.code) = (UInt256(1) << 70, 7, Self.writerCode)
        override.slots = [3: 4, 5: 6]
        let key = Ed25519.KeyPair(seed: SHA256.hash([1])).pubkey
        try chain.override(
          ethereum: [Address(0xcafe): override],
          solana: [(key, Account(lamports: 990_000, owner: ProgramID.system))])
        try Self.mine(4, on: chain)
        var gone = AccountOverride()
        (gone.balance, gone.nonce, gone.code, gone.slots) = (.zero, 0, [], [3: .zero, 5: .zero])
        try chain.override(ethereum: [Address(0xcafe): gone], solana: [(key, nil)])
        try Self.mine(5, on: chain, slots: 3)
        // Blocks that are taken back and made otherwise.
        let mark = chain.mark()
        for number in 6...8 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
        try chain.revert(to: mark)
        for number in 7...9 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
        let found = try Chain.reexecute(store, workers: 2)
        #expect(found.blockCount == chain.head.height && found.overrideCount == 2)
        #expect(found.solanaCount == found.ethereumCount && found.solanaCount == 14)
        #expect(chain.ethereumHead != nil)
      }
    }
  }

  /// The accounts that a ledger began with are known for as long as all of its blocks.
  @Test func aLongChainFromItsBeginning() throws {
    let template = try #require(strdup("/tmp/estuary-reexecution-XXXXXX"))
    defer { free(template) }
    let path = String(cString: try #require(mkdtemp(template)))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try RocksDBStore(path: path)
    let chain = try Self.chain(store, number: 0)
    // The second block is the first that changes the slot hashes.
    for number in 1...1100 as ClosedRange<Int64> {
      _ = try chain.execute(
        BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: 2000 + number)
    }
    try Self.mine(9000, on: chain)
    #expect(try Chain.reexecute(store, workers: 1).blockCount == chain.head.height)
    // What is let go of takes the beginning with it.
    chain.historyBlockCount = 1090
    try Self.mine(9001, on: chain)
    #expect(throws: ReexecutionError.self) { try Chain.reexecute(store, workers: 1) }
    for sysvar in [SysvarID.clock, SysvarID.slotHashes, SysvarID.recentBlockhashes] {
      var count = 0
      try store.forEachEntry(.accountVersions, from: sysvar.bytes) { (key, _) throws(StoreError) in
        if key.starts(with: sysvar.bytes) { count += 1 }
        return key.starts(with: sysvar.bytes)
      }
      #expect(count == Int(AccountHistory.keptSysvarBlocks))
    }
  }

  /// A feature counts from the block after the one that switched it on, whether or not the ledger was opened in between.
  @Test func featuresThatAreSwitchedOn() throws {
    let store = MemoryStore()
    let chain = try Self.chain(store)
    try Self.mine(1, on: chain)
    #expect(chain.programs.features == .mainnet)
    let before = chain.programs
    let feature = try #require(Feature.all.first { $0.feature == .blake3 })
    let account = Account(
      lamports: 1_000_000, data: Feature.data(activatedAt: chain.slot), owner: ProgramID.feature)
    let mark = chain.mark()
    try chain.override(solana: [(feature.key, account)])
    #expect(chain.programs.features == .blake3 && chain.programs !== before)
    try Self.mine(2, on: chain)
    #expect(try Chain.reexecute(store, workers: 1).overrideCount == 1)
    try chain.revert(to: mark)
    #expect(chain.programs.features == .mainnet)
  }

  // MARK: What does not

  /// A copy of a store with other entries.
  private static func tampered(_ store: MemoryStore, _ entries: [StoreEntry]) throws -> MemoryStore {
    let copy = store.snapshot()
    try copy.revert(
      StoreReversal(
        record: try #require(copy.head), stateLattice: copy.stateLattice, accounts: [:], entries: entries))
    return copy
  }

  private static func failure(_ store: MemoryStore) -> ReexecutionError? {
    do throws(ReexecutionError) {
      _ = try Chain.reexecute(store, workers: 1)
      return nil
    } catch { return error }
  }

  @Test func whatWasTamperedWithIsNoticed() throws {
    let store = MemoryStore()
    let chain = try Self.chain(store, number: 0)
    for number in 1...4 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
    #expect(Self.failure(store) == nil)
    func big(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    func transaction(_ height: UInt64, _ position: UInt8) -> [UInt8] { big(height) + [2, 0, 0, 0, position] }
    // A transaction of Solana's with another amount: the state is another.
    let key = transaction(2, 0)
    var value = try #require(store.value(.solanaBlocks, key))
    let amount = withUnsafeBytes(of: UInt64(1_000_002).littleEndian) { Array($0) }
    let place = try #require((0..<value.count - 8).first { Array(value[$0..<$0 + 8]) == amount })
    value[place] ^= 1
    guard
      case .differs(2, _, let what)? = Self.failure(
        try Self.tampered(store, [StoreEntry(.solanaBlocks, key, value)]))
    else {
      Issue.record("an amount")
      return
    }
    #expect(what.contains("state hash") && what.contains(Chain.faucet.pubkey.description))
    // One that failed where it is said to have succeeded, one that is not there.
    var payer = try #require(store.value(.solanaBlocks, key))
    let wire = try #require(StoredTransaction(decoding: payer)).wire
    let start = try #require(
      (0..<payer.count - wire.count).first { Array(payer[$0..<$0 + wire.count]) == wire })
    // The last byte of the lamports: more than the faucet has.
    payer[start + wire.count - 1] = 0x7f
    guard
      case .differs(2, _, let failed)? = Self.failure(
        try Self.tampered(store, [StoreEntry(.solanaBlocks, key, payer)]))
    else {
      Issue.record("a failure")
      return
    }
    #expect(failed.contains("fails") && failed.contains("succeeded"))
    guard
      case .differs(3, _, _)? = Self.failure(
        try Self.tampered(store, [StoreEntry(.solanaBlocks, transaction(3, 1), nil)]))
    else {
      Issue.record("a missing transaction")
      return
    }
    // Ethereum's receipts name another sender.
    let receipts = big(1) + [2]
    var stored = try #require(store.value(.ethereumBlocks, receipts))
    let sender = Self.person.bytes
    let at = try #require((0..<stored.count - 20).first { Array(stored[$0..<$0 + 20]) == sender })
    stored[at] ^= 1
    guard
      case .differs(1, _, _)? = Self.failure(
        try Self.tampered(store, [StoreEntry(.ethereumBlocks, receipts, stored)]))
    else {
      Issue.record("a sender")
      return
    }
    // Accounts as they were at the beginning, the record that says whether all are known, a block's place.
    let version = Chain.faucet.pubkey.bytes + big(1)
    let other = AccountRecord.encode(Account(lamports: 5, owner: ProgramID.system))
    guard
      case .otherBeginning? = Self.failure(
        try Self.tampered(
          store, [StoreEntry(.accountVersions, version, other)]))
    else {
      Issue.record("the beginning")
      return
    }
    guard
      case .unknownBeginning(nil)? = Self.failure(
        try Self.tampered(store, [StoreEntry(.settings, Array("account-history".utf8), nil)]))
    else {
      Issue.record("no history")
      return
    }
    guard
      case .unknownBlock(4)? = Self.failure(
        try Self.tampered(
          store,
          [
            StoreEntry(.solanaIndex, [2] + big(chain.slot), nil),
            StoreEntry(.ethereumIndex, Array("n".utf8) + big(4), nil),
          ]))
    else {
      Issue.record("a block without a trace")
      return
    }
  }

  /// Which family's transactions stand first in a block matters where both change an account.
  @Test func theOrderOfBothFamiliesIsKept() throws {
    let store = MemoryStore()
    let chain = try Self.chain(store, number: 0)
    try Self.mine(1, on: chain)
    let order = withUnsafeBytes(of: UInt64(1).bigEndian) { Array($0) } + [4]
    #expect(store.value(.solanaBlocks, order) == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    _ = try chain.execute(
      BlockTransactions([try Self.transfer(5, on: chain), Self.call(Self.writer, 3, nonce: 2)]),
      verifiesSignatures: true, unixTimestamp: 3000)
    #expect(store.value(.solanaBlocks, withUnsafeBytes(of: UInt64(2).bigEndian) { Array($0) } + [4]) == nil)
    #expect(try Chain.reexecute(store, workers: 2).blockCount == 2)
  }
}
