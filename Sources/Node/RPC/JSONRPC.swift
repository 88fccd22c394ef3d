// JSON-RPC 2.0 (https://www.jsonrpc.org/specification): one request or a batch in, one answer or a list out. Answers are
// written as bytes. A request without an id is a notification and has no answer.

import Primitives

/// Answers of one dialect, by the names of its methods.
package protocol RPCDialect: Sendable {
  /// The result as JSON; throws `methodNotFound` for a name that it does not know.
  func call(_ method: String, _ parameters: JSONValue?) async throws(RPCError) -> [UInt8]
}

package struct JSONRPC: Sendable {
  /// Requests of a batch at most.
  package static let batchLimit = 256
  /// Bytes of the answers to a batch at most.
  static let answerByteLimit = 64 << 20

  private let dialect: any RPCDialect

  package init(_ dialect: any RPCDialect) { self.dialect = dialect }

  /// - Returns: empty where there is nothing to answer.
  package func answer(_ body: [UInt8]) async -> [UInt8] {
    let request: JSONValue
    do throws(JSONError) { request = try JSONValue.parse(body) } catch {
      return Self.failure(.unparsable, id: .null)
    }
    guard case .array(let requests) = request else { return await answer(request) ?? [] }
    guard !requests.isEmpty else { return Self.failure(.invalidRequest, id: .null) }
    guard requests.count <= Self.batchLimit else {
      return Self.failure(
        RPCError(-32600, "Batch too large: \(requests.count) requests; max \(Self.batchLimit)"), id: .null)
    }
    var answers: [UInt8] = []
    for request in requests {
      guard let answer = await answer(request) else { continue }
      answers.append(answers.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
      answers += answer
      if answers.count > Self.answerByteLimit {
        return Self.failure(
          RPCError(-32600, "Batch too large: answers of more than \(Self.answerByteLimit) bytes"), id: .null)
      }
    }
    if !answers.isEmpty { answers.append(UInt8(ascii: "]")) }
    return answers
  }

  /// `nil` for a notification.
  private func answer(_ request: JSONValue) async -> [UInt8]? {
    guard let object = request.object else { return Self.failure(.invalidRequest, id: .null) }
    let id = object["id"]
    switch id {
    case nil, .null, .string, .unsigned, .negative, .number: break
    default: return Self.failure(.invalidRequest, id: .null)
    }
    guard let method = object["method"]?.string, object["jsonrpc"].map({ $0 == .string("2.0") }) ?? true
    else {
      return Self.failure(.invalidRequest, id: id ?? .null)
    }
    do throws(RPCError) {
      let result = try await dialect.call(method, object["params"])
      guard let id else { return nil }
      return Self.success(result, id: id)
    } catch {
      return id.map { Self.failure(error, id: $0) }
    }
  }

  private static func success(_ result: [UInt8], id: JSONValue) -> [UInt8] {
    var writer = JSONWriter(capacity: result.count + 64)
    writer.object { writer in
      writer.member("jsonrpc", "2.0")
      writer.member("result", rawJSON: result)
      writer.key("id")
      writer.value(id)
    }
    return writer.bytes
  }

  static func failure(_ error: RPCError, id: JSONValue) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("jsonrpc", "2.0")
      writer.key("error")
      error.write(to: &writer)
      writer.key("id")
      writer.value(id)
    }
    return writer.bytes
  }
}
