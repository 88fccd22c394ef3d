// The world that the naive interpreter and the tests' hooks share: storage, and a record of everything else that was
// asked of the host with its operands and the gas left, answered with a value mixed from both.

import Primitives
import WideIntegers

@testable import EVM

struct TraceStep: Equatable {
  var pc: Int
  var gas: Int64
  var stack: [UInt256]
}

struct ToyWorld: Equatable {
  struct Event: Equatable {
    var byte: UInt8
    var words: [UInt256]
    var data: [UInt8]
    /// −1 where the operation may not depend on it.
    var gas: Int64
  }
  var storage: [UInt256: UInt256] = [:]
  var transient: [UInt256: UInt256] = [:]
  var events: [Event] = []

  mutating func record(_ byte: UInt8, _ words: [UInt256], _ data: [UInt8] = [], gas: Int64 = -1) {
    events.append(Event(byte: byte, words: words, data: data, gas: gas))
  }

  /// Answers an operation whose first popped operand is `arguments[0]`; `nil` when gas runs out.
  mutating func perform(_ byte: UInt8, _ arguments: [UInt256], _ gas: inout Int64) -> UInt256? {
    switch byte {
    case 0x54: return storage[arguments[0]] ?? .zero
    case 0x5c: return transient[arguments[0]] ?? .zero
    case 0x5d:
      transient[arguments[0]] = arguments[1]
      return .zero
    case 0x55:
      // The sentry of EIP-2200, then a flat price.
      if gas <= 2300 { return nil }
      gas -= 100
      record(byte, arguments, gas: gas)
      storage[arguments[0]] = arguments[1]
      return .zero
    case 0xf0, 0xf1, 0xf2, 0xf4, 0xf5, 0xfa:
      if gas < 100 { return nil }
      gas -= 100
      record(byte, arguments, gas: gas)
      let mixed = Self.mix(byte, arguments + [UInt256(UInt64(gas))])
      return byte == 0xf0 || byte == 0xf5 ? mixed & addressMask : mixed & .one
    case 0x34: return .zero
    case 0x30, 0x32, 0x33, 0x41: return Self.mix(byte, arguments) & addressMask
    case 0x3b, 0x3d: return Self.mix(byte, arguments) & UInt256(0xff_ffff)
    default: return Self.mix(byte, arguments)
    }
  }

  private var addressMask: UInt256 { (UInt256.one << 160) &- .one }

  static func mix(_ byte: UInt8, _ words: [UInt256]) -> UInt256 {
    var value = UInt256(UInt64(byte)) &* UInt256(0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 1, 1)
    for word in words {
      value =
        (value ^ word) &* UInt256(0x94d0_49bb_1331_11eb, 0x2545_f491_4f6c_dd1d, 77, 0xd6e8_feb8_6659_fd93)
      value = value ^ (value >> 101)
    }
    return value
  }

  static func expByteGas(_ fork: Fork) -> Int64 { fork < .spuriousDragon ? 10 : 50 }

  /// `count` bytes from `offset` on, zeros beyond the end.
  static func window(_ bytes: [UInt8], _ offset: UInt256, _ count: Int) -> [UInt8] {
    let start = offset.fitsUInt64 && offset.limb0 < UInt64(bytes.count) ? Int(offset.limb0) : bytes.count
    let part = bytes[start..<min(bytes.count, start + count)]
    return part + [UInt8](repeating: 0, count: count - part.count)
  }
}
