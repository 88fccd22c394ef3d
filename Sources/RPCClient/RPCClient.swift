// A client of JSON-RPC 2.0 over HTTP, of whatever node: ours, Agave's, one of Ethereum's. It is called from the command
// line's one thread and waits for answers; many requests go over many connections at once (`callAll`).

import NIOCore
import NIOPosix
import Primitives
import Synchronization

package final class RPCClient: Sendable {
  /// A request: a method and its parameters, by place.
  package struct Call: Sendable {
    package var method: String
    package var parameters: [JSONValue]

    package init(_ method: String, _ parameters: [JSONValue] = []) {
      (self.method, self.parameters) = (method, parameters)
    }
  }

  package let address: NodeAddress
  /// Seconds that a node has for one answer.
  private let seconds: Int64
  private let connections: [RPCConnection]
  private let lastID = Atomic<UInt64>(0)

  /// Opens no connection before the first request.
  ///
  /// - Parameters:
  ///   - connectionCount: requests of `callAll` that are under way at a time, at least 1.
  ///   - seconds: that a node has for one answer.
  package init(_ address: NodeAddress, connectionCount: Int = 16, seconds: Int64 = 60) {
    (self.address, self.seconds) = (address, seconds)
    let group = NIOSingletons.posixEventLoopGroup
    connections = (0..<max(1, connectionCount)).map { _ in RPCConnection(address, on: group.next()) }
  }

  deinit { for connection in connections { connection.close() } }

  /// Sends one request and waits for its result.
  package func call(_ method: String, _ parameters: [JSONValue] = []) throws(RPCClientError) -> JSONValue {
    let call = Call(method, parameters)
    let future = result(of: call, on: connections[0])
    do { return try future.wait().get() } catch {
      throw (error as? RPCClientError) ?? self.error(call, .closed("\(error)"))
    }
  }

  /// Sends many requests, as many at a time as there are connections, and waits for all.
  ///
  /// - Parameter progress: called on another thread with the number of answers so far.
  /// - Returns: in the order of `calls`.
  package func callAll(
    _ calls: [Call], progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> [Result<JSONValue, RPCClientError>] {
    let queue = Queue(calls)
    let workers = connections.prefix(calls.count).map { work(through: queue, on: $0, progress) }
    for worker in workers { try? worker.wait() }
    return queue.results.enumerated().map { index, result in
      result ?? .failure(error(calls[index], .closed("the request was not sent")))
    }
  }

  private func work(
    through queue: Queue, on connection: RPCConnection, _ progress: @escaping @Sendable (Int) -> Void
  ) -> EventLoopFuture<Void> {
    guard let (index, call) = queue.next() else { return connection.succeeded }
    return result(of: call, on: connection).flatMap { [self] result in
      progress(queue.finish(index, result))
      return work(through: queue, on: connection, progress)
    }
  }

  /// Requests that wait and results that came.
  private final class Queue: Sendable {
    private struct State {
      var position = 0
      var doneCount = 0
      var results: [Result<JSONValue, RPCClientError>?]
    }
    private let calls: [Call]
    private let state: Mutex<State>

    init(_ calls: [Call]) {
      self.calls = calls
      state = Mutex(State(results: Array(repeating: nil, count: calls.count)))
    }

    var results: [Result<JSONValue, RPCClientError>?] { state.withLock { $0.results } }

    func next() -> (index: Int, call: Call)? {
      state.withLock { state in
        guard state.position < calls.count else { return nil }
        state.position += 1
        return (state.position - 1, calls[state.position - 1])
      }
    }

    /// - Returns: how many are done.
    func finish(_ index: Int, _ result: Result<JSONValue, RPCClientError>) -> Int {
      state.withLock { state in
        state.results[index] = result
        state.doneCount += 1
        return state.doneCount
      }
    }
  }

  // MARK: One request

  /// Times that a request is sent again where the node asks for patience.
  private static let patience = 5

  private func result(
    of call: Call, on connection: RPCConnection, attempt: Int = 0
  ) -> EventLoopFuture<Result<JSONValue, RPCClientError>> {
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
    return connection.post(Self.body(call, id: id), seconds: seconds)
      .map { Result<RPCConnection.Response, any Error>.success($0) }
      .recover { .failure($0) }
      .flatMap { [self] outcome in
        if case .success(let response) = outcome, response.status == 429, attempt < Self.patience {
          let delay = response.retryAfterSeconds.map { TimeAmount.seconds(min(max($0, 0), 30)) }
          return connection.later(delay ?? .milliseconds(250 << Int64(attempt))) { [self] in
            result(of: call, on: connection, attempt: attempt + 1)
          }
        }
        return connection.succeeded { [self] in read(outcome, of: call, id: id) }
      }
  }

  private static func body(_ call: Call, id: UInt64) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("jsonrpc", "2.0")
      writer.member("id", id)
      writer.member("method", call.method)
      writer.key("params")
      writer.array { writer in for parameter in call.parameters { writer.value(parameter) } }
    }
    return writer.bytes
  }

  private func error(_ call: Call, _ reason: RPCClientError.Reason) -> RPCClientError {
    RPCClientError(address, call.method, reason)
  }

  private func read(
    _ outcome: Result<RPCConnection.Response, any Error>, of call: Call, id: UInt64
  ) -> Result<JSONValue, RPCClientError> {
    let response: RPCConnection.Response
    switch outcome {
    case .success(let value): response = value
    case .failure(let reason as RPCClientError.Reason): return .failure(error(call, reason))
    case .failure(let failure): return .failure(error(call, .closed("\(failure)")))
    }
    let answer: JSONValue
    do throws(JSONError) { answer = try JSONValue.parse(response.body) } catch {
      let reason: RPCClientError.Reason =
        response.status == 200
        ? .malformed("\(error)") : .status(response.status, Self.shown(response.body))
      return .failure(self.error(call, reason))
    }
    // Some nodes answer errors with another status than 200.
    if let failure = answer["error"], !failure.isNull {
      return .failure(
        error(
          call,
          .refused(
            code: failure["code"]?.int64 ?? 0,
            message: failure["message"]?.string ?? "an error without words",
            data: failure["data"])))
    }
    guard response.status == 200 else {
      return .failure(error(call, .status(response.status, Self.shown(response.body))))
    }
    guard let result = answer["result"], answer["id"]?.uint64 == id else {
      return .failure(error(call, .malformed("no result with the request's id")))
    }
    return .success(result)
  }

  /// The beginning of a body, as far as it is text.
  private static func shown(_ body: [UInt8]) -> String {
    String(
      String.UnicodeScalarView(body.prefix(120).filter { $0 >= 0x20 && $0 < 0x7f }.map(Unicode.Scalar.init)))
  }
}

extension RPCConnection {
  fileprivate var succeeded: EventLoopFuture<Void> { eventLoop.makeSucceededVoidFuture() }

  fileprivate func succeeded<Value: Sendable>(_ body: () -> Value) -> EventLoopFuture<Value> {
    eventLoop.makeSucceededFuture(body())
  }

  fileprivate func later<Value: Sendable>(
    _ delay: TimeAmount, _ body: @escaping @Sendable () -> EventLoopFuture<Value>
  ) -> EventLoopFuture<Value> {
    eventLoop.flatScheduleTask(in: delay) { body() }.futureResult
  }
}
