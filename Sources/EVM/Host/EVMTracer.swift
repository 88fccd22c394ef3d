// Structured traces (EIP-3155, https://eips.ethereum.org/EIPS/eip-3155): one JSON line an opcode. Code translated in
// the tracing mode calls the hook before every opcode with the operand stack laid out as the EVM has it; the fast
// mode has no such calls. A line is written when the opcode's cost is known: before the next one, before what it calls
// begins, or when the frame ends. What a call takes along counts as its cost, what initcode gets does not, as geth and
// the executable specification have it. Besides lines, or instead of them, a tracer records calls (CallTrace.swift), or
// tells an observer as things happen.

import Primitives
import SBPF
import WideIntegers
import WideVM

/// Who wants to see what contracts do. Told on the thread that runs them, in order; what is rolled back later is told.
package protocol EVMObserver: AnyObject {
  /// Whether `willRun` is to be called.
  var observesOpcodes: Bool { get }
  /// - Parameter depth: 0 for the transaction's own call.
  func didBegin(_ call: CallTrace.Call, depth: Int)
  func didEnd(_ call: CallTrace.Call, depth: Int)
  func didChange(slot: UInt256, of address: Address, from before: UInt256, to after: UInt256)
  func didLog(_ log: EVMLog)
  func willRun(_ step: EVMStep)
}

/// An opcode that is about to run.
package struct EVMStep: Sendable {
  package let pc: Int
  package let opcode: UInt8
  /// `nil` where the fork has no such opcode.
  package let name: String?
  /// Before the opcode's own cost.
  package let gas: UInt64
  package let depth: Int
  /// The operand stack, its top last.
  package let stack: [UInt256]
  /// What stands behind the opcode in the code; 0 at its end.
  package let next: UInt8
}

/// An opcode that ran, for whoever writes a trace of a form of its own.
package struct EVMTracedStep: Sendable {
  package let pc: Int
  package let opcode: UInt8
  /// `nil` where the fork has no such opcode.
  package let name: String?
  /// Before the opcode's own cost.
  package let gas: UInt64
  /// With what a call takes along.
  package let gasCost: UInt64
  /// 0 for the transaction's own call.
  package let depth: Int
  /// The operand stack before it, its top last.
  package let stack: [UInt256]
  /// Before it; `nil` where it was not asked for.
  package let memory: [UInt8]?
  /// Of the call before it.
  package let returnData: [UInt8]
  package let refund: UInt64
  /// Of SLOAD and SSTORE, with the value after it.
  package let slot: (account: Address, key: UInt256, value: UInt256)?
  /// Why it ended its frame, where it failed.
  package let error: String?
}

/// Collects the lines of one host's runs.
package final class EVMTracer {
  private struct Step {
    let pc: Int
    let opcode: UInt8
    let gas: UInt64
    let stack: [UInt256]
    let depth: Int
    let memoryByteCount: UInt64
    let returnData: [UInt8]
    let refund: Int64
    var memory: [UInt8]?
    /// The journal's account whose slot it uses, and which.
    var slot: (account: Int, key: UInt256)?
  }

  /// What the line at the end of an execution tells.
  package struct Summary {
    let output: [UInt8]
    let gasUsed: UInt64
    /// Why it failed, `nil` if it did not.
    let error: String?
    let stateRoot: Hash?
    let fork: Fork
    let test: String?

    package init(
      output: [UInt8], gasUsed: UInt64, error: String?, stateRoot: Hash? = nil, fork: Fork,
      test: String? = nil
    ) {
      (self.output, self.gasUsed, self.error) = (output, gasUsed, error)
      (self.stateRoot, self.fork, self.test) = (stateRoot, fork, test)
    }
  }

  private let write: (([UInt8]) -> Void)?
  private let take: ((EVMTracedStep) -> Void)?
  private let takesMemory: Bool
  /// Asked now and then whether to go on; where it says no, the execution ends with `EVMStateError.interrupted`.
  package var goesOn: (() -> Bool)?
  private var stepCount: UInt64 = 0
  private var pending: Step?
  /// The calls of the execution; `nil` where they are not recorded.
  private var calls: CallTrace?
  private weak var observer: (any EVMObserver)?
  /// The opcode that was noted last, and how much the journal held then.
  private var opcode: UInt8?
  private var (undoCount, logCount) = (0, 0)

  /// - Parameter write: called with each line, line end included.
  package init(_ write: @escaping ([UInt8]) -> Void) {
    self.write = write
    (take, takesMemory) = (nil, false)
  }

  /// - Parameter take: called with each opcode when it has run.
  package init(takingMemory: Bool, _ take: @escaping (EVMTracedStep) -> Void) {
    write = nil
    (self.take, takesMemory) = (take, takingMemory)
  }

  /// Records calls, and writes lines where there is something to write them.
  package init(recordingCallsAnd write: (([UInt8]) -> Void)?) {
    self.write = write
    (take, takesMemory) = (nil, false)
    calls = CallTrace()
  }

  /// Tells `observer`, who is not kept alive.
  package init(observer: any EVMObserver) {
    (write, take, takesMemory) = (nil, nil, false)
    (calls, self.observer) = (CallTrace(), observer)
  }

  /// Hands over the calls that were recorded, and begins anew.
  package func takeCalls() -> CallTrace {
    defer { if calls != nil { calls = CallTrace() } }
    opcode = nil
    return calls ?? CallTrace()
  }

  /// How many opcodes run between two questions.
  private static let stepsBetweenQuestions: UInt64 = 1024

  /// Whether the execution is to end.
  fileprivate var isInterrupted: Bool {
    guard let goesOn else { return false }
    stepCount &+= 1
    return stepCount % Self.stepsBetweenQuestions == 0 && !goesOn()
  }

  /// Notes the opcode that `frame` runs next.
  func step(_ frame: FramePointer, pc: Int, free: UnsafeMutableRawPointer) {
    flush(frame.host)
    let opcode = pc < frame.pointee.codeByteCount ? frame.pointee.code[pc] : 0
    if calls != nil { note(opcode, frame) }
    let observer = observer.flatMap { $0.observesOpcodes ? $0 : nil }
    if write == nil && take == nil && observer == nil { return }
    let bottom = frame.pointee.context.bottom
    let words = UnsafeBufferPointer(
      start: bottom.assumingMemoryBound(to: UInt256.self),
      count: max(free - bottom, 0) / MemoryLayout<UInt256>.stride)
    if let observer {
      observer.willRun(
        EVMStep(
          pc: pc, opcode: opcode, name: EVMOpcodeTable.name(opcode, in: frame.host.pointee.fork),
          gas: UInt64(bitPattern: frame.pointee.context.gas), depth: frame.pointee.depth,
          stack: Array(words),
          next: pc + 1 < frame.pointee.codeByteCount ? frame.pointee.code[pc + 1] : 0))
      if write == nil && take == nil { return }
    }
    var step = Step(
      pc: pc, opcode: opcode,
      gas: UInt64(bitPattern: frame.pointee.context.gas), stack: Array(words), depth: frame.pointee.depth,
      memoryByteCount: frame.pointee.context.memoryByteCount,
      returnData: [UInt8](
        UnsafeRawBufferPointer(
          start: frame.host.pointee.returnData, count: frame.host.pointee.returnByteCount)),
      refund: frame.host.pointee.journal.refund)
    if takesMemory {
      step.memory = [UInt8](
        UnsafeRawBufferPointer(
          start: frame.pointee.context.memory, count: Int(frame.pointee.context.memoryByteCount)))
    }
    if take != nil, opcode == Self.sload || opcode == Self.sstore, let key = words.last {
      step.slot = (frame.pointee.account, key)
    }
    pending = step
  }

  private func note(_ opcode: UInt8, _ frame: FramePointer) {
    self.opcode = opcode
    undoCount = frame.host.pointee.journal.undo.count
    logCount = frame.host.pointee.journal.logs.count
  }

  private static let (sload, sstore): (UInt8, UInt8) = (0x54, 0x55)

  /// Notes what the last opcode left in the journal.
  private func noteEffect(_ host: UnsafeMutablePointer<HostState>) {
    let (undo, logs) = (host.pointee.journal.undo, host.pointee.journal.logs.count)
    if opcode == Self.sstore, undo.count > undoCount {
      let entry = undo.base[undo.count - 1]
      if entry.kind == .slotValue {
        let slot = host.pointee.journal.slots.base[Int(entry.position)]
        calls?.note(.storage(slot: slot.key, before: entry.word, after: slot.value))
        observer?.didChange(
          slot: slot.key, of: host.pointee.journal.accounts.base[Int(slot.account)].address,
          from: entry.word, to: slot.value)
      }
    }
    if logs > logCount {
      calls?.note(.log(host.pointee.journal.logs[logs - 1]))
      observer?.didLog(host.pointee.journal.logs[logs - 1])
    }
    (undoCount, logCount) = (undo.count, logs)
  }

  /// Notes that `frame` begins to run the code of the account at a position of the journal.
  func begin(_ frame: FramePointer, code: Int, isCreation: Bool = false) {
    flush(frame.host)
    calls?.begin(frame, code: code, opcode: frame.pointee.depth == 0 ? nil : opcode, isCreation: isCreation)
    logCount = frame.host.pointee.journal.logs.count
    if let observer, let call = calls?.running { observer.didBegin(call, depth: frame.pointee.depth) }
  }

  /// Notes that the frame that runs ends itself, and leaves `value` to `heir`.
  func note(selfDestructTo heir: Address, value: UInt256) {
    calls?.note(.selfDestruct(heir: heir, value: value))
  }

  /// Notes the log of a program that the border called for the frame that runs.
  func note(program lines: [String]) { calls?.note(.program(lines)) }

  /// Notes how `frame` ended, before what it did is taken back.
  func leave(_ frame: FramePointer, _ status: FrameStatus) {
    let ended = calls?.end(frame, status)
    if let observer, let ended {
      observer.didEnd(ended, depth: frame.pointee.depth)
      // What was told need not be kept.
      if calls?.running == nil { calls = CallTrace() }
    }
    (opcode, logCount) = (nil, frame.host.pointee.journal.logs.count)
  }

  /// Notes that the code of `frame` has ended.
  func end(_ frame: FramePointer) {
    let hasFailed =
      switch frame.pointee.context.fault {
      case .none, .hostFault: false
      case .halted: ![.stop, .selfDestruct, .return, .revert].contains(frame.pointee.ending)
      default: true
      }
    flush(frame.host, error: hasFailed ? frame.pointee.halt.description : nil)
  }

  /// Writes the opcode that was noted last, now that the frame's gas tells what it cost.
  func flush(_ host: UnsafeMutablePointer<HostState>, error: String? = nil) {
    if calls != nil { noteEffect(host) }
    guard let step = pending else { return }
    pending = nil
    let left = UInt64(bitPattern: (host.pointee.frames + step.depth).pointee.context.gas)
    if let take { take(traced(step, left: left, error, host)) }
    guard let write else { return }
    var json = JSONWriter(capacity: 256 + step.stack.count * 24)
    json.beginObject()
    json.member("pc", UInt64(step.pc))
    json.member("op", UInt64(step.opcode))
    json.member("gas", quantity(step.gas))
    json.member("gasCost", quantity(step.gas >= left ? step.gas - left : 0))
    json.member("memSize", step.memoryByteCount)
    json.key("stack")
    json.array { for word in step.stack { $0.value(word.description) } }
    json.member("depth", UInt64(step.depth + 1))
    json.member("returnData", "0x" + Hex.encode(step.returnData))
    json.member("refund", UInt64(clamping: step.refund))
    json.member("opName", EVMOpcodeTable.name(step.opcode, in: host.pointee.fork) ?? "INVALID")
    if let error { json.member("error", error) }
    json.endObject()
    json.newline()
    write(json.bytes)
  }

  private func traced(
    _ step: Step, left: UInt64, _ error: String?, _ host: UnsafeMutablePointer<HostState>
  ) -> EVMTracedStep {
    var slot: (account: Address, key: UInt256, value: UInt256)?
    if let used = step.slot {
      let position = host.pointee.journal.slotPosition(used.account, used.key)
      if position >= 0 {
        slot = (
          host.pointee.journal.accounts.base[used.account].address, used.key,
          host.pointee.journal.slots.base[position].value
        )
      }
    }
    return EVMTracedStep(
      pc: step.pc, opcode: step.opcode, name: EVMOpcodeTable.name(step.opcode, in: host.pointee.fork),
      gas: step.gas, gasCost: step.gas >= left ? step.gas - left : 0, depth: step.depth, stack: step.stack,
      memory: step.memory, returnData: step.returnData, refund: UInt64(clamping: step.refund), slot: slot,
      error: error)
  }

  /// Writes the line that ends the trace of an execution.
  package func finish(_ summary: Summary) {
    var json = JSONWriter(capacity: 256)
    json.beginObject()
    if let root = summary.stateRoot { json.member("stateRoot", "0x" + Hex.encode(root.bytes)) }
    json.member("output", "0x" + Hex.encode(summary.output))
    json.member("gasUsed", quantity(summary.gasUsed))
    json.member("pass", summary.error == nil)
    if let error = summary.error { json.member("error", error) }
    json.member("fork", summary.fork.name)
    if let test = summary.test { json.member("test", test) }
    json.endObject()
    json.newline()
    write?(json.bytes)
  }

  private func quantity(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

enum TraceHook {
  static let step: WideHook = { context, _, free, pc in
    let frame = frame(context)
    guard let tracer = frame.host.pointee.tracer, let pointer = frame.pointee.context.executable else {
      return HookResult.goOn
    }
    // The machine set the pointer for this run, which keeps the executable alive.
    let executable = Unmanaged<Executable>.fromOpaque(pointer).takeUnretainedValue()
    if tracer.isInterrupted {
      frame.host.pointee.failure = .interrupted
      return HookResult.hostFault
    }
    tracer.step(frame, pc: executable.wide?.sourceOffset(ofSlot: Int(pc)) ?? 0, free: free)
    return HookResult.goOn
  }
}
