// What a transaction costs before its first instruction (Yellow Paper section 6.2; EIP-2 creation, EIP-2028 calldata,
// EIP-2930 access list, EIP-3860 initcode, EIP-7623 floor, EIP-7702 authorizations).

import Primitives

package struct IntrinsicGas: Equatable, Sendable {
  /// Taken from the gas limit before execution.
  package let gas: UInt64
  /// The least that the transaction uses, whatever it executes; 0 before Prague.
  package let floor: UInt64

  /// The gas limit must not be below.
  package var minimumGasLimit: UInt64 { max(gas, floor) }

  package static let transaction: UInt64 = 21_000
  package static let creation: UInt64 = 32_000
  package static let zeroByte: UInt64 = 4
  package static let accessListAddress: UInt64 = 2_400
  package static let accessListStorageKey: UInt64 = 1_900
  /// For each 32 bytes begun, as CREATE pays them too.
  package static let initcodeWord: UInt64 = 2
  /// For each authorization, as if its authority were a new account.
  package static let authorization: UInt64 = 25_000
  package static let floorToken: UInt64 = 10

  package static func nonzeroByte(_ fork: Fork) -> UInt64 { fork >= .istanbul ? 16 : 68 }

  /// Counts are those of things in memory, so no sum overflows.
  package init(of transaction: borrowing EthereumTransaction, fork: Fork) {
    let byteCount = UInt64(transaction.data.count)
    let nonzeroCount = UInt64(transaction.data.withUnsafeBytes(Self.nonzeroCount))
    let zeroCount = byteCount - nonzeroCount
    var gas = Self.transaction + zeroCount * Self.zeroByte + nonzeroCount * Self.nonzeroByte(fork)
    if transaction.isCreation && fork >= .homestead { gas += Self.creation }
    if transaction.isCreation && fork >= .shanghai { gas += (byteCount + 31) / 32 * Self.initcodeWord }
    for entry in transaction.accessList {
      gas += Self.accessListAddress + UInt64(entry.storageKeys.count) * Self.accessListStorageKey
    }
    gas += UInt64(transaction.authorizations.count) * Self.authorization
    self.gas = gas
    floor =
      fork >= .prague ? Self.transaction + (zeroCount + 4 * nonzeroCount) * Self.floorToken : 0
  }

  /// How many of the bytes are not 0, eight at a time.
  private static func nonzeroCount(_ bytes: UnsafeRawBufferPointer) -> Int {
    let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    let wholeCount = bytes.count & ~7
    var count = 0
    for offset in stride(from: 0, to: wholeCount, by: 8) {
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      // The top bit of each byte: whether the byte has any bit. No sum carries into the next byte.
      count &+= (((word & low) &+ low | word) & ~low).nonzeroBitCount
    }
    for offset in wholeCount..<bytes.count where bytes[offset] != 0 { count &+= 1 }
    return count
  }
}
