// Seeing transactions execute: calls, logs, storage and instructions as they happen. Blocks that nobody watches know
// nothing of observers: a watched one is executed by an executor of its own, one transaction after the other, whose
// programs report. The result is the same.

import EVM
import Execution
import Ledger
import Primitives
import Runtime
import SBPF
import WideIntegers

/// Told of what transactions do while they execute, in order. Called on a thread of the executor's while `execute` or
/// `simulate` has not returned; an observer must not ask anything of the chain then. What is taken back later, because a
/// call fails, is told all the same. Calls outside of a transaction are the block's own (EIP-4788 and its like).
public protocol ExecutionObserver: AnyObject {
  /// Whether `willRun` is called; every instruction costs much more then.
  var observesInstructions: Bool { get }

  /// - Parameter index: the transaction's, in the block.
  func willExecute(_ index: Int)
  func didExecute(_ index: Int, _ receipt: Receipt)
  /// A program or contract has been called, or a contract is being created.
  func didBegin(_ call: ObservedCall)
  /// The call that began last of those that have not ended has ended.
  func didEnd(_ call: ObservedCall, _ outcome: ObservedCall.Outcome)
  /// The call that runs emitted an event; Solana's programs log lines, which their receipt has.
  func didLog(_ log: EthereumTransactionResult.Log)
  /// The contract at `address` gave a slot of its storage another value.
  func didStore(_ value: UInt256, at slot: UInt256, of address: Address, replacing old: UInt256)
  func willRun(_ instruction: ObservedInstruction)
}

extension ExecutionObserver {
  public var observesInstructions: Bool { false }
  public func willExecute(_ index: Int) {}
  public func didExecute(_ index: Int, _ receipt: Receipt) {}
  public func didBegin(_ call: ObservedCall) {}
  public func didEnd(_ call: ObservedCall, _ outcome: ObservedCall.Outcome) {}
  public func didLog(_ log: EthereumTransactionResult.Log) {}
  public func didStore(_ value: UInt256, at slot: UInt256, of address: Address, replacing old: UInt256) {}
  public func willRun(_ instruction: ObservedInstruction) {}
}

/// A call of a program or a contract.
public struct ObservedCall: Sendable, Equatable {
  /// What is called.
  public enum Callee: Hashable, Sendable, CustomStringConvertible {
    case program(Pubkey)
    /// The account whose code runs.
    case contract(Address)

    public var description: String {
      switch self {
      case .program(let key): key.description
      case .contract(let address): address.checksummed
      }
    }
  }

  public struct Outcome: Sendable, Equatable {
    /// Compute units or gas, calls below it included.
    public let used: UInt64
    /// Returned or reverted with, of a contract.
    public let output: [UInt8]
    /// Why it failed; `nil` where it did not.
    public let failure: String?
  }

  public let callee: Callee
  /// 0 for what the transaction itself calls.
  public let depth: Int
  /// Instruction data, a call's input, or initcode.
  public let input: [UInt8]
  /// Wei; 0 for programs.
  public let value: UInt256
  /// Compute units or gas that it may use.
  public let budget: UInt64
}

/// An instruction that is about to run.
public struct ObservedInstruction: Sendable, Equatable {
  /// The slot of a program's instruction, or the offset of a contract's opcode.
  public let pc: Int
  /// As assemblers spell it: "mov64", "SSTORE"; empty where there is no such instruction.
  public let name: String
  /// Compute units or gas left, its own cost included.
  public let budget: UInt64
  /// Of the call that runs it.
  public let depth: Int
}

extension Chain {
  /// Executes transactions as the next block while `observer` watches, one after the other whatever the chain's workers, and
  /// commits it.
  @discardableResult
  public func execute(
    _ transactions: [SignedTransaction], observer: any ExecutionObserver
  ) throws(ChainError) -> Block {
    try execute(
      BlockTransactions(transactions.map { .success($0.wire) }), verifiesSignatures: true,
      on: SerialExecutor(observer: observer, contracts: contracts))
  }
}

extension SerialExecutor {
  /// One whose transactions an observer watches.
  convenience init(observer: any ExecutionObserver, contracts: NativeContracts) {
    self.init(
      observer: ObserverAdapter(observer), engine: observer.observesInstructions ? .plain : .fastest,
      contracts: contracts)
  }
}

/// Turns what the floors below tell into an observer's terms. Used by one thread at a time.
final class ObserverAdapter {
  private let observer: any ExecutionObserver
  /// Of Solana's programs: those that run, with the units left when they began.
  private var calls: [ObservedCall] = []

  init(_ observer: any ExecutionObserver) { self.observer = observer }

  func willExecute(_ index: Int) {
    calls = []
    observer.willExecute(index)
  }

  func didExecute(_ index: Int, _ receipt: Receipt) { observer.didExecute(index, receipt) }
}

extension ObserverAdapter: LaneObserver {
  func didBegin(_ invoke: InvokeContext) {
    guard let frame = invoke.transaction.current else { return }
    let call = ObservedCall(
      callee: .program(invoke.transaction.keys[frame.programIndex]), depth: frame.stackHeight - 1,
      input: Array(frame.data), value: .zero, budget: invoke.remainingUnits)
    calls.append(call)
    observer.didBegin(call)
  }

  func willEnd(_ invoke: InvokeContext, _ error: InstructionError?) {
    guard let call = calls.popLast() else { return }
    observer.didEnd(
      call,
      ObservedCall.Outcome(
        used: call.budget - min(call.budget, invoke.remainingUnits), output: [],
        failure: error?.description))
  }

  func didRun(_ executable: Executable, _ outcome: RunOutcome, on machine: VirtualMachine) {}

  func willRun(_ executable: Executable, pc: Int, _ machine: UnsafeMutablePointer<VMContext>) {
    let insns = executable.decodedInsns
    observer.willRun(
      ObservedInstruction(
        pc: pc, name: pc < insns.count ? insns[pc].opcode.facts.mnemonic : "",
        budget: UInt64(max(machine.pointee.remainingUnits, 0)), depth: calls.count - 1))
  }
}

extension ObserverAdapter {
  var observesOpcodes: Bool { observer.observesInstructions }

  func didBegin(_ call: CallTrace.Call, depth: Int) { observer.didBegin(ObservedCall(call, depth: depth)) }

  func didEnd(_ call: CallTrace.Call, depth: Int) {
    observer.didEnd(
      ObservedCall(call, depth: depth),
      ObservedCall.Outcome(used: call.gasUsed, output: call.output, failure: call.halt?.description))
  }

  func didChange(slot: UInt256, of address: Address, from before: UInt256, to after: UInt256) {
    observer.didStore(after, at: slot, of: address, replacing: before)
  }

  func didLog(_ log: EVMLog) {
    observer.didLog(.init(address: log.address, topics: log.topics, data: log.data))
  }

  func willRun(_ step: EVMStep) {
    observer.willRun(
      ObservedInstruction(pc: step.pc, name: step.name ?? "", budget: step.gas, depth: step.depth))
  }
}

extension ObservedCall {
  fileprivate init(_ call: CallTrace.Call, depth: Int) {
    self.init(
      callee: .contract(call.code), depth: depth, input: call.input, value: call.value, budget: call.gas)
  }
}
