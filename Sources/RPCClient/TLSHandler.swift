// TLS in a connection's pipeline, nearest to the network: what is written waits for the handshake, and an error in it is the
// connection's error and its end.

import NIOCore

final class TLSHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let handshakeSeconds: Int64 = 10

  private let session: TLSSession
  private var waiting: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
  private var timeout: Scheduled<Void>?
  private var hasFailed = false

  /// - Parameter host: that the server's certificate has to be for.
  init(host: String) throws(TLSError) { session = try TLSSession(TLSContext.shared.get(), host: host) }

  /// Adds one where the address asks for it; before all other handlers.
  static func add(to channel: any Channel, for address: NodeAddress) throws {
    if address.isSecure { try channel.pipeline.syncOperations.addHandler(TLSHandler(host: address.host)) }
  }

  func channelActive(context: ChannelHandlerContext) {
    let loop = context.eventLoop
    let bound = NIOLoopBound((self, context), eventLoop: loop)
    timeout = loop.scheduleTask(in: .seconds(Self.handshakeSeconds)) {
      let (handler, context) = bound.value
      handler.fail(
        TLSError("no handshake within \(Self.handshakeSeconds) s: is it TLS that is spoken there?"), context)
    }
    advance(context)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    do throws(TLSError) {
      // The session takes what a count of 32 bits can tell.
      try buffer.withUnsafeReadableBytes { (bytes) throws(TLSError) in try session.receive(bytes) }
    } catch { return fail(error, context) }
    advance(context)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    waiting.append((unwrapOutboundIn(data), promise))
  }

  func flush(context: ChannelHandlerContext) { advance(context) }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    session.close()
    send(context)
    timeout?.cancel()
    context.close(mode: mode, promise: promise)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !session.isOpen {
      fail(TLSError("the server ended the connection before the handshake was done"), context)
    }
    timeout?.cancel()
    drop(ChannelError.ioOnClosedChannel)
    context.fireChannelInactive()
  }

  /// A server that speaks no TLS may reset the connection, instead of ending it, over what it has not read.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if session.isOpen || error is TLSError { return context.fireErrorCaught(error) }
    fail(TLSError(Self.text(error)), context)
  }

  /// A connection that ended by an error before it was secure.
  static func text(_ error: any Error) -> String {
    "the connection ended before the handshake was done: \(RPCConnection.text(error))"
  }

  /// Goes on as far as the bytes go that have come, in both directions.
  private func advance(_ context: ChannelHandlerContext) {
    if hasFailed { return }
    do throws(TLSError) {
      try session.shakeHands()
      if session.isOpen {
        timeout?.cancel()
        for (bytes, promise) in waiting {
          try bytes.withUnsafeReadableBytes { (bytes) throws(TLSError) in try session.write(bytes) }
          promise?.succeed()
        }
        waiting = []
        send(context)
        guard let bytes = try session.read() else { return context.close(promise: nil) }
        if !bytes.isEmpty {
          context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: bytes)))
          context.fireChannelReadComplete()
        }
      }
      send(context)
    } catch {
      // The server is told why.
      send(context)
      fail(error, context)
    }
  }

  private func send(_ context: ChannelHandlerContext) {
    let bytes = session.takeBytes()
    if !bytes.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil) }
  }

  private func fail(_ error: TLSError, _ context: ChannelHandlerContext) {
    if hasFailed { return }
    hasFailed = true
    timeout?.cancel()
    drop(error)
    context.fireErrorCaught(error)
    context.close(mode: .all, promise: nil)
  }

  private func drop(_ error: any Error) {
    let promises = waiting.compactMap(\.promise)
    waiting = []
    for promise in promises { promise.fail(error) }
  }
}
