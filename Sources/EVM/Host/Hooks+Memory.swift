// Hooks of the opcodes that work on memory, or cost by size: copies, KECCAK256, EXP, logs, and those that end a
// frame.

import Glibc
import Primitives
import SBPF
import WideIntegers
import WideVM

enum MemoryHooks {
  static let grow: WideMemoryHook = { context, byteOffset, byteCount in
    frame(context).expand(UInt256(byteOffset), UInt256(byteCount)) ? HookResult.goOn : HookResult.outOfGas
  }

  static let exp: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    guard frame.charge(UInt64(words[0].byteWidth) &* frame.host.pointee.costs.exponentByte) else {
      return HookResult.outOfGas
    }
    words[0] = words[1].raised(to: words[0])
    return HookResult.goOn
  }

  static let keccak: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    guard frame.chargeWords(HostCosts.keccakWord, words[0]), frame.expand(words[1], words[0]) else {
      return HookResult.outOfGas
    }
    words[0] = UInt256(Keccak256.hash(UnsafeRawBufferPointer(frame.memory(words[1], words[0]))))
    return HookResult.goOn
  }

  static let callDataCopy: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    guard frame.chargeWords(HostCosts.copyWord, words[0]), frame.expand(words[2], words[0]) else {
      return HookResult.outOfGas
    }
    frame.copy(
      frame.pointee.context.input, Int(frame.pointee.context.inputByteCount), from: words[1], to: words[2],
      count: words[0])
    return HookResult.goOn
  }

  static let codeCopy: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    guard frame.chargeWords(HostCosts.copyWord, words[0]), frame.expand(words[2], words[0]) else {
      return HookResult.outOfGas
    }
    frame.copy(
      UnsafeRawPointer(frame.pointee.code), frame.pointee.codeByteCount, from: words[1], to: words[2],
      count: words[0])
    return HookResult.goOn
  }

  static let returnDataCopy: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    let host = frame.host
    guard frame.chargeWords(HostCosts.copyWord, words[0]), frame.expand(words[2], words[0]) else {
      return HookResult.outOfGas
    }
    // EIP-211: reading beyond the end is an error, unlike elsewhere.
    let (end, overflow) = words[1].addingReportingOverflow(words[0])
    guard !overflow, end <= UInt256(UInt64(host.pointee.returnByteCount)) else {
      frame.pointee.ending = .returnDataOutOfBounds
      return HookResult.halted
    }
    frame.copy(
      host.pointee.returnData, host.pointee.returnByteCount, from: words[1], to: words[2], count: words[0])
    return HookResult.goOn
  }

  static let mcopy: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    let (target, source, count) = (words[2], words[1], words[0])
    guard frame.chargeWords(HostCosts.copyWord, count),
      frame.expand(target > source ? target : source, count)
    else { return HookResult.outOfGas }
    if !count.isZero {
      let memory = frame.pointee.context.memory
      memmove(
        memory + Int(truncatingIfNeeded: target.limb0), memory + Int(truncatingIfNeeded: source.limb0),
        Int(truncatingIfNeeded: count.limb0))
    }
    return HookResult.goOn
  }

  // MARK: Logs

  static let log0: WideHook = { context, base, _, _ in log(context, base, topicCount: 0) }
  static let log1: WideHook = { context, base, _, _ in log(context, base, topicCount: 1) }
  static let log2: WideHook = { context, base, _, _ in log(context, base, topicCount: 2) }
  static let log3: WideHook = { context, base, _, _ in log(context, base, topicCount: 3) }
  static let log4: WideHook = { context, base, _, _ in log(context, base, topicCount: 4) }

  @inline(__always)
  private static func log(
    _ context: UnsafeMutableRawPointer, _ base: UnsafeMutableRawPointer, topicCount: Int
  ) -> UInt64 {
    let (frame, words) = (frame(context), words(base))
    let (offset, count) = (words[topicCount + 1], words[topicCount])
    if frame.pointee.isStatic {
      frame.pointee.ending = .staticViolation
      return HookResult.halted
    }
    guard frame.expand(offset, count), frame.charge(count.limb0 &* HostCosts.logByte) else {
      return HookResult.outOfGas
    }
    emit(frame, words, topicCount, UnsafeRawBufferPointer(frame.memory(offset, count)))
    return HookResult.goOn
  }

  @inline(never)
  private static func emit(
    _ frame: FramePointer, _ words: UnsafeMutablePointer<UInt256>, _ topicCount: Int,
    _ data: UnsafeRawBufferPointer
  ) {
    let topics = [Hash](unsafeUninitializedCapacity: topicCount) { buffer, count in
      for index in 0..<topicCount {
        buffer.initializeElement(at: index, to: Hash(words[topicCount - 1 - index]))
      }
      count = topicCount
    }
    frame.host.pointee.journal.append(
      EVMLog(address: Address(frame.pointee.address), topics: topics, data: [UInt8](data)))
  }

  // MARK: Endings

  static let stop: WideHook = { context, _, _, _ in
    frame(context).pointee.ending = .stop
    return HookResult.halted
  }

  static let `return`: WideHook = { context, base, _, _ in finish(context, base, .return) }
  static let revert: WideHook = { context, base, _, _ in finish(context, base, .revert) }

  @inline(__always)
  private static func finish(
    _ context: UnsafeMutableRawPointer, _ base: UnsafeMutableRawPointer, _ ending: FrameEnding
  ) -> UInt64 {
    let (frame, words) = (frame(context), words(base))
    guard frame.expand(words[1], words[0]) else { return HookResult.outOfGas }
    frame.pointee.outputByteCount = Int(truncatingIfNeeded: words[0].limb0)
    frame.pointee.outputOffset = words[0].isZero ? 0 : Int(truncatingIfNeeded: words[1].limb0)
    frame.pointee.ending = ending
    return HookResult.halted
  }
}

extension UnsafeMutablePointer where Pointee == EVMFrame {
  /// Fills `[target, target + count)` of the memory, which `expand` made room for, with the bytes of a source from
  /// an offset on; zeros beyond its end.
  @inline(__always)
  func copy(
    _ source: UnsafeRawPointer, _ sourceByteCount: Int, from offset: UInt256, to target: UInt256,
    count: UInt256
  ) {
    if count.isZero { return }
    let destination = pointee.context.memory + Int(truncatingIfNeeded: target.limb0)
    let count = Int(truncatingIfNeeded: count.limb0)
    let available =
      offset.fitsUInt64 && offset.limb0 < UInt64(sourceByteCount) ? sourceByteCount &- Int(offset.limb0) : 0
    let copied = Swift.min(count, available)
    if copied > 0 { memcpy(destination, source + Int(offset.limb0), copied) }
    if copied < count { memset(destination + copied, 0, count &- copied) }
  }
}
