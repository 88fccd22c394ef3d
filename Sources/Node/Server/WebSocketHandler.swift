// One WebSocket connection (RFC 6455): a JSON-RPC request a message, answered in order, and notifications in between. A
// client that does not read what it is told loses its connection, and so does one that says nothing for long.

import NIOCore
import NIOWebSocket
import Primitives
import Synchronization

final class WebSocketHandler: ChannelInboundHandler, Subscriber, @unchecked Sendable {
  // Sendable: what changes is touched on the channel's event loop, but for `waitingByteCount`.
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  private let service: HTTPService
  private let subscriptions: Subscriptions
  private var rpc: JSONRPC?
  private var context: ChannelHandlerContext?
  private let loop: any EventLoop
  /// The message whose frames are coming in.
  private var message: [UInt8] = []
  private var isInMessage = false
  /// Requests that wait for the answers before them.
  private var requests: [[UInt8]] = []
  private var isAnswering = false
  /// Notifications that came while a request was being answered: a subscription's number comes before what it tells.
  private var held: [[UInt8]] = []
  /// Bytes that were handed over and not yet written.
  private let waitingByteCount = Atomic(0)
  private var ping: RepeatedTask?
  private var isAlive = true

  init(_ service: HTTPService, _ subscriptions: Subscriptions, on loop: any EventLoop) {
    (self.service, self.subscriptions, self.loop) = (service, subscriptions, loop)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    rpc = JSONRPC(SubscribingRPC(rpc: service.rpc, subscriptions: subscriptions, subscriber: self))
    let pause = TimeAmount.seconds(Int64(service.limits.requestSeconds) / 2)
    ping = loop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [weak self] _ in self?.sendPing() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  private func end() {
    ping?.cancel()
    ping = nil
    context = nil
    requests = []
    held = []
    subscriptions.removeAll(of: self)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { close(.protocolError) }

  // MARK: In

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    isAlive = true
    switch frame.opcode {
    case .text, .binary, .continuation: take(frame)
    case .ping:
      let payload = Array(frame.unmaskedData.readableBytesView)
      write(payload, .pong)
    case .pong: break
    case .connectionClose: close(.normalClosure)
    default: close(.protocolError)
    }
  }

  private func take(_ frame: WebSocketFrame) {
    // A message begins with text and goes on with continuations.
    guard (frame.opcode == .continuation) == isInMessage else { return close(.protocolError) }
    message.append(contentsOf: frame.unmaskedData.readableBytesView)
    guard message.count <= service.limits.bodyByteCount else { return close(.messageTooLarge) }
    isInMessage = !frame.fin
    guard frame.fin else { return }
    requests.append(message)
    message = []
    guard requests.count <= service.limits.waitingRequestCount else { return close(.policyViolation) }
    answerNext()
  }

  private func answerNext() {
    guard !isAnswering, !requests.isEmpty, let rpc else { return }
    let request = requests.removeFirst()
    isAnswering = true
    let service = service
    Task {
      let start = service.meter.begin()
      let bytes = await rpc.answer(request)
      service.meter.end(start)
      loop.execute {
        self.isAnswering = false
        if !bytes.isEmpty { self.write(bytes, .text) }
        let held = self.held
        self.held = []
        for text in held { self.write(text, .text, counted: true) }
        self.answerNext()
      }
    }
  }

  // MARK: Out

  func notify(_ text: [UInt8]) {
    // Relaxed: the number is all that counts.
    let waiting = waitingByteCount.wrappingAdd(text.count, ordering: .relaxed).newValue
    let limit = service.limits.unreadByteCount
    loop.execute { [weak self] in
      guard let self else { return }
      if waiting > limit { return self.close(.policyViolation) }
      if self.isAnswering { self.held.append(text) } else { self.write(text, .text, counted: true) }
    }
  }

  private func write(_ bytes: [UInt8], _ opcode: WebSocketOpcode, counted: Bool = false) {
    guard let context else { return }
    if !counted { waitingByteCount.wrappingAdd(bytes.count, ordering: .relaxed) }
    let frame = WebSocketFrame(
      fin: true, opcode: opcode, data: context.channel.allocator.buffer(bytes: bytes))
    context.writeAndFlush(wrapOutboundOut(frame)).whenComplete { [weak self] _ in
      self?.waitingByteCount.wrappingSubtract(bytes.count, ordering: .relaxed)
    }
  }

  private func sendPing() {
    guard isAlive else {
      context?.close(promise: nil)
      return
    }
    isAlive = false
    write([], .ping)
  }

  private func close(_ code: WebSocketErrorCode) {
    guard let context else { return }
    var buffer = context.channel.allocator.buffer(capacity: 2)
    buffer.write(webSocketErrorCode: code)
    let channel = context.channel
    let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: buffer)
    context.writeAndFlush(wrapOutboundOut(frame)).whenComplete { _ in channel.close(promise: nil) }
    end()
  }
}
