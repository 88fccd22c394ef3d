// CREATE, CREATE2 (EIP-1014) and SELFDESTRUCT (EIP-150, 161, 2929, 3529, 6780); creation limits: EIP-2681, 3860.

import Glibc
import Primitives
import SBPF
import WideIntegers
import WideVM

enum CreationHooks {
  static let create: WideHook = { context, base, free, _ in
    perform(frame(context), words(base), free, argumentCount: 3)
  }
  static let create2: WideHook = { context, base, free, _ in
    perform(frame(context), words(base), free, argumentCount: 4)
  }

  private static func perform(
    _ frame: FramePointer, _ words: UnsafeMutablePointer<UInt256>, _ free: UnsafeMutableRawPointer,
    argumentCount: Int
  ) -> UInt64 {
    let host = frame.host
    let (value, offset, count) = (
      words[argumentCount - 1], words[argumentCount - 2], words[argumentCount - 3]
    )
    if frame.pointee.isStatic { return halt(frame, .staticViolation) }
    let fork = host.pointee.fork
    var perWord: UInt64 = argumentCount == 4 ? HostCosts.keccakWord : 0
    if fork >= .shanghai {
      guard count <= UInt256(UInt64(HostCosts.initcodeLimit)) else { return halt(frame, .initcodeTooLarge) }
      perWord &+= HostCosts.initcodeWord
    }
    guard frame.chargeWords(perWord, count), frame.expand(offset, count) else { return HookResult.outOfGas }
    host.pointee.returnByteCount = 0
    let available = UInt64(bitPattern: frame.pointee.context.gas)
    let gas = fork >= .tangerineWhistle ? available &- available / 64 : available
    guard host.use(value.isZero ? .nonce : [.nonce, .balance], at: frame.pointee.account) else {
      return HookResult.hostFault
    }
    let creator = host.pointee.journal.accounts.base + frame.pointee.account
    let nonce = creator.pointee.nonce
    guard frame.pointee.depth < HostState.depthLimit, creator.pointee.balance >= value, nonce < .max else {
      words[0] = .zero
      return HookResult.goOn
    }
    // What the new frame gets does not count as the opcode's cost.
    if let tracer = host.pointee.tracer { tracer.flush(host) }
    frame.pointee.context.gas = Int64(bitPattern: available &- gas)
    let salt = argumentCount == 4 ? words[0] : nil
    let status: FrameStatus
    let address: Address
    do throws(EVMStateError) {
      (status, address) = try create(
        frame, frame.memory(offset, count), value, salt, Int64(bitPattern: gas), free)
    } catch {
      host.pointee.failure = error
      return HookResult.hostFault
    }
    if status == .hostFault { return HookResult.hostFault }
    // Only a revert's output is return data (EIP-211).
    if status != .revert { host.pointee.returnByteCount = 0 }
    words[0] = status == .success ? UInt256(address) : .zero
    return HookResult.goOn
  }

  @inline(__always)
  private static func create(
    _ frame: FramePointer, _ initcode: UnsafeMutableRawBufferPointer, _ value: UInt256, _ salt: UInt256?,
    _ gas: Int64, _ free: UnsafeMutableRawPointer
  ) throws(EVMStateError) -> (FrameStatus, Address) {
    let host = frame.host
    let code = keep(initcode, host)
    let address = newAddress(of: frame, code, salt)
    let creator = frame.pointee.account
    host.pointee.journal.setNonce(host.pointee.journal.accounts.base[creator].nonce &+ 1, at: creator)
    let position = host.pointee.journal.position(of: address)
    _ = host.pointee.journal.warm(position)
    try host.pointee.journal.use([.nonce, .code], at: position)
    if FrameRun.collides(host.pointee.journal.accounts.base[position]) { return (.failure, address) }
    let child = host.pointee.frames + (frame.pointee.depth &+ 1)
    child.initialize(
      to: EVMFrame(
        context: frame.nestedContext(
          free: free, gas: gas, input: UnsafeRawBufferPointer(start: nil, count: 0)),
        host: host, account: position, address: UInt256(address), caller: frame.pointee.address, value: value,
        code: code._withUnsafeGuaranteedRef { $0.bytes }, codeByteCount: initcode.count,
        depth: frame.pointee.depth &+ 1, isStatic: false, ending: .none, outputOffset: 0, outputByteCount: 0))
    let status = FrameRun.create(child, initcode: code, payer: creator)
    frame.pointee.context.gas &+= child.pointee.context.gas
    return (status, address)
  }

  @inline(never)
  private static func keep(
    _ initcode: UnsafeMutableRawBufferPointer, _ host: UnsafeMutablePointer<HostState>
  ) -> Unmanaged<EVMCode> {
    let bytes = [UInt8](initcode)
    return host.pointee.journal.keep(host.pointee.programs.initcode(bytes, hash: Keccak256.hash(bytes)))
  }

  @inline(never)
  private static func newAddress(
    of frame: FramePointer, _ initcode: Unmanaged<EVMCode>, _ salt: UInt256?
  ) -> Address {
    let creator = Address(frame.pointee.address)
    if let salt {
      return .created(by: creator, salt: salt, initcodeHash: initcode._withUnsafeGuaranteedRef { $0.hash })
    }
    return .created(by: creator, nonce: frame.host.pointee.journal.accounts.base[frame.pointee.account].nonce)
  }

  private static func halt(_ frame: FramePointer, _ ending: FrameEnding) -> UInt64 {
    frame.pointee.ending = ending
    return HookResult.halted
  }

  // MARK: SELFDESTRUCT

  static let selfDestruct: WideHook = { context, base, _, _ in
    let frame = frame(context)
    if frame.pointee.isStatic { return halt(frame, .staticViolation) }
    return frame.withAccount(Address(words(base)[0])) { host, heir throws(EVMStateError) in
      let (fork, account) = (host.pointee.fork, frame.pointee.account)
      if fork >= .berlin {
        let isCold = host.pointee.journal.warm(heir)
        guard frame.charge(HostCosts.selfDestruct &+ (isCold ? host.pointee.costs.coldAccount : 0)) else {
          return HookResult.outOfGas
        }
      }
      try host.pointee.journal.use(.balance, at: account)
      let balance = host.pointee.journal.accounts.base[account].balance
      // Nobody who gets nothing is created, from Spurious Dragon on.
      try host.pointee.journal.use(balance.isZero && fork >= .spuriousDragon ? [] : .vitality, at: heir)
      let target = host.pointee.journal.accounts.base + heir
      let isNew =
        fork >= .spuriousDragon
        ? !balance.isZero && target.pointee.isEmpty
        : fork >= .tangerineWhistle && !target.pointee.flags.contains(.exists)
      guard !isNew || frame.charge(HostCosts.newAccount) else { return HookResult.outOfGas }
      host.pointee.tracer?.note(
        selfDestructTo: host.pointee.journal.accounts.base[heir].address, value: balance)
      destroy(host, account, heir, balance)
      frame.pointee.ending = .selfDestruct
      return HookResult.halted
    }
  }

  @inline(never)
  private static func destroy(
    _ host: UnsafeMutablePointer<HostState>, _ account: Int, _ heir: Int, _ balance: UInt256
  ) {
    let flags = host.pointee.journal.accounts.base[account].flags
    let goes = host.pointee.fork < .cancun || flags.contains(.created)
    // What is left to oneself is burned, if the account goes (EIP-6780).
    if heir != account || goes {
      host.pointee.journal.debit(balance, from: account)
      let amount = heir == account ? .zero : balance
      host.pointee.journal.credit(amount, to: heir, fork: host.pointee.fork)
    }
    guard goes else { return }
    if !flags.contains(.destroyed) { host.pointee.journal.refund &+= host.pointee.costs.destructRefund }
    host.pointee.journal.setFlags(.destroyed, at: account)
  }
}
