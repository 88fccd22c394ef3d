// Ethereum's chain of a ledger that makes its own blocks: what is stored, what follows from the parent, what a ledger
// opened again knows, and what a block that was not committed leaves.

import EVM
import Foundation
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite struct EthereumChainTests {
  private static let person = Address(0xbeef)
  /// Logs the caller's 32 bytes with the topic 7.
  private static let logger = Address(0xa001)
  private static let loggerCode: [UInt8] = [
    0x5f, 0x35, 0x5f, 0x52, 0x60, 7, 0x60, 32, 0x5f, 0xa1,
  ]

  private static let people = [Address(0x101), Address(0x102), Address(0x103), Address(0x104)]

  private static func settings(fork: String = "Osaka", keepsBaseFee: Bool = false) -> EthereumGenesis {
    var settings = EthereumGenesis.development(chainID: 77)
    settings.fork = fork
    settings.keepsBaseFee = keepsBaseFee
    settings.coinbase = Address(0xc0ffee)
    var rich = EthereumGenesis.Account(address: person)
    rich.balance = UInt256(1) << 80
    var contract = EthereumGenesis.Account(address: logger)
    (contract.nonce, contract.code) = (1, loggerCode)
    settings.alloc = (settings.alloc + [rich, contract]).sorted { $0.address < $1.address }
    return settings
  }

  private static func genesis(_ settings: EthereumGenesis?) throws -> Genesis {
    try Genesis(
      slot: 1, unixTimestamp: 1000, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      ethereum: settings)
  }

  private static func chain(
    _ store: any AccountStore = MemoryStore(), _ settings: EthereumGenesis? = settings(),
    executor: any BlockExecutor = SerialExecutor()
  ) throws -> Chain {
    try Chain(store: store, genesis: try genesis(settings), executor: executor, progress: .advancing)
  }

  private static func call(nonce: UInt64, to: Address?, value: UInt64 = 0, data: [UInt8] = [])
    -> WireTransaction
  {
    let transaction = EthereumTransaction(
      kind: .dynamicFee, chainID: 77, nonce: nonce, maxPriorityFeePerGas: 1,
      maxFeePerGas: UInt256(10_000_000_000), gasLimit: 200_000, to: to, value: UInt256(value), data: data)
    return .ethereum(EthereumWire(transaction.encoded, sender: person))
  }

  @discardableResult private static func execute(
    _ transactions: [WireTransaction], on chain: Chain, time: Int64 = 1001
  ) throws -> Chain.Block {
    try chain.execute(
      BlockTransactions(transactions.map { .success($0) }), verifiesSignatures: false, unixTimestamp: time)
  }

  @Test func blocksFollowFromTheirParents() throws {
    let chain = try Self.chain()
    let first = try #require(chain.ethereumHead)
    #expect(first.header.number == 0 && first.header.baseFeePerGas == HeaderRules.initialBaseFee)
    let configuration = try #require(try chain.ethereumConfiguration())
    for number in 1...5 as ClosedRange<UInt64> {
      let parent = try #require(chain.ethereumHead)
      try Self.execute([Self.call(nonce: number - 1, to: Self.people[0], value: number)], on: chain)
      let head = try #require(chain.ethereumHead)
      #expect(head.header.number == number && head.header.parentHash == parent.hash)
      // The same second, and still each block is later than its parent.
      #expect(head.header.timestamp > parent.header.timestamp)
      try head.header.validate(after: parent.header, fork: .osaka, configuration: configuration)
      try #require(try chain.ethereumArchive.block(number)).validateBody(fork: .osaka)
      #expect(head.header.gasUsed == 21_000)
      #expect(head.hash == head.header.hash)
      #expect(try chain.ethereumArchive.number(of: head.hash) == number)
    }
    // Far below the target, the base fee falls.
    #expect(try #require(chain.ethereumHead?.header.baseFeePerGas) < HeaderRules.initialBaseFee)
  }

  @Test func baseFeeStaysWhereTheLedgerSaysSo() throws {
    let chain = try Self.chain(MemoryStore(), Self.settings(keepsBaseFee: true))
    try Self.execute([Self.call(nonce: 0, to: Address(5))], on: chain)
    #expect(chain.ethereumHead?.header.baseFeePerGas == HeaderRules.initialBaseFee)
  }

  @Test func aBlockWithoutEthereumLeavesTheChain() throws {
    let chain = try Self.chain()
    let before = chain.ethereumHead
    try Self.execute([.solana([])], on: chain)
    #expect(chain.ethereumHead == before && chain.head.height == 1)
  }

  @Test(arguments: ["Byzantium", "Berlin", "London", "Paris", "Shanghai", "Cancun", "Prague", "BPO2"])
  func theRootIsThatOfTheWholeState(fork: String) throws {
    let chain = try Self.chain(MemoryStore(), Self.settings(fork: fork))
    for nonce in 0..<4 as Range<UInt64> {
      let word = [UInt8](repeating: 0, count: 31) + [UInt8(nonce)]
      let calls = [
        nonce % 2 == 0
          ? Self.legacy(nonce: 2 * nonce, to: Self.logger, data: word)
          : Self.legacy(nonce: 2 * nonce, to: nil),
        Self.legacy(nonce: 2 * nonce + 1, to: Self.people[Int(nonce)], value: 3),
      ]
      let block = try Self.execute(calls, on: chain)
      #expect(block.receipts.ethereum.allSatisfy { $0.error == nil })
      let whole = try EthereumState(chain.state.ethereumTable).contents().stateRoot
      #expect(chain.ethereumHead?.header.stateRoot == whole)
      let number = try #require(chain.ethereumHead?.header.number)
      let stored = try #require(try chain.ethereumArchive.receipts(number)).map(\.receipt.encoded)
      #expect(chain.ethereumHead?.header.receiptsRoot == MerklePatriciaTrie.listRoot(stored))
    }
  }

  private static func legacy(
    nonce: UInt64, to: Address?, value: UInt64 = 0, data: [UInt8] = []
  ) -> WireTransaction {
    let transaction = EthereumTransaction(
      kind: .legacy, chainID: 77, nonce: nonce, maxPriorityFeePerGas: UInt256(2_000_000_000),
      maxFeePerGas: UInt256(2_000_000_000), gasLimit: 200_000, to: to, value: UInt256(value), data: data)
    return .ethereum(EthereumWire(transaction.encoded, sender: person))
  }

  @Test func lanesMakeTheSameBlocks() throws {
    let chains = [
      try Self.chain(), try Self.chain(executor: LockExecutor(workerCount: 2, alwaysInWaves: true)),
    ]
    for block in 0..<3 as Range<UInt64> {
      for chain in chains {
        let calls = (0..<6 as Range<UInt64>).map { index -> WireTransaction in
          let target = index % 2 == 0 ? Self.logger : Self.people[Int(index / 2)]
          return Self.call(nonce: 6 * block + index, to: target, data: [UInt8](repeating: 3, count: 32))
        }
        try Self.execute(calls, on: chain)
      }
      #expect(chains[0].ethereumHead == chains[1].ethereumHead)
    }
    #expect(try chains[0].ethereumArchive.receipts(3) == chains[1].ethereumArchive.receipts(3))
  }

  @Test func aLedgerOpenedAgainNeedsNoGenesis() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "estuary-chain-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var head: EthereumArchive.StoredHeader?
    do {
      let chain = try Chain.create(directory: path, ethereum: Self.settings())
      try Self.execute([Self.call(nonce: 0, to: Self.logger, data: [1])], on: chain, time: .max / 4)
      head = chain.ethereumHead
    }
    let chain = try Chain.open(directory: path)
    #expect(chain.ethereumHead == head && chain.ethereumSettings?.chainID == 77)
    try Self.execute([Self.call(nonce: 1, to: Self.logger, data: [2])], on: chain)
    #expect(chain.ethereumHead?.header.parentHash == head?.hash)
    #expect(
      chain.ethereumHead?.header.stateRoot
        == (try EthereumState(chain.state.ethereumTable).contents().stateRoot))
  }

  @Test func logsAndTransactionsAreFound() throws {
    let chain = try Self.chain()
    for nonce in 0..<4 as Range<UInt64> {
      let target = nonce == 2 ? Address(5) : Self.logger
      try Self.execute([Self.call(nonce: nonce, to: target, data: [UInt8(nonce)])], on: chain)
    }
    let archive = chain.ethereumArchive
    let topic = Hash(UInt256(7))
    let all = try archive.logs(EthereumLogFilter(blocks: 0...100, addresses: [Self.logger]))
    #expect(
      all.map(\.place.blockNumber) == [1, 2, 4]
        && all.allSatisfy { $0.place.logIndex == 0 && $0.log.topics == [topic] })
    #expect(
      try archive.logs(EthereumLogFilter(blocks: 2...3, topics: [[topic]])).map(\.place.blockNumber) == [2])
    #expect(try archive.logs(EthereumLogFilter(blocks: 0...9, topics: [[], [topic]])).isEmpty)
    #expect(try archive.logs(EthereumLogFilter(blocks: 0...9, addresses: [Address(1)])).isEmpty)
    #expect(try archive.logs(EthereumLogFilter(blocks: 0...9)).count == 3)
    let record = try #require(try archive.transaction(all[1].place.transactionHash))
    #expect(record.block.header.number == 2 && record.sender == Self.person && record.isSuccess == true)
    let header = try #require(try archive.header(2)).header
    #expect(record.gasUsed == header.gasUsed)
    #expect(try archive.transaction(topic) == nil)
  }

  @Test func proofsAreThoseOfTheRoot() throws {
    let chain = try Self.chain()
    try Self.execute([Self.call(nonce: 0, to: Address(5), value: 9)], on: chain)
    try Self.execute([Self.call(nonce: 1, to: Address(5), value: 1)], on: chain)
    for (number, balance) in [(1, 9), (2, 10)] as [(UInt64, UInt64)] {
      let proof = try chain.ethereumProof(of: Address(5), slots: [1], at: number)
      let header = try #require(try chain.ethereumArchive.header(number)).header
      #expect(proof.account?.balance == UInt256(balance) && proof.slots[0].value.isZero)
      #expect(Keccak256.hash(proof.nodes[0]) == header.stateRoot)
      let key = MerklePatriciaTrie.hashed(Address(5))
      let leaf = try TrieProof(proof.nodes).value(of: key, root: header.stateRoot)
      #expect(leaf == proof.account?.encoded)
      #expect(throws: TrieError.self) { try TrieProof([]).value(of: key, root: header.stateRoot) }
    }
    #expect(throws: ChainError.self) { try chain.ethereumProof(of: Address(5), slots: [], at: 3) }
  }

  @Test func aBlockThatCannotBeCommittedLeavesTheChain() throws {
    let (straight, chain) = (try Self.chain(), try Self.chain(TestStore(refusing: 2)))
    for number in 0..<3 as Range<UInt64> {
      let call = Self.call(nonce: number, to: Self.logger, data: [1])
      let before = chain.ethereumHead
      if number == 1 {
        #expect(throws: ChainError.self) { try Self.execute([call], on: chain) }
        #expect(chain.ethereumHead == before)
      }
      try Self.execute([call], on: chain)
      try Self.execute([call], on: straight)
      #expect(chain.ethereumHead == straight.ethereumHead)
    }
  }

  @Test func olderLedgersGetAnEthereumSideOnce() throws {
    let store = MemoryStore()
    let chain = try Self.chain(store, nil)
    #expect(try chain.ethereumStateRoot() == nil)
    #expect(try chain.addEthereum(Self.settings()))
    #expect(try !chain.addEthereum(Self.settings()))
    try Self.execute([Self.call(nonce: 0, to: Self.logger, data: [1])], on: chain)
    let again = try Chain(store: store, genesis: nil, executor: SerialExecutor(), progress: .advancing)
    #expect(again.ethereumHead == chain.ethereumHead && again.ethereumHead?.header.number == 1)
  }

  @Test func aReplayedLedgerKeepsItsSettings() throws {
    var settings = Self.settings()
    settings.number = nil
    let store = MemoryStore()
    var replay = Replay(
      genesis: try Self.genesis(settings), transactions: [Self.call(nonce: 0, to: Address(5))])
    replay.verifiesSignatures = false
    let outcome = try replay.run(on: store, executor: SerialExecutor())
    #expect(outcome.receipts.map(\.isSuccess) == [true])
    let chain = try Chain(store: store, genesis: nil, executor: SerialExecutor(), progress: .advancing)
    #expect(chain.ethereumHead == nil && chain.ethereumSettings?.chainID == 77)
    try Self.execute([Self.call(nonce: 1, to: Address(5))], on: chain)
    // The chain begins with the slot over the state that the replay left.
    #expect(chain.ethereumHead?.header.number == 2)
    #expect(throws: ChainError.self) { try replay.run(on: store, executor: SerialExecutor()) }
  }

  @Test func receiptsBeforeByzantiumAreRefused() throws {
    let chain = try Self.chain(MemoryStore(), Self.settings(fork: "Homestead"))
    #expect(throws: ChainError.self) { try Self.execute([Self.call(nonce: 0, to: Address(5))], on: chain) }
  }

  @Test func statesAreKeptForSoManyBlocks() throws {
    let store = MemoryStore()
    // Without the system contracts, which write another slot in each block, the state stays as large as it is.
    var settings = Self.settings()
    settings.alloc.removeAll { $0.address != Self.person }
    let chain = try Self.chain(store, settings)
    chain.ethereumChain?.archive.keptStates = 12
    let count = 40
    var sizes: [Int] = []
    for nonce in 0..<UInt64(count) {
      // The same two values by turns: nodes come back.
      let call = Self.call(nonce: nonce, to: Address(5), value: nonce % 2)
      try Self.execute([call], on: chain)
      if nonce % 4 == 3 { sizes.append(try store.entryCount(.trieNodes)) }
    }
    #expect(sizes[sizes.count - 1] - sizes[sizes.count - 2] <= 2)
    #expect(try chain.ethereumProof(of: Address(5), slots: [], at: UInt64(count) - 11).account != nil)
    #expect(throws: ChainError.self) { try chain.ethereumProof(of: Self.person, slots: [], at: 2) }
    #expect(
      chain.ethereumHead?.header.stateRoot
        == (try EthereumState(chain.state.ethereumTable).contents().stateRoot))
  }
}

extension MemoryStore {
  fileprivate func entryCount(_ family: StoreFamily) throws -> Int {
    var count = 0
    try forEachEntry(family, from: []) { _, _ in
      count += 1
      return true
    }
    return count
  }
}
