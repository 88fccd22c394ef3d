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

  @Option(
    name: .customLong("slot-ms"),
    help: "Milliseconds from one block to the next (default: \(Self.usualSlotMilliseconds)).")
  var slotMilliseconds: Int?

  private static let usualSlotMilliseconds = 400

  @Option(
    name: .customLong("allow-origin"),
    help: ArgumentHelp(
      "Pages of this origin may ask, besides those of this machine; '*': all. May be repeated.",
      valueName: "origin"))
  var allowedOrigins: [String] = []

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
    help:
      "Blocks whose states, traces and Solana transactions can be looked up; Ethereum's blocks and receipts stay."
  )
  var historyBlocks = SolanaHistory.defaultBlockCount

  @Option(
    name: .customLong("rewind-blocks"),
    help:
      "The last blocks since the start that slot, epoch and time can go back over; 0: those since a snapshot."
  )
  var rewindBlocks = Producer.defaultRewindBlockCount

  @Option(name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel = "info"

  @Flag(name: .shortAndLong, help: "Say nothing at the start, and log warnings and errors alone.")
  var quiet = false

  @OptionGroup var cache: CacheOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    _ = try Settings.current.get()
    if ledger.isEmpty { throw ValidationError("--ledger is empty: name a directory") }
    try checkPorts()
    for origin in allowedOrigins where !Self.isOrigin(origin) {
      throw ValidationError(
        "--allow-origin takes what browsers send, as in https://app.example:3000, or '*': '\(origin)' is none"
      )
    }
    if let slotMilliseconds {
      guard (1...3_600_000).contains(slotMilliseconds) else {
        throw ValidationError("--slot-ms must be from 1 to 3600000")
      }
      if instant {
        throw ValidationError(
          "--slot-ms is for blocks by the clock, of which --instant makes none: give one of them")
      }
    }
    if let workers, !(1...256).contains(workers) { throw ValidationError("--workers must be from 1 to 256") }
    guard historyBlocks >= 1 else { throw ValidationError("--history-blocks must be at least 1") }
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("--log-level must be one of trace, debug, info, notice, warning, error, critical")
    }
    if let warpSlot, !(1..<BlockRecord.countLimit / 2).contains(warpSlot) {
      throw ValidationError("--warp-slot must be from 1 to \(BlockRecord.countLimit / 2 - 1)")
    }
  }

  private func checkPorts() throws {
    guard [port, webSocketPort ?? 0, ethereumPort ?? 0].allSatisfy((0...65535).contains) else {
      throw ValidationError("--port, --ws-port and --eth-port must be from 0 to 65535")
    }
    if webSocketPort == nil && port == 65535 {
      throw ValidationError("there is no port behind --port 65535: give --ws-port")
    }
    var flags: [Int: String] = [:]
    for (flag, port) in [
      ("--port", port), ("--ws-port", usedWebSocketPort), ("--eth-port", ethereumPort ?? 0),
    ] where port != 0 {
      if let other = flags.updateValue(flag, forKey: port) {
        throw ValidationError("\(other) and \(flag) are both \(port): give each a port of its own")
      }
    }
  }

  private var usedWebSocketPort: Int { webSocketPort ?? (port == 0 ? 0 : port + 1) }

  /// "*", or a scheme and a host with nothing behind it but a port.
  private static func isOrigin(_ text: String) -> Bool {
    if text == "*" { return true }
    guard let scheme = text.firstRange(of: "://"), scheme.lowerBound > text.startIndex else { return false }
    let host = text[scheme.upperBound...]
    return !host.isEmpty && !host.contains { $0 == "/" || $0 == "*" || $0.isWhitespace }
  }

  func run() throws {
    // Before any thread begins: all of them leave the signals to this one.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)

    let node = try start()
    Terminal.flush()
    var number: Int32 = 0
    while sigwait(&signals, &number) != 0 {}
    node.stop()
  }

  /// What can be refused is looked at before the ledger is touched: the options' files, a cluster's accounts, the ports.
  private func start() throws -> Node {
    let begins = reset || !RocksDBStore.isLedger(ledger)
    guard begins || !additions.addsSomething else {
      throw CLIError.program(
        path: ledger,
        detail:
          "programs and accounts are put into new ledgers only: name an empty directory, or give --reset")
    }
    let added =
      begins
      ? try additions.additions(
        addsSetUpPrograms: true, usualSlotsPerEpoch: LedgerAdditions.usualSlotsPerEpoch) : nil
    let sockets = try Node.listen(configuration)
    guard let added else {
      return try serve(
        try Chain.open(
          directory: ledger, .creatingIfMissing, patience: .telling, cacheByteCount: cache.byteCount,
          workers: usedWorkers, ethereum: .funded()), on: sockets)
    }
    if reset && RocksDBStore.isLedger(ledger) {
      // Whoever writes it keeps it.
      try RocksDBStore.whileUnused(path: ledger) { try FileManager.default.removeItem(atPath: ledger) }
    }
    let old = try? FileManager.default.contentsOfDirectory(atPath: ledger)
    do {
      return try serve(
        try Chain.create(
          directory: ledger, adding: added.accounts, ethereum: .funded(), cacheByteCount: cache.byteCount,
          workers: usedWorkers), on: sockets)
    } catch {
      discard(after: error, old: old)
      throw error
    }
  }

  /// Takes away what a start that failed has made in a directory that was empty or missing (`nil`), so that the next one begins
  /// as this one did.
  private func discard(after error: any Error, old: [String]?) {
    switch error {
    case ChainError.ledgerExists, ChainError.store(.locked), ChainError.store(.foreign): return
    default: break
    }
    guard old?.isEmpty != false, RocksDBStore.isLedger(ledger) else { return }
    if old == nil {
      try? FileManager.default.removeItem(atPath: ledger)
    } else {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: ledger)) ?? [] {
        try? FileManager.default.removeItem(atPath: ledger + "/" + name)
      }
    }
  }

  private var usedWorkers: Int { workers ?? max(1, min(256, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  private var configuration: Node.Configuration {
    var configuration = Node.Configuration()
    configuration.host = host
    configuration.port = port
    configuration.webSocketPort = usedWebSocketPort
    configuration.ethereumPort = ethereumPort
    configuration.allowedOrigins = Set(allowedOrigins.map { $0.lowercased() })
    configuration.rewindBlockCount = rewindBlocks
    configuration.pace =
      instant ? .instant : .slots(milliseconds: slotMilliseconds ?? Self.usualSlotMilliseconds)
    let level = max(Logger.Level(rawValue: logLevel) ?? .info, quiet ? .warning : .trace)
    configuration.logger = Logger(label: "estuary") { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    return configuration
  }

  private func serve(_ chain: sending Chain, on sockets: [ListeningSocket]) throws -> Node {
    chain.historyBlockCount = historyBlocks
    if let warpSlot { try warp(chain, to: warpSlot) }
    let faucet = try chain.account(Chain.faucet.pubkey)?.lamports
    let hasTokens = try chain.account(SetUpPrograms.token) != nil
    let node = try Node(chain, configuration, on: sockets)
    if !quiet { announce(node, faucet: faucet, hasTokens: hasTokens) }
    return node
  }

  /// An empty block at the slot, as the chain that comes back to it after a restart has one.
  private func warp(_ chain: Chain, to slot: UInt64) throws {
    guard slot >= chain.slot else {
      throw CLIError.program(
        path: ledger, detail: "--warp-slot \(slot): the ledger is at slot \(chain.slot) already")
    }
    if slot > chain.slot {
      _ = try chain.execute(
        BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: Clocks.unixSeconds(),
        slots: slot - chain.slot)
    }
  }

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
        "programs  none of mainnet's (SPL Token and its like): `estuary setup programs` says where to get them"
      )
    }
    for (number, key) in keys.enumerated() {
      lines.append(
        "\(number == 0 ? "Ethereum " : "         ") (\(number)) \(key.address.checksummed), private key \(key.exposedHex)"
      )
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
