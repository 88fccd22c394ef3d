// A node: one chain, the thread that moves it on, and the socket on which clients reach it.
//
//   clients ──HTTP──▶ JSONRPC ──▶ SolanaRPC, EthereumRPC ──▶ store (accounts, history)
//                                    │
//                                    └──▶ Producer: pool, simulations, blocks

import Contracts
import Estuary
import Ledger
import Logging
import Primitives
import Synchronization

package final class Node: Sendable {
  package struct Configuration: Sendable {
    package var host = "127.0.0.1"
    /// 0: of the system's choice.
    package var port = 8899
    /// Of a second socket that serves the same, where Solana's clients look for subscriptions; 0: of the system's choice.
    package var webSocketPort = 8900
    /// Of a third socket that serves the same, where Ethereum's clients look; 0: of the system's choice; `nil`: 8545 where
    /// it is free and `port` is not of the system's choice.
    package var ethereumPort: Int?
    /// Origins whose pages may ask, besides those of this machine, as browsers spell them; "*": all.
    package var allowedOrigins: Set<String> = []
    package var pace = Producer.Pace.slots(milliseconds: 400)
    package var serverLimits = ServerLimits()
    package var poolLimits = TransactionPool.Limits()
    /// The last blocks that can always be taken back.
    package var rewindBlockCount = Producer.defaultRewindBlockCount
    /// Threads for reads that take long.
    package var backgroundThreadCount = 2
    package var logger = Logger(label: "estuary")

    package init() {}
  }

  /// The name of every node: a ledger of one's own has one, which signs nothing.
  package static let identity = Ed25519.KeyPair(seed: SHA256.hash(Array("estuary node".utf8))).pubkey

  /// Where Ethereum's clients look for a node.
  package static let usualEthereumPort = 8545

  private let producer: Producer
  private let server: Server
  private let background: BackgroundThreads
  private let subscriptions: Subscriptions
  private let logger: Logger
  /// Where clients reach it.
  package let url: String
  package let webSocketURL: String
  /// For Ethereum's tools; the first one where port 8545 was taken.
  package let ethereumURL: String

  /// Begins to answer requests and to make blocks.
  ///
  /// - Parameters:
  ///   - chain: nobody else touches it from now on.
  ///   - sockets: those of `configuration`.
  package init(
    _ chain: sending Chain, _ configuration: Configuration, on sockets: [ListeningSocket]
  ) throws(NodeError) {
    logger = configuration.logger
    let relay = BlockRelay()
    let ethereumLedger: EthereumLedger?
    do throws(ChainError) {
      // Ethereum's clients ask for blocks before they send anything.
      try chain.beginEthereum()
      ethereumLedger = try EthereumLedger(chain.store)
    } catch { throw .chain(error) }
    do throws(ChainError) {
      producer = try Producer(
        chain, pace: configuration.pace, limits: configuration.poolLimits,
        rewindBlockCount: configuration.rewindBlockCount, logger: configuration.logger,
        onBlock: { relay.publish($0) }, onTransaction: { relay.publish($0) },
        onRemoval: { relay.publish(removed: $1, behind: $0) }, onOverride: { relay.publish($1, at: $0) },
        onReception: { relay.publish(received: $0) })
    } catch {
      throw .chain(error)
    }
    background = BackgroundThreads(count: configuration.backgroundThreadCount)
    let solana = SolanaRPC(producer, identity: Self.identity, background: background)
    let rpc = NodeRPC(
      solana,
      ethereumLedger.map { [producer, background] in
        EthereumRPC(producer, ledger: $0, background: background)
      })
    let limit = configuration.serverLimits.subscriptionCount
    subscriptions = Subscriptions(
      solana, ethereum: rpc.ethereum.map { EthereumSubscriptions($0, limit: limit) }, limit: limit)
    (relay.subscriptions, relay.filters) = (subscriptions, rpc.ethereum?.filters)
    let (producer, subscriptions, meter) = (producer, subscriptions, RequestMeter())
    let service = HTTPService(
      rpc: rpc, limits: configuration.serverLimits, host: configuration.host,
      allowedOrigins: configuration.allowedOrigins, problem: { producer.problem },
      metrics: { Self.metrics(producer, subscriptions, meter) }, meter: meter)
    let (host, ports) = (NodeError.text(ofHost: configuration.host), sockets.map(\.port))
    server = try Server(sockets, service, subscriptions)
    (url, webSocketURL) = ("http://\(host):\(ports[0])", "ws://\(host):\(ports[1])")
    ethereumURL = "http://\(host):\(ports.count > 2 ? ports[2] : ports[0])"
    producer.start()
    indexOwners()
    logger.info(
      "ready",
      metadata: [
        "url": "\(url)", "webSocket": "\(webSocketURL)", "ethereum": "\(ethereumURL)",
        "slot": "\(producer.head.slot)",
        "pace": "\(configuration.pace)",
      ])
  }

  /// Sockets for a node: for `port`, for `webSocketPort`, and one for Ethereum's clients where there is a port for them.
  package static func listen(_ configuration: Configuration) throws(NodeError) -> [ListeningSocket] {
    func socket(_ port: Int, _ flag: String) throws(NodeError) -> ListeningSocket {
      try ListeningSocket(host: configuration.host, port: port, flag: flag)
    }
    var sockets = [
      try socket(configuration.port, "--port"), try socket(configuration.webSocketPort, "--ws-port"),
    ]
    if let port = configuration.ethereumPort ?? (configuration.port == 0 ? 0 : nil) {
      sockets.append(try socket(port, "--eth-port"))
    } else if let usual = try? socket(usualEthereumPort, "--eth-port") {
      sockets.append(usual)
    }
    return sockets
  }

  /// Set when the node is to stop.
  private let isStopping = Atomic(false)

  /// A ledger that was made without an index of owners gets it now, while the node answers.
  private func indexOwners() {
    guard let store = producer.store as? RocksDBStore else { return }
    let (producer, logger) = (producer, logger)
    background.submit { [weak self] in
      do throws(StoreError) {
        if try OwnerIndex(of: store).isComplete() { return }
        let goesOn = { self.map { !$0.isStopping.load(ordering: .relaxed) } ?? false }
        guard try OwnerIndex.build(in: store, while: goesOn) else { return }
        try store.write([OwnerIndex.completion])
        logger.info("accounts are indexed by owner", metadata: ["slot": "\(producer.head.slot)"])
      } catch {
        logger.error("accounts cannot be indexed by owner", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// Brings blocks to the subscriptions, which are made after the producer.
  private final class BlockRelay: @unchecked Sendable {
    // Sendable: set before the producer starts, and then only read.
    var subscriptions: Subscriptions?
    var filters: EthereumFilters?
    func publish(_ block: Producer.Block) { subscriptions?.publish(block) }
    func publish(_ changes: [AccountChange], at head: Head) { subscriptions?.publish(changes, at: head) }
    func publish(received signature: Signature) { subscriptions?.publish(received: signature) }
    func publish(_ transaction: PooledEthereumTransaction) {
      subscriptions?.ethereum?.publish(transaction)
      filters?.note(pending: transaction.hash)
    }
    func publish(removed logs: [EthereumLogRecord], behind number: UInt64) {
      if !logs.isEmpty { subscriptions?.ethereum?.publish(removed: logs) }
      filters?.goBack(to: number, removed: logs)
    }
  }

  /// The development accounts that the ledger has.
  package var developmentKeys: [PrivateKey] { producer.developmentKeys }

  /// Ends: takes no more requests, finishes the block under way.
  package func stop() {
    isStopping.store(true, ordering: .relaxed)
    server.stop()
    producer.stop()
    subscriptions.stop()
    background.stop()
    logger.info("stopped", metadata: ["slot": "\(producer.head.slot)"])
  }

  private static func metrics(
    _ producer: Producer, _ subscriptions: Subscriptions, _ meter: RequestMeter
  ) -> String {
    let (head, counts) = (producer.head, producer.statistics)
    var text = MetricsText()
    text.gauge("estuary_slot", "Slot of the last committed block.", head.slot)
    text.gauge("estuary_block_height", "Height of the last committed block.", head.height)
    text.gauge(
      "estuary_healthy", "1 where the last block could be committed.", producer.problem == nil ? 1 : 0)
    text.gauge("estuary_pool_transactions", "Transactions of Solana's that wait for a block.", counts.pooled)
    text.gauge(
      "estuary_ethereum_pool_transactions", "Transactions of Ethereum's that wait, queued ones included.",
      counts.ethereumPooled)
    text.counter("estuary_blocks_total", "Blocks committed since the start.", counts.blocks)
    text.counter(
      "estuary_transactions_total", "Transactions processed since the start, failed ones included.",
      counts.processed)
    text.counter(
      "estuary_transactions_failed_total", "Of these, transactions that failed and paid.", counts.failed)
    text.counter(
      "estuary_transactions_refused_total", "Transactions that were taken out of the pool and did not run.",
      counts.refused)
    text.counter("estuary_simulations_total", "Simulations since the start.", counts.jobs)
    text.counter(
      "estuary_block_seconds_total", "Time spent on making blocks.", Double(counts.blockNanoseconds) / 1e9)
    text.counter(
      "estuary_commit_seconds_total", "Of this, time until blocks were on the disk.",
      Double(counts.commitNanoseconds) / 1e9)
    text.gauge("estuary_subscriptions", "Subscriptions of all connections.", subscriptions.count)
    meter.write(to: &text)
    return text.text
  }
}

/// Why a node cannot run.
package enum NodeError: Error, CustomStringConvertible {
  case chain(ChainError)
  /// A host that is no address of this machine.
  case noHost(String, detail: String)
  /// A port that cannot be had; `flag` is what it is given with.
  case cannotListen(host: String, port: Int, flag: String, detail: String)
  case cannotServe(port: Int, detail: String)

  package var description: String {
    switch self {
    case .chain(let error): error.description
    case .noHost(let host, let detail): "the node cannot listen on '\(host)': \(detail); give another --host"
    case .cannotListen(let host, let port, let flag, let detail):
      "the node cannot listen on \(Self.text(ofHost: host)):\(port): \(detail); give another \(flag)"
    case .cannotServe(let port, let detail): "the node cannot serve port \(port): \(detail)"
    }
  }

  /// As URLs have it.
  static func text(ofHost host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}
