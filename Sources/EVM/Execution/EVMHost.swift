// The host of one worker: its machine, frames and journal, and the outermost frames of transactions. Stack that a
// thread needs for calls 1024 deep: see `EVMHost.stackByteCount`.

import Primitives
import SBPF
import WideIntegers
import WideVM

/// How an outermost frame ended.
package struct EVMCallResult: Sendable {
  /// `nil` for success.
  package let halt: EVMHalt?
  package let gasLeft: UInt64
  /// Returned or reverted with.
  package let output: [UInt8]
}

/// Used by one thread at a time.
package final class EVMHost {
  /// Stack of a thread that runs transactions; calls 1024 deep take less than half of it on every engine.
  package static let stackByteCount = 8 << 20

  let state: UnsafeMutablePointer<HostState>
  private let machine: WideMachine

  package init(
    programs: EVMProgramCache, engine: Engine = .fastest, mode: TranslationMode = .fast
  ) throws(WideMachineError) {
    machine = try WideMachine()
    state = .allocate(capacity: 1)
    let frameCount = HostState.depthLimit + 1
    state.initialize(
      to: HostState(
        journal: Journal(reader: EVMWorld()), fork: .latest, costs: HostCosts(.latest),
        block: BlockEnvironment(fork: .latest), message: EVMMessageOrigin(), engine: engine, mode: mode,
        machine: .passUnretained(machine), programs: programs, hooks: HookTable.hooks,
        frames: .allocate(capacity: frameCount), returnData: .allocate(byteCount: 1024, alignment: 16),
        returnCapacity: 1024))
    state.pointee.hasNatives = !programs.natives.isEmpty
  }

  deinit {
    state.pointee.journal.deallocate()
    state.pointee.frames.deallocate()
    state.pointee.returnData.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// What answers calls of the addresses of the border; `nil`: they are addresses like any other.
  package var border: (any EVMBorder)? {
    get { state.pointee.journal.border }
    set { state.pointee.journal.border = newValue }
  }

  package var tracer: EVMTracer? {
    get { state.pointee.tracer }
    set { state.pointee.tracer = newValue }
  }

  /// Starts a transaction, or anything else that has a journal of its own.
  package func begin(reader: any EVMStateReader, block: BlockEnvironment, message: EVMMessageOrigin) {
    if state.pointee.fork != block.fork {
      state.pointee.fork = block.fork
      state.pointee.costs = HostCosts(block.fork)
    }
    state.pointee.journal.begin(reader: reader, fork: block.fork)
    state.pointee.block = block
    state.pointee.message = message
    state.pointee.failure = nil
    state.pointee.returnByteCount = 0
  }

  /// Lets go of the state that the last transaction ran on, which may outlive its chain otherwise.
  package func releaseState() { state.pointee.journal.releaseReader() }

  /// Calls `target` from outside of any frame.
  ///
  /// - Parameters:
  ///   - gas: below 2^63.
  ///   - payer: whether the caller pays `value`, which the caller knows it can.
  package func call(
    _ target: Address, from caller: Address, value: UInt256, input: UnsafeRawBufferPointer, gas: UInt64,
    transfersValue: Bool = true
  ) throws(EVMStateError) -> EVMCallResult {
    let position = state.pointee.journal.position(of: target)
    var codePosition = position
    if state.pointee.fork >= .prague && state.pointee.precompile(at: target) == nil
      && !state.pointee.journal.isBorder(target)
    {
      let code = try state.pointee.journal.code(at: position)
      if let delegate = code._withUnsafeGuaranteedRef({ $0.delegate }) {
        codePosition = state.pointee.journal.position(of: delegate)
        _ = state.pointee.journal.warm(codePosition)
      }
    }
    let payer = transfersValue && !value.isZero ? state.pointee.journal.position(of: caller) : -1
    if payer >= 0 { try state.pointee.journal.use(.balance, at: payer) }
    prepare(account: position, address: target, caller: caller, value: value, input: input, gas: gas)
    let status = FrameRun.call(
      state.pointee.frames, codePosition: codePosition, payer: payer, isDelegated: codePosition != position)
    return try result(status)
  }

  /// As above.
  package func call(
    _ target: Address, from caller: Address, value: UInt256, input: [UInt8], gas: UInt64
  ) throws(EVMStateError) -> EVMCallResult {
    let result = input.withUnsafeBytes { bytes -> Result<EVMCallResult, EVMStateError> in
      do throws(EVMStateError) {
        return .success(try call(target, from: caller, value: value, input: bytes, gas: gas))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Runs `initcode` for a contract at `address`, whose creator's nonce is counted up already.
  package func create(
    _ address: Address, from creator: Address, value: UInt256, initcode: [UInt8], gas: UInt64
  ) throws(EVMStateError) -> EVMCallResult {
    let position = state.pointee.journal.position(of: address)
    try state.pointee.journal.use([.nonce, .code], at: position)
    if FrameRun.collides(state.pointee.journal.accounts.base[position]) {
      return EVMCallResult(halt: .addressCollision, gasLeft: 0, output: [])
    }
    let payer = state.pointee.journal.position(of: creator)
    try state.pointee.journal.use(value.isZero ? [] : .balance, at: payer)
    let code = state.pointee.journal.keep(
      state.pointee.programs.initcode(initcode, hash: Keccak256.hash(initcode)))
    prepare(
      account: position, address: address, caller: creator, value: value,
      input: UnsafeRawBufferPointer(start: nil, count: 0), gas: gas)
    state.pointee.frames.pointee.code = code._withUnsafeGuaranteedRef { $0.bytes }
    state.pointee.frames.pointee.codeByteCount = initcode.count
    return try result(FrameRun.create(state.pointee.frames, initcode: code, payer: payer))
  }

  private func prepare(
    account: Int, address: Address, caller: Address, value: UInt256, input: UnsafeRawBufferPointer,
    gas: UInt64
  ) {
    let empty = UnsafeRawPointer(EVMCode.empty.bytes)
    state.pointee.frames.initialize(
      to: EVMFrame(
        context: machine.outermostContext(
          gas: Int64(clamping: gas), input: input.baseAddress ?? empty, inputByteCount: input.count,
          hooks: HookTable.hooks, growMemory: MemoryHooks.grow, host: nil),
        host: state, account: account, address: UInt256(address), caller: UInt256(caller), value: value,
        code: EVMCode.empty.bytes, codeByteCount: 0, depth: 0, isStatic: false, ending: .none,
        outputOffset: 0,
        outputByteCount: 0))
  }

  private func result(_ status: FrameStatus) throws(EVMStateError) -> EVMCallResult {
    let frame = state.pointee.frames
    if status == .hostFault {
      throw state.pointee.failure ?? .unknownHook(pc: frame.pointee.context.faultPC)
    }
    let output = [UInt8](
      UnsafeRawBufferPointer(start: state.pointee.returnData, count: state.pointee.returnByteCount))
    let gasLeft = UInt64(bitPattern: frame.pointee.context.gas)
    switch status {
    case .success: return EVMCallResult(halt: nil, gasLeft: gasLeft, output: output)
    case .revert: return EVMCallResult(halt: .revert, gasLeft: gasLeft, output: output)
    case .failure, .hostFault: return EVMCallResult(halt: frame.pointee.halt, gasLeft: 0, output: [])
    }
  }

  /// Ends what `begin` started: what it changed in the state.
  package func finish() throws(EVMStateError) -> EVMStateChanges {
    try state.pointee.journal.finish(fork: state.pointee.fork)
  }
}
