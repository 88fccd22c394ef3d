// The listening socket and the threads that serve its connections.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

final class Server: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let channels: [any Channel]
  /// Those that the sockets got: the ones that were asked for, or of the system's choice for 0.
  let ports: [Int]

  /// Listens on all of `ports`, each of which serves HTTP and WebSocket.
  ///
  /// - Parameter optionalPort: one more, if it is free.
  init(
    host: String, ports: [Int], optionalPort: Int? = nil, _ service: HTTPService,
    _ subscriptions: Subscriptions
  ) throws(NodeError) {
    group = MultiThreadedEventLoopGroup(numberOfThreads: service.limits.threadCount)
    let connections = ConnectionCount(limit: service.limits.connectionCount)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        guard connections.enter() else {
          return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        channel.closeFuture.whenComplete { _ in connections.leave() }
        return channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          let handler = HTTPHandler(service)
          let upgrader = Self.upgrader(service, subscriptions)
          try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: true,
            withServerUpgrade: (
              upgraders: [upgrader],
              completionHandler: { $0.pipeline.syncOperations.removeHandler(handler, promise: nil) }
            ), withErrorHandling: true)
          try pipeline.addHandler(handler)
        }
      }
    var channels: [any Channel] = []
    for port in ports {
      do {
        channels.append(try bootstrap.bind(host: host, port: port).wait())
      } catch {
        group.shutdownGracefully { _ in }
        throw .cannotListen(host: host, port: port, detail: "\(error)")
      }
    }
    var ports = ports
    if let optionalPort, let channel = try? bootstrap.bind(host: host, port: optionalPort).wait() {
      channels.append(channel)
      ports.append(optionalPort)
    }
    self.channels = channels
    self.ports = zip(channels, ports).map { $0.localAddress?.port ?? $1 }
  }

  private static func upgrader(
    _ service: HTTPService, _ subscriptions: Subscriptions
  ) -> NIOWebSocketServerUpgrader {
    NIOWebSocketServerUpgrader(
      maxFrameSize: service.limits.bodyByteCount,
      shouldUpgrade: { channel, head in
        // Pages of other origins can open WebSockets without asking: they are told by their Origin.
        let isAllowed =
          HostName.isAllowed(head.headers["host"], service.host)
          && HostName.isOwn(head.headers["origin"], service.host)
        return channel.eventLoop.makeSucceededFuture(isAllowed ? HTTPHeaders() : nil)
      },
      upgradePipelineHandler: { channel, _ in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            WebSocketHandler(service, subscriptions, on: channel.eventLoop))
        }
      })
  }

  /// Takes no more connections and ends those that are open.
  func stop() {
    for channel in channels { try? channel.close().wait() }
    try? group.syncShutdownGracefully()
  }

  private final class ConnectionCount: Sendable {
    private let count = Atomic(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    // Relaxed: nothing else is told by the number.
    func enter() -> Bool {
      if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
      leave()
      return false
    }

    func leave() { count.wrappingSubtract(1, ordering: .relaxed) }
  }
}
