import ArgumentParser
import Estuary
import Foundation
import Ledger
import Primitives
import Scheduling

struct ReplayVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Execute a file of transactions from a genesis, serially or in parallel lanes.",
    discussion: """
      Transactions run in order, as one block; slot, time and blockhash stay as the genesis says. A transaction that \
      cannot be decoded or is badly signed is an error of that transaction and the replay goes on. So it does at a \
      line that is no transaction object, but then it exits with 1.
      """)

  enum ExecutorName: String, ExpressibleByArgument, CaseIterable { case serial, locks, overlay }

  @Argument(help: ArgumentHelp("Genesis file.", valueName: "genesis.json"))
  var genesis: String

  @Argument(help: ArgumentHelp("Transactions, one JSON object a line.", valueName: "transactions.jsonl"))
  var transactions: String

  @Option(
    help: """
      How blocks are executed: 'serial' runs one transaction after the other; 'locks' runs Solana's in parallel lanes \
      and Ethereum's one after the other; 'overlay' runs Ethereum's ahead of their turn as well, which is new and so \
      far slower than one after the other.
      """)
  var executor: ExecutorName = .locks

  @Option(help: "Worker threads, but for the serial executor (default: one a processor).")
  var workers: Int?

  @Option(help: "What runs programs.")
  var engine: EngineName = .jit

  @Option(help: "Transactions that are committed at once (default: the whole file).")
  var blockSize: Int?

  @Option(
    help: ArgumentHelp(
      "Keep the state here, one synced write a commit: an empty directory, or one to go on with.",
      valueName: "directory"))
  var ledger: String?

  @Flag(name: .customLong("no-sigverify"), help: "Do not check signatures.")
  var skipsSignatures = false

  @Option(name: .customLong("repeat"), help: "Run so many times, each on a fresh state.")
  var repeatCount = 1

  @Option(
    help: ArgumentHelp(
      "Write a trace for ui.perfetto.dev here: what each worker did, and who waited for whom.",
      valueName: "file"))
  var trace: String?

  @Option(help: ArgumentHelp("Write the accounts after the replay here, as a genesis.", valueName: "file"))
  var dumpAccounts: String?

  @Flag(name: .shortAndLong, help: "Report each block on standard error once it is committed.")
  var verbose = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if repeatCount < 1 { throw ValidationError("--repeat must be at least 1") }
    if ledger != nil && repeatCount > 1 {
      throw ValidationError(
        "--ledger keeps one state, --repeat needs a fresh one each time: give one of them")
    }
    if let blockSize, blockSize < 1 { throw ValidationError("--block-size must be at least 1") }
    if let workers, !(1...WorkerPool.workerLimit).contains(workers) {
      throw ValidationError("--workers must be from 1 to \(WorkerPool.workerLimit)")
    }
    if executor == .serial, let workers, workers != 1 {
      throw ValidationError("--executor serial has one worker; --workers is for --executor locks and overlay")
    }
  }

  func run() throws {
    // Before anything is read: a ledger that is in use or damaged is known at once.
    let known = try ledger.flatMap { RocksDBStore.isLedger($0) ? try openStore($0) : nil }
    var replay = Replay(
      genesis: try Genesis.read(genesis),
      transactions: BlockTransactions(try TransactionReader(transactions).rest()))
    replay.blockSize = blockSize ?? 0
    replay.verifiesSignatures = !skipsSignatures
    replay.recordsTimeline = trace != nil || (!output.json && executor != .serial)
    let executor = try makeExecutor()
    var elapsed: [UInt64] = []
    var last: Replay.Outcome?
    for _ in 0..<repeatCount {
      let outcome = try run(replay, on: known, executor)
      elapsed.append(outcome.timing.elapsedNanoseconds)
      last = outcome
    }
    guard let last else { return }
    if let trace { try writeTrace(last, of: replay, to: trace) }
    if let dumpAccounts { try dump(last.chain, to: dumpAccounts) }
    if output.json {
      Terminal.write(try json(last, executor: executor, elapsed: elapsed))
    } else {
      try printText(last, executor: executor, elapsed: elapsed)
    }
    let strays = last.receipts.compactMap(\.lineError).filter { !$0.namesTransaction }
    if let first = strays.first {
      throw CLIError.strayLines(path: transactions, count: strays.count, first: first)
    }
  }

  private func makeExecutor() throws -> any BlockExecutor {
    switch executor {
    case .serial: SerialExecutor(engine: engine.engine)
    case .locks, .overlay:
      try LockExecutor(
        workerCount: workers ?? ProcessInfo.processInfo.activeProcessorCount, engine: engine.engine,
        runsAhead: executor == .overlay)
    }
  }

  private func openStore(_ path: String) throws -> RocksDBStore {
    try RocksDBStore(path: path, patience: .telling)
  }

  /// - Parameter known: the ledger, where it is there already.
  private func run(
    _ replay: Replay, on known: RocksDBStore?, _ executor: any BlockExecutor
  ) throws -> Replay.Outcome {
    defer { Terminal.progress("") }
    let count = replay.transactions.count
    let report = { (done: Int) in
      if verbose { Terminal.note("committed \(done) transactions") }
      Terminal.progress("\(done) of \(count) transactions")
    }
    guard let ledger else { return try replay.run(executor: executor, progress: report) }
    return try replay.run(on: known ?? openStore(ledger), executor: executor, progress: report)
  }

  private func dump(_ chain: Chain, to path: String) throws {
    try AccountDump.write(
      chain.store, slot: chain.head.slot, unixTimestamp: chain.head.unixTimestamp,
      blockhash: chain.head.blockhash, ethereum: try chain.ethereumDump(), to: path)
  }

  private func writeTrace(_ outcome: Replay.Outcome, of replay: Replay, to path: String) throws {
    let table = outcome.chain.table
    let blocks = outcome.blocks.map { block in
      let range = block.firstTransaction..<block.firstTransaction + block.timeline.slices.count
      return ChromeTrace.Block(
        number: block.height, timeline: block.timeline, timing: block.timing,
        transactions: replay.transactions.part(
          outcome.skippedCount + range.lowerBound..<outcome.skippedCount + range.upperBound),
        receipts: outcome.receipts[range], startNanoseconds: block.startNanoseconds,
        accountName: { table.key(of: $0).description })
    }
    try WholeFile.write(ChromeTrace.json(blocks), to: path)
  }

  private func json(
    _ outcome: Replay.Outcome, executor: any BlockExecutor, elapsed: [UInt64]
  ) throws -> [UInt8] {
    var writer = JSONWriter(capacity: outcome.receipts.count * 512)
    writer.beginObject()
    writer.member("stateHash", outcome.stateHash.description)
    if let root = try outcome.chain.ethereumStateRoot() {
      writer.member("stateRoot", "0x" + Hex.encode(root.bytes))
    } else {
      writer.memberNull("stateRoot")
    }
    writer.member("executor", executor.name)
    writer.member("workers", executor.workerCount)
    writer.key("elapsedNanoseconds")
    writer.array { for nanoseconds in elapsed { $0.value(nanoseconds) } }
    writer.member("signatureNanoseconds", outcome.timing.signatureNanoseconds)
    writer.member("stateHashNanoseconds", outcome.timing.stateHashNanoseconds)
    writer.member("commitNanoseconds", outcome.timing.commitNanoseconds)
    writer.member("skippedTransactions", outcome.skippedCount)
    if outcome.ethereumCount == 0 {
      writer.memberNull("ethereum")
    } else {
      writer.key("ethereum")
      writer.object { writer in
        writer.member("transactions", outcome.ethereumCount)
        writer.member("executions", outcome.executionCount)
        writer.member("repeated", outcome.repeatedCount)
      }
    }
    writer.key("transactions")
    writer.array { writer in for receipt in outcome.receipts { receipt.write(to: &writer) } }
    writer.endObject()
    writer.newline()
    return writer.bytes
  }

  private func printText(
    _ outcome: Replay.Outcome, executor: any BlockExecutor, elapsed: [UInt64]
  ) throws {
    let failures = outcome.receipts.filter { !$0.isSuccess }.map(\.failure)
    let best = elapsed.min() ?? 0
    let count = outcome.receipts.count
    var lines: [String] = []
    if outcome.skippedCount > 0 {
      lines.append("the ledger already had \(outcome.skippedCount) transactions")
    }
    lines.append(
      "\(count) transactions, \(count - failures.count) succeeded, \(failures.count) failed"
        + " (\(executor.name), \(executor.workerCount) workers)")
    lines.append(
      "executed in \(LanePicture.duration(best))"
        + (best > 0 && count > 0 ? ", \(UInt64(Double(count) * 1e9 / Double(best))) transactions/s" : "")
        + (elapsed.count > 1 ? " (best of \(elapsed.count))" : "")
        + "; signatures \(LanePicture.duration(outcome.timing.signatureNanoseconds)) of processor time")
    lines.append(
      "state hash computed in \(LanePicture.duration(outcome.timing.stateHashNanoseconds)),"
        + " committed in \(LanePicture.duration(outcome.timing.commitNanoseconds))")
    lines += errorSummary(failures)
    lines.append("state hash \(outcome.stateHash)")
    if let root = try outcome.chain.ethereumStateRoot() {
      lines.append("state root 0x\(Hex.encode(root.bytes))")
    }
    let table = outcome.chain.table
    if let timeline = Self.whole(outcome.blocks.map(\.timeline)) {
      lines.append(
        LanePicture(timeline) { table.key(of: $0).description }
          .text(width: Terminal.width, colour: Terminal.hasColour))
    }
    print(lines.joined(separator: "\n"))
  }

  /// The commonest errors first, ties by text; one of a kind as it is, several with the first as an example.
  private func errorSummary(_ failures: [(kind: String, example: String?)]) -> [String] {
    var kinds: [String: (count: Int, example: String?)] = [:]
    for failure in failures { kinds[failure.kind, default: (0, failure.example)].count += 1 }
    return kinds.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(8).map {
      let (count, example) = $0.value
      guard let example else { return "  \(count) × \($0.key)" }
      return "  \(count) × " + (count == 1 ? example : "\($0.key); first \(example)")
    }
  }

  private static func whole(_ timelines: [Timeline]) -> Timeline? {
    guard let first = timelines.first else { return nil }
    return timelines.dropFirst().reduce(first) { $0.followed(by: $1) }
  }
}
