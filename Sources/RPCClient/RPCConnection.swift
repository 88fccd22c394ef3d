// One connection to a node: HTTP/1.1 with keep-alive, a request at a time. It is opened when a request first needs it, and
// again when the node has ended it in between.

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

final class RPCConnection: Sendable {
  struct Response: Sendable {
    var status: UInt
    var retryAfterSeconds: Int64?
    var body: [UInt8]
  }

  typealias Failure = RPCClientError.Reason

  /// Bytes of an answer.
  static let responseByteLimit = 512 << 20
  private static let connectSeconds: Int64 = 10

  private let address: NodeAddress
  let eventLoop: any EventLoop
  /// Touched on the event loop alone.
  private let channel: NIOLoopBoundBox<(any Channel)?>

  init(_ address: NodeAddress, on eventLoop: any EventLoop) {
    (self.address, self.eventLoop) = (address, eventLoop)
    channel = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: eventLoop)
  }

  /// Sends `body` by POST. One at a time: the one before has its answer.
  func post(_ body: [UInt8], seconds: Int64) -> EventLoopFuture<Response> {
    eventLoop.flatSubmit { [self] in
      guard let open = channel.value, open.isActive else { return connectAndPost(body, seconds) }
      return post(body, seconds, on: open).flatMapError { error in
        // The node may end a connection that waits for the next request at any moment.
        if case Failure.closed = error { return self.connectAndPost(body, seconds) }
        return self.eventLoop.makeFailedFuture(error)
      }
    }
  }

  func close() {
    eventLoop.execute { [self] in
      channel.value?.close(promise: nil)
      channel.value = nil
    }
  }

  private func connectAndPost(_ body: [UInt8], _ seconds: Int64) -> EventLoopFuture<Response> {
    ClientBootstrap(group: eventLoop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .connectTimeout(.seconds(Self.connectSeconds))
      .channelInitializer { [address] channel in
        channel.eventLoop.makeCompletedFuture {
          try TLSHandler.add(to: channel, for: address)
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(ResponseHandler())
        }
      }
      .connect(host: address.host, port: address.port)
      .flatMapErrorThrowing { [address] error in throw Self.failure(connectingTo: address, error) }
      .hop(to: eventLoop)
      .flatMap { [self] channel in
        self.channel.value = channel
        return post(body, seconds, on: channel)
      }
  }

  private func post(
    _ body: [UInt8], _ seconds: Int64, on channel: any Channel
  ) -> EventLoopFuture<Response> {
    let promise = eventLoop.makePromise(of: Response.self)
    let timeout = eventLoop.scheduleTask(in: .seconds(seconds)) {
      promise.fail(Failure.timeout(seconds: seconds))
      channel.close(promise: nil)
    }
    promise.futureResult.whenComplete { _ in timeout.cancel() }
    do {
      try channel.pipeline.syncOperations.handler(type: ResponseHandler.self).await(promise)
    } catch {
      promise.fail(Failure.closed("\(error)"))
      return promise.futureResult
    }
    let headers = HTTPHeaders([
      ("Host", address.authority), ("Content-Type", "application/json"), ("Accept", "application/json"),
      ("Content-Length", String(body.count)), ("User-Agent", "estuary"),
    ])
    let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: address.path, headers: headers)
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    return promise.futureResult
  }

  /// Why there is no connection. A server that resets it may do so before this end has noticed that it is there.
  static func failure(connectingTo address: NodeAddress, _ error: any Error) -> Failure {
    let cause = (error as? NIOConnectionError)?.connectionErrors.first?.error ?? error
    if let error = cause as? TLSError { return .insecure(error.description) }
    if (cause as? IOError)?.errnoCode == ECONNRESET {
      return address.isSecure ? .insecure(TLSHandler.text(cause)) : .closed(text(cause))
    }
    return .unreachable(text(error))
  }

  /// An error of a connection in words.
  static func text(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      if let dns = error.dnsAError ?? error.dnsAAAAError { return "its name is unknown (\(dns))" }
      return error.connectionErrors.first.map { text($0.error) } ?? "\(error)"
    case let error as IOError where error.errnoCode == ECONNREFUSED: return "nobody listens there"
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout: return "no connection within \(connectSeconds) s"
    default: return "\(error)"
    }
  }
}

/// Puts an answer together and hands it to whoever waits.
private final class ResponseHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  private var promise: EventLoopPromise<RPCConnection.Response>?
  private var response = RPCConnection.Response(status: 0, body: [])

  func await(_ promise: EventLoopPromise<RPCConnection.Response>) {
    self.promise = promise
    response = RPCConnection.Response(status: 0, body: [])
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      response.status = head.status.code
      response.retryAfterSeconds = head.headers.first(name: "Retry-After").flatMap { Int64($0) }
    case .body(let buffer):
      response.body.append(contentsOf: buffer.readableBytesView)
      if response.body.count > RPCConnection.responseByteLimit {
        fail(.malformed("more than \(RPCConnection.responseByteLimit) bytes"))
        context.close(promise: nil)
      }
    case .end:
      let response = response
      promise?.succeed(response)
      promise = nil
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail((error as? TLSError).map { .insecure($0.description) } ?? .closed(RPCConnection.text(error)))
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(.closed(""))
    context.fireChannelInactive()
  }

  private func fail(_ error: RPCConnection.Failure) {
    promise?.fail(error)
    promise = nil
  }
}
