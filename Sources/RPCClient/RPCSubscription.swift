// A subscription over a WebSocket (RFC 6455): notifications are handed on as they come, until whoever gets them has enough
// or the node ends the connection.

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Primitives

package enum RPCSubscription {
  private static let connectSeconds: Int64 = 10
  /// Bytes of one notification.
  private static let frameByteLimit = 64 << 20

  /// Subscribes and waits; returns when `body` says that it has enough.
  ///
  /// - Parameters:
  ///   - addresses: tried in order until one speaks WebSocket.
  ///   - onStart: called once it is subscribed, with the address.
  ///   - body: called with the `params` of each notification, on another thread; whether there shall be more.
  package static func listen(
    to addresses: [NodeAddress], _ method: String, _ parameters: [JSONValue],
    onStart: @escaping @Sendable (NodeAddress) -> Void,
    _ body: @escaping @Sendable (JSONValue) -> Bool
  ) throws(RPCClientError) {
    guard let first = addresses.first else { return }
    var failure = RPCClientError(first, method, .unreachable("no address"))
    for address in addresses {
      let listener = Listener(address, method, parameters, onStart, body)
      do {
        try connect(address, listener).wait()
        return
      } catch let error as RPCClientError {
        throw error
      } catch {
        failure = RPCClientError(address, method, RPCConnection.failure(connectingTo: address, error))
      }
    }
    throw failure
  }

  /// - Returns: succeeds when the listener has enough.
  private static func connect(_ address: NodeAddress, _ listener: Listener) -> EventLoopFuture<Void> {
    let upgraded = NIOSingletons.posixEventLoopGroup.next().makePromise(of: Void.self)
    return ClientBootstrap(group: upgraded.futureResult.eventLoop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .connectTimeout(.seconds(connectSeconds))
      .channelInitializer { channel in
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: frameByteLimit) { channel, _ in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              NIOWebSocketFrameAggregator(
                minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1 << 16,
                maxAccumulatedFrameSize: frameByteLimit))
            try channel.pipeline.syncOperations.addHandler(SubscriptionHandler(listener))
            upgraded.succeed()
          }
        }
        let request = HTTPRequestHead(
          version: .http1_1, method: .GET, uri: address.path,
          headers: HTTPHeaders([("Host", address.authority), ("Content-Length", "0")]))
        return channel.eventLoop.makeCompletedFuture {
          try TLSHandler.add(to: channel, for: address)
          let sender = NIOLoopBound(UpgradeRequest(request, upgraded), eventLoop: channel.eventLoop)
          try channel.pipeline.syncOperations.addHTTPClientHandlers(
            withClientUpgrade: (
              upgraders: [upgrader],
              completionHandler: { _ in
                channel.pipeline.syncOperations.removeHandler(sender.value, promise: nil)
              }
            ))
          try channel.pipeline.syncOperations.addHandler(sender.value)
        }
      }
      .connect(host: address.host, port: address.port)
      .flatMap { channel in
        channel.closeFuture.whenComplete { _ in upgraded.fail(NoWebSocket()) }
        let timeout = channel.eventLoop.scheduleTask(in: .seconds(connectSeconds)) {
          upgraded.fail(NoWebSocket())
          channel.close(promise: nil)
        }
        return upgraded.futureResult.flatMap {
          timeout.cancel()
          return channel.closeFuture
        }
      }
      .flatMapThrowing { try listener.finish() }
  }

  private struct NoWebSocket: Error, CustomStringConvertible {
    var description: String { "no WebSocket is spoken there" }
  }

  /// Asks for the WebSocket, and takes an answer that is none.
  private final class UpgradeRequest: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let upgraded: EventLoopPromise<Void>

    init(_ head: HTTPRequestHead, _ upgraded: EventLoopPromise<Void>) {
      (self.head, self.upgraded) = (head, upgraded)
    }

    func channelActive(context: ChannelHandlerContext) {
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      upgraded.fail(NoWebSocket())
      context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      upgraded.fail(error is TLSError ? error : NoWebSocket())
      context.close(promise: nil)
    }
  }

  /// What is subscribed to, and who is told.
  fileprivate final class Listener: @unchecked Sendable {
    // Sendable: what changes is touched on the connection's event loop alone, and read when the connection has ended.
    private let address: NodeAddress
    private let method: String
    private let parameters: [JSONValue]
    private let onStart: @Sendable (NodeAddress) -> Void
    private let body: @Sendable (JSONValue) -> Bool
    private var failure: RPCClientError.Reason?
    private var hasEnough = false

    init(
      _ address: NodeAddress, _ method: String, _ parameters: [JSONValue],
      _ onStart: @escaping @Sendable (NodeAddress) -> Void, _ body: @escaping @Sendable (JSONValue) -> Bool
    ) {
      (self.address, self.method, self.parameters) = (address, method, parameters)
      (self.onStart, self.body) = (onStart, body)
    }

    var request: [UInt8] {
      var writer = JSONWriter()
      writer.object { writer in
        writer.member("jsonrpc", "2.0")
        writer.member("id", 1)
        writer.member("method", method)
        writer.key("params")
        writer.value(JSONValue.array(parameters))
      }
      return writer.bytes
    }

    /// - Returns: whether there shall be more.
    func take(_ bytes: [UInt8]) -> Bool {
      guard let message = try? JSONValue.parse(bytes) else {
        failure = .malformed("a message that is no JSON")
        return false
      }
      if let error = message["error"], !error.isNull {
        failure = .refused(
          code: error["code"]?.int64 ?? 0, message: error["message"]?.string ?? "an error without words",
          data: error["data"])
        return false
      }
      if let parameters = message["params"] {
        hasEnough = !body(parameters)
        return !hasEnough
      }
      onStart(address)
      return true
    }

    func finish() throws {
      if hasEnough { return }
      throw RPCClientError(address, method, failure ?? .closed(""))
    }
  }

  private final class SubscriptionHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let listener: Listener

    init(_ listener: Listener) { self.listener = listener }

    func handlerAdded(context: ChannelHandlerContext) { send(.text, listener.request, context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let frame = unwrapInboundIn(data)
      switch frame.opcode {
      case .text, .binary:
        if !listener.take(Array(frame.unmaskedData.readableBytesView)) { context.close(promise: nil) }
      case .ping: send(.pong, Array(frame.unmaskedData.readableBytesView), context)
      case .connectionClose: context.close(promise: nil)
      default: break
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Frames of clients are masked.
    private func send(_ opcode: WebSocketOpcode, _ bytes: [UInt8], _ context: ChannelHandlerContext) {
      let frame = WebSocketFrame(
        fin: true, opcode: opcode, maskKey: .random(), data: ByteBuffer(bytes: bytes))
      context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
  }
}
