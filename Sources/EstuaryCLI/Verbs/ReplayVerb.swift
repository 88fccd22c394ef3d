import ArgumentParser
import Estuary
import Execution
import FoundationEssentials
import Ledger
import Primitives
import Scheduling
import Synchronization

struct ReplayVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Execute a file of transactions from a genesis, serially or in parallel lanes.",
    discussion: """
      Transactions run in order, as one block; slot, time and blockhash stay as the genesis says. A transaction that \
      cannot be decoded or is badly signed is an error of that transaction and the replay goes on. So it does at a \
      line that is no transaction object, but then it exits with 1.
      """)

  @Argument(help: ArgumentHelp("Genesis file.", valueName: "genesis.json"))
  var genesis: String

  @Argument(help: ArgumentHelp("Transactions, one JSON object a line.", valueName: "transactions.jsonl"))
  var transactions: String

  @Option(
    help: """
      How blocks are executed: 'serial' runs one transaction after the other; 'locks' runs them on all workers, \
      Solana's by what they declare, Ethereum's in waves by what they are guessed to touch; 'waves' does so for few of \
      Ethereum's, and on one worker, as well.
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

  @OptionGroup var cache: CacheOptions

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
      throw ValidationError("--executor serial has one worker; --workers is for --executor locks and waves")
    }
  }

  func run() throws {
    // Before anything is read: a ledger that is in use or damaged is known at once.
    let known = try ledger.flatMap { RocksDBStore.isLedger($0) ? try openStore($0) : nil }
    defer { Terminal.progress("") }
    let reader = try TransactionReader(transactions)
    Terminal.progress("reading \(genesis)")
    var replay = Replay(genesis: try Genesis.read(genesis))
    replay.blockSize = blockSize ?? 0
    replay.verifiesSignatures = !skipsSignatures
    replay.recordsTimeline = trace != nil || (!output.json && executor != .serial)
    let executor = try makeExecutor()
    let committed = CommittedCount()
    let ledger = ledger
    let interruption = Interruption { Self.interruptionText(committed.value, ledger) }
    defer { withExtendedLifetime(interruption) {} }
    let file = FileSource(reader) { Terminal.progress("reading: \(Self.grouped($0)) transactions") }
    // What is run several times is read once.
    let list = repeatCount > 1 ? try file.next(.max) : nil
    var elapsed: [UInt64] = []
    for round in 1...repeatCount {
      let report = try ReplayReport(
        keepsReceipts: output.json, tracePath: round == repeatCount ? trace : nil,
        workerCount: executor.workerCount)
      let observe = { (event: Replay.Event) in note(event, in: report, committed) }
      let store: any AccountStore = if let ledger { try known ?? openStore(ledger) } else { MemoryStore() }
      let outcome =
        if let list {
          try replay.run(ListedSource(list), on: store, executor: executor, observe: observe)
        } else {
          try replay.run(file, on: store, executor: executor, observe: observe)
        }
      elapsed.append(outcome.timing.elapsedNanoseconds)
      if round == repeatCount { try finish(outcome, report, executor, elapsed) }
    }
  }

  private func finish(
    _ outcome: Replay.Outcome, _ report: ReplayReport, _ executor: any BlockExecutor, _ elapsed: [UInt64]
  ) throws {
    Terminal.progress("")
    try report.finishTrace()
    if let dumpAccounts { try dump(outcome.chain, to: dumpAccounts) }
    if output.json {
      Terminal.write(try json(outcome, report, executor: executor, elapsed: elapsed))
    } else {
      try printText(outcome, report, executor: executor, elapsed: elapsed)
    }
    if let first = report.firstStray {
      throw CLIError.strayLines(path: transactions, count: report.strayCount, first: first)
    }
  }

  private func note(_ event: Replay.Event, in report: ReplayReport, _ committed: CommittedCount) {
    switch event {
    case .executing(let count):
      if blockSize == nil { Terminal.progress("executing \(Self.grouped(count)) transactions") }
    case .committed(let part):
      let count = part.firstEntry + part.transactions.count
      committed.value = count
      report.add(part)
      if verbose { Terminal.note("committed \(count) transactions") }
      Terminal.progress("\(Self.grouped(count)) transactions executed")
    }
  }

  private static func interruptionText(_ count: Int, _ ledger: String?) -> String {
    guard let ledger else { return "interrupted; without --ledger nothing of a replay is kept" }
    return
      "interrupted: \(grouped(count)) transactions are in the ledger '\(ledger)'; the same command again goes on "
      + "behind them"
  }

  /// Thousands apart: "120,000".
  static func grouped(_ number: Int) -> String {
    var text = ""
    for (place, digit) in String(number).reversed().enumerated() {
      if place > 0 && place % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }

  private func makeExecutor() throws -> any BlockExecutor {
    switch executor {
    case .serial: SerialExecutor(engine: engine.engine)
    case .locks, .waves:
      try LockExecutor(
        workerCount: workers ?? ProcessInfo.processInfo.activeProcessorCount, engine: engine.engine,
        alwaysInWaves: executor == .waves)
    }
  }

  private func openStore(_ path: String) throws -> RocksDBStore {
    try RocksDBStore(path: path, patience: .telling, cacheByteCount: cache.byteCount)
  }

  private func dump(_ chain: Chain, to path: String) throws {
    try AccountDump.write(
      chain.store, slot: chain.head.slot, unixTimestamp: chain.head.unixTimestamp,
      blockhash: chain.head.blockhash, ethereum: try chain.ethereumGenesis()?.json, to: path)
  }

  private func json(
    _ outcome: Replay.Outcome, _ report: ReplayReport, executor: any BlockExecutor, elapsed: [UInt64]
  ) throws -> [UInt8] {
    var writer = JSONWriter(capacity: outcome.count * 512)
    writer.beginObject()
    writer.member("stateHash", outcome.stateHash.description)
    let watch = Stopwatch()
    if let root = try outcome.chain.ethereumStateRoot() {
      let nanoseconds = watch.nanoseconds
      writer.member("stateRoot", "0x" + Hex.encode(root.bytes))
      writer.member("stateRootNanoseconds", nanoseconds)
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
    writer.array { writer in for receipt in report.receipts { receipt.write(to: &writer) } }
    writer.endObject()
    writer.newline()
    return writer.bytes
  }

  private func printText(
    _ outcome: Replay.Outcome, _ report: ReplayReport, executor: any BlockExecutor, elapsed: [UInt64]
  ) throws {
    let best = elapsed.min() ?? 0
    let count = outcome.count
    var lines: [String] = []
    if outcome.skippedCount > 0 {
      lines.append("the ledger already had \(outcome.skippedCount) transactions")
    }
    lines.append(
      "\(count) transactions, \(count - report.failureCount) succeeded, \(report.failureCount) failed"
        + " (\(executor.name), \(executor.workerCount) workers)")
    lines += ErrorSummary.wrapped(
      "executed in \(LanePicture.duration(best))"
        + (best > 0 && count > 0 ? ", \(UInt64(Double(count) * 1e9 / Double(best))) transactions/s" : "")
        + (elapsed.count > 1 ? " (best of \(elapsed.count))" : "")
        + "; signatures \(LanePicture.duration(outcome.timing.signatureNanoseconds)) of processor time",
      indent: "", width: 80)
    lines.append(
      "state hash computed in \(LanePicture.duration(outcome.timing.stateHashNanoseconds)),"
        + " committed in \(LanePicture.duration(outcome.timing.commitNanoseconds))")
    lines += report.errors.lines(width: max(80, min(Terminal.width, 120)))
    lines.append("state hash \(outcome.stateHash)")
    if let root = try outcome.chain.ethereumStateRoot() {
      lines.append("state root 0x\(Hex.encode(root.bytes))")
    }
    let chain = outcome.chain
    if let timeline = report.timeline {
      if timeline.slices.count < count {
        lines.append("of the first \(timeline.slices.count) transactions:")
      }
      lines.append(
        LanePicture(timeline) { chain.name(inTimelines: $0) }
          .text(width: Terminal.width, colour: Terminal.hasColour))
    }
    print(lines.joined(separator: "\n"))
  }
}

/// How far a replay has come, for whoever interrupts it.
private final class CommittedCount: Sendable {
  private let count = Atomic<Int>(0)

  // Relaxed: the number alone is shared.
  var value: Int {
    get { count.load(ordering: .relaxed) }
    set { count.store(newValue, ordering: .relaxed) }
  }
}
