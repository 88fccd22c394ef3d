// What the VM can do, as a list without payloads: the internal, normalised operations. Each has one row of
// facts in OpcodeTable.swift. Where two versions give one encoding byte two meanings there are two
// operations, so neither the interpreters nor machine code ask about versions.

@frozen @usableFromInline package enum Opcode: UInt8, Sendable, CaseIterable {
  // Loads and stores.
  case ldxb, stb, stxb, ldxh, sth, stxh, ldxw, stw, stxw, ldxdw, stdw, stxdw, lddw
  // 64-bit arithmetic.
  case add64Imm, add64Reg, sub64Imm, reverseSub64Imm, sub64Reg, mul64Imm, mul64Reg, div64Imm, div64Reg,
    or64Imm, or64Reg, and64Imm, and64Reg, lsh64Imm, lsh64Reg, rsh64Imm, rsh64Reg, mod64Imm, mod64Reg,
    xor64Imm, xor64Reg, mov64Imm, mov64Reg, arsh64Imm, arsh64Reg, neg64, hor64Imm
  // 32-bit arithmetic; the rows named Zx and Sx are what one version computes differently.
  case add32Imm, add32ZxImm, add32Reg, add32ZxReg, sub32Imm, reverseSub32ZxImm, sub32Reg, sub32ZxReg,
    mul32Imm, mul32Reg, div32Imm, div32Reg, or32Imm, or32Reg, and32Imm, and32Reg, lsh32Imm, lsh32Reg,
    rsh32Imm, rsh32Reg, mod32Imm, mod32Reg, xor32Imm, xor32Reg, mov32Imm, mov32Reg, mov32SxReg, arsh32Imm,
    arsh32Reg, neg32, le, be
  // Products, quotients and remainders (class 0x06 where there are no 32-bit jumps).
  case uhmul64Imm, uhmul64Reg, udiv32Imm, udiv32Reg, udiv64Imm, udiv64Reg, urem32Imm, urem32Reg,
    urem64Imm, urem64Reg, lmul32Imm, lmul32Reg, lmul64Imm, lmul64Reg, shmul64Imm, shmul64Reg, sdiv32Imm,
    sdiv32Reg, sdiv64Imm, sdiv64Reg, srem32Imm, srem32Reg, srem64Imm, srem64Reg
  // Jumps.
  case ja, jeqImm, jeqReg, jgtImm, jgtReg, jgeImm, jgeReg, jsetImm, jsetReg, jneImm, jneReg, jsgtImm,
    jsgtReg, jsgeImm, jsgeReg, jltImm, jltReg, jleImm, jleReg, jsltImm, jsltReg, jsleImm, jsleReg,
    jeq32Imm, jeq32Reg, jgt32Imm, jgt32Reg, jge32Imm, jge32Reg, jset32Imm, jset32Reg, jne32Imm, jne32Reg,
    jsgt32Imm, jsgt32Reg, jsge32Imm, jsge32Reg, jlt32Imm, jlt32Reg, jle32Imm, jle32Reg, jslt32Imm,
    jslt32Reg, jsle32Imm, jsle32Reg
  // Calls.
  case call, callx, exit
  // What `call` becomes once its target is known, and slots that are no instruction.
  case callInternal, callSyscall, callUnresolved, wideHigh, textEnd
  // The wide family: 256-bit words in slots of the operand stack (docs/vm.md). Results of one or more words.
  case wmov, wadd, wsub, wmul, wdiv, wsdiv, wmod, wsmod, waddmod, wmulmod, wexp, wsignext, wbyte, wand, wor,
    wxor, wnot, wclz, wshl, wshr, wsar, weq, wlt, wslt, wiszero
  // Jumps.
  case wjz, wjnz, wjeq, wjne, wjlt, wjge, wjslt, wjsge, wja, wjump
  // Memory, input, and what the frame knows of itself.
  case wload, wstore, wstore8, winput, winputsize, wmemsize, wgas
  // The gas counter, the stack window, the host.
  case wcharge, wstack, wadjust, wsys, winvalid
}
