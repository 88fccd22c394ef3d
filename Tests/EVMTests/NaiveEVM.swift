// A plain interpreter of EVM bytecode with a stack array and one switch: the oracle that translated code is compared
// with, and nothing else. Accounts, calls and logs are a toy world (`ToyWorld`) that the tests' hooks share, so that
// what is compared is the code's own work: operands, order, memory, gas at every point where it can be seen.

import Primitives
import WideIntegers

@testable import EVM

enum NaiveFault: Equatable, Sendable {
  case outOfGas, stackUnderflow, stackOverflow, invalidJump, invalidInstruction
}

/// What one run of a frame leaves behind.
struct FrameResult: Equatable {
  enum Ending: Equatable {
    case stopped, returned, reverted, selfdestructed
    case faulted(NaiveFault)
  }
  var ending: Ending
  var output: [UInt8] = []
  var gasLeft: Int64 = 0
  var world = ToyWorld()
}

struct NaiveEVM {
  let code: [UInt8]
  let fork: Fork
  let input: [UInt8]
  var gas: Int64
  var stack: [UInt256] = []
  var memory: [UInt8] = []
  var world = ToyWorld()
  var pc = 0
  /// pc and gas left before each operation, where asked for.
  var trace: [TraceStep]? = nil
  /// Operations left before the run is given up.
  var operationLimit = 50_000_000
  private var targets: Set<Int> = []

  init(code: [UInt8], fork: Fork, input: [UInt8], gas: Int64) {
    self.code = code
    self.fork = fork
    self.input = input
    self.gas = gas
    var pc = 0
    while pc < code.count {
      if code[pc] == 0x5b { targets.insert(pc) }
      pc += (0x60...0x7f).contains(code[pc]) ? Int(code[pc]) - 0x5e : 1
    }
  }

  mutating func run() -> FrameResult {
    while true {
      operationLimit -= 1
      if operationLimit < 0 { fatalError("the test's program does not end") }
      let byte = pc < code.count ? code[pc] : 0
      trace?.append(TraceStep(pc: min(pc, code.count), gas: gas, stack: stack))
      guard NaiveFacts.exists(byte, in: fork), byte != 0xfe, let effect = NaiveFacts.effects[Int(byte)] else {
        return faulted(.invalidInstruction)
      }
      if stack.count < effect.pops { return faulted(.stackUnderflow) }
      if stack.count - effect.pops + effect.pushes > 1024 { return faulted(.stackOverflow) }
      if !charge(NaiveFacts.gas(byte, in: fork)) { return faulted(.outOfGas) }
      let next = pc + 1
      if let ending = execute(byte) { return ending }
      pc = jumped ?? (next + ((0x60...0x7f).contains(byte) ? Int(byte) - 0x5f : 0))
      jumped = nil
    }
  }

  private var jumped: Int?

  private func faulted(_ fault: NaiveFault) -> FrameResult { FrameResult(ending: .faulted(fault)) }

  private func ended(_ ending: FrameResult.Ending, _ output: [UInt8] = []) -> FrameResult {
    FrameResult(ending: ending, output: output, gasLeft: gas, world: world)
  }

  private mutating func pop() -> UInt256 { stack.removeLast() }
  private mutating func push(_ value: UInt256) { stack.append(value) }
  private mutating func push(_ value: Bool) { stack.append(value ? .one : .zero) }

  private mutating func charge(_ units: Int64) -> Bool {
    if gas < units { return false }
    gas -= units
    return true
  }

  /// Pays for memory up to `offset + count` and makes it; false when gas runs out.
  private mutating func grow(_ offset: UInt256, _ count: UInt256) -> Bool {
    if count == .zero { return true }
    let end = offset.addingSaturated(count)
    guard end < UInt256(1 << 32) else { return false }
    let words = (Int64(end.limb0) + 31) / 32
    let old = Int64(memory.count) / 32
    if words <= old { return true }
    guard charge(3 * (words - old) + words * words / 512 - old * old / 512) else { return false }
    memory += [UInt8](repeating: 0, count: Int(32 * (words - old)))
    return true
  }

  private func slice(_ offset: UInt256, _ count: UInt256) -> [UInt8] {
    count == .zero ? [] : Array(memory[Int(offset.limb0)..<Int(offset.limb0 + count.limb0)])
  }

  private mutating func write(_ bytes: [UInt8], at offset: UInt256) {
    for (index, byte) in bytes.enumerated() { memory[Int(offset.limb0) + index] = byte }
  }

  private mutating func execute(_ byte: UInt8) -> FrameResult? {
    switch byte {
    case 0x00: return ended(.stopped)
    case 0x01...0x1e: return arithmetic(byte)
    case 0x50...0x5f: return flow(byte)
    case 0x60...0x7f:
      let count = Int(byte) - 0x5f
      let bytes = (pc + 1...pc + count).map { $0 < code.count ? code[$0] : 0 }
      push(UInt256(bigEndian: bytes)!)
    case 0x80...0x8f: push(stack[stack.count - 1 - Int(byte - 0x80)])
    case 0x90...0x9f: stack.swapAt(stack.count - 1, stack.count - 2 - Int(byte - 0x90))
    case 0xf3, 0xfd:
      let (offset, count) = (pop(), pop())
      if !grow(offset, count) { return faulted(.outOfGas) }
      return ended(byte == 0xf3 ? .returned : .reverted, slice(offset, count))
    default: return hosted(byte)
    }
    return nil
  }

  private mutating func arithmetic(_ byte: UInt8) -> FrameResult? {
    let a = pop()
    switch byte {
    case 0x15:
      push(a == .zero)
      return nil
    case 0x19:
      push(~a)
      return nil
    case 0x1e:
      push(UInt256(UInt64(a.leadingZeroBitCount)))
      return nil
    default: break
    }
    let b = pop()
    switch byte {
    case 0x01: push(a &+ b)
    case 0x02: push(a &* b)
    case 0x03: push(a &- b)
    case 0x04: push(a.divided(by: b))
    case 0x05: push(a.signedDivided(by: b))
    case 0x06: push(a.modulo(b))
    case 0x07: push(a.signedModulo(b))
    case 0x08: push(a.adding(b, modulo: pop()))
    case 0x09: push(a.multiplied(by: b, modulo: pop()))
    case 0x0a:
      if !charge(ToyWorld.expByteGas(fork) * Int64(b.byteWidth)) { return faulted(.outOfGas) }
      push(a.raised(to: b))
    case 0x0b: push(b.signExtended(fromByte: a))
    case 0x10: push(a < b)
    case 0x11: push(b < a)
    case 0x12: push(a.isSignedLess(than: b))
    case 0x13: push(b.isSignedLess(than: a))
    case 0x14: push(a == b)
    case 0x16: push(a & b)
    case 0x17: push(a | b)
    case 0x18: push(a ^ b)
    case 0x1a: push(b.byte(at: a))
    case 0x1b: push(b.shiftedLeft(by: a))
    case 0x1c: push(b.shiftedRight(by: a))
    default: push(b.shiftedRightSigned(by: a))
    }
    return nil
  }

  private mutating func flow(_ byte: UInt8) -> FrameResult? {
    switch byte {
    case 0x50: _ = pop()
    case 0x51:
      let offset = pop()
      if !grow(offset, 32) { return faulted(.outOfGas) }
      push(UInt256(bigEndian: slice(offset, 32))!)
    case 0x52:
      let (offset, value) = (pop(), pop())
      if !grow(offset, 32) { return faulted(.outOfGas) }
      write(value.bigEndianBytes, at: offset)
    case 0x53:
      let (offset, value) = (pop(), pop())
      if !grow(offset, 1) { return faulted(.outOfGas) }
      write([UInt8(truncatingIfNeeded: value.limb0)], at: offset)
    case 0x56, 0x57:
      let target = pop()
      if byte == 0x57, pop() == .zero { return nil }
      guard target < UInt256(UInt64(code.count)), targets.contains(Int(target.limb0)) else {
        return faulted(.invalidJump)
      }
      jumped = Int(target.limb0)
    case 0x58: push(UInt256(UInt64(pc)))
    case 0x59: push(UInt256(UInt64(memory.count)))
    case 0x5a: push(UInt256(UInt64(gas)))
    case 0x5b: break
    case 0x5f: push(.zero)
    default: return hosted(byte)
    }
    return nil
  }

  /// Everything the translator leaves to the host.
  private mutating func hosted(_ byte: UInt8) -> FrameResult? {
    switch byte {
    case 0x20:
      let (offset, count) = (pop(), pop())
      if !chargeWords(6, count) || !grow(offset, count) { return faulted(.outOfGas) }
      push(UInt256(Keccak256.hash(slice(offset, count))))
    case 0x35:
      push(UInt256(bigEndian: ToyWorld.window(input, pop(), 32))!)
    case 0x36: push(UInt256(UInt64(input.count)))
    case 0x37, 0x39:
      let (destination, source, count) = (pop(), pop(), pop())
      if !chargeWords(3, count) || !grow(destination, count) { return faulted(.outOfGas) }
      write(ToyWorld.window(byte == 0x37 ? input : code, source, Int(count.limb0)), at: destination)
    case 0x38: push(UInt256(UInt64(code.count)))
    case 0x5e:
      let (destination, source, count) = (pop(), pop(), pop())
      let last = destination < source ? source : destination
      if !chargeWords(3, count) || !grow(last, count) { return faulted(.outOfGas) }
      write(slice(source, count), at: destination)
    case 0xa0...0xa4:
      let (offset, count) = (pop(), pop())
      let topics = (0..<Int(byte - 0xa0)).map { _ in pop() }
      guard count.fitsUInt64, count.limb0 < 1 << 32, charge(8 * Int64(count.limb0)), grow(offset, count)
      else {
        return faulted(.outOfGas)
      }
      world.record(byte, topics, slice(offset, count))
    case 0xff:
      world.record(byte, [pop()])
      return ended(.selfdestructed)
    default:
      let arguments = (0..<NaiveFacts.effects[Int(byte)]!.pops).map { _ in pop() }
      guard let result = world.perform(byte, arguments, &gas) else { return faulted(.outOfGas) }
      if NaiveFacts.effects[Int(byte)]!.pushes > 0 { push(result) }
    }
    return nil
  }

  private mutating func chargeWords(_ units: Int64, _ count: UInt256) -> Bool {
    guard count.fitsUInt64, count.limb0 < 1 << 32 else { return false }
    return charge(units * ((Int64(count.limb0) + 31) / 32))
  }
}
