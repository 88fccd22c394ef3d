// Why a node did not answer a request, or answered with an error: the node, the method, and what helps.

import Primitives

package struct RPCClientError: Error, Sendable {
  package enum Reason: Error {
    /// No connection; what the system says.
    case unreachable(String)
    /// The connection ended before the answer.
    case closed(String)
    /// No connection that is secure; what is wrong with the server's certificate, or with TLS.
    case insecure(String)
    case timeout(seconds: Int64)
    /// An answer of HTTP other than 200, and the beginning of its body.
    case status(UInt, String)
    /// An answer that is none of JSON-RPC's.
    case malformed(String)
    /// The node's error.
    case refused(code: Int64, message: String, data: JSONValue?)
    /// The answer has another form than the method's; the member that is missing or wrong.
    case unexpected(String)
  }

  package let address: NodeAddress
  package let method: String
  package let reason: Reason
  /// What was asked about, where the method's name alone does not say it.
  package var subject: String?

  package init(_ address: NodeAddress, _ method: String, _ reason: Reason, subject: String? = nil) {
    (self.address, self.method, self.reason, self.subject) = (address, method, reason, subject)
  }
}

extension RPCClientError: CustomStringConvertible {
  package var description: String {
    "\(address), \(method)\(subject.map { " for \($0)" } ?? ""): \(text)"
  }

  private var text: String {
    switch reason {
    case .unreachable(let detail):
      "the node cannot be reached: \(detail); start one with `estuary node`, or name another with --url"
    case .closed(let detail):
      "the connection ended before the answer\(detail.isEmpty ? "" : ": \(detail)"); is the node still running?"
    case .insecure(let detail): "there is no secure connection: \(detail)"
    case .timeout(let seconds): "no answer within \(seconds) s; is the node healthy (its /health)?"
    case .status(429, _): "the node wants fewer requests (429 Too Many Requests): try again later"
    case .status(let status, let body):
      "the answer is HTTP \(status)\(body.isEmpty ? "" : " (\(body))"): is this URL a node's JSON-RPC?"
    case .malformed(let detail): "the answer is none of JSON-RPC: \(detail); is this URL a node's JSON-RPC?"
    case .refused(-32601, _, _): "the node does not have this method" + help
    case .refused(let code, let message, let data): "\(message) (\(code))" + Self.logs(data)
    case .unexpected(let member): "the answer lacks what it should have: \(member)"
    }
  }

  /// Where a method is to be had that a node does not have.
  private var help: String {
    switch method.prefix(while: { $0 != "_" }) {
    case "debug": "; geth has it with --http.api eth,debug"
    case "eth": "; is it one of Ethereum's?"
    default: ""
    }
  }

  /// The log of a simulation that failed.
  private static func logs(_ data: JSONValue?) -> String {
    (data?["logs"]?.array ?? []).compactMap(\.string).map { "\n  " + $0 }.joined()
  }
}
