// The listening socket and the threads that serve its connections.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

final class Server: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let channels: [any Channel]

  /// Answers on all of `sockets`, each of which serves HTTP and WebSocket.
  init(_ sockets: [ListeningSocket], _ service: HTTPService, _ subscriptions: Subscriptions) throws(NodeError)
  {
    group = MultiThreadedEventLoopGroup(numberOfThreads: service.limits.threadCount)
    let connections = ConnectionCount(limit: service.limits.connectionCount)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: ListeningSocket.backlog)
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
    for socket in sockets {
      guard let descriptor = socket.take() else { continue }
      do {
        channels.append(try bootstrap.withBoundSocket(descriptor).wait())
      } catch {
        group.shutdownGracefully { _ in }
        throw .cannotServe(port: socket.port, detail: "\(error)")
      }
    }
    self.channels = channels
  }

  private static func upgrader(
    _ service: HTTPService, _ subscriptions: Subscriptions
  ) -> NIOWebSocketServerUpgrader {
    NIOWebSocketServerUpgrader(
      maxFrameSize: service.limits.bodyByteCount,
      shouldUpgrade: { channel, head in
        // Pages of other origins can open WebSockets without asking: they are told by their Origin.
        let isAllowed =
          HostName.isAllowed(head.headers["host"], service.host) && service.origin(of: head) != .foreign
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
