// A value of the contract ABI. Its type is not part of it: whoever codes one knows the type.

import Primitives
import WideIntegers

/// A value that some `ABIType` has.
package indirect enum ABIValue: Equatable, Sendable {
  /// `uintN`, and `ufixedMxN` in units of 10^-N.
  case uint(UInt256)
  /// `intN` and `fixedMxN`, two's complement of 256 bits.
  case int(UInt256)
  case address(Address)
  case bool(Bool)
  /// `bytes`, `bytesN` and `function`.
  case bytes([UInt8])
  case string(String)
  /// The elements of an array, the members of a tuple.
  case list([ABIValue])
}
