// Products inline; quotients and remainders inline where both operands fit a limb, otherwise by functions of the
// host. Such a call changes no register that holds a value.

import MachineCode
import SBPF

/// A call behind the last block, for operands that the code in the block cannot handle.
struct WideSlowCall {
  var patches: (X86Patch?, X86Patch?, X86Patch?) = (nil, nil, nil)
  var resume: Int
  /// Address of the function.
  var helper: UInt
  var a: WideSource
  var b: WideSource
  var registers: UInt32
  var count: Int
}

extension WideCompiler {
  // MARK: Products

  mutating func multiply(_ insn: Insn, _ pc: Int) {
    var (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    if a.constant >= 0, b.constant >= 0 { return callHelper(insn, pc, WideHelpers.multiply) }
    let isSwapped = a.constant >= 0 || b.constant < 0 && a.limbCount < b.limbCount
    if isSwapped { swap(&a, &b) }
    if a.limbCount == 0 || b.limbCount == 0 {
      end(a)
      end(b)
      return setResult(insn, .max, 0)
    }
    if b.constant >= 0, let power = powerOfTwo(b.constant) {
      if insn.wideA != insn.wideB { end(b) }
      return shiftLeft(insn, pc, by: power, isFromA: !isSwapped)
    }
    let count = resultCount(insn, a.limbCount + b.limbCount)
    while freeRegisterCount < count {
      evict()
      (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
      if isSwapped { swap(&a, &b) }
    }
    var registers = UInt32.max
    for limb in 0..<count { Self.place(allocate(), limb, in: &registers) }
    // One limb of B is kept in rcx, more are read again.
    if b.limbCount == 1 { load(Host.rcx, b, 0) }
    // Bit n: limb n of the result has been written.
    var written = 0
    // Sums of places in an order that lets the first products be moves: 0, 2, then the others.
    for place in [0, 2, 1, 3] where place < count {
      for limb in max(0, place - b.limbCount + 1)..<min(place + 1, a.limbCount) {
        addProduct(a, limb, b, place - limb, &written, registers, count)
      }
    }
    for limb in 0..<count where written >> limb & 1 == 0 {
      assembler.moveWord(UInt8(truncatingIfNeeded: registers >> (8 * limb)), 0)
    }
    end(a)
    end(b)
    setResult(insn, registers, count)
  }

  /// Adds the product of limb `i` of `a` and limb `j` of `b` to the result.
  private mutating func addProduct(
    _ a: WideSource, _ i: Int, _ b: WideSource, _ j: Int, _ written: inout Int, _ registers: UInt32,
    _ count: Int
  ) {
    if b.constant >= 0, limb(b.constant, j) == 0 { return }
    let place = i + j
    let low = UInt8(truncatingIfNeeded: registers >> (8 * place))
    let isLast = place == count - 1
    // rax = the factor that may be a constant, the other is a register or memory.
    if b.limbCount == 1 {
      assembler.registers(0x89, Host.rcx, Host.rax)
    } else {
      load(Host.rax, b, j)
    }
    let held = a.register(i)
    if isLast {
      if held != 0xff {
        assembler.escaped(0xaf, Host.rax, held)
      } else {
        assembler.emit(0xaf0f48 | UInt64(0x83) << 24, 4)
        assembler.emit(UInt64(UInt32(bitPattern: a.home + Int32(i) * 8)), 4)
      }
    } else if held != 0xff {
      assembler.registers(0xf7, X86Unary.multiply.rawValue, held)
    } else {
      assembler.memory(0xf7, X86Unary.multiply.rawValue, Host.window, a.home + Int32(i) * 8)
    }
    let isNew = written >> place & 1 == 0
    assembler.registers(isNew ? 0x89 : 0x01, Host.rax, low)
    written |= 1 << place
    if isLast { return }
    let high = UInt8(truncatingIfNeeded: registers >> (8 * (place + 1)))
    let isHighNew = written >> (place + 1) & 1 == 0
    if isHighNew {
      // A sum of the low halves may have carried.
      assembler.registers(0x89, Host.rdx, high)
      if !isNew { assembler.immediate(X86Group.addCarry, high, 0) }
    } else if isNew {
      assembler.registers(0x01, Host.rdx, high)
    } else {
      assembler.registers(0x11, Host.rdx, high)
    }
    written |= 1 << (place + 1)
    if isHighNew { return }
    for limb in place + 2..<max(count, place + 2) {
      let register = UInt8(truncatingIfNeeded: registers >> (8 * limb))
      if written >> limb & 1 == 0 {
        assembler.moveWord(register, 0)
        written |= 1 << limb
      }
      assembler.immediate(X86Group.addCarry, register, 0)
    }
  }

  /// n where the constant is 2^n.
  private func powerOfTwo(_ constant: Int) -> Int? {
    var power: Int?
    for index in 0..<4 {
      let value = limb(constant, index)
      if value == 0 { continue }
      guard power == nil, value & (value &- 1) == 0 else { return nil }
      power = index * 64 + value.trailingZeroBitCount
    }
    return power
  }

  // MARK: Quotients

  mutating func divide(_ insn: Insn, _ pc: Int, wantsRemainder: Bool) {
    var (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    if b.constant >= 0 {
      if b.limbCount == 0 || a.limbCount == 0 {
        end(a)
        end(b)
        return setResult(insn, .max, 0)
      }
      if let power = powerOfTwo(b.constant) {
        if insn.wideA != insn.wideB { end(b) }
        if wantsRemainder { return keepBits(insn, pc, power) }
        return shiftRight(insn, pc, by: power, isSigned: false, isFromA: true)
      }
    }
    let helper = wantsRemainder ? WideHelpers.remainder : WideHelpers.divide
    let count = resultCount(insn, wantsRemainder ? min(a.limbCount, b.limbCount) : a.limbCount)
    if b.constant >= 0, b.limbCount > 1 || a.constant >= 0 {
      return callHelper(insn, pc, helper, count: count)
    }
    while freeRegisterCount < count {
      evict()
      (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    }
    var registers = UInt32.max
    for limb in 0..<count { Self.place(allocate(), limb, in: &registers) }
    var patches: (X86Patch?, X86Patch?, X86Patch?) = (nil, nil, nil)
    if a.limbCount > 1 || b.limbCount > 1 {
      orUpperLimbs(a, b)
      patches.0 = assembler.jump(if: .notEqual)
    }
    load(Host.rcx, b, 0)
    if b.constant < 0 {
      assembler.registers(0x85, Host.rcx, Host.rcx)
      patches.1 = assembler.jump(if: .equal)
    }
    load(Host.rax, a, 0)
    assembler.moveWord(Host.rdx, 0)
    assembler.registers(0xf7, X86Unary.divide.rawValue, Host.rcx)
    for limb in 0..<count {
      let register = UInt8(truncatingIfNeeded: registers >> (8 * limb))
      if limb > 0 {
        assembler.moveWord(register, 0)
      } else {
        assembler.registers(0x89, wantsRemainder ? Host.rdx : Host.rax, register)
      }
    }
    slowCalls.append(
      WideSlowCall(
        patches: patches, resume: assembler.offset, helper: helper, a: a, b: b, registers: registers,
        count: count))
    end(a)
    end(b)
    setResult(insn, registers, count)
  }

  /// Sets the flags by the limbs of both but their lowest; at least one has more. Uses rdx and rcx.
  private mutating func orUpperLimbs(_ a: WideSource, _ b: WideSource) {
    usePool(a)
    var isFirst = true
    for source in [a, b] where source.limbCount > 1 {
      for limb in 1..<source.limbCount {
        if isFirst { load(Host.rdx, source, limb) } else { alu(X86Group.or, Host.rdx, source, limb) }
        isFirst = false
      }
    }
    assembler.registers(0x85, Host.rdx, Host.rdx)
  }

  /// A modulo 2^`power`, in 0..<256.
  private mutating func keepBits(_ insn: Insn, _ pc: Int, _ power: Int) {
    var a = sourceA(insn, pc)
    var count = 0
    while true {
      count = resultCount(insn, min(a.limbCount, (power + 63) / 64))
      if freeRegisterCount >= need(a, count) { break }
      evict()
      a = sourceA(insn, pc)
    }
    let isClaimed = isClaimable(a, count)
    if isClaimed { claim(a) }
    var registers = UInt32.max
    for limb in 0..<count {
      let register = take(a, isClaimed: isClaimed, limb)
      if limb == power / 64 {
        assembler.shiftConstant(4, register, UInt8(64 - power % 64))
        assembler.shiftConstant(5, register, UInt8(64 - power % 64))
      }
      Self.place(register, limb, in: &registers)
    }
    freeRest(a, isClaimed: isClaimed, from: count)
    end(a)
    setResult(insn, registers, count)
  }

  // MARK: Calls

  /// D = helper(A, B, old D); a result of `count` limbs.
  mutating func callHelper(_ insn: Insn, _ pc: Int, _ helper: UInt, count: Int = 4) {
    let isUnary = insn.opcode == .wclz
    let (a, b) = (sourceA(insn, pc), isUnary ? WideSource() : sourceB(insn, pc))
    storeOnStack(a, at: 0)
    if !isUnary { storeOnStack(b, at: 32) }
    if insn.opcode == .waddmod || insn.opcode == .wmulmod {
      storeOnStack(source(insn.wideD, isNarrow: insn.destination & Self.narrowD != 0, pc, 0), at: 64)
    }
    callHelper(helper)
    end(a)
    if !isUnary { end(b) }
    let count = resultCount(insn, count)
    while freeRegisterCount < count { evict() }
    var registers = UInt32.max
    for limb in 0..<count { Self.place(allocate(), limb, in: &registers) }
    loadResult(registers, count)
    setResult(insn, registers, count)
  }

  private mutating func callHelper(_ helper: UInt) {
    assembler.move(.rax, immediate: UInt64(helper))
    assembler.call(shared.helper)
  }

  private mutating func loadResult(_ registers: UInt32, _ count: Int) {
    for limb in 0..<count {
      let register = UInt8(truncatingIfNeeded: registers >> (8 * limb))
      assembler.stack(0x8b, register, 96 + Int32(limb) * 8)
    }
  }

  /// Writes all limbs to the scratch space on the host's stack; uses rdx.
  mutating func storeOnStack(_ source: WideSource, at offset: Int32) {
    for limb in 0..<4 {
      var register = source.constant >= 0 || limb >= source.limbCount ? 0xff : source.register(limb)
      if register == 0xff {
        register = Host.rdx
        load(register, source, limb)
      }
      assembler.stack(0x89, register, offset + Int32(limb) * 8)
    }
  }

  mutating func emitSlowCalls() {
    for call in slowCalls {
      assembler.reserve(512)
      if let patch = call.patches.0 { assembler.land(patch) }
      if let patch = call.patches.1 { assembler.land(patch) }
      if let patch = call.patches.2 { assembler.land(patch) }
      storeOnStack(call.a, at: 0)
      storeOnStack(call.b, at: 32)
      callHelper(call.helper)
      loadResult(call.registers, call.count)
      assembler.jump(to: call.resume)
    }
  }
}
