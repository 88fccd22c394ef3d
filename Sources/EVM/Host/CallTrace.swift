// What happened in an execution call by call: who called whom with what, what each call changed, emitted and gave back.
// Recorded by a tracer (EVMTracer.swift), of which it is the second kind of output; what is rolled back later stays in
// it, under the call that failed.

import Primitives
import WideIntegers

package struct CallTrace: Sendable {
  package enum Kind: UInt8, Sendable {
    case call = 0xf1
    case callCode = 0xf2
    case delegateCall = 0xf4
    case staticCall = 0xfa
    case create = 0xf0
    case create2 = 0xf5

    /// The opcode's name.
    package var name: String {
      switch self {
      case .call: "CALL"
      case .callCode: "CALLCODE"
      case .delegateCall: "DELEGATECALL"
      case .staticCall: "STATICCALL"
      case .create: "CREATE"
      case .create2: "CREATE2"
      }
    }

    package var isCreation: Bool { self == .create || self == .create2 }
  }

  /// What a call did besides computing.
  package enum Event: Sendable {
    /// The position of the call it made, in `calls`.
    case call(Int)
    case storage(slot: UInt256, before: UInt256, after: UInt256)
    case log(EVMLog)
    /// What the account had, in wei, goes to the heir.
    case selfDestruct(heir: Address, value: UInt256)
    /// What a program logged that the border called; the last line says what it used.
    case program([String])
  }

  package struct Call: Sendable {
    package let kind: Kind
    package let from: Address
    /// Whose storage it works on: the caller's own for CALLCODE and DELEGATECALL.
    package let account: Address
    /// Whose code runs, or the contract that is made.
    package let code: Address
    /// Wei; what DELEGATECALL sees of its caller's.
    package let value: UInt256
    package let gas: UInt64
    /// The call's, or the initcode.
    package let input: [UInt8]
    package let isPrecompile: Bool
    package var events: [Event] = []
    /// Calls below it included, refunds not.
    package var gasUsed: UInt64 = 0
    /// Returned or reverted with; the code, of a creation.
    package var output: [UInt8] = []
    /// Why it failed.
    package var halt: EVMHalt?

    package init(
      kind: Kind, from: Address, account: Address, code: Address, value: UInt256, gas: UInt64, input: [UInt8],
      isPrecompile: Bool
    ) {
      (self.kind, self.from, self.account, self.code) = (kind, from, account, code)
      (self.value, self.gas, self.input, self.isPrecompile) = (value, gas, input, isPrecompile)
    }
  }

  /// In the order in which they began; the first is the transaction's own.
  package fileprivate(set) var calls: [Call] = []
  /// Positions of those that have not ended.
  fileprivate var open: [Int] = []

  /// - Parameter calls: in the order in which they began, all of them ended.
  package init(_ calls: [Call] = []) { self.calls = calls }

  /// The call that runs.
  var running: Call? { open.last.map { calls[$0] } }
}

extension CallTrace {
  /// Notes that `frame` begins.
  ///
  /// - Parameter opcode: what began it, where code did.
  mutating func begin(_ frame: FramePointer, code: Int, opcode: UInt8?, isCreation: Bool) {
    let kind = opcode.flatMap { Kind(rawValue: $0) } ?? (isCreation ? .create : .call)
    let host = frame.host
    let codeAddress = host.pointee.journal.accounts.base[code].address
    let isOwn = kind == .callCode || kind == .delegateCall
    let account = Address(frame.pointee.address)
    let input =
      isCreation
      ? UnsafeRawBufferPointer(start: frame.pointee.code, count: frame.pointee.codeByteCount)
      : UnsafeRawBufferPointer(
        start: frame.pointee.context.input, count: Int(frame.pointee.context.inputByteCount))
    let call = Call(
      kind: kind, from: isOwn ? account : Address(frame.pointee.caller), account: account,
      code: isOwn ? codeAddress : account, value: frame.pointee.value,
      gas: UInt64(bitPattern: frame.pointee.context.gas), input: [UInt8](input),
      isPrecompile: !isCreation && host.pointee.precompile(at: codeAddress) != nil)
    note(.call(calls.count))
    open.append(calls.count)
    calls.append(call)
  }

  /// Notes something of the call that runs.
  mutating func note(_ event: Event) {
    if let running = open.last { calls[running].events.append(event) }
  }

  /// Notes that `frame`, which began last of those that run, has ended; before what it did is taken back.
  ///
  /// - Returns: the call as it ended.
  @discardableResult
  mutating func end(_ frame: FramePointer, _ status: FrameStatus) -> Call? {
    guard let position = open.popLast() else { return nil }
    let host = frame.host
    let gasLeft = status == .failure ? 0 : UInt64(bitPattern: frame.pointee.context.gas)
    calls[position].gasUsed = calls[position].gas &- gasLeft
    if status != .failure {
      calls[position].output = [UInt8](
        UnsafeRawBufferPointer(start: host.pointee.returnData, count: host.pointee.returnByteCount))
    }
    switch status {
    case .success, .hostFault: break
    case .revert: calls[position].halt = .revert
    case .failure: calls[position].halt = frame.pointee.halt
    }
    return calls[position]
  }
}
