// Taking in blocks that others made: the root of a block is computed while the next one is executed, so what is committed is
// one block behind, and a wrong root takes two blocks back.

import EVM
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite struct EthereumImportTests {
  private static let person = Address(hex: "7e5f4552091a69125d5dfcb7b8c2659029395bdf") ?? .zero
  /// Stores the caller's word under the block's number.
  private static let writer = Address(0xa002)
  private static let writerCode: [UInt8] = [0x5f, 0x35, 0x43, 0x55]

  private static func chain(
    on store: any AccountStore = MemoryStore(), executor: any BlockExecutor = SerialExecutor()
  ) throws -> Chain {
    var settings = EthereumGenesis.development(chainID: 77)
    settings.coinbase = Address(0xc0ffee)
    var rich = EthereumGenesis.Account(address: person)
    rich.balance = UInt256(1) << 80
    var contract = EthereumGenesis.Account(address: writer)
    (contract.nonce, contract.code) = (1, writerCode)
    settings.alloc = (settings.alloc + [rich, contract]).sorted { $0.address < $1.address }
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 1000, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      ethereum: settings)
    return try Chain(store: store, genesis: genesis, executor: executor, progress: .advancing)
  }

  /// Blocks of a chain that makes its own, the first one aside.
  private static func blocks(_ count: UInt64) throws -> [EthereumBlock] {
    let chain = try Self.chain()
    // The key 1, whose address `person` is.
    let key = try #require(PrivateKey([UInt8](repeating: 0, count: 31) + [1]))
    for number in 0..<count {
      let calls = (0..<3 as Range<UInt64>).map { index -> WireTransaction in
        let nonce = 3 * number + index
        let transaction = EthereumTransaction(
          kind: .dynamicFee, chainID: 77, nonce: nonce, maxPriorityFeePerGas: 1,
          maxFeePerGas: UInt256(10_000_000_000), gasLimit: 200_000,
          to: index == 1 ? Address(UInt256(0x500 + nonce)) : Self.writer, value: UInt256(index % 2),
          data: [UInt8](repeating: UInt8(index + 1), count: 32))
        return .ethereum(EthereumWire(transaction.signed(by: key).encoded))
      }
      let made = try chain.execute(
        BlockTransactions(calls.map { .success($0) }), verifiesSignatures: true, unixTimestamp: 1001)
      try #require(made.receipts.ethereum.allSatisfy { $0.error == nil })
    }
    return try (1...count).map { try #require(try chain.ethereumArchive.block($0)) }
  }

  private static func add(_ blocks: [EthereumBlock], to chain: Chain) throws -> [UInt64] {
    var committed: [UInt64] = []
    for block in blocks {
      try chain.importEthereum(block, byteCount: block.encoded.count) { committed.append($0) }
      // What was executed last is the head, though it is not committed.
      #expect(chain.ethereumHead?.header.number == block.header.number)
      #expect(try EthereumArchive(store: chain.store).head()?.header.number == block.header.number - 1)
    }
    try chain.finishEthereumImport { committed.append($0) }
    return committed
  }

  @Test(arguments: [1, 2])
  func blocksAreCommittedOneBehind(workerCount: Int) throws {
    let blocks = try Self.blocks(6)
    let chain = try Self.chain(
      executor: workerCount == 1 ? SerialExecutor() : LockExecutor(workerCount: workerCount, alwaysInWaves: true))
    #expect(try Self.add(blocks, to: chain) == Array(1...6))
    #expect(chain.ethereumHead?.hash == blocks[5].header.hash)
    #expect(try chain.ethereumArchive.verify() == 7)
    // They are known now.
    var again: [UInt64] = []
    for block in blocks { try chain.importEthereum(block, byteCount: 1) { again.append($0) } }
    try chain.finishEthereumImport { again.append($0) }
    #expect(again.isEmpty)
  }

  /// Where accounts leave memory after each block, it is committed before the next one is executed.
  @Test(arguments: [0, 4096], [1, 2])
  func aBoundChangesNothing(cacheByteCount: Int, workerCount: Int) throws {
    let blocks = try Self.blocks(6)
    let store = TestStore(cacheByteCount: cacheByteCount)
    let chain = try Self.chain(
      on: store,
      executor: workerCount == 1 ? SerialExecutor() : LockExecutor(workerCount: workerCount, alwaysInWaves: true))
    let reads = store.readCount
    for block in blocks { try chain.importEthereum(block, byteCount: block.encoded.count) }
    try chain.finishEthereumImport()
    #expect(chain.ethereumHead?.hash == blocks[5].header.hash)
    #expect(try chain.ethereumArchive.verify() == 7)
    // The writer is read again for each block.
    #expect(store.readCount >= reads + 6)
  }

  /// The root is found wrong when the next block has been executed, or at the end.
  @Test(arguments: [3, 6]) func aWrongRootTakesItsBlockBackAndTheNext(wrong: Int) throws {
    let blocks = try Self.blocks(6)
    var bad = blocks
    bad[wrong - 1].header.stateRoot = Hash(UInt256(5))
    for index in wrong..<6 { bad[index].header.parentHash = bad[index - 1].header.hash }
    let chain = try Self.chain()
    do {
      _ = try Self.add(bad, to: chain)
      Issue.record("it is accepted")
    } catch let error as EthereumImportError {
      #expect(error.number == UInt64(wrong) && error.hash == bad[wrong - 1].header.hash)
      guard case .invalid(.wrongStateRoot) = error.reason else {
        Issue.record("\(error.reason)")
        return
      }
    }
    #expect(chain.ethereumHead?.header.number == UInt64(wrong - 1))
    #expect(try chain.ethereumArchive.verify() == UInt64(wrong))
    #expect(try Self.add(Array(blocks[(wrong - 1)...]), to: chain) == Array(UInt64(wrong)...6))
    #expect(chain.ethereumHead?.hash == blocks[5].header.hash)
    #expect(try chain.ethereumArchive.verify() == 7)
  }

  /// A block that is refused does not keep the one before from being committed.
  @Test func whatComesBeforeARefusedBlockStays() throws {
    let blocks = try Self.blocks(4)
    var gas = blocks[2]
    gas.header.gasUsed += 1
    var side = blocks[2]
    side.header.parentHash = blocks[0].header.hash
    var header = blocks[2]
    header.header.gasLimit = 1
    for refused in [gas, side, header] {
      let chain = try Self.chain()
      do {
        _ = try Self.add(Array(blocks[..<2]) + [refused], to: chain)
        Issue.record("it is accepted")
      } catch let error as EthereumImportError { #expect(error.hash == refused.header.hash) }
      #expect(try EthereumArchive(store: chain.store).head()?.header.number == 2)
      #expect(try chain.ethereumArchive.verify() == 3)
      #expect(try Self.add(Array(blocks[2...]), to: chain) == [3, 4])
    }
  }
}
