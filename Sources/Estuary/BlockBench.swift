// Whole blocks for measuring executors: those of docs/scheduler.md's table, made in memory and executed by turns, so that
// each executor has the same moments of a busy machine.

import Execution
import Ledger
import Linking
import Primitives
import Runtime
import SBPF
import Scheduling

package struct BlockBench {
  package enum Kind: CaseIterable, Sendable {
    case erc20, erc20WithAccess, erc20Signed, erc20Hot, onePool, payments, mixed, solana, solanaSigned

    package var title: String {
      switch self {
      case .erc20: "ERC-20 transfers"
      case .erc20WithAccess: "ERC-20 transfers with access"
      case .erc20Signed: "ERC-20 transfers, senders recovered"
      case .erc20Hot: "ERC-20, all pay one person"
      case .onePool: "swaps, all in one pool"
      case .payments: "payments"
      case .mixed: "half token transfers, half ERC-20"
      case .solana: "SOL transfers"
      case .solanaSigned: "SOL transfers, signatures checked"
      }
    }

    /// Whether it needs Programs/token.
    package var needsToken: Bool { self == .mixed }

    fileprivate var ethereum: EthereumWorkload.Kind? {
      switch self {
      case .erc20, .erc20WithAccess, .erc20Signed, .erc20Hot, .mixed: .erc20
      case .onePool: .swaps
      case .payments: .payments
      case .solana, .solanaSigned: nil
      }
    }

    fileprivate var verifiesSignatures: Bool { self == .erc20Signed || self == .solanaSigned }

    fileprivate var contention: Int { self == .erc20Hot || self == .onePool ? 100 : 0 }
  }

  package let kind: Kind
  /// Transactions in the block.
  package let count: Int
  private let replay: Replay
  private let sent: [EthereumWorkload.Sent]
  private var stateHash: Hash?

  /// Nanoseconds of an execution, from bytes to receipts, and how many transactions were executed twice.
  package struct Run: Sendable {
    package let nanoseconds: UInt64
    package let repeatedCount: Int
  }

  package enum Failure: Error, CustomStringConvertible {
    case failed(position: Int, error: String)
    case differs(executor: String)

    package var description: String {
      switch self {
      case .failed(let position, let error): "transaction \(position + 1) of the block failed: \(error)"
      case .differs(let executor): "executor \(executor) comes to another state than the first one"
      }
    }
  }

  /// - Parameter token: the executable of Programs/token, for blocks that need it.
  package init(_ kind: Kind, count: Int, token: [UInt8] = []) throws {
    (self.kind, self.count) = (kind, count)
    let blockhash = Hash(word0: 5, word1: 6, word2: 7, word3: 8)
    let ethereumCount = kind.ethereum == nil ? 0 : kind == .mixed ? count / 2 : count
    var sent: [EthereumWorkload.Sent] = []
    var ethereum: EthereumGenesis?
    if let name = kind.ethereum {
      let base = EthereumGenesis.funded()
      var workload = EthereumWorkload(name, over: base, isSigned: kind == .erc20Signed, seed: 7)
      workload.append(ethereumCount, contention: kind.contention, to: &sent)
      let genesis = workload.genesis(over: base)
      if kind == .erc20WithAccess { try EthereumWorkload.findAccesses(of: &sent, from: genesis) }
      ethereum = genesis
    }
    let program = Pubkey(word0: 1, word1: 2, word2: 3, word3: 4)
    var solana = Workload(kind == .mixed ? .token : .transfer, program: program, seed: 7)
    var wires: [[UInt8]] = []
    try solana.append(count - ethereumCount, contention: 0, blockhash: blockhash, to: &wires)
    var accounts = wires.isEmpty ? [] : solana.accounts
    if kind.needsToken {
      let deployed = UpgradeableProgram.accounts(programID: program, elf: token, rent: Rent())
      accounts += [(program, deployed.program), deployed.programData]
    }
    var transactions = BlockTransactions(solana: [])
    for position in 0..<max(wires.count, sent.count) {
      if position < wires.count { transactions.append(.success(.solana(wires[position]))) }
      if position < sent.count { transactions.append(.success(.ethereum(sent[position].wire))) }
    }
    self.sent = sent
    replay = Replay(
      genesis: try Genesis(
        slot: 1, unixTimestamp: 0, blockhash: blockhash, accounts: accounts, ethereum: ethereum),
      transactions: transactions)
  }

  /// Executes the block on a fresh state.
  ///
  /// - Throws: `Failure` where a transaction fails, or the state is not that of the runs before.
  package mutating func run(on executor: any BlockExecutor) throws -> Run {
    var replay = replay
    replay.verifiesSignatures = kind.verifiesSignatures
    let outcome = try replay.run(executor: executor)
    if let position = outcome.receipts.firstIndex(where: { !$0.isSuccess }) {
      throw Failure.failed(position: position, error: outcome.receipts[position].failure.kind)
    }
    if let stateHash, stateHash != outcome.stateHash { throw Failure.differs(executor: executor.name) }
    stateHash = outcome.stateHash
    return Run(nanoseconds: outcome.timing.elapsedNanoseconds, repeatedCount: outcome.repeatedCount)
  }

  /// The block as a schedule: how long each transaction runs where one runs after the other, and what it touches.
  ///
  /// - Parameter executor: has executed the block before, so that nothing is compiled any more.
  package func simulation(on executor: SerialExecutor) throws -> ScheduleSimulation {
    var replay = replay
    (replay.verifiesSignatures, replay.recordsTimeline) = (false, true)
    let outcome = try replay.run(executor: executor)
    var sent = sent
    if let ethereum = replay.genesis.ethereum, sent.contains(where: { $0.access == nil }) {
      try EthereumWorkload.findAccesses(of: &sent, from: ethereum)
    }
    var keys = AccountInterner(expectedCount: 4 * count)
    var simulation = ScheduleSimulation()
    var next = 0
    for (line, slice) in zip(replay.transactions, outcome.blocks.first?.timeline?.slices ?? []) {
      var (reads, writes): ([AccountIndex], [AccountIndex]) = ([], [])
      func note(_ key: Pubkey, isWritten: Bool) {
        let index = keys.intern(AccountKey(key))
        if isWritten { writes.append(index) } else { reads.append(index) }
      }
      switch line {
      case .success(.solana(let wire)):
        let resolved = try ResolvedTransaction(Transaction.decode(wire)) { (_) throws(TransactionError) in
          LoadedAddresses()
        }
        for (place, key) in resolved.keys.enumerated() {
          note(key, isWritten: resolved.writableMask >> UInt64(place) & 1 != 0)
        }
      case .success(.ethereum):
        for entry in sent[next].access?.accounts ?? [] {
          note(EVMKey.account(entry.key), isWritten: entry.isWritable)
        }
        for entry in sent[next].access?.slots ?? [] {
          note(
            EVMKey.slot(entry.key.address, incarnation: 0, slot: entry.key.slot), isWritten: entry.isWritable)
        }
        next += 1
      case .failure: break
      }
      simulation.add(nanoseconds: slice.durationNanoseconds, reads: reads, writes: writes)
    }
    return simulation
  }
}
