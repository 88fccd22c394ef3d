import Primitives
import Testing
import WideIntegers

@testable import EVM

/// A chain of empty blocks, and every way in which the next one can be wrong.
struct EthereumBlockTreeTests {
  private static let rich = Address(hex: "00000000000000000000000000000000000000aa") ?? .zero

  private static func configuration(_ fork: Fork) -> ChainConfiguration {
    ChainConfiguration(steps: [.init(fork, .block(0))])
  }

  private typealias Tree = EthereumBlockTree<EthereumMemoryState>

  private static func tree(_ fork: Fork) throws -> (tree: Tree, genesis: EthereumHeader) {
    let world = EVMWorld()
    world.insert(rich, balance: UInt256(1_000), nonce: 0, code: .empty, storage: [:])
    var genesis = EthereumHeader(
      stateRoot: world.stateRoot, difficulty: fork < .paris ? 131_072 : 0, gasLimit: 8_000_000,
      timestamp: 1_000)
    setFields(&genesis, fork)
    if fork >= .london { genesis.baseFeePerGas = 1_000 }
    let host = try EVMHost(programs: EVMProgramCache())
    return (
      Tree(
        genesis: genesis, state: EthereumMemoryState(world: world), configuration: configuration(fork),
        host: host),
      genesis
    )
  }

  private static func setFields(_ header: inout EthereumHeader, _ fork: Fork) {
    if fork >= .shanghai { header.withdrawalsRoot = MerklePatriciaTrie.emptyRoot }
    if fork >= .cancun {
      (header.blobGasUsed, header.excessBlobGas, header.parentBeaconBlockRoot) = (0, 0, .zero)
    }
    if fork >= .prague { header.requestsHash = DepositRequests.hash(of: []) }
  }

  /// The empty block after `parent`, without the state root that a reward makes.
  private static func next(after parent: EthereumHeader, _ fork: Fork) -> EthereumBlock {
    var header = EthereumHeader(
      parentHash: parent.hash, stateRoot: parent.stateRoot, number: parent.number + 1,
      gasLimit: parent.gasLimit, timestamp: parent.timestamp + 12)
    setFields(&header, fork)
    if fork >= .london { header.baseFeePerGas = HeaderRules.baseFee(after: parent) }
    if fork < .paris {
      header.difficulty = HeaderRules.difficulty(
        number: header.number, timestamp: header.timestamp, after: parent, fork: fork, bombDelay: 0)
    }
    return EthereumBlock(header: header, withdrawals: fork >= .shanghai ? [] : nil)
  }

  private static func refusal(
    of block: EthereumBlock, by tree: Tree
  ) -> BlockValidityError? {
    do throws(EthereumBlockError) { _ = try tree.insert(encoded: block.encoded) } catch {
      if case .invalid(let error) = error { return error }
    }
    return nil
  }

  @Test func blocksFollowEachOther() throws {
    let (tree, genesis) = try Self.tree(.cancun)
    var parent = genesis
    for _ in 0..<300 {
      let block = Self.next(after: parent, .cancun)
      #expect(try EthereumBlock(decoding: block.encoded) == block)
      #expect(try tree.insert(encoded: block.encoded) == block.header.hash)
      parent = block.header
    }
    #expect(tree.head == parent.hash)
    // 8,000,000 gas of target 4,000,000 are never used: the fee falls by an eighth, down to where an eighth is 0.
    #expect(parent.baseFeePerGas == 7)
  }

  @Test func anInvalidBlockIsRefusedAndLeavesNothing() throws {
    let (tree, genesis) = try Self.tree(.cancun)
    let good = Self.next(after: genesis, .cancun)
    let changes: [(name: String, change: (inout EthereumBlock) -> Void)] = [
      ("UNKNOWN_PARENT", { $0.header.parentHash = Hash(UInt256(1)) }),
      ("INVALID_BLOCK_NUMBER", { $0.header.number = 2 }),
      ("INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT", { $0.header.timestamp = 1_000 }),
      ("EXTRA_DATA_TOO_BIG", { $0.header.extraData = Array(repeating: 1, count: 33) }),
      ("INVALID_GASLIMIT", { $0.header.gasLimit += 8_000_000 / 1024 }),
      ("INVALID_GASLIMIT", { $0.header.gasLimit -= 8_000_000 / 1024 }),
      ("GAS_USED_OVERFLOW", { $0.header.gasUsed = 8_000_001 }),
      ("INVALID_GAS_USED", { $0.header.gasUsed = 21_000 }),
      ("INVALID_BASEFEE_PER_GAS", { $0.header.baseFeePerGas = 1_000 }),
      ("IMPORT_IMPOSSIBLE_PARIS_WRONG_POW", { $0.header.difficulty = 1 }),
      ("IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS", { $0.header.nonce = 1 }),
      ("IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", { $0.header.ommersHash = .zero }),
      ("IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", { $0.ommers = [$0.header] }),
      ("INCORRECT_EXCESS_BLOB_GAS", { $0.header.excessBlobGas = 1 << 17 }),
      ("BLOB_GAS_USED_ABOVE_LIMIT", { $0.header.blobGasUsed = 7 << 17 }),
      ("BLOB_GAS_USED_ABOVE_LIMIT", { $0.header.blobGasUsed = 1 }),
      ("INCORRECT_BLOB_GAS_USED", { $0.header.blobGasUsed = 1 << 17 }),
      ("INVALID_TRANSACTIONS_ROOT", { $0.header.transactionsRoot = .zero }),
      ("INVALID_RECEIPTS_ROOT", { $0.header.receiptsRoot = .zero }),
      ("INVALID_STATE_ROOT", { $0.header.stateRoot = .zero }),
      ("INVALID_WITHDRAWALS_ROOT", { $0.header.withdrawalsRoot = .zero }),
      (
        "INVALID_WITHDRAWALS_ROOT",
        {
          $0.withdrawals = [EVMWithdrawal(index: 0, validatorIndex: 0, address: Self.rich, amount: 1)]
        }
      ),
      ("INCORRECT_BLOCK_FORMAT", { $0.withdrawals = nil }),
      ("INCORRECT_BLOCK_FORMAT", { $0.header.requestsHash = .zero }),
      ("INCORRECT_BLOCK_FORMAT", { $0.header.blobGasUsed = nil }),
      ("IMPORT_IMPOSSIBLE_LEGACY", { $0.header.baseFeePerGas = nil }),
    ]
    for (name, change) in changes {
      var block = good
      change(&block)
      #expect(Self.refusal(of: block, by: tree)?.exceptionName == name)
      #expect(tree.head == tree.genesis)
      #expect(tree.state(after: tree.genesis)?.stateRoot == genesis.stateRoot)
    }
    #expect(Self.refusal(of: good, by: tree) == nil)
    #expect(tree.head == good.header.hash)
  }

  @Test func withdrawalsArePaid() throws {
    let (tree, genesis) = try Self.tree(.shanghai)
    var block = Self.next(after: genesis, .shanghai)
    block.withdrawals = [EVMWithdrawal(index: 0, validatorIndex: 7, address: Self.rich, amount: 3)]
    block.header.withdrawalsRoot = block.withdrawalsRoot
    guard case .wrongStateRoot(_, let root)? = Self.refusal(of: block, by: tree) else {
      Issue.record("the withdrawal changes the state")
      return
    }
    block.header.stateRoot = root
    let hash = try tree.insert(encoded: block.encoded)
    #expect(tree.state(after: hash)?.account(Self.rich)?.balance == UInt256(3_000_001_000))
  }

  /// The coinbase's reward, the ommer's share of it and the share for naming one; an ommer counts once.
  @Test func ommersEarn() throws {
    let (tree, genesis) = try Self.tree(.homestead)
    let (first, second) = (Address(UInt256(0x11)), Address(UInt256(0x22)))
    func mine(_ block: EthereumBlock) throws -> EthereumBlock {
      var block = block
      block.header.ommersHash = block.ommersHash
      if case .wrongStateRoot(_, let root)? = Self.refusal(of: block, by: tree) {
        block.header.stateRoot = root
      }
      _ = try tree.insert(encoded: block.encoded)
      return block
    }
    var block = Self.next(after: genesis, .homestead)
    block.header.coinbase = first
    let main = try mine(block)
    block.header.coinbase = second
    let ommer = block.header
    var next = Self.next(after: main.header, .homestead)
    next.header.coinbase = first
    next.ommers = [ommer]
    let head = try mine(next)
    let finney: UInt64 = 1_000_000_000_000_000
    let state = try #require(tree.state(after: head.header.hash))
    #expect(
      state.account(first)?.balance == UInt256(10_000) &* UInt256(finney) &+ UInt256(finney) &* 156
        &+ UInt256(finney / 4))
    #expect(state.account(second)?.balance == UInt256(4_375) &* UInt256(finney))
    var third = Self.next(after: head.header, .homestead)
    third.ommers = [ommer]
    third.header.ommersHash = third.ommersHash
    #expect(Self.refusal(of: third, by: tree)?.exceptionName == "UNCLE_IN_CHAIN")
    third.ommers = [ommer, ommer, ommer]
    third.header.ommersHash = third.ommersHash
    #expect(Self.refusal(of: third, by: tree)?.exceptionName == "TOO_MANY_UNCLES")
    third.ommers = [main.header]
    third.header.ommersHash = third.ommersHash
    #expect(Self.refusal(of: third, by: tree)?.exceptionName == "UNCLE_IS_ANCESTOR")
  }

  /// From Prague on a chain without the request contracts cannot go on.
  @Test func systemContractsHaveToBeThere() throws {
    let (tree, genesis) = try Self.tree(.prague)
    #expect(
      Self.refusal(of: Self.next(after: genesis, .prague), by: tree)?.exceptionName == "SYSTEM_CONTRACT_EMPTY"
    )
  }

  @Test func theLongerChainIsTheHead() throws {
    let (tree, genesis) = try Self.tree(.cancun)
    let a = Self.next(after: genesis, .cancun)
    var b = a
    b.header.extraData = [1]
    _ = try tree.insert(encoded: a.encoded)
    #expect(try tree.insert(encoded: b.encoded) == tree.head)
    #expect(try tree.insert(encoded: a.encoded) == a.header.hash)
    #expect(tree.head == b.header.hash)
  }

  @Test func difficultyFollowsTheForks() {
    var parent = EthereumHeader(difficulty: UInt256(1 << 30), number: 9, timestamp: 100)
    func difficulty(_ seconds: UInt64, _ fork: Fork, number: UInt64 = 10, delay: UInt64 = 0) -> UInt256 {
      HeaderRules.difficulty(
        number: number, timestamp: 100 + seconds, after: parent, fork: fork, bombDelay: delay)
    }
    let (base, step) = (UInt256(1 << 30), UInt256(1 << 19))
    #expect(difficulty(12, .frontier) == base &+ step)
    #expect(difficulty(13, .frontier) == base &- step)
    #expect(difficulty(9, .homestead) == base &+ step)
    #expect(difficulty(10, .homestead) == base)
    #expect(difficulty(1_000_000, .homestead) == base &- step &* 99)
    #expect(difficulty(8, .byzantium) == base &+ step)
    parent.ommersHash = .zero
    #expect(difficulty(8, .byzantium) == base &+ step &* 2)
    #expect(difficulty(.max - 100, .byzantium) == base &- step &* 99)
    #expect(difficulty(10, .homestead, number: 500_000) == base &+ 8)
    #expect(difficulty(18, .byzantium, number: 3_500_000, delay: 3_000_000) == base &+ 8)
  }

  @Test func whatIsNoBlockSaysWhere() throws {
    let (_, genesis) = try Self.tree(.cancun)
    let good = Self.next(after: genesis, .cancun).encoded
    #expect(throws: BlockDecodingError.self) { try EthereumBlock(decoding: []) }
    #expect(throws: BlockDecodingError.self) { try EthereumBlock(decoding: good + [0]) }
    for count in 0..<good.count {
      #expect(throws: BlockDecodingError.self) { try EthereumBlock(decoding: Array(good[..<count])) }
    }
    var random = SplitMix64(seed: 7)
    for _ in 0..<2_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
      }
      // Either it is refused or it is the block that the bytes say.
      if let block = try? EthereumBlock(decoding: bytes) { #expect(block.encoded == bytes) }
    }
  }

  @Test func depositsAreGathered() throws {
    let contract = ChainConfiguration.mainnetDepositContract
    #expect("\(contract)".lowercased().hasSuffix("00000000219ab540356cbb839cbe05303d7705fa"))
    let topic =
      Hash(
        Hex.decode("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5") ?? []) ?? .zero
    var data: [UInt8] = []
    for word in [160, 256, 320, 384, 512] as [UInt64] { data += UInt256(word).bigEndianBytes }
    var expected: [UInt8] = []
    for (index, count) in [48, 32, 8, 96, 8].enumerated() {
      let field = [UInt8](repeating: UInt8(index + 1), count: count)
      data += UInt256(UInt64(count)).bigEndianBytes + field
      data += [UInt8](repeating: 0, count: (32 - count % 32) % 32)
      expected += field
    }
    let log = EVMLog(address: contract, topics: [topic], data: data)
    let other = EVMLog(address: Self.rich, topics: [topic], data: [1])
    #expect(try DepositRequests.gather(from: [other, log, log], contract: contract) == expected + expected)
    for offset in [31, 160 + 31, 512 + 31] {
      var wrong = log
      wrong.data[offset] ^= 1
      #expect(throws: BlockValidityError.malformedDeposit(index: 1)) {
        try DepositRequests.gather(from: [log, wrong], contract: contract)
      }
    }
    #expect(
      Hex.encode(DepositRequests.hash(of: []).bytes)
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }
}
