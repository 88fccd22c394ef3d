// Blocks in which Ethereum's transactions stand between Solana's: the same on every executor, across a restart and
// through a dump; the state trie's root against one computed from the plain world.

import EVM
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite struct EthereumBlockTests {
  private static let contract = Address(0xc0de)
  private static let people = (1...4).map { Address(UInt256(0x1000 + UInt64($0))) }

  /// Counts in the slot of its caller's address and logs the count; destroys itself when it is called with data.
  private static let code: [UInt8] = [
    0x36, 0x60, 0x15, 0x57,  // jump to the end where there is data
    0x33, 0x54, 0x60, 1, 0x01,  // the count and one
    0x80, 0x33, 0x55,  // stored
    0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xa0,  // logged
    0x00, 0x5b, 0x33, 0xff,
  ]

  private static func genesis(
    _ block: RandomBlock, fork: String, contracts: [(address: Address, code: [UInt8])] = [],
    changing: (inout EthereumGenesis) -> Void = { _ in }
  ) throws -> Genesis {
    var ethereum = EthereumGenesis(chainID: 1, fork: fork, baseFeePerGas: 0, coinbase: Address(0xfee))
    var account = EthereumGenesis.Account(address: contract)
    account.nonce = 1
    account.code = code
    account.storage = [.init(key: UInt256(people[0]), value: 41)]
    ethereum.alloc = [account]
    for contract in contracts {
      var account = EthereumGenesis.Account(address: contract.address)
      account.code = contract.code
      ethereum.alloc.append(account)
    }
    for person in people {
      var entry = EthereumGenesis.Account(address: person)
      entry.balance = 1_000_000_000
      ethereum.alloc.append(entry)
    }
    ethereum.alloc.sort { $0.address < $1.address }
    changing(&ethereum)
    return try Genesis(
      slot: block.genesis.slot, unixTimestamp: block.genesis.unixTimestamp,
      blockhash: block.genesis.blockhash,
      accounts: block.genesis.accounts, ethereum: ethereum)
  }

  private static func call(
    _ person: Address, nonce: UInt64, value: UInt256 = .zero, data: [UInt8] = [], to: Address? = contract
  ) -> WireTransaction {
    let transaction = EthereumTransaction(
      kind: .legacy, chainID: nil, nonce: nonce, maxPriorityFeePerGas: 1, maxFeePerGas: 1, gasLimit: 100_000,
      to: to, value: value, data: data)
    return .ethereum(EthereumWire(transaction.encoded, sender: person))
  }

  /// Some of each kind, in an order that the seed gives; nonces sometimes wrong.
  private static func transactions(_ block: RandomBlock, seed: UInt64) -> [WireTransaction] {
    var random = SplitMix64(seed: seed)
    var nonces = [UInt64](repeating: 0, count: people.count)
    return block.wires.flatMap { wire -> [WireTransaction] in
      var both: [WireTransaction] = [.solana(wire)]
      for _ in 0..<random.next() % 3 {
        let index = Int(random.next() % UInt64(people.count))
        let isWrong = random.next() % 8 == 0
        both.append(call(people[index], nonce: nonces[index] + (isWrong ? 5 : 0)))
        nonces[index] += isWrong ? 0 : 1
      }
      return both
    }
  }

  private static func run(
    _ genesis: Genesis, _ transactions: [WireTransaction], on executor: any BlockExecutor, blockSize: Int = 0,
    store: any AccountStore = MemoryStore()
  ) throws -> Replay.Outcome {
    var replay = Replay(genesis: genesis, transactions: transactions)
    replay.blockSize = blockSize
    replay.verifiesSignatures = false
    return try replay.run(on: store, executor: executor)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func everyExecutorGivesTheSame(seed: UInt64) throws {
    let block = try RandomBlock(seed: seed, count: 40, contention: 30)
    let genesis = try Self.genesis(block, fork: "Cancun")
    let transactions = Self.transactions(block, seed: seed)
    let expected = try Self.run(genesis, transactions, on: SerialExecutor())
    let results = expected.receipts.ethereum
    let count = results.count
    #expect(expected.receipts.count == 40 + count && count > 20 && count == expected.ethereumCount)
    for (receipt, transaction) in zip(expected.receipts, transactions) {
      switch (receipt, transaction) {
      case (.solana, .solana): break
      case (.ethereum(let result), .ethereum(let wire)): #expect(result.hash == Keccak256.hash(wire.bytes))
      default: Issue.record("a receipt of the other family")
      }
    }
    #expect(results.contains { $0.isSuccess && $0.logs.count == 1 })
    #expect(results.contains { $0.errorText?.hasPrefix("NONCE_MISMATCH") == true })
    #expect(expected.executionCount == count && expected.repeatedCount == 0)
    let root = try expected.chain.ethereumStateRoot()
    for workers in [1, 2, 4] {
      for (blockSize, alwaysInWaves) in [(0, false), (7, false), (0, true), (7, true)] {
        let outcome = try Self.run(
          genesis, transactions, on: LockExecutor(workerCount: workers, alwaysInWaves: alwaysInWaves),
          blockSize: blockSize)
        #expect(outcome.stateHash == expected.stateHash)
        #expect(outcome.receipts == expected.receipts)
        #expect((count...2 * count).contains(outcome.executionCount) && outcome.repeatedCount <= count)
        #expect(try outcome.chain.ethereumStateRoot() == root)
      }
    }
  }

  /// Each transaction has its slice, on one clock, whatever runs before and behind it.
  @Test func aMixedBlockKeepsItsTimeline() throws {
    let block = try RandomBlock(seed: 12, count: 40, contention: 30)
    let transactions = Self.transactions(block, seed: 12)
    var replay = Replay(genesis: try Self.genesis(block, fork: "Cancun"), transactions: transactions)
    (replay.verifiesSignatures, replay.recordsTimeline) = (false, true)
    let executors: [any BlockExecutor] = [
      SerialExecutor(), try LockExecutor(workerCount: 1), try LockExecutor(workerCount: 3),
      try LockExecutor(workerCount: 3, alwaysInWaves: true),
    ]
    for executor in executors {
      let outcome = try replay.run(executor: executor)
      let timeline = try #require(outcome.blocks.first?.timeline)
      #expect(outcome.blocks.count == 1 && timeline.slices.count == transactions.count)
      for (position, slice) in timeline.slices.enumerated() {
        #expect(slice.startNanoseconds <= slice.endNanoseconds)
        #expect(slice.endNanoseconds <= timeline.elapsedNanoseconds && slice.endNanoseconds > 0)
        #expect(slice.worker.position < executor.workerCount)
        guard let release = slice.releasedBy else { continue }
        #expect(timeline.slices[release.predecessor.position].startNanoseconds <= slice.startNanoseconds)
        // What running ahead waits for are accounts by other indices than those of the table.
        let waiting = outcome.chain.key(inTimelines: release.account)
        if case .success(.ethereum) = replay.transactions[position] {
          #expect(waiting == ProgramID.ethereum || EVMKey.kind(of: waiting) != nil)
        }
      }
    }
  }

  /// However many transactions are committed at once, it is one block: one limit of gas, one beginning, one end.
  @Test func aFileIsOneBlock() throws {
    let block = try RandomBlock(seed: 21, count: 40, contention: 20)
    let genesis = try Self.genesis(block, fork: "Prague", contracts: SystemContracts.all) {
      $0.gasLimit = 700_000
      $0.withdrawals = [.init(index: 1, validatorIndex: 2, address: Self.people[0], amount: 3)]
      $0.parentBeaconBlockRoot = Hash(word0: 1, word1: 2, word2: 3, word3: 4)
    }
    let transactions = Self.transactions(block, seed: 21)
    let whole = try Self.run(genesis, transactions, on: SerialExecutor())
    let refused = whole.receipts.ethereum.count { $0.errorText?.hasPrefix("GAS_ALLOWANCE") == true }
    #expect(refused > 0 && refused < whole.ethereumCount)
    let root = try whole.chain.ethereumStateRoot()
    // Each system contract has counted one call.
    for contract in SystemContracts.all {
      let slot = EVMKey.slot(contract.address, incarnation: 0, slot: .zero)
      let record = try #require(try whole.chain.account(slot))
      #expect(EVMRecord.decodeSlot(record.data)?.value == 1)
    }
    for alwaysInWaves in [false, true] {
      for blockSize in [1, 7, 1000] {
        let executor = try LockExecutor(workerCount: 2, alwaysInWaves: alwaysInWaves)
        let outcome = try Self.run(genesis, transactions, on: executor, blockSize: blockSize)
        #expect(outcome.stateHash == whole.stateHash && outcome.receipts == whole.receipts)
        #expect(try outcome.chain.ethereumStateRoot() == root)
      }
    }
    // Killed anywhere between two commits, it goes on inside the same block.
    for cut in [1, 8, 30, transactions.count - 1] {
      let store = MemoryStore()
      let chain = try Chain(store: store, genesis: genesis, executor: SerialExecutor(), progress: .fixed)
      let part = BlockTransactions(transactions[..<cut].map { .success($0) })
      let first = try chain.execute(part, verifiesSignatures: false, endsBlock: false)
      let rest = try Self.run(genesis, transactions, on: SerialExecutor(), blockSize: 5, store: store)
      #expect(rest.skippedCount == cut && rest.stateHash == whole.stateHash)
      #expect(first.receipts + rest.receipts == whole.receipts)
      // All was there, but for the end.
      let again = try Self.run(genesis, transactions, on: SerialExecutor(), store: store)
      #expect(again.receipts.isEmpty && again.stateHash == whole.stateHash)
    }
    let store = MemoryStore()
    let chain = try Chain(store: store, genesis: genesis, executor: SerialExecutor(), progress: .fixed)
    _ = try chain.execute(
      BlockTransactions(transactions.map { .success($0) }), verifiesSignatures: false, endsBlock: false)
    #expect(chain.stateHash != whole.stateHash)
    #expect(
      try Self.run(genesis, transactions, on: SerialExecutor(), store: store).stateHash == whole.stateHash)
  }

  /// In the places of what a fork calls at the beginning and the end of a block: each counts its calls in slot 0.
  private enum SystemContracts {
    static let all = [
      EVMBlockProcessor.beaconRoots, EVMBlockProcessor.history, EVMBlockProcessor.withdrawalRequests,
      EVMBlockProcessor.consolidationRequests,
    ].map { (address: $0, code: [0x5f, 0x54, 0x60, 1, 0x01, 0x5f, 0x55, 0x00] as [UInt8]) }
  }

  @Test func resultsSayWhatWasReturned() throws {
    let block = try RandomBlock(seed: 9, count: 1, contention: 0)
    let contracts: [(address: Address, code: [UInt8])] = [
      // Returns 42.
      (Address(0xa001), [0x60, 42, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3]),
      // Reverts with the byte 7.
      (Address(0xa002), [0x60, 7, 0x60, 0, 0x53, 0x60, 1, 0x60, 0, 0xfd]),
    ]
    let genesis = try Self.genesis(block, fork: "Cancun", contracts: contracts)
    let calls = contracts.enumerated().map { Self.call(Self.people[0], nonce: UInt64($0), to: $1.address) }
    let outcome = try Self.run(genesis, calls, on: SerialExecutor())
    let texts = outcome.receipts.map { result in
      var writer = JSONWriter()
      result.write(to: &writer)
      return String(decoding: writer.bytes, as: UTF8.self)
    }
    let word = String(repeating: "0", count: 62) + "2a"
    #expect(texts[0].contains("\"output\":\"0x\(word)\""))
    #expect(texts[1].contains("\"status\":0") && texts[1].contains("\"output\":\"0x07\""))
  }

  @Test func theRootIsThatOfThePlainWorld() throws {
    let block = try RandomBlock(seed: 9, count: 1, contention: 0)
    let calls = [Self.call(Self.people[0], nonce: 0), Self.call(Self.people[1], nonce: 0, value: 5)]
    let outcome = try Self.run(Self.genesis(block, fork: "Cancun"), calls, on: SerialExecutor())
    #expect(outcome.receipts.map(\.isSuccess) == [true, true])
    let world = EVMWorld()
    let gas = outcome.receipts.ethereum.map { UInt256($0.gasUsed) }
    let slots: [UInt256: UInt256] = [UInt256(Self.people[0]): 42, UInt256(Self.people[1]): 1]
    world.insert(Self.contract, balance: 5, nonce: 1, code: EVMCode(Self.code), storage: slots)
    world.insert(Address(0xfee), balance: gas[0] &+ gas[1], nonce: 0, code: .empty, storage: [:])
    for (index, person) in Self.people.enumerated() {
      let spent = index == 0 ? gas[0] : index == 1 ? gas[1] &+ 5 : .zero
      world.insert(
        person, balance: UInt256(1_000_000_000) &- spent, nonce: index < 2 ? 1 : 0, code: .empty, storage: [:]
      )
    }
    #expect(try outcome.chain.ethereumStateRoot() == world.stateRoot)
  }

  @Test func aRestartAndADumpKeepTheState() throws {
    let block = try RandomBlock(seed: 4, count: 20, contention: 10)
    let genesis = try Self.genesis(block, fork: "Osaka")
    let transactions = Self.transactions(block, seed: 4)
    let whole = try Self.run(genesis, transactions, on: SerialExecutor(), blockSize: 4)
    let store = MemoryStore()
    _ = try Self.run(genesis, Array(transactions[..<12]), on: SerialExecutor(), blockSize: 4, store: store)
    let resumed = try Self.run(genesis, transactions, on: SerialExecutor(), blockSize: 4, store: store)
    #expect(resumed.skippedCount == 12)
    #expect(resumed.stateHash == whole.stateHash)
    let dump = try #require(try whole.chain.ethereumGenesis()).json
    let hash = String(repeating: "1", count: 32)
    let text = Array("{\"slot\":7,\"unixTimestamp\":1000,\"blockhash\":\"\(hash)\",\"ethereum\":".utf8)
    let read = try Genesis.parse(text + dump + Array("}".utf8), path: "dump.json")
    let again = try Self.run(read, [], on: SerialExecutor())
    #expect(try again.chain.ethereumStateRoot() == whole.chain.ethereumStateRoot())
  }

  /// Before Cancun: code, storage and account go, and a later block may find the address empty.
  @Test func destroyedContractsLeaveNoStorage() throws {
    let block = try RandomBlock(seed: 6, count: 1, contention: 0)
    let calls = [
      Self.call(Self.people[0], nonce: 0), Self.call(Self.people[1], nonce: 0, data: [1]),
      Self.call(Self.people[2], nonce: 0, value: 3),
    ]
    let outcome = try Self.run(Self.genesis(block, fork: "Shanghai"), calls, on: SerialExecutor())
    #expect(outcome.receipts.map(\.isSuccess) == [true, true, true])
    let dump = try #require(try outcome.chain.ethereumGenesis()).json
    let contract = try JSONValue.parse(dump)["alloc"]?[Self.contract.description]
    #expect(contract?["balance"] == .string("0x3"))
    #expect(contract?["code"] == nil && contract?["storage"] == nil)
    let slot = EVMKey.slot(Self.contract, incarnation: 0, slot: UInt256(Self.people[0]))
    #expect(try outcome.chain.account(slot) == nil)
  }

  @Test func nobodyElseWritesToTheEVMsAccounts() throws {
    let payer = Ed25519.KeyPair.random()
    let block = try RandomBlock(seed: 1, count: 1, contention: 0)
    let given = try Self.genesis(block, fork: "Osaka")
    let genesis = try Genesis(
      slot: given.slot, unixTimestamp: given.unixTimestamp, blockhash: given.blockhash,
      accounts: [(payer.pubkey, Account(lamports: 1_000_000_000, owner: ProgramID.system))],
      ethereum: given.ethereum)
    let targets = [
      EVMKey.account(Self.contract), EVMKey.account(Address(0x9999)),
      EVMKey.code(Self.contract, incarnation: 0),
      EVMKey.slot(Self.contract, incarnation: 0, slot: 7),
    ]
    for target in targets {
      let transfer = System.transfer(from: payer.pubkey, to: target, lamports: 1_000_000)
      let builder = TransactionBuilder(
        payer: payer.pubkey, recentBlockhash: genesis.blockhash, instructions: [transfer])
      let wire = try builder.signed(by: [payer]).bytes
      let outcome = try Self.run(genesis, [.solana(wire)], on: SerialExecutor())
      #expect(outcome.receipts.solana[0].error == .invalidWritableAccount)
    }
  }

  @Test func withoutASectionEthereumsTransactionsAreRefused() throws {
    let block = try RandomBlock(seed: 2, count: 3, contention: 0)
    let transactions = block.wires.map { .solana($0) } + [Self.call(Self.people[0], nonce: 0)]
    let outcome = try Self.run(block.genesis, transactions, on: SerialExecutor())
    #expect(outcome.receipts.solana.count == 3)
    #expect(outcome.receipts.ethereum.map(\.errorText) == ["this ledger's genesis has no ethereum section"])
    #expect(try outcome.chain.ethereumStateRoot() == nil)
  }

  @Test(arguments: ["Atlantis", "", "cancun2"]) func unknownForksAreRefused(name: String) throws {
    let block = try RandomBlock(seed: 2, count: 1, contention: 0)
    let genesis = try Self.genesis(block, fork: name)
    #expect(throws: ChainError.self) { try Self.run(genesis, [], on: SerialExecutor()) }
  }

  @Test func damagedWiresAreErrorsOfTheirOwn() throws {
    let block = try RandomBlock(seed: 3, count: 1, contention: 0)
    guard case .ethereum(let good) = Self.call(Self.people[0], nonce: 0) else { return }
    var random = SplitMix64(seed: 8)
    var wires: [WireTransaction] = [.ethereum(EthereumWire([]))]
    for _ in 0..<2_000 {
      var bytes = good.bytes
      switch random.next() % 3 {
      case 0: bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
      case 1: bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      default: bytes.append(UInt8(truncatingIfNeeded: random.next()))
      }
      wires.append(.ethereum(EthereumWire(bytes, sender: random.next() % 2 == 0 ? Self.people[0] : nil)))
    }
    let outcome = try Self.run(Self.genesis(block, fork: "Prague"), wires, on: SerialExecutor())
    let results = outcome.receipts.ethereum
    #expect(results.count == wires.count)
    #expect(results[0].error != nil)
    #expect(results.count { $0.error != nil } > 1_000)
  }
}
