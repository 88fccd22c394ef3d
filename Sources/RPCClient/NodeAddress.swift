// Where a node is, as people write it for the solana CLI: a URL, or a word for one that everybody knows.

/// A URL of a node's JSON-RPC, over HTTP with or without TLS.
package struct NodeAddress: Sendable, Equatable {
  /// Whether TLS is spoken.
  package let isSecure: Bool
  package let host: String
  package let port: Int
  /// With what follows a `?`; at least "/".
  package let path: String

  /// Reads a URL or one of the solana CLI's words (`localhost`, `l`, `mainnet-beta`, `m` …).
  package init(_ text: String) throws(NodeAddressError) {
    if Self.localWords.contains(text) {
      (isSecure, host, port, path) = (false, "127.0.0.1", Self.usualPort, "/")
      return
    }
    if let host = Self.clusters[text] {
      (isSecure, self.host, port, path) = (true, host, Self.securePort, "/")
      return
    }
    guard let colon = text.firstRange(of: "://") else { throw .malformed(text) }
    switch text[..<colon.lowerBound].lowercased() {
    case "http", "ws": isSecure = false
    case "https", "wss": isSecure = true
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
      port = isSecure ? Self.securePort : Self.plainPort
    }
  }

  private static let localWords: Set<String> = ["localhost", "localnet", "l"]
  private static let (usualPort, plainPort, securePort) = (8899, 80, 443)
  private static let clusters = [
    "m": "api.mainnet-beta.solana.com", "mainnet-beta": "api.mainnet-beta.solana.com",
    "t": "api.testnet.solana.com", "testnet": "api.testnet.solana.com",
    "d": "api.devnet.solana.com", "devnet": "api.devnet.solana.com",
  ]

  /// Host and port as a request names them.
  package var authority: String {
    (host.contains(":") ? "[\(host)]" : host) + (isSecure && port == Self.securePort ? "" : ":\(port)")
  }
}

extension NodeAddress: CustomStringConvertible {
  package var description: String {
    (isSecure ? "https://" : "http://") + authority + (path == "/" ? "" : path)
  }
}

package enum NodeAddressError: Error, Equatable, Sendable, CustomStringConvertible {
  case malformed(String)

  package var description: String {
    switch self {
    case .malformed(let text):
      "'\(text.prefix(200))' is no URL of a node: https://HOST[:PORT][/PATH], http:// the same without TLS, or localhost "
        + "for http://127.0.0.1:8899"
    }
  }
}

extension NodeAddress {
  /// The port behind it, where Agave has its WebSocket; `nil` where a front that speaks TLS has it on the same port.
  package var next: NodeAddress? {
    isSecure || port == 65535 ? nil : NodeAddress(isSecure: false, host: host, port: port + 1, path: path)
  }

  private init(isSecure: Bool, host: String, port: Int, path: String) {
    (self.isSecure, self.host, self.port, self.path) = (isSecure, host, port, path)
  }
}
