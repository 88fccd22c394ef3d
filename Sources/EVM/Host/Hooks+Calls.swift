// CALL, CALLCODE, DELEGATECALL (EIP-7), STATICCALL (EIP-214), with the gas of EIP-150, 161, 2929 and 7702.

import Glibc
import Primitives
import SBPF
import WideIntegers
import WideVM

enum CallKind: UInt8, BitwiseCopyable { case call, callCode, delegateCall, staticCall }

enum CallHooks {
  static let call: WideHook = { context, base, free, _ in perform(frame(context), words(base), free, .call) }
  static let callCode: WideHook = { context, base, free, _ in
    perform(frame(context), words(base), free, .callCode)
  }
  static let delegateCall: WideHook = { context, base, free, _ in
    perform(frame(context), words(base), free, .delegateCall)
  }
  static let staticCall: WideHook = { context, base, free, _ in
    perform(frame(context), words(base), free, .staticCall)
  }

  /// What a call goes to, and the gas it gets.
  private struct Target: BitwiseCopyable {
    var position: Int
    var codePosition: Int
    var isDelegated: Bool
    var gas: Int64
  }

  private static func perform(
    _ frame: FramePointer, _ words: UnsafeMutablePointer<UInt256>, _ free: UnsafeMutableRawPointer,
    _ kind: CallKind
  ) -> UInt64 {
    let hasValue = kind == .call || kind == .callCode
    let value = hasValue ? words[4] : .zero
    if kind == .call && frame.pointee.isStatic && !value.isZero {
      frame.pointee.ending = .staticViolation
      return HookResult.halted
    }
    guard frame.expand(words[3], words[2]), frame.expand(words[1], words[0]) else {
      return HookResult.outOfGas
    }
    // Both fit, or the count is zero. Read now: code that no translator made may let the callee write over its words.
    let outputOffset = Int(truncatingIfNeeded: words[1].limb0)
    let outputByteCount = Int(truncatingIfNeeded: words[0].limb0)
    var target = Target(position: 0, codePosition: 0, isDelegated: false, gas: 0)
    let result = price(frame, Address(words[hasValue ? 5 : 4]), value, words[hasValue ? 6 : 5], kind, &target)
    if result != HookResult.goOn { return result }

    let host = frame.host
    host.pointee.returnByteCount = 0
    let payer = hasValue && !value.isZero ? frame.pointee.account : -1
    guard payer < 0 || host.use(.balance, at: payer) else { return HookResult.hostFault }
    guard frame.pointee.depth < HostState.depthLimit,
      payer < 0 || host.pointee.journal.accounts.base[payer].balance >= value
    else {
      if let tracer = host.pointee.tracer { tracer.flush(host) }
      frame.pointee.context.gas &+= target.gas
      words[0] = .zero
      return HookResult.goOn
    }
    let child = host.pointee.frames + (frame.pointee.depth &+ 1)
    prepare(child, frame, words, free, kind, target, value)
    let status = FrameRun.call(
      child, codePosition: target.codePosition, payer: payer, isDelegated: target.isDelegated)
    if status == .hostFault { return HookResult.hostFault }
    frame.pointee.context.gas &+= child.pointee.context.gas
    if host.pointee.returnByteCount > 0 && outputByteCount > 0 {
      frame.copyReturnData(to: outputOffset, limit: outputByteCount)
    }
    words[0] = status == .success ? .one : .zero
    return HookResult.goOn
  }

  /// Charges for the call and sets aside the gas that it takes along.
  @inline(never)
  private static func price(
    _ frame: FramePointer, _ address: Address, _ value: UInt256, _ requested: UInt256, _ kind: CallKind,
    _ target: inout Target
  ) -> UInt64 {
    frame.withAccount(address) { host, position throws(EVMStateError) in
      guard frame.chargeAccess(position) else { return HookResult.outOfGas }
      target.position = position
      target.codePosition = position
      let fork = host.pointee.fork
      if host.pointee.precompile(at: address) == nil && !host.pointee.journal.isBorder(address) {
        try host.pointee.journal.use(.code, at: position)
      }
      if fork >= .prague && host.pointee.journal.accounts.base[position].hasCode {
        let code = try host.pointee.journal.code(at: position)
        if let delegate = code._withUnsafeGuaranteedRef({ $0.delegate }) {
          target.codePosition = host.pointee.journal.position(of: delegate)
          target.isDelegated = true
          guard frame.chargeAccess(target.codePosition) else { return HookResult.outOfGas }
        }
      }
      var extra: UInt64 = value.isZero ? 0 : HostCosts.callValue
      if kind == .call && (fork < .spuriousDragon || !value.isZero) {
        // Code that is there is enough to know that the account is not empty.
        let isKnown = fork >= .spuriousDragon && host.pointee.journal.accounts.base[position].hasCode
        try host.pointee.journal.use(isKnown ? [] : .vitality, at: position)
        let account = host.pointee.journal.accounts.base + position
        let isNew =
          fork < .spuriousDragon
          ? !account.pointee.flags.contains(.exists) : !value.isZero && account.pointee.isEmpty
        if isNew { extra &+= HostCosts.newAccount }
      }
      guard frame.charge(extra) else { return HookResult.outOfGas }
      let available = UInt64(bitPattern: frame.pointee.context.gas)
      var gas = requested.saturatedUInt64
      if fork >= .tangerineWhistle {
        gas = min(gas, available &- available / 64)
      } else if gas > available {
        return frame.charge(.max) ? HookResult.goOn : HookResult.outOfGas
      }
      frame.pointee.context.gas = Int64(bitPattern: available &- gas)
      target.gas = Int64(bitPattern: value.isZero ? gas : gas &+ HostCosts.callStipend)
      return HookResult.goOn
    }
  }

  @inline(__always)
  private static func prepare(
    _ child: FramePointer, _ frame: FramePointer, _ words: UnsafeMutablePointer<UInt256>,
    _ free: UnsafeMutableRawPointer, _ kind: CallKind, _ target: Target, _ value: UInt256
  ) {
    let input = frame.memory(words[3], words[2])
    let keepsAddress = kind == .callCode || kind == .delegateCall
    child.initialize(
      to: EVMFrame(
        context: frame.nestedContext(free: free, gas: target.gas, input: UnsafeRawBufferPointer(input)),
        host: frame.pointee.host, account: keepsAddress ? frame.pointee.account : target.position,
        address: keepsAddress
          ? frame.pointee.address : words[kind == .call ? 5 : 4] & UInt256(low: .max, high: 0xffff_ffff),
        caller: kind == .delegateCall ? frame.pointee.caller : frame.pointee.address,
        value: kind == .delegateCall ? frame.pointee.value : value,
        code: EVMCode.empty.bytes, codeByteCount: 0, depth: frame.pointee.depth &+ 1,
        isStatic: frame.pointee.isStatic || kind == .staticCall, ending: .none, outputOffset: 0,
        outputByteCount: 0))
  }
}

extension UnsafeMutablePointer where Pointee == EVMFrame {
  @inline(__always)
  func nestedContext(free: UnsafeMutableRawPointer, gas: Int64, input: UnsafeRawBufferPointer) -> WideContext
  {
    pointee.host.pointee.machine._withUnsafeGuaranteedRef {
      $0.nestedContext(
        of: pointee.context, free: free, gas: gas,
        input: input.baseAddress ?? UnsafeRawPointer(pointee.context.memory), inputByteCount: input.count,
        host: nil)
    }
  }

  /// Writes the return data into the part of the memory that the call named, as far as it reaches.
  @inline(__always) func copyReturnData(to offset: Int, limit: Int) {
    let host = pointee.host
    memcpy(
      pointee.context.memory + offset, host.pointee.returnData, Swift.min(limit, host.pointee.returnByteCount)
    )
  }
}
