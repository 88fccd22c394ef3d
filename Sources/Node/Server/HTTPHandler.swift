// One HTTP/1.1 connection (RFC 9112): requests one after the other, each answered before the next is read. JSON-RPC comes by
// POST; /health, /metrics and the page by GET.
//
// Browsers: pages of this machine, and of origins that the node was started for, are let in by CORS headers
// (https://fetch.spec.whatwg.org/#http-cors-protocol). A page of another origin cannot reach the node: for want of them a
// browser asks no further than its preflight; a body that is not declared as JSON, which a browser would send without one, is
// refused; so is a Host that is a name other than this machine's, which a page gets by rebinding its own name to this address.

import NIOCore
import NIOHTTP1
import NIOWebSocket
import Primitives

/// What answers requests, on any thread.
struct HTTPService: Sendable {
  let rpc: NodeRPC
  let limits: ServerLimits
  /// The host that was asked for when the node was started.
  let host: String
  /// Of pages elsewhere that may ask; "*" is all.
  let allowedOrigins: Set<String>
  /// Whether the node makes blocks; else why not.
  let problem: @Sendable () -> String?
  let metrics: @Sendable () -> String
  let meter: RequestMeter

  enum Origin: Equatable {
    /// None is given: a client that is no browser, or the node's own page.
    case none
    case allowed(String)
    case foreign
  }

  /// Where the page comes from that asks.
  func origin(of head: HTTPRequestHead) -> Origin {
    let origins = head.headers["origin"]
    guard let origin = origins.first else { return .none }
    let isAllowed =
      origins.count == 1
      && (allowedOrigins.contains("*") || allowedOrigins.contains(origin.lowercased())
        || HostName.isOwn(origin, host, asked: head.headers.first(name: "host")))
    return isAllowed ? .allowed(origin) : .foreign
  }
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
  /// Of the request that is being read or answered.
  private var origin = HTTPService.Origin.none
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

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // An upgrade that was refused comes as a request next, and is answered.
    if !(error is NIOWebSocketUpgradeError) { context.close(promise: nil) }
  }

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
      origin = service.origin(of: head)
      body.removeAll(keepingCapacity: true)
      if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
        length > service.limits.bodyByteCount
      {
        refuseBody()
      } else if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
        context.writeAndFlush(
          wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
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
    if head.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" }) {
      return refuseUpgrade(head)
    }
    let path = head.uri.prefix { $0 != "?" }
    switch (head.method, path) {
    case (.GET, "/health"), (.HEAD, "/health"):
      let problem = service.problem()
      respond(
        problem == nil ? .ok : .serviceUnavailable, "text/plain", Array((problem ?? "ok").utf8),
        keepsAlive: keepsAlive, isBodyless: isBodyless)
    case (.GET, "/metrics"), (.HEAD, "/metrics"):
      respond(
        .ok, "text/plain; version=0.0.4", Array(service.metrics().utf8), keepsAlive: keepsAlive,
        isBodyless: isBodyless)
    case (.GET, "/"), (.HEAD, "/"):
      // The page asks nobody but this port, and no other page may show it.
      respond(
        .ok, "text/html; charset=utf-8", PackageResources.page_html, keepsAlive: keepsAlive,
        isBodyless: isBodyless,
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
    case (.OPTIONS, _) where origin != .none && origin != .foreign:
      let asked = head.headers.first(name: "access-control-request-headers") ?? "content-type"
      respond(
        .noContent, nil, [], keepsAlive: keepsAlive, isBodyless: true,
        [
          ("access-control-allow-methods", "POST, GET, OPTIONS"), ("access-control-allow-headers", asked),
          ("access-control-max-age", "86400"),
        ])
    default:
      refuse(.methodNotAllowed, "JSON-RPC comes by POST; the page, /health and /metrics by GET")
    }
  }

  /// Why a WebSocket was not opened (RFC 6455, section 4.2.2).
  private func refuseUpgrade(_ head: HTTPRequestHead) {
    let status: HTTPResponseStatus
    let text: String
    if origin == .foreign {
      (status, text) = (.forbidden, "pages of this origin may not ask: --allow-origin of the node lets them")
    } else if head.headers.first(name: "sec-websocket-version") != "13" {
      (status, text) = (.upgradeRequired, "the version of a WebSocket has to be 13")
    } else {
      (status, text) = (.badRequest, "a WebSocket is opened by a connection's first request, with a key")
    }
    respond(
      status, "text/plain", Array((text + "\n").utf8), keepsAlive: false,
      status == .upgradeRequired ? [("upgrade", "websocket"), ("sec-websocket-version", "13")] : [])
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

  /// - Parameters:
  ///   - type: `nil` where there is no content.
  ///   - isBodyless: whether the headers alone are asked for.
  private func respond(
    _ status: HTTPResponseStatus, _ type: String?, _ bytes: [UInt8], keepsAlive: Bool,
    isBodyless: Bool = false,
    _ more: [(String, String)] = []
  ) {
    guard let context, context.channel.isActive else { return }
    var headers = HTTPHeaders(more)
    if let type {
      headers.add(contentsOf: [
        ("content-type", type), ("content-length", String(bytes.count)),
        ("x-content-type-options", "nosniff"),
      ])
    }
    if case .allowed(let origin) = origin {
      headers.add(contentsOf: [("access-control-allow-origin", origin), ("vary", "Origin")])
    }
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

  /// Whether an origin's pages are this machine's: of the host that the node was started with, of this machine's own names and
  /// addresses for itself, or of the host that the request was sent to, which a page elsewhere cannot name as its own.
  static func isOwn(_ origin: String, _ own: String, asked: String?) -> Bool {
    let origin = origin.lowercased()
    guard let scheme = ["http://", "https://"].first(where: { origin.hasPrefix($0) }) else { return false }
    let name = withoutPort(String(origin.dropFirst(scheme.count)))
    return name == "localhost" || name == own.lowercased() || isLoopback(name)
      || asked.map { withoutPort($0.lowercased()) } == name
  }

  private static func isLoopback(_ name: String) -> Bool {
    name == "[::1]" || name == "0.0.0.0" || (name.hasPrefix("127.") && isAddress(name))
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
