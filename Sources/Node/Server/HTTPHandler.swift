// One HTTP/1.1 connection (RFC 9112): requests one after the other, each answered before the next is read. JSON-RPC comes by
// POST; /health, /metrics and the page by GET.
//
// Browsers: a page of another origin cannot reach the node. There are no CORS headers, so a browser asks no further than its
// preflight; a body that is not declared as JSON, which a browser would send without one, is refused; so is a Host that is a
// name other than this machine's, which a page gets by rebinding its own name to this address.

import NIOCore
import NIOHTTP1
import Primitives

/// What answers requests, on any thread.
struct HTTPService: Sendable {
  let rpc: NodeRPC
  let limits: ServerLimits
  /// The host that was asked for when the node was started.
  let host: String
  /// Whether the node makes blocks; else why not.
  let problem: @Sendable () -> String?
  let metrics: @Sendable () -> String
  let meter: RequestMeter
}

final class HTTPHandler: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
  // Sendable: everything is touched on the channel's event loop.
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let service: HTTPService
  private var context: ChannelHandlerContext?
  private var deadline: Scheduled<Void>?
  /// The request that is being read.
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []
  /// An answer was given before the request was whole: what follows of it is passed over, and then the connection ends.
  private var isRefused = false
  private var passedOverByteCount = 0

  init(_ service: HTTPService) { self.service = service }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { expectRequest() }
  }

  func channelActive(context: ChannelHandlerContext) {
    expectRequest()
    context.fireChannelActive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func expectRequest(within seconds: Int64? = nil) {
    deadline?.cancel()
    let seconds = seconds ?? Int64(service.limits.requestSeconds)
    deadline = context?.eventLoop.scheduleTask(in: .seconds(seconds)) { [weak self] in
      self?.context?.close(promise: nil)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      guard !isRefused else { return }
      self.head = head
      body.removeAll(keepingCapacity: true)
      if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
        length > service.limits.bodyByteCount
      {
        refuseBody()
      }
    case .body(let bytes):
      guard !isRefused else { return pass(over: bytes.readableBytes) }
      guard body.count + bytes.readableBytes <= service.limits.bodyByteCount else { return refuseBody() }
      body.append(contentsOf: bytes.readableBytesView)
    case .end:
      if isRefused { return context.close(promise: nil) }
      guard let head else { return }
      self.head = nil
      // The time that an answer takes is the node's.
      deadline?.cancel()
      answer(head, body)
    }
  }

  /// How much of a body that was refused is read, so that the client comes to read the answer, and for how long.
  private static let (passedOverLimit, passingOverSeconds) = (64 << 20, 10 as Int64)

  private func pass(over byteCount: Int) {
    passedOverByteCount += byteCount
    if passedOverByteCount > Self.passedOverLimit { context?.close(promise: nil) }
  }

  private func refuseBody() {
    isRefused = true
    respond(
      .payloadTooLarge, "text/plain", Array("a request may have \(service.limits.bodyByteCount) bytes".utf8),
      keepsAlive: false)
    expectRequest(within: Self.passingOverSeconds)
  }

  private func answer(_ head: HTTPRequestHead, _ body: [UInt8]) {
    let keepsAlive = head.isKeepAlive
    let isBodyless = head.method == .HEAD
    func refuse(_ status: HTTPResponseStatus, _ text: String) {
      respond(status, "text/plain", Array((text + "\n").utf8), keepsAlive: keepsAlive)
    }
    guard HostName.isAllowed(head.headers["host"], service.host) else {
      return refuse(.forbidden, "the Host header names neither localhost, an address nor '\(service.host)'")
    }
    let path = head.uri.prefix { $0 != "?" }
    switch (head.method, path) {
    case (.GET, "/health"), (.HEAD, "/health"):
      let problem = service.problem()
      respond(
        problem == nil ? .ok : .serviceUnavailable, "text/plain", Array((problem ?? "ok").utf8),
        keepsAlive: keepsAlive, isBodyless: isBodyless)
    case (.GET, "/metrics"), (.HEAD, "/metrics"):
      respond(.ok, "text/plain; version=0.0.4", Array(service.metrics().utf8), keepsAlive: keepsAlive,
        isBodyless: isBodyless)
    case (.GET, "/"), (.HEAD, "/"):
      // The page asks nobody but this port, and no other page may show it.
      respond(
        .ok, "text/html; charset=utf-8", PackageResources.page_html, keepsAlive: keepsAlive, isBodyless: isBodyless,
        [
          (
            "content-security-policy",
            "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
              + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
          ), ("referrer-policy", "no-referrer"), ("cache-control", "no-cache"),
        ])
    case (.POST, _):
      let type = head.headers.first(name: "content-type")?.prefix { $0 != ";" }.lowercased() ?? ""
      guard type.trimmed == "application/json" else {
        return refuse(.unsupportedMediaType, "the Content-Type of a request has to be application/json")
      }
      call(body, keepsAlive: keepsAlive)
    default:
      refuse(.methodNotAllowed, "JSON-RPC comes by POST; the page, /health and /metrics by GET")
    }
  }

  private func call(_ body: [UInt8], keepsAlive: Bool) {
    guard let loop = context?.eventLoop else { return }
    let service = service
    Task {
      let start = service.meter.begin()
      let bytes = await JSONRPC(service.rpc).answer(body)
      service.meter.end(start)
      loop.execute { self.respond(.ok, "application/json", bytes, keepsAlive: keepsAlive) }
    }
  }

  /// - Parameter isBodyless: whether the headers alone are asked for.
  private func respond(
    _ status: HTTPResponseStatus, _ type: String, _ bytes: [UInt8], keepsAlive: Bool, isBodyless: Bool = false,
    _ more: [(String, String)] = []
  ) {
    guard let context, context.channel.isActive else { return }
    var headers = HTTPHeaders([
      ("content-type", type), ("content-length", String(bytes.count)), ("x-content-type-options", "nosniff"),
    ] + more)
    if !keepsAlive { headers.add(name: "connection", value: "close") }
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
      promise: nil)
    if !isBodyless {
      context.write(
        wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes)))), promise: nil)
    }
    if keepsAlive {
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      expectRequest()
    } else {
      let (channel, isRead) = (context.channel, !isRefused)
      context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
        if isRead { channel.close(promise: nil) }
      }
    }
  }
}

/// Which names a client may call this machine by.
enum HostName {
  /// - Parameters:
  ///   - headers: all that the request has by that name.
  ///   - own: the host that the node was started with.
  static func isAllowed(_ headers: [String], _ own: String) -> Bool {
    // A client that gives none is no browser.
    guard let header = headers.first else { return true }
    guard headers.count == 1 else { return false }
    let name = withoutPort(header.lowercased())
    return name == "localhost" || name == own.lowercased() || isAddress(name)
  }

  /// Whether pages of the request's origin may open a WebSocket: those of this machine, and clients that are no browsers.
  static func isOwn(_ origins: [String], _ own: String) -> Bool {
    guard let origin = origins.first else { return true }
    guard origins.count == 1, let scheme = ["http://", "https://"].first(where: { origin.hasPrefix($0) })
    else {
      return false
    }
    return isAllowed([String(origin.dropFirst(scheme.count))], own)
  }

  private static func withoutPort(_ text: String) -> String {
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") { return String(text[...end]) }
    return String(text.prefix { $0 != ":" })
  }

  /// An address is nobody's name.
  private static func isAddress(_ name: String) -> Bool {
    if name.hasPrefix("[") {
      return (try? SocketAddress(ipAddress: String(name.dropFirst().dropLast()), port: 0)) != nil
    }
    return (try? SocketAddress(ipAddress: name, port: 0)) != nil
  }
}

extension StringProtocol {
  fileprivate var trimmed: Substring {
    var rest = Substring(self)
    while rest.first == " " { rest.removeFirst() }
    while rest.last == " " { rest.removeLast() }
    return rest
  }
}
