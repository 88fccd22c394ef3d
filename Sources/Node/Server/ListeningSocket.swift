// A socket that listens before there is anybody who answers: a node that cannot have its ports says so before it touches its
// ledger, and clients that come meanwhile wait.

import Glibc
import NIOCore

/// Closed with its owner, unless it was taken.
package final class ListeningSocket {
  private var descriptor: Int32?
  /// The one that was asked for, or of the system's choice for 0.
  let port: Int

  /// - Parameters:
  ///   - host: a name or an address of this machine.
  ///   - flag: what the port is given with.
  init(host: String, port: Int, flag: String) throws(NodeError) {
    let address: SocketAddress
    do { address = try SocketAddress.makeAddressResolvingHost(host, port: port) } catch {
      throw .noHost(host, detail: "there is no address of that name")
    }
    let descriptor = socket(
      address.protocol == .inet6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    // A second socket can be bound to the port until the first listens.
    guard descriptor >= 0, address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0,
      listen(descriptor, Self.backlog) == 0
    else {
      let code = errno
      if descriptor >= 0 { close(descriptor) }
      let detail = String(cString: strerror(code))
      if code == EADDRNOTAVAIL { throw .noHost(host, detail: detail) }
      throw .cannotListen(host: host, port: port, flag: flag, detail: detail)
    }
    self.descriptor = descriptor
    self.port = Self.port(of: descriptor) ?? port
  }

  deinit { if let descriptor { close(descriptor) } }

  /// The descriptor, which is the caller's from now on.
  func take() -> Int32? {
    defer { descriptor = nil }
    return descriptor
  }

  /// Connections that wait to be accepted.
  static let backlog: Int32 = 1024

  private static func port(of descriptor: Int32) -> Int? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // The system writes an address of either family, which begins as `sockaddr` and has its port behind the family.
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard getsockname(descriptor, address, &length) == 0 else { return nil }
        return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          Int(UInt16(bigEndian: $0.pointee.sin_port))
        }
      }
    }
  }
}
