// SLOAD, SSTORE (EIP-1283, 2200, 2929, 3529), TLOAD and TSTORE (EIP-1153).

import Primitives
import SBPF
import WideIntegers
import WideVM

enum StorageHooks {
  static let load: WideHook = { context, base, _, _ in
    let frame = frame(context)
    let host = frame.host
    var position = host.pointee.journal.slotPosition(frame.pointee.account, words(base)[0])
    if position < 0 {
      position = frame.loadSlot(words(base)[0])
      if position < 0 { return HookResult.hostFault }
    }
    if host.pointee.costs.hasAccessCosts {
      let isWarm = host.pointee.journal.slots.base[position].isWarm
      if !isWarm { host.pointee.journal.warmSlot(position) }
      guard frame.charge(isWarm ? host.pointee.costs.warmAccess : host.pointee.costs.coldSlot) else {
        return HookResult.outOfGas
      }
    }
    words(base)[0] = host.pointee.journal.slots.base[position].value
    return HookResult.goOn
  }

  static let store: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    let host = frame.host
    if frame.pointee.isStatic {
      frame.pointee.ending = .staticViolation
      return HookResult.halted
    }
    guard
      frame.pointee.context.gas > Int64(bitPattern: host.pointee.costs.storeSentry)
        || host.pointee.costs.storeSentry == 0
    else { return HookResult.outOfGas }
    var position = host.pointee.journal.slotPosition(frame.pointee.account, words[1])
    if position < 0 {
      position = frame.loadSlot(words[1])
      if position < 0 { return HookResult.hostFault }
    }
    let value = words[0]
    guard charge(frame, host, position, value) else { return HookResult.outOfGas }
    if host.pointee.journal.slots.base[position].value != value {
      host.pointee.journal.setSlot(position, to: value)
    }
    return HookResult.goOn
  }

  @inline(__always)
  private static func charge(
    _ frame: FramePointer, _ host: UnsafeMutablePointer<HostState>, _ position: Int, _ value: UInt256
  ) -> Bool {
    let slot = host.pointee.journal.slots.base + position
    let (current, original) = (slot.pointee.value, slot.pointee.original)
    let costs = host.pointee.costs
    var gas: UInt64 = 0
    if costs.hasAccessCosts && !slot.pointee.isWarm {
      host.pointee.journal.warmSlot(position)
      gas = costs.coldSlot
    }
    if costs.storeRules == .plain {
      gas = current.isZero && !value.isZero ? HostCosts.storeSet : costs.storeReset
      if !current.isZero && value.isZero { host.pointee.journal.refund &+= costs.storeClearRefund }
      return frame.charge(gas)
    }
    if value == current { return frame.charge(gas &+ costs.storeWarm) }
    if current == original {
      if original.isZero { return frame.charge(gas &+ HostCosts.storeSet) }
      if value.isZero { host.pointee.journal.refund &+= costs.storeClearRefund }
      return frame.charge(gas &+ costs.storeReset)
    }
    var refund: Int64 = 0
    if !original.isZero {
      if current.isZero { refund &-= costs.storeClearRefund }
      if value.isZero { refund &+= costs.storeClearRefund }
    }
    if value == original {
      let first = original.isZero ? HostCosts.storeSet : costs.storeReset
      refund &+= Int64(bitPattern: first &- costs.storeWarm)
    }
    host.pointee.journal.refund &+= refund
    return frame.charge(gas &+ costs.storeWarm)
  }

  static let loadTransient: WideHook = { context, base, _, _ in
    let frame = frame(context)
    words(base)[0] = frame.host.pointee.journal.transient(frame.pointee.account, words(base)[0])
    return HookResult.goOn
  }

  static let storeTransient: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    if frame.pointee.isStatic {
      frame.pointee.ending = .staticViolation
      return HookResult.halted
    }
    frame.host.pointee.journal.setTransient(frame.pointee.account, words[1], to: words[0])
    return HookResult.goOn
  }
}

extension UnsafeMutablePointer where Pointee == EVMFrame {
  /// The position of a slot of this frame's account read from the state; −1 where that fails.
  @inline(never) func loadSlot(_ key: UInt256) -> Int {
    let host = pointee.host
    do throws(EVMStateError) {
      return try host.pointee.journal.loadSlot(pointee.account, key)
    } catch {
      host.pointee.failure = error
      return -1
    }
  }
}
