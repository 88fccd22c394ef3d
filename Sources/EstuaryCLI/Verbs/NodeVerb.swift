import ArgumentParser
import Contracts
import Estuary
import Execution
import FoundationEssentials
import Glibc
import Ledger
import Logging
import Node
import Primitives

struct NodeVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node",
    abstract: "Run a node on a ledger, for Solana's and Ethereum's tools: JSON-RPC over HTTP and WebSocket.",
    discussion: """
      Creates the ledger if need be. Blocks come every 400 ms, or with --instant as soon as a transaction waits. A \
      transaction that is reported is on the disk. Options of solana-test-validator that make sense here are understood. The node listens on this machine alone unless --host says otherwise; \
      /health and /metrics are beside JSON-RPC. SIGTERM and Ctrl-C end it (docs/node.md).
      """)

  @Option(
    name: [.customShort("l"), .long],
    help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @Option(
    name: [.long, .customLong("rpc-port")], help: "Port of JSON-RPC; 0: one of the system's choice.")
  var port = 8899

  @Option(
    name: .customLong("ws-port"),
    help: "Port of a second socket that serves the same, for subscriptions (default: the one behind --port).")
  var webSocketPort: Int?

  @Option(
    name: .customLong("eth-port"),
    help: "Port of a third socket that serves the same, for Ethereum's tools (default: 8545, if it is free).")
  var ethereumPort: Int?

  @Option(name: [.long, .customLong("bind-address")], help: "Address to listen on.")
  var host = "127.0.0.1"

  @Flag(help: "Make a block as soon as a transaction waits, and none without.")
  var instant = false

  @Option(name: .customLong("slot-ms"), help: "Milliseconds from one block to the next.")
  var slotMilliseconds = 400

  @Option(help: "Threads that execute a block's transactions (default: one a processor).")
  var workers: Int?

  @Flag(
    name: [.customShort("r"), .long], help: "Begin with a new ledger in place of the one in the directory.")
  var reset = false

  @OptionGroup var additions: AdditionOptions

  @Option(
    name: [.customShort("w"), .customLong("warp-slot")],
    help: ArgumentHelp("Go on to a slot before the first request.", valueName: "slot"))
  var warpSlot: UInt64?

  @Option(
    name: .customLong("history-blocks"),
    help: "Blocks whose transactions can be looked up; older ones go.")
  var historyBlocks = SolanaHistory.defaultBlockCount

  @Option(
    name: .customLong("rewind-blocks"),
    help: "The last blocks since the start that slot, epoch and time can go back over; 0: those since a snapshot.")
  var rewindBlocks = Producer.defaultRewindBlockCount

  @Option(name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel = "info"

  @Flag(name: .shortAndLong, help: "Say nothing at the start, and log warnings and errors alone.")
  var quiet = false

  @OptionGroup var cache: CacheOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    _ = try Settings.current.get()
    guard [port, webSocketPort ?? 0, ethereumPort ?? 0].allSatisfy((0...65535).contains) else {
      throw ValidationError("--port, --ws-port and --eth-port must be from 0 to 65535")
    }
    guard (1...3_600_000).contains(slotMilliseconds) else {
      throw ValidationError("--slot-ms must be from 1 to 3600000")
    }
    if let workers, !(1...256).contains(workers) { throw ValidationError("--workers must be from 1 to 256") }
    guard historyBlocks >= 1 else { throw ValidationError("--history-blocks must be at least 1") }
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("--log-level must be one of trace, debug, info, notice, warning, error, critical")
    }
    if webSocketPort == nil && port == 65535 {
      throw ValidationError("there is no port behind --port 65535: give --ws-port")
    }
    if let warpSlot, warpSlot >= BlockRecord.countLimit / 2 {
      throw ValidationError("--warp-slot must be below \(BlockRecord.countLimit / 2)")
    }
  }

  func run() throws {
    // Before any thread begins: all of them leave the signals to this one.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)

    let chain = try open()
    chain.historyBlockCount = historyBlocks
    if let warpSlot { try warp(chain, to: warpSlot) }
    let faucet = try chain.account(Chain.faucet.pubkey)?.lamports
    let hasTokens = try chain.account(Self.token) != nil
    var configuration = Node.Configuration()
    configuration.host = host
    configuration.port = port
    configuration.webSocketPort = webSocketPort ?? (port == 0 ? 0 : port + 1)
    configuration.ethereumPort = ethereumPort
    configuration.rewindBlockCount = rewindBlocks
    configuration.pace = instant ? .instant : .slots(milliseconds: slotMilliseconds)
    let level = max(Logger.Level(rawValue: logLevel) ?? .info, quiet ? .warning : .trace)
    configuration.logger = Logger(label: "estuary") { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    let node = try Node(chain, configuration)
    if !quiet { announce(node, faucet: faucet, hasTokens: hasTokens) }
    Terminal.flush()
    var number: Int32 = 0
    while sigwait(&signals, &number) != 0 {}
    node.stop()
  }

  private func open() throws -> Chain {
    let workers = workers ?? max(1, min(256, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    if reset && RocksDBStore.isLedger(ledger) {
      // Whoever writes it keeps it.
      try RocksDBStore.whileUnused(path: ledger) { try FileManager.default.removeItem(atPath: ledger) }
    }
    let isThere = RocksDBStore.isLedger(ledger)
    if !additions.addsSomething && (isThere || additions.leavesProgramsOut || SetUpPrograms.all.isEmpty) {
      return try Chain.open(
        directory: ledger, .creatingIfMissing, patience: .telling, cacheByteCount: cache.byteCount,
        workers: workers, ethereum: .funded())
    }
    guard !isThere else {
      throw CLIError.program(
        path: ledger,
        detail:
          "programs and accounts are put into new ledgers only: name an empty directory, or give --reset")
    }
    return try Chain.create(
      directory: ledger, adding: try additions.additions(addsSetUpPrograms: true).accounts, ethereum: .funded(),
      cacheByteCount: cache.byteCount, workers: workers)
  }

  /// An empty block at the slot, as the chain that comes back to it after a restart has one.
  private func warp(_ chain: Chain, to slot: UInt64) throws {
    guard slot >= chain.slot else {
      throw CLIError.program(path: ledger, detail: "--warp-slot \(slot): the ledger is at slot \(chain.slot) already")
    }
    if slot > chain.slot {
      _ = try chain.execute(
        BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: Clocks.unixSeconds(), slots: slot - chain.slot)
    }
  }

  private static let token = Pubkey(base58: "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA") ?? .zero

  /// What somebody needs who has just started it. The keys are those of every ledger for development: no secrets.
  private func announce(_ node: Node, faucet: UInt64?, hasTokens: Bool) {
    let secret = Base58.encode(Chain.faucet.bytes)
    let keys = node.developmentKeys
    var lines = [
      "JSON-RPC  \(node.url), for Ethereum's tools \(node.ethereumURL)", "WebSocket \(node.webSocketURL)",
      "ledger    \(ledger)",
    ]
    if let faucet {
      lines.append("Solana    \(SOL.text(faucet)) at \(Chain.faucet.pubkey)")
      lines.append("          secret key \(secret)")
    }
    if !hasTokens {
      lines.append(
        "programs  none of mainnet's (SPL Token and its like): `estuary setup programs` says where to get them")
    }
    for (number, key) in keys.enumerated() {
      lines.append("\(number == 0 ? "Ethereum " : "         ") (\(number)) \(key.address.checksummed), private key \(key.exposedHex)")
    }
    output.print(text: lines.joined(separator: "\n")) { writer in
      writer.object { writer in
        writer.member("url", node.url)
        writer.member("webSocketURL", node.webSocketURL)
        writer.member("ethereumURL", node.ethereumURL)
        writer.member("ledger", ledger)
        writer.key("solana")
        if let faucet {
          writer.object { writer in
            writer.member("pubkey", Chain.faucet.pubkey.description)
            writer.member("secretKey", secret)
            writer.member("lamports", faucet)
          }
        } else {
          writer.null()
        }
        writer.key("ethereum")
        writer.array { writer in
          for key in keys {
            writer.object { writer in
              writer.member("address", key.address.checksummed)
              writer.member("privateKey", key.exposedHex)
            }
          }
        }
      }
    }
  }
}
