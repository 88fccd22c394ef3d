// Running one frame: transfer, precompile or code, rollback, and for creations what becomes of the output. Calls of
// the outermost frame (Execution/) and of hooks come together here. Frames nest on the host's stack: what lies
// between two runs of the machine is the caller's hook and one function of this file, kept free of large locals.

import Primitives
import SBPF
import WideIntegers
import WideVM

/// How a frame ended, as its caller sees it.
enum FrameStatus: UInt8, BitwiseCopyable {
  case success, revert
  /// Everything was taken back and the frame's gas is gone.
  case failure
  /// The host cannot go on; `HostState.failure` says why.
  case hostFault
}

enum FrameRun {
  /// Runs the prepared frame `child` on the code of the account at `codePosition`.
  ///
  /// - Parameters:
  ///   - payer: who pays the frame's value; −1 where none moves.
  ///   - isDelegated: the code was found by EIP-7702, so that a precompile's account is one without code.
  /// - Returns: how it ended; the gas left is in the frame's context, the output in the return data.
  static func call(
    _ child: FramePointer, codePosition: Int, payer: Int, isDelegated: Bool
  ) -> FrameStatus {
    let host = child.host
    if let tracer = host.pointee.tracer { tracer.begin(child, code: codePosition) }
    let checkpoint = host.pointee.journal.checkpoint
    let fork = host.pointee.fork
    if payer >= 0 || fork < .spuriousDragon {
      guard host.use(fork < .spuriousDragon ? .vitality : [], at: child.pointee.account) else {
        return .hostFault
      }
    }
    host.pointee.journal.touch(child.pointee.account, fork: fork)
    if payer >= 0 {
      host.pointee.journal.debit(child.pointee.value, from: payer)
      host.pointee.journal.credit(child.pointee.value, to: child.pointee.account, fork: fork)
    }
    var status = FrameStatus.success
    let address = host.pointee.journal.accounts.base[codePosition].address
    if !isDelegated, let precompile = host.pointee.precompile(at: address) {
      status = PrecompileCall.run(precompile, child)
    } else if !isDelegated, let number = BorderAddress.number(of: address), let border = host.pointee.journal.border {
      status = BorderFrame.run(border, number, child)
      if status == .hostFault { return .hostFault }
    } else if host.pointee.hasNatives, !isDelegated, let native = host.pointee.programs.natives[address] {
      status = native.run(child)
    } else if !host.use(.code, at: codePosition) {
      return .hostFault
    } else if host.pointee.journal.accounts.base[codePosition].hasCode {
      guard let executable = host.executable(at: codePosition) else { return .hostFault }
      host.setCode(of: child, at: codePosition)
      status = run(child, executable, engine: host.pointee.engine)
    } else {
      host.pointee.returnByteCount = 0
    }
    if let tracer = host.pointee.tracer { tracer.leave(child, status) }
    if status != .success { settle(child, status, checkpoint) }
    return status
  }

  /// Runs `executable` in `child`; the output, if any, becomes the return data.
  @inline(__always)
  private static func run(
    _ child: FramePointer, _ executable: Unmanaged<Executable>, engine: Engine
  ) -> FrameStatus {
    let host = child.host
    executable._withUnsafeGuaranteedRef { executable in
      host.pointee.machine._withUnsafeGuaranteedRef {
        $0.run(
          executable, UnsafeMutableRawPointer(child).assumingMemoryBound(to: WideContext.self), engine: engine
        )
      }
    }
    if let tracer = host.pointee.tracer { tracer.end(child) }
    host.pointee.returnByteCount = 0
    switch child.pointee.context.fault {
    case .none: return .success
    case .halted: break
    case .hostFault: return .hostFault
    default: return .failure
    }
    switch child.pointee.ending {
    case .stop, .selfDestruct: return .success
    case .return, .revert:
      host.pointee.setReturnData(
        child.pointee.context.memory + child.pointee.outputOffset, child.pointee.outputByteCount)
      return child.pointee.ending == .return ? .success : .revert
    default: return .failure
    }
  }

  @inline(never)
  private static func settle(_ child: FramePointer, _ status: FrameStatus, _ checkpoint: Journal.Checkpoint) {
    child.host.pointee.journal.rollBack(to: checkpoint)
    if status == .failure { child.pointee.context.gas = 0 }
  }

  /// Whether nothing can be created at the account: it has code, a nonce or storage (EIP-684, EIP-7610).
  static func collides(_ account: JournalAccount) -> Bool {
    account.nonce != 0 || account.hasCode || account.flags.contains(.orphanStorage)
  }

  /// Runs the prepared frame `child` on its initcode and, where that succeeds, stores the code it returns.
  ///
  /// - Parameter payer: who pays the endowment.
  static func create(_ child: FramePointer, initcode: Unmanaged<EVMCode>, payer: Int) -> FrameStatus {
    let host = child.host
    if let tracer = host.pointee.tracer {
      tracer.begin(child, code: child.pointee.account, isCreation: true)
    }
    let checkpoint = host.pointee.journal.checkpoint
    let (fork, account) = (host.pointee.fork, child.pointee.account)
    host.pointee.journal.setFlags([.exists, .created, .touched], at: account)
    if fork >= .spuriousDragon { host.pointee.journal.setNonce(1, at: account) }
    host.pointee.journal.debit(child.pointee.value, from: payer)
    host.pointee.journal.credit(child.pointee.value, to: account, fork: fork)
    var status = FrameStatus.success
    if child.pointee.codeByteCount > 0 {
      guard let executable = host.executable(of: initcode) else { return .hostFault }
      // Initcode runs once as a rule: machine code pays off when it comes again.
      let isFrequent = initcode._withUnsafeGuaranteedRef { $0.countRun() } >= 2
      status = run(child, executable, engine: isFrequent ? host.pointee.engine : .interpreter)
    } else {
      host.pointee.returnByteCount = 0
    }
    if status == .success { status = deposit(child) }
    if let tracer = host.pointee.tracer { tracer.leave(child, status) }
    if status != .success { settle(child, status, checkpoint) }
    return status
  }

  /// Stores the return data as the code of the created account (EIP-2, 170, 3541).
  @inline(never)
  private static func deposit(_ child: FramePointer) -> FrameStatus {
    let host = child.host
    let (fork, count) = (host.pointee.fork, host.pointee.returnByteCount)
    if fork >= .london && count > 0 && host.pointee.returnData.load(as: UInt8.self) == 0xef {
      return reject(child, .invalidCode)
    }
    if fork >= .spuriousDragon && count > HostCosts.codeLimit { return reject(child, .codeTooLarge) }
    guard child.canPay(UInt64(count) &* HostCosts.codeByte) else {
      // Frontier: the account stays, without code, and keeps its gas.
      if fork < .homestead {
        host.pointee.returnByteCount = 0
        return .success
      }
      return reject(child, child.pointee.ending)
    }
    if count > 0 {
      let bytes = [UInt8](UnsafeRawBufferPointer(start: host.pointee.returnData, count: count))
      let code = host.pointee.programs.code(bytes, hash: Keccak256.hash(bytes))
      host.pointee.journal.setCode(code, at: child.pointee.account)
    }
    return .success
  }

  private static func reject(_ child: FramePointer, _ ending: FrameEnding) -> FrameStatus {
    child.host.pointee.returnByteCount = 0
    child.pointee.ending = ending
    return .failure
  }
}

extension UnsafeMutablePointer where Pointee == EVMFrame {
  /// As `charge`, leaving the gas alone where it does not suffice.
  @inline(__always) fileprivate func canPay(_ amount: UInt64) -> Bool {
    guard amount <= UInt64(bitPattern: pointee.context.gas) else { return false }
    pointee.context.gas &-= Int64(bitPattern: amount)
    return true
  }
}

extension UnsafeMutablePointer where Pointee == HostState {
  /// As the journal's; `false` where the state cannot be read, and `failure` says why.
  @inline(__always) func use(_ uses: AccountUses, at position: Int) -> Bool {
    let account = pointee.journal.accounts.base + position
    guard account.pointee.flags.contains(.loaded) else { return load(uses, position) }
    account.pointee.uses.formUnion(uses)
    return true
  }

  @inline(never) private func load(_ uses: AccountUses, _ position: Int) -> Bool {
    do throws(EVMStateError) {
      try pointee.journal.use(uses, at: position)
      return true
    } catch {
      pointee.failure = error
      return false
    }
  }

  /// The executable of an account's code; `nil` where the state or the VM refuses, and `failure` says why.
  @inline(__always) func executable(at position: Int) -> Unmanaged<Executable>? {
    if let executable = pointee.journal.accounts.base[position].executable { return executable }
    return makeExecutable(at: position)
  }

  @inline(never) private func makeExecutable(at position: Int) -> Unmanaged<Executable>? {
    do throws(EVMStateError) {
      let code = try pointee.journal.code(at: position)
      guard let executable = executable(of: code) else { return nil }
      pointee.journal.setExecutable(executable, at: position)
      return executable
    } catch {
      pointee.failure = error
      return nil
    }
  }

  @inline(never) func executable(of code: Unmanaged<EVMCode>) -> Unmanaged<Executable>? {
    // Its code keeps it alive, and the journal the code.
    let made = code._withUnsafeGuaranteedRef { $0.madeExecutable(fork: pointee.fork, mode: pointee.mode) }
    if let made { return made }
    do throws(EVMStateError) {
      let executable = try code.takeUnretainedValue().executable(fork: pointee.fork, mode: pointee.mode)
      return .passUnretained(executable)
    } catch {
      pointee.failure = error
      return nil
    }
  }

  /// Points the frame's CODECOPY at an account's code, which `executable(at:)` has loaded.
  @inline(__always) func setCode(of child: FramePointer, at position: Int) {
    pointee.journal.accounts.base[position].code?._withUnsafeGuaranteedRef {
      child.pointee.code = $0.bytes
      child.pointee.codeByteCount = $0.byteCount
    }
  }
}
