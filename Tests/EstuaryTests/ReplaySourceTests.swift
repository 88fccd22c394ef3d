// A replay of a file that is read while it executes: what the list of its entries gives, for parts of any size.

import Foundation
import Ledger
import Primitives
import Testing

@testable import Estuary
@testable import Execution

@Suite struct ReplaySourceTests {
  private static func file(_ wires: [[UInt8]]) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    let text = wires.map { "{\"solana\":\"\(Base64.encode($0))\"}\n" }.joined()
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test func aFileGivesWhatItsListGives() throws {
    let block = try RandomBlock(seed: 11, count: 60, contention: 30)
    let path = try Self.file(block.wires)
    defer { unlink(path) }
    let expected = try Replay(genesis: block.genesis, wires: block.wires).run(executor: SerialExecutor())
    for blockSize in [0, 1, 7, 59, 60, 61] {
      var replay = Replay(genesis: block.genesis)
      replay.blockSize = blockSize
      let source = FileSource(try TransactionReader(path, pieceByteCount: 1000))
      var receipts: [Receipt] = []
      var parts: [Int] = []
      let outcome = try replay.run(source, on: MemoryStore(), executor: SerialExecutor()) { event in
        guard case .committed(let part) = event else { return }
        #expect(part.firstEntry == receipts.count)
        receipts += part.block.receipts
        parts.append(part.transactions.count)
      }
      #expect(
        receipts == expected.receipts && outcome.stateHash == expected.stateHash, "parts of \(blockSize)")
      #expect(outcome.count == 60 && parts.allSatisfy { blockSize == 0 || $0 <= blockSize })
      // Once more on the same store: nothing is left to do.
      let store = outcome.chain.store
      let again = try replay.run(
        FileSource(try TransactionReader(path)), on: store, executor: SerialExecutor()
      ) { _ in }
      #expect(again.skippedCount == 60 && again.count == 0 && again.stateHash == outcome.stateHash)
    }
  }

  @Test func oneBlockHasALimit() throws {
    let block = try RandomBlock(seed: 12, count: 30, contention: 0)
    let path = try Self.file(block.wires)
    defer { unlink(path) }
    var replay = Replay(genesis: block.genesis)
    func run() throws -> Int {
      let source = FileSource(try TransactionReader(path, pieceByteCount: 500), entryLimit: 20)
      return try replay.run(source, on: MemoryStore(), executor: SerialExecutor()) { _ in }.count
    }
    let error = #expect(throws: ChainError.self) { try run() }
    #expect(error.map { "\($0)" }?.contains("--block-size") == true)
    replay.blockSize = 20
    #expect(try run() == 30)
  }
}
