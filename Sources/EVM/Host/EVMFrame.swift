// One EVM frame: the VM's context and what the host knows of the call. Frames lie side by side by depth, at a fixed
// address for each worker; hooks get the address of the context, which is that of the frame.

import Glibc
import Primitives
import SBPF
import WideIntegers
import WideVM

/// How a frame ended, where the host ended it.
enum FrameEnding: UInt8, BitwiseCopyable {
  case none, stop, `return`, revert, selfDestruct
  /// Exceptional halts that the VM does not know.
  case staticViolation, returnDataOutOfBounds, initcodeTooLarge
  /// Code that a creation returned and that is not stored.
  case codeTooLarge, invalidCode
}

struct EVMFrame {
  /// First, so that both share their address.
  var context: WideContext
  let host: UnsafeMutablePointer<HostState>
  /// The journal's position of the account whose storage and balance this frame works on.
  let account: Int
  /// ADDRESS and CALLER as words.
  let address: UInt256
  let caller: UInt256
  let value: UInt256
  /// What CODECOPY reads.
  var code: UnsafePointer<UInt8>
  var codeByteCount: Int
  let depth: Int
  let isStatic: Bool
  var ending: FrameEnding
  /// What RETURN or REVERT named, in the frame's memory.
  var outputOffset: Int
  var outputByteCount: Int
}

typealias FramePointer = UnsafeMutablePointer<EVMFrame>

extension UnsafeMutablePointer where Pointee == EVMFrame {
  @inline(__always) var host: UnsafeMutablePointer<HostState> { pointee.host }

  /// Takes gas; `false` where there is not enough, and then none is left.
  @inline(__always) func charge(_ amount: UInt64) -> Bool {
    let gas = pointee.context.gas
    guard amount <= UInt64(bitPattern: gas) else {
      pointee.context.gas = 0
      return false
    }
    pointee.context.gas = gas &- Int64(bitPattern: amount)
    return true
  }

  /// Takes `perWord` gas for each started word of `byteCount` bytes.
  @inline(__always) func chargeWords(_ perWord: UInt64, _ byteCount: UInt256) -> Bool {
    // 2^59 words cost more than any gas limit; smaller counts cannot overflow.
    guard byteCount.fitsUInt64, byteCount.limb0 < 1 << 59 else { return charge(.max) }
    return charge((byteCount.limb0 &+ 31) / 32 &* perWord)
  }

  /// Makes `[offset, offset + count)` part of the memory and charges for it; nothing for no bytes.
  @inline(__always) func expand(_ offset: UInt256, _ count: UInt256) -> Bool {
    if count.isZero { return true }
    guard offset.fitsUInt64, count.fitsUInt64, offset.limb0 < 1 << 62, count.limb0 < 1 << 62 else {
      return charge(.max)
    }
    let end = offset.limb0 &+ count.limb0
    return end <= pointee.context.memoryByteCount || grow(toHold: end)
  }

  /// Grows to `end` bytes, below 2^63, rounded up to whole words.
  @inline(never) func grow(toHold end: UInt64) -> Bool {
    guard end <= Swift.min(EVMFrame.memoryLimit, pointee.context.memoryByteLimit) else { return charge(.max) }
    let old = pointee.context.memoryByteCount
    let (oldWords, words) = (old / 32, (end &+ 31) / 32)
    let cost = (words &- oldWords) &* 3 &+ words &* words / 512 &- oldWords &* oldWords / 512
    guard charge(cost) else { return false }
    memset(pointee.context.memory + Int(old), 0, Int(words &* 32 &- old))
    pointee.context.memoryByteCount = words &* 32
    return true
  }

  /// The bytes at an offset that `expand` has made room for; any valid pointer for no bytes.
  @inline(__always) func memory(_ offset: UInt256, _ count: UInt256) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: pointee.context.memory + (count.isZero ? 0 : Int(truncatingIfNeeded: offset.limb0)),
      count: Int(truncatingIfNeeded: count.limb0))
  }
}

extension EVMFrame {
  /// More memory than this costs 2^45 gas and is refused as out of gas, whatever the limit of a test says.
  static let memoryLimit: UInt64 = 1 << 32
}

/// What a hook returns to go on, and the faults it may return.
enum HookResult {
  static let goOn: UInt64 = 0
  static var outOfGas: UInt64 { UInt64(VMFault.outOfGas.rawValue) }
  static var halted: UInt64 { UInt64(VMFault.halted.rawValue) }
  static var hostFault: UInt64 { UInt64(VMFault.hostFault.rawValue) }
}
