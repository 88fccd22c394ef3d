// A client's side of TLS (RFC 8446, RFC 5246) by OpenSSL, which is linked for its hashes anyway. Bytes go in and out through
// memory: the connection is its user's (`TLSHandler`). Nothing is sent before the server has shown a certificate for its name
// that ends at one of the trusted ones.

import CTLS
import FoundationEssentials

/// Why there is no secure connection.
package struct TLSError: Error, Sendable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// What sessions share: the certificates that are trusted.
final class TLSContext: @unchecked Sendable {
  // Sendable: OpenSSL's context may be used from all threads, and is changed in `init` alone.
  fileprivate let pointer: OpaquePointer

  /// Of this process.
  static let shared = Result<TLSContext, TLSError> { () throws(TLSError) in try TLSContext() }

  /// Where systems have their certificates in one file.
  private static let bundles = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
  ]

  private init() throws(TLSError) {
    guard let pointer = SSL_CTX_new(TLS_client_method()), ctls_require_tls12(pointer) == 1 else {
      throw TLSError("OpenSSL cannot begin: \(TLSSession.lastError)")
    }
    self.pointer = pointer
    SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    let environment = ProcessInfo.processInfo.environment
    let file = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
    let folder = environment["SSL_CERT_DIR"].flatMap { $0.isEmpty ? nil : $0 }
    if file != nil || folder != nil {
      if let file, SSL_CTX_load_verify_file(pointer, file) != 1 {
        throw TLSError("$SSL_CERT_FILE, '\(file)', is no file of certificates: \(TLSSession.lastError)")
      }
      if let folder, SSL_CTX_load_verify_dir(pointer, folder) != 1 {
        throw TLSError("$SSL_CERT_DIR, '\(folder)', cannot be used: \(TLSSession.lastError)")
      }
    } else if !Self.bundles.contains(where: {
      FileManager.default.fileExists(atPath: $0) && SSL_CTX_load_verify_file(pointer, $0) == 1
    }) {
      SSL_CTX_set_default_verify_paths(pointer)
    }
    ERR_clear_error()
  }

  deinit { SSL_CTX_free(pointer) }
}

/// One connection's; used on one thread at a time.
final class TLSSession {
  private let host: String
  private let session: OpaquePointer
  /// What came from the server, and what is to go to it; both are the session's own.
  private let (received, toSend): (OpaquePointer, OpaquePointer)
  private(set) var isOpen = false

  /// - Parameter host: the name, or the address in digits, that the server's certificate has to be for.
  init(_ context: TLSContext, host: String) throws(TLSError) {
    self.host = host
    guard let session = SSL_new(context.pointer), let received = BIO_new(BIO_s_mem()),
      let toSend = BIO_new(BIO_s_mem())
    else { throw TLSError("OpenSSL cannot begin: \(Self.lastError)") }
    (self.session, self.received, self.toSend) = (session, received, toSend)
    ctls_keep_open(received)
    ctls_keep_open(toSend)
    SSL_set_bio(session, received, toSend)
    SSL_set_connect_state(session)
    SSL_set_alpn_protos(session, [8] + Array("http/1.1".utf8), 9)
    let parameters = SSL_get0_param(session)
    if X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 { return }
    X509_VERIFY_PARAM_set_hostflags(
      parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    guard SSL_set1_host(session, host) == 1, ctls_name_server(session, host) == 1 else {
      throw TLSError("'\(host)' is no name that a certificate could be for")
    }
  }

  deinit { SSL_free(session) }

  /// Goes on with the handshake as far as the bytes go that have come.
  func shakeHands() throws(TLSError) {
    if isOpen { return }
    ERR_clear_error()
    let result = SSL_do_handshake(session)
    if result == 1 {
      // Peers are verified by then (SSL_VERIFY_PEER); that there was a certificate is checked once more.
      guard SSL_get_verify_result(session) == Int(X509_V_OK),
        let certificate = SSL_get1_peer_certificate(session)
      else { throw TLSError("the server shows no certificate") }
      X509_free(certificate)
      isOpen = true
    } else if SSL_get_error(session, result) != SSL_ERROR_WANT_READ {
      throw failure
    }
  }

  /// Takes bytes from the connection.
  func receive(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
    guard bytes.count > 0 else { return }
    let count = BIO_write(received, bytes.baseAddress, Int32(clamping: bytes.count))
    guard count == bytes.count else { throw TLSError("out of memory") }
  }

  /// What the server has said so far; `nil` once it has said that there is no more.
  func read() throws(TLSError) -> [UInt8]? {
    var all: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      ERR_clear_error()
      let count = SSL_read(session, &part, Int32(part.count))
      if count > 0 {
        all += part[..<Int(count)]
        continue
      }
      switch SSL_get_error(session, count) {
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return all
      case SSL_ERROR_ZERO_RETURN: return all.isEmpty ? nil : all
      default: throw failure
      }
    }
  }

  /// Encrypts bytes, of an open session.
  func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
    guard bytes.count > 0 else { return }
    ERR_clear_error()
    // Memory takes all of it.
    let count = SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count))
    guard count == bytes.count else { throw failure }
  }

  /// Says that nothing more is sent.
  func close() { if isOpen { SSL_shutdown(session) } }

  /// Takes what has to go over the connection.
  func takeBytes() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(toSend))
    if bytes.isEmpty { return [] }
    let count = BIO_read(toSend, &bytes, Int32(clamping: bytes.count))
    return Array(bytes.prefix(max(0, Int(count))))
  }

  // MARK: Errors

  /// Of this thread, oldest first; takes them away.
  fileprivate static var lastError: String {
    let code = ERR_get_error()
    ERR_clear_error()
    if code == 0 { return "no reason is known" }
    return ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
  }

  private static let wayOut =
    "; where it is one of your own, name its authority's certificate in $SSL_CERT_FILE"

  private var failure: TLSError {
    let reason = Self.lastError
    switch Int32(truncatingIfNeeded: SSL_get_verify_result(session)) {
    case X509_V_OK:
      let isPlain = reason == "wrong version number" || reason == "packet length too long"
      return TLSError(reason + (isPlain ? ": is it TLS that is spoken there? http:// is without" : ""))
    case X509_V_ERR_CERT_HAS_EXPIRED: return TLSError("the certificate of \(host) has expired")
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TLSError("the certificate of \(host) is not valid yet: is this machine's clock right?")
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      return TLSError("the certificate is not for \(host): name the host as its certificate does")
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return TLSError("the certificate of \(host) is not trusted" + Self.wayOut)
    case let code:
      return TLSError(
        "the certificate of \(host) is refused: \(String(cString: X509_verify_cert_error_string(Int(code))))"
          + Self.wayOut)
    }
  }
}
