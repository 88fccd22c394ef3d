// A ledger's blocks executed again from its genesis on, one after the other, which shows that its state is what its
// transactions make of its beginning: not only that the accounts add up (`ledger verify`). The state after the genesis is
// put together from what stands there now and what blocks replaced (AccountHistory); of each block come its
// transactions (SolanaHistory, EthereumArchive) and what a node chose for it: slot, time, and of Ethereum's header what
// does not follow from the block before. Everything else has to come out as it is recorded: signatures of what was processed,
// state hash and blockhash, the hash of Ethereum's block, the results of Solana's transactions.
//
// A block of accounts that were set without a transaction (Chain+Overrides.swift) has nothing but what it set: that is
// taken from the history. All is done in memory, in a chain of its own; the ledger is only read.

import EVM
import Execution
import Ledger
import Primitives
import WideIntegers

package struct Reexecution: Sendable {
  package var blockCount: UInt64 = 0
  /// Processed transactions of Solana's, executed ones of Ethereum's.
  package var solanaCount = 0
  package var ethereumCount = 0
  /// Blocks whose accounts were set without a transaction.
  package var overrideCount = 0
}

/// Why a ledger's blocks cannot be executed again, or that something else came out.
package enum ReexecutionError: Error, Sendable {
  /// States are known from this block on alone; `nil`: no earlier ones are.
  case unknownBeginning(UInt64?)
  /// The accounts that the ledger is said to have begun with are not those of its first block.
  case otherBeginning
  /// A block that no version of this runtime leaves.
  case unknownBlock(height: UInt64)
  /// The first thing that differs.
  case differs(height: UInt64, slot: UInt64, what: String)
  case chain(height: UInt64, ChainError)
  case store(StoreError)
}

extension ReexecutionError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknownBeginning(let first):
      "the ledger's blocks cannot be executed again: "
        + (first.map { "what accounts were is known from block \($0) on alone" }
          ?? "it keeps no earlier states, or did not always")
        + ". Ledgers of nodes and commands keep all for as many blocks as --history-blocks says; what `replay` made can be "
        + "replayed onto another directory and compared"
    case .otherBeginning:
      "the ledger's blocks cannot be executed again: what is kept of the accounts that it began with does not add up to "
        + "its first block; versions before this one kept sysvars for 1,024 blocks"
    case .unknownBlock(let height): "block \(height) cannot be executed again: nothing is kept of it"
    case .differs(let height, let slot, let what):
      "block \(height) (slot \(slot)) comes out otherwise when it is executed again: \(what)"
    case .chain(let height, let error): "block \(height) cannot be executed again: \(error)"
    case .store(let error): error.description
    }
  }
}

extension Chain {
  /// Executes all blocks of a ledger again.
  ///
  /// - Parameters:
  ///   - store: as of one moment; nobody commits to it meanwhile.
  ///   - workers: threads that execute a block's transactions, `[1, 256]`.
  ///   - progress: called with the height of a block that came out as it is recorded, and that of the last.
  package static func reexecute(
    _ store: any AccountStore, workers: Int, progress: (UInt64, UInt64) -> Void = { _, _ in }
  ) throws(ReexecutionError) -> Reexecution {
    guard let head = store.head else { throw .chain(height: 0, .noGenesis) }
    let executor = try Reexecutor(store, workers: workers)
    if head.height > 0 {
      for height in 1...head.height {
        try executor.execute(height)
        progress(height, head.height)
      }
    }
    return executor.report
  }
}

private final class Reexecutor {
  private let store: any AccountStore
  private let accounts: AccountHistory
  private let solana: SolanaHistory
  private let archive: EthereumArchive
  private let memory: MemoryStore
  private let chain: Chain
  private(set) var report = Reexecution()

  init(_ store: any AccountStore, workers: Int) throws(ReexecutionError) {
    self.store = store
    (accounts, solana) = (AccountHistory(of: store), SolanaHistory(of: store))
    archive = EthereumArchive(store: store)
    memory = MemoryStore()
    chain = try Self.beginning(of: store, in: memory, workers: workers)
  }

  fileprivate static func reading<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(ReexecutionError) -> Value {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
  }

  // MARK: The beginning

  /// A chain in memory with the accounts that the ledger began with.
  private static func beginning(
    of store: any AccountStore, in memory: MemoryStore, workers: Int
  ) throws(ReexecutionError) -> Chain {
    let history = AccountHistory(of: store)
    let (first, genesis) = try reading { () throws(StoreError) in
      (try history.firstHeight(), try store.block(0))
    }
    // A ledger without further blocks has replaced nothing.
    guard let genesis, first == 0 || first == nil && store.head?.height == 0 else {
      throw .unknownBeginning(first)
    }
    let changes = try reading { () throws(StoreError) in
      var accounts: [Pubkey: Account] = [:]
      try store.forEachAccount { accounts[$0] = $1 }
      try history.forEachFirstVersion { accounts[$0] = $1 }
      return accounts.map { AccountChange(key: $0.key, old: nil, new: $0.value) }.sortedByKey()
    }
    let entries = try reading { () throws(StoreError) in
      let settings = try store.value(.settings, EthereumGenesis.settingsKey)
      return settings.map { [StoreEntry(.settings, EthereumGenesis.settingsKey, $0)] } ?? []
    }
    let beginsEthereum = try reading { () throws(StoreError) in
      try EthereumArchive(store: store).number(ofHeight: 0) != nil
    }
    let executor: any BlockExecutor
    do throws(ChainError) { executor = try Chain.executor(workers: workers) } catch {
      throw .chain(height: 0, error)
    }
    var lattice = StateLattice()
    lattice.apply(changes, parallelFor: executor.parallelFor)
    if lattice.stateHash != genesis.stateHash { throw .otherBeginning }
    do throws(ChainError) {
      var commit = BlockCommit(
        record: genesis, changes: changes, stateLattice: lattice.bytes, entries: entries)
      if beginsEthereum, let settings = entries.first?.value.flatMap({ EthereumGenesis(settings: $0) }) {
        let ethereum = try EthereumChain(settings, store: memory)
        try ethereum.begin(
          slot: genesis.slot, unixTimestamp: genesis.unixTimestamp,
          contents: EthereumChain.leaves(of: changes),
          parallelFor: executor.parallelFor)
        commit.entries += ethereum.entries(height: 0)
      }
      do throws(StoreError) { try memory.commit(commit) } catch { throw .store(error) }
      return try Chain(store: memory, genesis: nil, executor: executor, progress: .advancing)
    } catch { throw .chain(height: 0, error) }
  }

  // MARK: Blocks

  /// What the ledger has of a block.
  private struct Recorded {
    var record: BlockRecord
    var transactions: [StoredTransaction]
    /// Whether it was executed from transactions, which may have been none.
    var isExecuted: Bool
    /// Of Ethereum's block that it is as well.
    var ethereum: (block: EthereumBlock, header: EthereumArchive.StoredHeader, senders: [Address])?
    var order: [Int]?
  }

  private func recorded(_ height: UInt64) throws(ReexecutionError) -> Recorded {
    let found = try Self.reading { () throws(StoreError) -> Recorded? in
      guard let record = try store.block(height) else { return nil }
      var recorded = Recorded(
        record: record, transactions: try solana.transactions(height),
        isExecuted: try solana.height(ofSlot: record.slot) == height)
      if let number = try archive.number(ofHeight: height) {
        guard let block = try archive.block(number), let header = try archive.header(number),
          let receipts = try archive.receipts(number), receipts.count == block.transactions.count
        else { throw archive.damaged("Ethereum's block \(number)") }
        recorded.ethereum = (block, header, receipts.map(\.sender))
      }
      recorded.order = try solana.order(height)
      return recorded
    }
    guard let found else { throw .unknownBlock(height: height) }
    return found
  }

  /// Executes the block at `height`, which follows the chain's last.
  func execute(_ height: UInt64) throws(ReexecutionError) {
    let recorded = try recorded(height)
    let isInSlot = recorded.record.slot == chain.head.slot
    guard recorded.isExecuted || recorded.ethereum != nil || isInSlot else {
      throw .unknownBlock(height: height)
    }
    var results: [TransactionResult] = []
    do throws(ChainError) {
      if recorded.isExecuted {
        results = try execute(recorded)
      } else if let ethereum = recorded.ethereum {
        if isInSlot { try chain.beginEthereum() } else { try take(ethereum.block) }
      } else {
        try chain.repeatOverride(try changes(at: height))
        report.overrideCount += 1
      }
    } catch { throw .chain(height: height, error) }
    try compare(recorded, results)
    report.blockCount += 1
    report.solanaCount += recorded.transactions.count
    report.ethereumCount += recorded.ethereum?.block.transactions.count ?? 0
  }

  /// What the block at `height` left of what it changed.
  private func changes(at height: UInt64) throws(ChainError) -> [(key: Pubkey, account: Account?)] {
    do throws(StoreError) {
      var changes: [(key: Pubkey, account: Account?)] = []
      for key in try accounts.keys(of: height) {
        changes.append((key, try accounts.account(key, at: height)))
      }
      return changes
    } catch { throw .store(error) }
  }

  private func execute(_ recorded: Recorded) throws(ChainError) -> [TransactionResult] {
    var transactions = BlockTransactions(solana: [])
    var wires = recorded.transactions.map(\.wire)[...]
    var others: ArraySlice<EthereumWire> = []
    if let (block, _, senders) = recorded.ethereum {
      others = zip(block.transactions, senders).map { EthereumWire($0.encoded, vouchedSender: $1) }[...]
      chain.nextBlockSettings = NextEthereumBlock(of: block.header, after: chain.ethereumHead?.header)
    }
    for (place, count) in (recorded.order ?? [wires.count, others.count]).enumerated() {
      if place % 2 == 0 {
        for wire in wires.prefix(count) { transactions.append(.success(.solana(wire))) }
        wires = wires.dropFirst(count)
      } else {
        for wire in others.prefix(count) { transactions.append(.success(.ethereum(wire))) }
        others = others.dropFirst(count)
      }
    }
    let block = try chain.execute(
      transactions, verifiesSignatures: false, unixTimestamp: recorded.record.unixTimestamp,
      makesEthereumBlock: recorded.ethereum != nil, slots: recorded.record.slot &- chain.head.slot)
    chain.nextBlockSettings = NextEthereumBlock()
    return block.receipts.solana
  }

  private func take(_ block: EthereumBlock) throws(ChainError) {
    do throws(EthereumImportError) {
      try chain.importEthereum(block, byteCount: block.encoded.count)
      try chain.finishEthereumImport()
    } catch {
      if case .chain(let error) = error.reason { throw error }
      throw .ethereum(detail: "\(error.reason)")
    }
  }

  // MARK: Comparing

  private func compare(_ recorded: Recorded, _ results: [TransactionResult]) throws(ReexecutionError) {
    let (expected, found) = (recorded.record, chain.head)
    func check(_ isEqual: Bool, _ what: () throws(ReexecutionError) -> String) throws(ReexecutionError) {
      if !isEqual { throw .differs(height: expected.height, slot: expected.slot, what: try what()) }
    }
    try check(found.height == expected.height) { () throws(ReexecutionError) in
      "it is \(found.height - expected.height) blocks here"
    }
    for (stored, result) in zip(recorded.transactions, results) {
      let name = result.signature?.description ?? "a transaction"
      try check(stored.error == result.error.map(\.json)) { () throws(ReexecutionError) in
        "\(name) \(Self.outcome(result.error)), and is recorded as one that "
          + (stored.error == nil ? "succeeded" : "failed")
      }
      try check((stored.fee, stored.computeUnits) == (result.fee, result.computeUnits)) {
        () throws(ReexecutionError) in
        "\(name) took \(result.computeUnits) compute units and a fee of \(result.fee) lamports, recorded are "
          + "\(stored.computeUnits) and \(stored.fee)"
      }
    }
    try check(found.signatures == expected.signatures) { () throws(ReexecutionError) in
      "\(found.signatures.count) of Solana's transactions were processed, recorded are \(expected.signatures.count)"
    }
    try check(found.stateHash == expected.stateHash) { () throws(ReexecutionError) in
      "its state hash is \(found.stateHash), recorded is \(expected.stateHash); \(try differences(at: expected.height))"
    }
    if let header = recorded.ethereum?.header {
      try check(chain.ethereumHead?.hash == header.hash) { () throws(ReexecutionError) in
        "Ethereum's block \(header.header.number) has the hash "
          + "\(chain.ethereumHead.map { "0x" + Hex.encode($0.hash.bytes) } ?? "of none"), "
          + "recorded is 0x\(Hex.encode(header.hash.bytes))"
      }
    }
    let same =
      (found.slot, found.unixTimestamp, found.blockhash) == (
        expected.slot, expected.unixTimestamp, expected.blockhash
      )
    try check(same) { () throws(ReexecutionError) in
      "it has slot \(found.slot), time \(found.unixTimestamp), blockhash \(found.blockhash), recorded are "
        + "\(expected.slot), \(expected.unixTimestamp), \(expected.blockhash)"
    }
  }

  private static func outcome(_ error: TransactionError?) -> String {
    error.map { "fails (\($0))" } ?? "succeeds"
  }

  /// Accounts that are otherwise than they were after the block at `height`, a few of them.
  private func differences(at height: UInt64) throws(ReexecutionError) -> String {
    try Self.reading { () throws(StoreError) in
      var keys = Set(try accounts.keys(of: height) + SysvarID.all)
      try memory.forEachAccount { key, _ in keys.insert(key) }
      var names: [String] = []
      for key in keys.sorted() where try memory.account(key) != accounts.account(key, at: height) {
        names.append(key.description)
      }
      let shown = names.prefix(4).joined(separator: ", ")
      return "accounts that differ: \(shown)" + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
  }
}
