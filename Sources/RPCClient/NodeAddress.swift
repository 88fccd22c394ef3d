// Where a node is, as people write it for the solana CLI: a URL, or a word for one that everybody knows.

/// An HTTP URL of a node's JSON-RPC.
package struct NodeAddress: Sendable, Equatable {
  package let host: String
  package let port: Int
  /// With what follows a `?`; at least "/".
  package let path: String

  /// Reads a URL or one of the solana CLI's words (`localhost`, `l`).
  package init(_ text: String) throws(NodeAddressError) {
    if Self.localWords.contains(text) {
      (host, port, path) = ("127.0.0.1", Self.usualPort, "/")
      return
    }
    if let url = Self.clusters[text] { throw .secure(text: text, url: url) }
    guard let colon = text.firstRange(of: "://") else { throw .malformed(text) }
    switch text[..<colon.lowerBound].lowercased() {
    case "http": break
    case "https", "wss": throw .secure(text: text, url: text)
    default: throw .malformed(text)
    }
    let rest = text[colon.upperBound...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let authority = rest[..<end]
    let tail = String(rest[end...])
    guard !tail.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f }), !authority.contains("@") else {
      throw .malformed(text)
    }
    path = tail.hasPrefix("/") ? tail : "/" + tail
    let name: Substring
    let number: Substring?
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else { throw .malformed(text) }
      name = authority[authority.index(after: authority.startIndex)..<close]
      let after = authority[authority.index(after: close)...]
      if !after.isEmpty && !after.hasPrefix(":") { throw .malformed(text) }
      number = after.isEmpty ? nil : after.dropFirst()
    } else {
      let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      name = parts[0]
      number = parts.count > 1 ? parts[1] : nil
    }
    guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw .malformed(text) }
    host = String(name)
    if let number {
      guard let port = UInt16(number), port > 0 else { throw .malformed(text) }
      self.port = Int(port)
    } else {
      port = 80
    }
  }

  private static let localWords: Set<String> = ["localhost", "localnet", "l"]
  private static let usualPort = 8899
  private static let clusters = [
    "m": "https://api.mainnet-beta.solana.com", "mainnet-beta": "https://api.mainnet-beta.solana.com",
    "t": "https://api.testnet.solana.com", "testnet": "https://api.testnet.solana.com",
    "d": "https://api.devnet.solana.com", "devnet": "https://api.devnet.solana.com",
  ]

  /// Host and port as a request names them.
  package var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}

extension NodeAddress: CustomStringConvertible {
  package var description: String { "http://" + authority + (path == "/" ? "" : path) }
}

package enum NodeAddressError: Error, Equatable, Sendable, CustomStringConvertible {
  case malformed(String)
  /// Encrypted connections are not spoken.
  case secure(text: String, url: String)

  package var description: String {
    switch self {
    case .malformed(let text):
      "'\(text.prefix(200))' is no URL of a node: http://HOST[:PORT][/PATH], or localhost for "
        + "http://127.0.0.1:8899"
    case .secure(let text, let url):
      (text == url ? "'\(text.prefix(200))'" : "'\(text)' is \(url), which")
        + " needs TLS, which this command does not speak: give the http:// URL of a node, or of a proxy on this machine "
        + "that speaks TLS for it (socat TCP-LISTEN:8899,fork,reuseaddr OPENSSL:HOST:443 passes HTTP on)"
    }
  }
}

extension NodeAddress {
  /// The port behind it, where Agave has its WebSocket.
  package var next: NodeAddress? { port < 65535 ? NodeAddress(host: host, port: port + 1, path: path) : nil }

  private init(host: String, port: Int, path: String) {
    (self.host, self.port, self.path) = (host, port, path)
  }
}
