// Blocks of both families, whose transactions run at the same time: the same as one after the other, for any number of
// workers and whatever is committed at once.

import EVM
import Ledger
import Linking
import Primitives
import Runtime
import SBPF
import Scheduling
import Testing
import WideIntegers

@testable import Estuary

struct RandomMixedBlock {
  /// What the generator's block has, beside what its two halves have.
  enum Situation: CaseIterable {
    case malformedLine, solanaBehindEthereum, ethereumBehindSolana, peek, peekBehindChange, peekByLookupTable
  }

  let genesis: Genesis
  private(set) var lines: [TransactionLine] = []
  private(set) var situations: [Situation: Int] = [:]

  private static let peekerID = Pubkey(word0: 41, word1: 42, word2: 43, word3: 44)
  private static let tableKey = Pubkey(word0: 51, word1: 52, word2: 53, word3: 54)
  private static let payer = Ed25519.KeyPair(seed: SHA256.hash([7]))
  private static let cell = Pubkey(word0: 61, word1: 62, word2: 63, word3: 64)
  static let cells = (0..<4).map {
    Pubkey(word0: cell.word0, word1: cell.word1, word2: cell.word2, word3: $0)
  }
  /// The EVM's accounts whose nonces are looked at.
  private static let watched = (1...4).map { EVMKey.account(Address(UInt256(0x10_0000 + UInt64($0)))) }

  /// Adds the low byte of the nonce of the second account, a record of the EVM's, to the first account's data, shifted.
  private static let peeker = """
    entrypoint:
      ldxdw r3, [r1+96]
      mul64 r3, 31
      ldxb r4, [r1+10442]
      add64 r3, r4
      stxdw [r1+96], r3
      mov64 r0, 0
      exit
    """

  init(seed: UInt64, count: Int, contention: Int) throws {
    var random = SplitMix64(seed: seed &+ 1_000_000)
    let solana = try RandomBlock(seed: seed, count: count, contention: contention)
    let forks: [Fork] = [.shanghai, .cancun, .prague, .osaka]
    let ethereum = RandomEthereumBlock(
      seed: seed, count: count, fork: forks[Int(seed) % forks.count], contention: contention,
      gasLimit: seed % 5 == 4 ? 3_000_000 : 1 << 40)
    genesis = try Self.genesis(solana.genesis, ethereum.genesis)
    var (left, right) = (solana.wires[...], ethereum.transactions[...])
    var (wasEthereum, isChanged) = (false, false)
    while !left.isEmpty || !right.isEmpty {
      let choice = random.next() % 20
      if choice == 0 {
        note(.malformedLine)
        lines.append(.failure(TransactionLineError(line: lines.count + 1, .noObject)))
      } else if choice <= 2 {
        note(choice == 1 ? .peek : .peekByLookupTable)
        if isChanged { note(.peekBehindChange) }
        isChanged = false
        lines.append(
          .success(.solana(try Self.peek(&random, byTable: choice == 2, solana.genesis.blockhash))))
      } else if let wire = left.first, choice < 11 || right.isEmpty {
        if wasEthereum { note(.solanaBehindEthereum) }
        wasEthereum = false
        left.removeFirst()
        lines.append(.success(.solana(wire)))
      } else if let transaction = right.first {
        if !wasEthereum { note(.ethereumBehindSolana) }
        (wasEthereum, isChanged) = (true, true)
        right.removeFirst()
        lines.append(.success(transaction))
      }
    }
  }

  private mutating func note(_ situation: Situation) { situations[situation, default: 0] += 1 }

  private static func genesis(_ solana: Genesis, _ ethereum: EthereumGenesis) throws -> Genesis {
    var accounts: [(key: Pubkey, account: Account)] = solana.accounts
    let image = try Assembler.assemble(peeker, version: .v3)
    let program = UpgradeableProgram.accounts(
      programID: peekerID, elf: try ObjectLinker.executable(image), rent: Rent())
    accounts.append((peekerID, program.program))
    accounts.append(program.programData)
    accounts.append((payer.pubkey, Account(lamports: 10_000_000_000, owner: ProgramID.system)))
    for cell in cells {
      accounts.append(
        (cell, Account(lamports: 946_560, data: [UInt8](repeating: 0, count: 8), owner: peekerID)))
    }
    // A lookup table without an authority, never to be closed, whose addresses are the EVM's.
    var table = ByteWriter(capacity: 56 + 32 * watched.count)
    table.write(UInt32(1))
    table.write(UInt64.max)
    table.write(UInt64(0))
    table.write(UInt8(0))
    table.write(UInt8(0))
    table.write([UInt8](repeating: 0, count: 34))
    for key in watched { table.write(key) }
    accounts.append(
      (tableKey, Account(lamports: 1_000_000_000, data: table.bytes, owner: ProgramID.addressLookupTable)))
    return try Genesis(
      slot: solana.slot, unixTimestamp: solana.unixTimestamp, blockhash: solana.blockhash, accounts: accounts,
      ethereum: ethereum)
  }

  /// A transaction that looks at a nonce.
  private static func peek(
    _ random: inout SplitMix64, byTable: Bool, _ blockhash: Hash
  ) throws -> [UInt8] {
    let cell = cells[Int(random.next() % 4)]
    let place = Int(random.next() % UInt64(watched.count))
    let instruction = Instruction(
      programID: peekerID,
      accounts: [
        AccountMeta(key: cell, isSigner: false, isWritable: true),
        AccountMeta(key: watched[place], isSigner: false, isWritable: false),
      ], data: [UInt8(truncatingIfNeeded: random.next()), UInt8(truncatingIfNeeded: random.next())])
    if !byTable {
      return try TransactionBuilder(
        payer: payer.pubkey, recentBlockhash: blockhash, instructions: [instruction]
      ).signed(by: [payer]).bytes
    }
    // Version 0: payer and cell, the program, and one address of the table.
    var message = ByteWriter(capacity: 300)
    message.write(UInt8(0x80))
    message.write([1, 0, 1, 3] as [UInt8])
    for key in [payer.pubkey, cell, peekerID] { message.write(key) }
    message.write(blockhash)
    message.write([1, 2, 2, 1, 3, 2] as [UInt8])
    message.write(instruction.data)
    message.write(UInt8(1))
    message.write(tableKey)
    message.write([0, 1, UInt8(place)] as [UInt8])
    return [1] + payer.sign(message.bytes).bytes + message.bytes
  }
}

@Suite(.serialized) struct MixedBlockTests {
  private static let blockCount = Int(Environment.variable("ESTUARY_RANDOM_BLOCKS") ?? "") ?? 200

  private static func run(
    _ block: RandomMixedBlock, on executor: any BlockExecutor, blockSize: Int = 0,
    recordsTimeline: Bool = false
  ) throws -> Replay.Outcome {
    var replay = Replay(genesis: block.genesis, transactions: BlockTransactions(block.lines))
    (replay.blockSize, replay.verifiesSignatures) = (blockSize, false)
    replay.recordsTimeline = recordsTimeline
    return try replay.run(on: TestStore.tight(UInt64(executor.workerCount + blockSize)), executor: executor)
  }

  @Test func lanesGiveWhatOneAfterTheOtherGives() throws {
    let serial = SerialExecutor()
    let executors = try [1, 2, 4, 8].flatMap {
      [try LockExecutor(workerCount: $0), try LockExecutor(workerCount: $0, runsAhead: true)]
    }
    var situations: [RandomMixedBlock.Situation: Int] = [:]
    var peeks = 0
    for index in 0..<Self.blockCount {
      let block = try RandomMixedBlock(seed: UInt64(index), count: 16, contention: index * 7 % 101)
      situations.merge(block.situations) { $0 + $1 }
      let expected = try Self.run(block, on: serial)
      for cell in RandomMixedBlock.cells where try expected.chain.account(cell)?.data.first != 0 {
        peeks += 1
      }
      let root = try expected.chain.ethereumStateRoot()
      for executor in executors {
        let outcome = try Self.run(block, on: executor, blockSize: index % 3 == 2 ? 11 : 0)
        let same = outcome.receipts == expected.receipts && outcome.stateHash == expected.stateHash
        #expect(same, "seed \(index), \(executor.name), \(executor.workerCount) workers")
        #expect(try outcome.chain.ethereumStateRoot() == root, "seed \(index)")
        if !same { return }
      }
    }
    for situation in RandomMixedBlock.Situation.allCases {
      #expect(situations[situation, default: 0] >= Self.blockCount, "\(situation)")
    }
    #expect(peeks > Self.blockCount / 2)
  }

  /// Ethereum's transactions wait for one another and for none of Solana's.
  @Test func bothFamiliesShareOneTimeline() throws {
    let block = try RandomMixedBlock(seed: 5, count: 40, contention: 10)
    let lines = block.lines.filter { line in
      guard case .success(.solana(let wire)) = line else { return true }
      guard let transaction = try? Transaction.decode(wire) else { return true }
      let message = transaction.message
      return message.addressTableLookups.isEmpty
        && !(0..<message.staticKeyCount).contains { EVMKey.contains(message.staticKey(at: $0)) }
    }
    var replay = Replay(genesis: block.genesis, transactions: BlockTransactions(lines))
    (replay.verifiesSignatures, replay.recordsTimeline) = (false, true)
    let outcome = try replay.run(executor: LockExecutor(workerCount: 3))
    let timeline = try #require(outcome.blocks.first?.timeline)
    #expect(timeline.slices.count == lines.count)
    var last: Int?
    for (position, line) in lines.enumerated() {
      guard case .success(.ethereum) = line else { continue }
      if let last {
        let (before, now) = (timeline.slices[last], timeline.slices[position])
        #expect(before.endNanoseconds <= now.startNanoseconds)
        if let release = now.releasedBy {
          #expect(release.predecessor.position == last)
          #expect(outcome.chain.key(inTimelines: release.account) == ProgramID.ethereum)
        }
      }
      last = position
    }
  }
}
