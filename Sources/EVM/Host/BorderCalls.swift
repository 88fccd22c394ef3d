// Calls that come from beyond the border: programs call contracts. Such a call is a frame below the one that the border
// answers, or an outermost one in a transaction of Solana's. It is priced like CALL, STATICCALL, CREATE and CREATE2 (EIP-150,
// 2929, 3860, 7702), with gas that its caller takes from compute units; it gets at most what the 63/64 rule leaves.

import Primitives
import SBPF
import WideIntegers

/// A call of a contract, or a creation of one, by somebody who is no contract.
package struct BorderRequest {
  package enum Kind: Equatable, Sendable {
    case call(Address)
    case staticCall(Address)
    /// By the caller's address and nonce.
    case create
    case create2(salt: UInt256)
  }

  package var kind: Kind
  package var caller: Address
  /// Wei that the caller pays.
  package var value: UInt256
  /// Gas for the frame at most.
  package var gas: UInt64
  /// Calldata or initcode. Valid until the call has ended.
  package var input: UnsafeRawBufferPointer

  package init(
    _ kind: Kind, from caller: Address, value: UInt256, gas: UInt64, input: UnsafeRawBufferPointer
  ) {
    (self.kind, self.caller, self.value, self.gas, self.input) = (kind, caller, value, gas, input)
  }
}

package struct BorderResult: Sendable {
  /// `nil` for success.
  package var halt: EVMHalt?
  /// Of all that it cost.
  package var gasUsed: UInt64
  /// Returned or reverted with; empty for a creation that succeeded.
  package var output: [UInt8]
  package var created: Address?

  package init(halt: EVMHalt?, gasUsed: UInt64, output: [UInt8] = []) {
    (self.halt, self.gasUsed, self.output) = (halt, gasUsed, output)
  }
}

extension BorderHost {
  /// CREATE's and CREATE2's own cost, which the opcode table has for opcodes.
  package static let creationGas: UInt64 = 32_000

  /// Calls or creates a contract.
  ///
  /// - Parameter available: gas that the caller has, below 2^63; the result uses no more.
  /// - Throws: when the state cannot be read.
  package func perform(_ request: BorderRequest, available: UInt64) throws(EVMStateError) -> BorderResult {
    var gas = available
    let result: BorderResult
    do throws(BorderCallFailure) {
      switch request.kind {
      case .call(let target): result = try call(target, request, isStatic: false, &gas)
      case .staticCall(let target): result = try call(target, request, isStatic: true, &gas)
      case .create: result = try create(request, salt: nil, &gas)
      case .create2(let salt): result = try create(request, salt: salt, &gas)
      }
    } catch {
      switch error {
      case .state(let error): throw error
      case .outOfGas: return BorderResult(halt: .outOfGas, gasUsed: available)
      case .halt(let halt): return BorderResult(halt: halt, gasUsed: available &- gas)
      }
    }
    var priced = result
    priced.gasUsed = available &- gas
    return priced
  }

  private enum BorderCallFailure: Error {
    case state(EVMStateError)
    case outOfGas
    /// Nothing has begun; what was charged stays charged.
    case halt(EVMHalt)
  }

  private func onJournal<Value>(
    _ body: () throws(EVMStateError) -> Value
  ) throws(BorderCallFailure) -> Value {
    do throws(EVMStateError) { return try body() } catch { throw .state(error) }
  }

  private func charge(_ amount: UInt64, _ gas: inout UInt64) throws(BorderCallFailure) {
    guard amount <= gas else { throw .outOfGas }
    gas &-= amount
  }

  /// EIP-2929's price of an access to an account, which is warm from now on.
  private func chargeAccess(_ position: Int, _ gas: inout UInt64) throws(BorderCallFailure) {
    guard state.pointee.costs.hasAccessCosts else { return }
    let isCold = state.pointee.journal.warm(position)
    try charge(isCold ? state.pointee.costs.coldAccount : state.pointee.costs.warmAccess, &gas)
  }

  /// Where the new frame's depth would be beyond the limit, or its caller cannot pay, nothing begins.
  private func begin(_ request: BorderRequest) throws(BorderCallFailure) -> (depth: Int, caller: Int) {
    let depth = state.pointee.borderDepth + 1
    guard depth <= HostState.depthLimit else { throw .halt(.callDepthExceeded) }
    let caller = state.pointee.journal.position(of: request.caller)
    if !request.value.isZero {
      try onJournal { () throws(EVMStateError) in try state.pointee.journal.use(.balance, at: caller) }
      guard state.pointee.journal.accounts.base[caller].balance >= request.value else {
        throw .halt(.insufficientBalance)
      }
    }
    return (depth, caller)
  }

  // MARK: Calls

  private func call(
    _ target: Address, _ request: BorderRequest, isStatic: Bool, _ gas: inout UInt64
  ) throws(BorderCallFailure) -> BorderResult {
    let fork = state.pointee.fork
    let position = state.pointee.journal.position(of: target)
    try chargeAccess(position, &gas)
    var codePosition = position
    if PrecompileCall.active(target, fork: fork) == nil && !state.pointee.journal.isBorder(target) {
      let code = try onJournal { () throws(EVMStateError) in try state.pointee.journal.code(at: position) }
      if fork >= .prague, let delegate = code._withUnsafeGuaranteedRef({ $0.delegate }) {
        codePosition = state.pointee.journal.position(of: delegate)
        try chargeAccess(codePosition, &gas)
      }
    }
    if !request.value.isZero {
      try onJournal { () throws(EVMStateError) in try state.pointee.journal.use(.vitality, at: position) }
      let isNew = state.pointee.journal.accounts.base[position].isEmpty
      try charge(HostCosts.callValue &+ (isNew ? HostCosts.newAccount : 0), &gas)
    }
    let (depth, caller) = try begin(request)
    let given = min(request.gas, gas &- gas / 64)
    gas &-= given
    let child = prepare(
      account: position, address: target, request, depth: depth, isStatic: isStatic,
      gas: request.value.isZero ? given : given &+ HostCosts.callStipend, input: request.input)
    let status = FrameRun.call(
      child, codePosition: codePosition, payer: request.value.isZero ? -1 : caller,
      isDelegated: codePosition != position)
    return try result(of: child, status, &gas)
  }

  // MARK: Creations

  private func create(
    _ request: BorderRequest, salt: UInt256?, _ gas: inout UInt64
  ) throws(BorderCallFailure) -> BorderResult {
    guard request.input.count <= HostCosts.initcodeLimit else { throw .halt(.initcodeTooLarge) }
    let words = UInt64(request.input.count + 31) / 32
    let perWord = HostCosts.initcodeWord &+ (salt == nil ? 0 : HostCosts.keccakWord)
    try charge(Self.creationGas &+ words &* perWord, &gas)
    let (depth, creator) = try begin(request)
    let given = min(request.gas, gas &- gas / 64)
    try onJournal { () throws(EVMStateError) in try state.pointee.journal.use(.nonce, at: creator) }
    let nonce = state.pointee.journal.accounts.base[creator].nonce
    guard nonce < .max else { throw .halt(.addressCollision) }
    let bytes = [UInt8](request.input)
    let code = state.pointee.journal.keep(
      state.pointee.programs.initcode(bytes, hash: Keccak256.hash(bytes)))
    let address =
      salt.map { salt in
        Address.created(
          by: request.caller, salt: salt, initcodeHash: code._withUnsafeGuaranteedRef { $0.hash })
      } ?? Address.created(by: request.caller, nonce: nonce)
    state.pointee.journal.setNonce(nonce &+ 1, at: creator)
    gas &-= given
    let position = state.pointee.journal.position(of: address)
    _ = state.pointee.journal.warm(position)
    try onJournal { () throws(EVMStateError) in
      try state.pointee.journal.use([.nonce, .code], at: position)
    }
    if FrameRun.collides(state.pointee.journal.accounts.base[position]) { throw .halt(.addressCollision) }
    let child = prepare(
      account: position, address: address, request, depth: depth, isStatic: false, gas: given,
      input: UnsafeRawBufferPointer(start: nil, count: 0))
    child.pointee.code = code._withUnsafeGuaranteedRef { $0.bytes }
    child.pointee.codeByteCount = bytes.count
    let status = FrameRun.create(child, initcode: code, payer: creator)
    var result = try result(of: child, status, &gas)
    if result.halt == nil { (result.created, result.output) = (address, []) }
    return result
  }

  /// What an access to an account costs, which is warm from now on; with the creation of one that is not there, if paying
  /// it makes it.
  package func accessGas(of address: Address, mayCreate: Bool) throws(EVMStateError) -> UInt64 {
    let position = state.pointee.journal.position(of: address)
    var gas: UInt64 = 0
    if state.pointee.costs.hasAccessCosts {
      gas =
        state.pointee.journal.warm(position)
        ? state.pointee.costs.coldAccount : state.pointee.costs.warmAccess
    }
    guard mayCreate else { return gas }
    try state.pointee.journal.use(.vitality, at: position)
    return state.pointee.journal.accounts.base[position].isEmpty ? gas &+ HostCosts.newAccount : gas
  }

  // MARK: Frames

  private func prepare(
    account: Int, address: Address, _ request: BorderRequest, depth: Int, isStatic: Bool, gas: UInt64,
    input: UnsafeRawBufferPointer
  ) -> FramePointer {
    let child = state.pointee.frames + depth
    let start = input.baseAddress ?? UnsafeRawPointer(EVMCode.empty.bytes)
    let context = state.pointee.machine._withUnsafeGuaranteedRef { machine in
      if depth == 0 {
        return machine.outermostContext(
          gas: Int64(clamping: gas), input: start, inputByteCount: input.count, hooks: HookTable.hooks,
          growMemory: MemoryHooks.grow, host: nil)
      }
      // The frame that the border answers has neither words nor memory of its own.
      let parent = state.pointee.frames + (depth - 1)
      return machine.nestedContext(
        of: parent.pointee.context, free: parent.pointee.context.bottom, gas: Int64(clamping: gas),
        input: start,
        inputByteCount: input.count, host: nil)
    }
    child.initialize(
      to: EVMFrame(
        context: context, host: state, account: account, address: UInt256(address),
        caller: UInt256(request.caller), value: request.value, code: EVMCode.empty.bytes, codeByteCount: 0,
        depth: depth, isStatic: isStatic, ending: .none, outputOffset: 0, outputByteCount: 0))
    return child
  }

  private func result(
    of child: FramePointer, _ status: FrameStatus, _ gas: inout UInt64
  ) throws(BorderCallFailure) -> BorderResult {
    if status == .hostFault {
      throw .state(state.pointee.failure ?? .unknownHook(pc: child.pointee.context.faultPC))
    }
    gas &+= UInt64(bitPattern: child.pointee.context.gas)
    if status == .failure { return BorderResult(halt: child.pointee.halt, gasUsed: 0) }
    let output = [UInt8](
      UnsafeRawBufferPointer(start: state.pointee.returnData, count: state.pointee.returnByteCount))
    state.pointee.returnByteCount = 0
    return BorderResult(halt: status == .revert ? .revert : nil, gasUsed: 0, output: output)
  }
}

// MARK: - Transactions of Solana's

extension EVMHost {
  /// What those beyond the border may do here.
  package var beyond: BorderHost { BorderHost(state: state) }

  /// Starts a transaction of Solana's: no gas is bought and no nonce counted; warm set and transient storage are its.
  ///
  /// - Parameter origin: the address of its first signer.
  package func beginSolana(reader: any EVMStateReader, block: BlockEnvironment, origin: Address) {
    begin(reader: reader, block: block, message: EVMMessageOrigin(origin: origin))
    guard block.fork >= .berlin else { return }
    for address in block.fork >= .shanghai ? [origin, block.coinbase] : [origin] {
      _ = state.pointee.journal.warm(state.pointee.journal.position(of: address))
    }
  }

  /// What contracts have emitted so far; taken away.
  package func takeLogs() -> [EVMLog] { state.pointee.journal.takeLogs() }
}

extension BorderHost {
  /// Tells the trace, if there is one, what a program did that was called for the frame.
  package func trace(_ lines: @autoclosure () -> [String]) {
    if let tracer = state.pointee.tracer { tracer.note(program: lines()) }
  }

  /// How many logs contracts have emitted so far.
  package var logCount: Int { state.pointee.journal.logs.count }
  /// Those from the one at `start` on.
  package func logs(from start: Int) -> [EVMLog] { Array(state.pointee.journal.logs[start...]) }
}
