// The delegation designator of EIP-7702 (https://eips.ethereum.org/EIPS/eip-7702): code of 23 bytes, 0xef0100 and an
// address, that makes an account run that address's code without making a contract of it.

import Primitives

package enum Delegation {
  package static let prefix: [UInt8] = [0xef, 0x01, 0x00]
  package static let byteCount = 23

  /// The code that delegates to `address`.
  package static func designator(for address: Address) -> [UInt8] { prefix + address.bytes }

  /// Whose code `code` delegates to; `nil` where it is no designator. The question has a meaning from Prague on:
  /// London (EIP-3541) had closed the prefix to contracts.
  package static func target(of code: UnsafeRawBufferPointer) -> Address? {
    guard code.count == byteCount, code.starts(with: prefix) else { return nil }
    return Address(reading: code.baseAddress.unsafelyUnwrapped + prefix.count)  // 23 bytes
  }

  package static func target(of code: [UInt8]) -> Address? { code.withUnsafeBytes { target(of: $0) } }
}

extension SenderState.Code {
  /// What an account's code is to the validity rules.
  package init(of code: [UInt8]) {
    self = code.isEmpty ? .none : Delegation.target(of: code) == nil ? .contract : .delegation
  }
}
