// Blocks in which Ethereum's transactions stand between Solana's: the same on every executor, across a restart and
// through a dump; the state trie's root against one computed from the plain world.

import EVM
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary

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
    _ block: RandomBlock, fork: String, contracts: [(address: Address, code: [UInt8])] = []
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
    #expect(expected.results.count == 40 && expected.ethereumResults.count > 20)
    #expect(expected.ethereumResults.contains { $0.succeeded && $0.logs.count == 1 })
    #expect(expected.ethereumResults.contains { $0.error?.hasPrefix("NONCE_MISMATCH") == true })
    let count = expected.ethereumResults.count
    #expect(expected.ethereumEffort == EthereumEffort(executionCount: count, repeatedCount: 0))
    let root = try expected.chain.ethereumStateRoot()
    for workers in [1, 2, 4] {
      for (blockSize, runsAhead) in [(0, false), (7, false), (0, true), (7, true)] {
        let outcome = try Self.run(
          genesis, transactions, on: LockExecutor(workerCount: workers, runsAhead: runsAhead),
          blockSize: blockSize)
        #expect(outcome.stateHash == expected.stateHash)
        #expect(outcome.results == expected.results)
        #expect(outcome.ethereumResults == expected.ethereumResults)
        let effort = outcome.ethereumEffort
        #expect((count...2 * count).contains(effort.executionCount) && effort.repeatedCount <= count)
        #expect(try outcome.chain.ethereumStateRoot() == root)
      }
    }
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
    let texts = outcome.ethereumResults.map { result in
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
    #expect(outcome.ethereumResults.map(\.succeeded) == [true, true])
    let world = EVMWorld()
    let gas = outcome.ethereumResults.map { UInt256($0.gasUsed) }
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
    let dump = try #require(try whole.chain.ethereumDump())
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
    #expect(outcome.ethereumResults.map(\.succeeded) == [true, true, true])
    let dump = try #require(try outcome.chain.ethereumDump())
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
      #expect(outcome.results[0].error == .invalidWritableAccount)
    }
  }

  @Test func withoutASectionEthereumsTransactionsAreRefused() throws {
    let block = try RandomBlock(seed: 2, count: 3, contention: 0)
    let transactions = block.wires.map { .solana($0) } + [Self.call(Self.people[0], nonce: 0)]
    let outcome = try Self.run(block.genesis, transactions, on: SerialExecutor())
    #expect(outcome.results.count == 3)
    #expect(outcome.ethereumResults.map(\.error) == ["this ledger's genesis has no ethereum section"])
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
    #expect(outcome.ethereumResults.count == wires.count)
    #expect(outcome.ethereumResults[0].error != nil)
    #expect(outcome.ethereumResults.count { $0.error != nil } > 1_000)
  }
}
