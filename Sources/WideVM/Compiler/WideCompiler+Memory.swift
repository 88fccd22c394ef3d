// The frame's memory and its input: 32-byte words, big-endian. Where the offset is a constant of up to 16 bits the
// check is one comparison with the memory's size, and none if the block has made it before.

import MachineCode
import SBPF

extension WideCompiler {
  /// Where an access goes: a host register and a displacement; `constant` is the offset in memory if it is known.
  private struct Place {
    var base: UInt8
    var displacement: Int32
    var constant: Int?
  }

  /// The offset as a number that may stand in the code.
  private func smallConstant(_ source: WideSource) -> Int? {
    guard source.constant >= 0, source.limbCount <= 1 else { return nil }
    let value = source.limbCount == 0 ? 0 : limb(source.constant, 0)
    return value <= 0xffff ? Int(value) : nil
  }

  /// `compare [context + field], value`, the value being below 2^17.
  private mutating func compareField(_ field: Int32, _ value: Int) {
    assembler.memory(0x81, X86Group.compare, Host.context, field)
    assembler.emit(UInt64(UInt32(truncatingIfNeeded: value)), 4)
  }

  /// Makes sure that memory holds `byteCount` bytes at `source`. Uses rax, rcx, rdx.
  private mutating func place(_ source: WideSource, _ byteCount: UInt8, _ pc: Int) -> Place {
    if let offset = smallConstant(source) {
      let end = offset + Int(byteCount)
      if end > knownMemoryByteCount {
        compareField(WideContext.Offset.memoryByteCount, end)
        cold(.growAt(address: UInt32(offset), byteCount: byteCount), assembler.jump(if: .below), pc)
        knownMemoryByteCount = (end + 31) & ~31
      }
      return Place(base: Host.memory, displacement: Int32(offset), constant: offset)
    }
    load(Host.rax, source, 0)
    if source.limbCount > 1 {
      orUpperLimbs(source)
      cold(.growBeyond(byteCount: byteCount), assembler.jump(if: .notEqual), pc)
    }
    assembler.registers(0x89, Host.rax, Host.rcx)
    assembler.immediate(X86Group.add, Host.rcx, Int8(byteCount))
    let wraps = assembler.jump(if: .below)
    assembler.memory(0x3b, Host.rcx, Host.context, WideContext.Offset.memoryByteCount)
    let isBeyond = assembler.jump(if: .above)
    cold(.growBeyond(byteCount: byteCount), wraps, pc)
    cold(.grow(byteCount: byteCount), isBeyond, pc)
    assembler.registers(0x01, Host.memory, Host.rax)
    return Place(base: Host.rax, displacement: 0, constant: nil)
  }

  // MARK: Big-endian limbs

  private mutating func loadSwapped(_ register: UInt8, _ base: UInt8, _ displacement: Int32) {
    if usesMOVBE {
      assembler.memoryMOVBE(0xf0, register, base, displacement)
    } else {
      assembler.memory(0x8b, register, base, displacement)
      assembler.byteSwap(register)
    }
  }

  /// Fresh registers with the limbs of the word at `[base + displacement]`.
  private mutating func loadWord(_ count: Int, _ base: UInt8, _ displacement: Int32) -> UInt32 {
    var registers = UInt32.max
    for limb in 0..<count {
      let register = allocate()
      loadSwapped(register, base, displacement + Int32(24 - 8 * limb))
      Self.place(register, limb, in: &registers)
    }
    return registers
  }

  // MARK: Instructions

  mutating func loadWord(_ insn: Insn, _ pc: Int) {
    let a = sourceA(insn, pc)
    let count = resultCount(insn, 4)
    if let offset = smallConstant(a) {
      let value = wordValue(at: offset)
      if value != 0, count == 4 || values[value].limbCount <= 1 {
        values[value].stamp = clock
        bind(insn.wideD &+ shift, value)
        // The address may have been in D.
        return a.place == insn.wideD &+ shift ? () : end(a)
      }
    }
    let place = place(a, 32, pc)
    end(a)
    while freeRegisterCount < count { evict() }
    let registers = loadWord(count, place.base, place.displacement)
    let value = makeValue(registers, limbCount: count)
    bind(insn.wideD &+ shift, value)
    if let offset = place.constant, count == 4 { rememberWord(offset, value) }
  }

  mutating func storeWord(_ insn: Insn, _ pc: Int) {
    let (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    let place = place(a, 32, pc)
    for limb in 0..<4 {
      storeSwapped(b, limb, place.base, place.displacement + Int32(24 - 8 * limb))
    }
    if let offset = place.constant {
      forgetWords(at: offset, byteCount: 32)
      if b.value != 0, Int(values[b.value].limbCount) <= b.limbCount || b.constant >= 0 && b.limbCount > 1 {
        rememberWord(offset, b.value)
      } else if b.constant >= 0, b.value == 0 {
        rememberWord(offset, makeValue(.max, limbCount: b.limbCount, constant: b.constant))
      }
    } else {
      forgetWords()
    }
    end(a)
    end(b)
  }

  /// Through rdx.
  private mutating func storeSwapped(_ source: WideSource, _ limb: Int, _ base: UInt8, _ displacement: Int32)
  {
    if limb >= source.limbCount { return assembler.storeImmediate(base, displacement, 0) }
    if source.constant >= 0, [0, .max].contains(self.limb(source.constant, limb)) {
      return assembler.storeImmediate(base, displacement, self.limb(source.constant, limb) == 0 ? 0 : -1)
    }
    var register = source.constant >= 0 ? 0xff : source.register(limb)
    if register == 0xff || !usesMOVBE {
      register = Host.rdx
      load(register, source, limb)
    }
    if usesMOVBE {
      assembler.memoryMOVBE(0xf1, register, base, displacement)
    } else {
      assembler.byteSwap(register)
      assembler.memory(0x89, register, base, displacement)
    }
  }

  mutating func storeByte(_ insn: Insn, _ pc: Int) {
    let (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    let place = place(a, 1, pc)
    load(Host.rdx, b, 0)
    assembler.memory(0x88, Host.rdx, place.base, place.displacement)
    if let offset = place.constant { forgetWords(at: offset, byteCount: 1) } else { forgetWords() }
    end(a)
    end(b)
  }

  mutating func loadInput(_ insn: Insn, _ pc: Int) {
    let count = resultCount(insn, 4)
    while freeRegisterCount < count { evict() }
    let a = sourceA(insn, pc)
    var call = WideSlowCall(
      resume: 0, helper: WideHelpers.input, a: a, b: WideSource(), registers: .max, count: count)
    var displacement: Int32 = 0
    if let offset = smallConstant(a) {
      compareField(WideContext.Offset.inputByteCount, offset + 32)
      call.patches.0 = assembler.jump(if: .below)
      assembler.memory(0x8b, Host.rax, Host.context, WideContext.Offset.input)
      displacement = Int32(offset)
    } else {
      load(Host.rax, a, 0)
      if a.limbCount > 1 {
        orUpperLimbs(a)
        call.patches.0 = assembler.jump(if: .notEqual)
      }
      assembler.registers(0x89, Host.rax, Host.rcx)
      assembler.immediate(X86Group.add, Host.rcx, 32)
      call.patches.1 = assembler.jump(if: .below)
      assembler.memory(0x3b, Host.rcx, Host.context, WideContext.Offset.inputByteCount)
      call.patches.2 = assembler.jump(if: .above)
      assembler.memory(0x03, Host.rax, Host.context, WideContext.Offset.input)
    }
    call.registers = loadWord(count, Host.rax, displacement)
    call.resume = assembler.offset
    slowCalls.append(call)
    end(a)
    setResult(insn, call.registers, count)
  }
}
