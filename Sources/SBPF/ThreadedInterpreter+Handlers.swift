// The code of each operation of the direct-threaded engine, each a C function after compilation. The switch
// has no default, so an operation without code does not compile.
//
// Operations with one way on are closures. Those with several (memory, jumps, calls) are functions, because
// the optimiser gives a closure of their size a C entry that jumps to its body, which cost 0.2 ns an
// instruction.

extension ThreadedInterpreter {
  /// The code that runs `opcode`; with `isInFrame` an access is known to lie in the current stack frame.
  static func handler(for opcode: Opcode, isInFrame: Bool) -> Handler {
    isInFrame ? frameHandler(for: opcode) : handler(for: opcode)
  }

  /// The upper half of the 128-bit product of two signed numbers.
  @inline(__always) fileprivate static func highProduct(_ left: UInt64, _ right: UInt64) -> UInt64 {
    UInt64(bitPattern: Int64(bitPattern: left).multipliedFullWidth(by: Int64(bitPattern: right)).high)
  }

  private static func frameHandler(for opcode: Opcode) -> Handler {
    switch opcode {
    case .ldxb: { ThreadedStep($0, $1, $2, $3, $4, $5).loadFromFrame(UInt8.self) }
    case .stb: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmToFrame(UInt8.self) }
    case .stxb: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegToFrame(UInt8.self) }
    case .ldxh: { ThreadedStep($0, $1, $2, $3, $4, $5).loadFromFrame(UInt16.self) }
    case .sth: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmToFrame(UInt16.self) }
    case .stxh: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegToFrame(UInt16.self) }
    case .ldxw: { ThreadedStep($0, $1, $2, $3, $4, $5).loadFromFrame(UInt32.self) }
    case .stw: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmToFrame(UInt32.self) }
    case .stxw: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegToFrame(UInt32.self) }
    case .ldxdw: { ThreadedStep($0, $1, $2, $3, $4, $5).loadFromFrame(UInt64.self) }
    case .stdw: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmToFrame(UInt64.self) }
    case .stxdw: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegToFrame(UInt64.self) }
    default: handler(for: opcode)
    }
  }

  private static func handler(for opcode: Opcode) -> Handler {
    switch opcode {
    // Loads and stores.
    case .ldxb: runLdxb
    case .ldxh: runLdxh
    case .ldxw: runLdxw
    case .ldxdw: runLdxdw
    case .stb: runStb
    case .stxb: runStxb
    case .sth: runSth
    case .stxh: runStxh
    case .stw: runStw
    case .stxw: runStxw
    case .stdw: runStdw
    case .stxdw: runStxdw
    case .lddw: { ThreadedStep($0, $1, $2, $3, $4, $5).loadWide() }
    // 64-bit arithmetic.
    case .add64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 &+ $1 } }
    case .add64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 &+ $1 } }
    case .sub64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 &- $1 } }
    case .sub64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 &- $1 } }
    case .reverseSub64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $1 &- $0 } }
    case .mul64Imm, .lmul64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 &* $1 } }
    case .mul64Reg, .lmul64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 &* $1 } }
    case .or64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 | $1 } }
    case .or64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 | $1 } }
    case .and64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 & $1 } }
    case .and64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 & $1 } }
    case .xor64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 ^ $1 } }
    case .xor64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 ^ $1 } }
    case .lsh64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 &<< $1 } }
    case .lsh64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 &<< $1 } }
    case .rsh64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 &>> $1 } }
    case .rsh64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0 &>> $1 } }
    case .arsh64Imm:
      {
        ThreadedStep($0, $1, $2, $3, $4, $5).imm64 {
          UInt64(bitPattern: Int64(bitPattern: $0) &>> Int64(bitPattern: $1))
        }
      }
    case .arsh64Reg:
      {
        ThreadedStep($0, $1, $2, $3, $4, $5).reg64 {
          UInt64(bitPattern: Int64(bitPattern: $0) &>> Int64(bitPattern: $1))
        }
      }
    case .mov64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $1 } }
    case .mov64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $1 } }
    case .neg64: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { left, _ in 0 &- left } }
    case .hor64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $0 | $1 &<< 32 } }
    case .div64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $1 == 0 ? $0 : $0 / $1 } }
    case .mod64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { $1 == 0 ? $0 : $0 % $1 } }
    case .div64Reg, .udiv64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).divide64 { $0 / $1 } }
    case .mod64Reg, .urem64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).divide64 { $0 % $1 } }
    // 32-bit arithmetic.
    case .add32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32Signed { $0 &+ $1 } }
    case .add32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32Signed { $0 &+ $1 } }
    case .sub32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32Signed { $0 &- $1 } }
    case .sub32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32Signed { $0 &- $1 } }
    case .mul32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32Signed { $0 &* $1 } }
    case .mul32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32Signed { $0 &* $1 } }
    case .add32ZxImm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $0 &+ $1 } }
    case .add32ZxReg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 &+ $1 } }
    case .reverseSub32ZxImm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $1 &- $0 } }
    case .sub32ZxReg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 &- $1 } }
    case .lmul32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $0 &* $1 } }
    case .lmul32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 &* $1 } }
    case .or32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $0 | $1 } }
    case .or32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 | $1 } }
    case .and32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $0 & $1 } }
    case .and32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 & $1 } }
    case .xor32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $0 ^ $1 } }
    case .xor32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 ^ $1 } }
    case .lsh32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $0 &<< $1 } }
    case .lsh32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 &<< $1 } }
    case .rsh32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $0 &>> $1 } }
    case .rsh32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $0 &>> $1 } }
    case .arsh32Imm:
      {
        ThreadedStep($0, $1, $2, $3, $4, $5).imm32 {
          UInt32(bitPattern: Int32(bitPattern: $0) &>> Int32(bitPattern: $1))
        }
      }
    case .arsh32Reg:
      {
        ThreadedStep($0, $1, $2, $3, $4, $5).reg32 {
          UInt32(bitPattern: Int32(bitPattern: $0) &>> Int32(bitPattern: $1))
        }
      }
    case .mov32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $1 } }
    case .mov32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32 { $1 } }
    case .mov32SxReg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg32Signed { $1 } }
    case .neg32: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { left, _ in 0 &- left } }
    case .div32Imm, .udiv32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $1 == 0 ? $0 : $0 / $1 } }
    case .mod32Imm, .urem32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm32 { $1 == 0 ? $0 : $0 % $1 } }
    case .div32Reg, .udiv32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).divide32 { $0 / $1 } }
    case .mod32Reg, .urem32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).divide32 { $0 % $1 } }
    case .le: { ThreadedStep($0, $1, $2, $3, $4, $5).order(swapsBytes: false) }
    case .be: { ThreadedStep($0, $1, $2, $3, $4, $5).order(swapsBytes: true) }
    // Products, quotients and remainders.
    case .uhmul64Imm:
      { ThreadedStep($0, $1, $2, $3, $4, $5).imm64Unsigned { $0.multipliedFullWidth(by: $1).high } }
    case .uhmul64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { $0.multipliedFullWidth(by: $1).high } }
    case .shmul64Imm:
      { ThreadedStep($0, $1, $2, $3, $4, $5).imm64 { ThreadedInterpreter.highProduct($0, $1) } }
    case .shmul64Reg:
      { ThreadedStep($0, $1, $2, $3, $4, $5).reg64 { ThreadedInterpreter.highProduct($0, $1) } }
    case .udiv64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64Unsigned { $1 == 0 ? $0 : $0 / $1 } }
    case .urem64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).imm64Unsigned { $1 == 0 ? $0 : $0 % $1 } }
    case .sdiv64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide64Imm { $0 / $1 } }
    case .sdiv64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide64Reg { $0 / $1 } }
    case .sdiv32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide32Imm { $0 / $1 } }
    case .sdiv32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide32Reg { $0 / $1 } }
    case .srem64Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide64Imm { $0 % $1 } }
    case .srem64Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide64Reg { $0 % $1 } }
    case .srem32Imm: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide32Imm { $0 % $1 } }
    case .srem32Reg: { ThreadedStep($0, $1, $2, $3, $4, $5).signedDivide32Reg { $0 % $1 } }
    // Jumps.
    case .ja: runJa
    case .jeqImm: runJeqImm
    case .jeqReg: runJeqReg
    case .jneImm: runJneImm
    case .jneReg: runJneReg
    case .jgtImm: runJgtImm
    case .jgtReg: runJgtReg
    case .jgeImm: runJgeImm
    case .jgeReg: runJgeReg
    case .jltImm: runJltImm
    case .jltReg: runJltReg
    case .jleImm: runJleImm
    case .jleReg: runJleReg
    case .jsetImm: runJsetImm
    case .jsetReg: runJsetReg
    case .jsgtImm: runJsgtImm
    case .jsgtReg: runJsgtReg
    case .jsgeImm: runJsgeImm
    case .jsgeReg: runJsgeReg
    case .jsltImm: runJsltImm
    case .jsltReg: runJsltReg
    case .jsleImm: runJsleImm
    case .jsleReg: runJsleReg
    case .jeq32Imm: runJeq32Imm
    case .jeq32Reg: runJeq32Reg
    case .jne32Imm: runJne32Imm
    case .jne32Reg: runJne32Reg
    case .jgt32Imm: runJgt32Imm
    case .jgt32Reg: runJgt32Reg
    case .jge32Imm: runJge32Imm
    case .jge32Reg: runJge32Reg
    case .jlt32Imm: runJlt32Imm
    case .jlt32Reg: runJlt32Reg
    case .jle32Imm: runJle32Imm
    case .jle32Reg: runJle32Reg
    case .jset32Imm: runJset32Imm
    case .jset32Reg: runJset32Reg
    case .jsgt32Imm: runJsgt32Imm
    case .jsgt32Reg: runJsgt32Reg
    case .jsge32Imm: runJsge32Imm
    case .jsge32Reg: runJsge32Reg
    case .jslt32Imm: runJslt32Imm
    case .jslt32Reg: runJslt32Reg
    case .jsle32Imm: runJsle32Imm
    case .jsle32Reg: runJsle32Reg
    // Calls.
    case .callInternal: runCallInternal
    case .callSyscall: { ThreadedStep($0, $1, $2, $3, $4, $5).callSyscall() }
    case .callx: runCallx
    case .exit: runExit
    case .textEnd: { ThreadedStep($0, $1, $2, $3, $4, $5).uncommon(.overrun) }
    // Calls that name nothing, and wide instructions, which have an interpreter of their own.
    default: { ThreadedStep($0, $1, $2, $3, $4, $5).uncommon(.unsupported) }
    }
  }
}

private typealias Code = UnsafeRawPointer
private typealias Registers = UnsafeMutablePointer<UInt64>
private typealias Pointer = UnsafeMutableRawPointer

// MARK: - Loads and stores

@inline(__always)
private func runLdxb(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).load(UInt8.self, else: .load8)
}

@inline(__always)
private func runLdxh(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).load(UInt16.self, else: .load16)
}

@inline(__always)
private func runLdxw(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).load(UInt32.self, else: .load32)
}

@inline(__always)
private func runLdxdw(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).load(UInt64.self, else: .load64)
}

@inline(__always)
private func runStb(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeImm(UInt8.self, else: .storeImm8)
}

@inline(__always)
private func runStxb(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeReg(UInt8.self, else: .storeReg8)
}

@inline(__always)
private func runSth(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeImm(UInt16.self, else: .storeImm16)
}

@inline(__always)
private func runStxh(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeReg(UInt16.self, else: .storeReg16)
}

@inline(__always)
private func runStw(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeImm(UInt32.self, else: .storeImm32)
}

@inline(__always)
private func runStxw(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeReg(UInt32.self, else: .storeReg32)
}

@inline(__always)
private func runStdw(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeImm(UInt64.self, else: .storeImm64)
}

@inline(__always)
private func runStxdw(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).storeReg(UInt64.self, else: .storeReg64)
}

// MARK: - Jumps

@inline(__always)
private func runJa(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jump()
}

@inline(__always)
private func runJeqImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpImm { $0 == $1 }
}

@inline(__always)
private func runJeqReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpReg { $0 == $1 }
}

@inline(__always)
private func runJneImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpImm { $0 != $1 }
}

@inline(__always)
private func runJneReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpReg { $0 != $1 }
}

@inline(__always)
private func runJgtImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpImm { $0 > $1 }
}

@inline(__always)
private func runJgtReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpReg { $0 > $1 }
}

@inline(__always)
private func runJgeImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpImm { $0 >= $1 }
}

@inline(__always)
private func runJgeReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpReg { $0 >= $1 }
}

@inline(__always)
private func runJltImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpImm { $0 < $1 }
}

@inline(__always)
private func runJltReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpReg { $0 < $1 }
}

@inline(__always)
private func runJleImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpImm { $0 <= $1 }
}

@inline(__always)
private func runJleReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).jumpReg { $0 <= $1 }
}

@inline(__always)
private func runJsetImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm { $0 & $1 != 0 }
}

@inline(__always)
private func runJsetReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg { $0 & $1 != 0 }
}

@inline(__always)
private func runJsgtImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImmSigned { $0 > $1 }
}

@inline(__always)
private func runJsgtReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpRegSigned { $0 > $1 }
}

@inline(__always)
private func runJsgeImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImmSigned { $0 >= $1 }
}

@inline(__always)
private func runJsgeReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpRegSigned { $0 >= $1 }
}

@inline(__always)
private func runJsltImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImmSigned { $0 < $1 }
}

@inline(__always)
private func runJsltReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpRegSigned { $0 < $1 }
}

@inline(__always)
private func runJsleImm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImmSigned { $0 <= $1 }
}

@inline(__always)
private func runJsleReg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpRegSigned { $0 <= $1 }
}

@inline(__always)
private func runJeq32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32 { $0 == $1 }
}

@inline(__always)
private func runJeq32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32 { $0 == $1 }
}

@inline(__always)
private func runJne32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32 { $0 != $1 }
}

@inline(__always)
private func runJne32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32 { $0 != $1 }
}

@inline(__always)
private func runJgt32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32 { $0 > $1 }
}

@inline(__always)
private func runJgt32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32 { $0 > $1 }
}

@inline(__always)
private func runJge32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32 { $0 >= $1 }
}

@inline(__always)
private func runJge32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32 { $0 >= $1 }
}

@inline(__always)
private func runJlt32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32 { $0 < $1 }
}

@inline(__always)
private func runJlt32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32 { $0 < $1 }
}

@inline(__always)
private func runJle32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32 { $0 <= $1 }
}

@inline(__always)
private func runJle32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32 { $0 <= $1 }
}

@inline(__always)
private func runJset32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32 { $0 & $1 != 0 }
}

@inline(__always)
private func runJset32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32 { $0 & $1 != 0 }
}

@inline(__always)
private func runJsgt32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32Signed { $0 > $1 }
}

@inline(__always)
private func runJsgt32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32Signed { $0 > $1 }
}

@inline(__always)
private func runJsge32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32Signed { $0 >= $1 }
}

@inline(__always)
private func runJsge32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32Signed { $0 >= $1 }
}

@inline(__always)
private func runJslt32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32Signed { $0 < $1 }
}

@inline(__always)
private func runJslt32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32Signed { $0 < $1 }
}

@inline(__always)
private func runJsle32Imm(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpImm32Signed { $0 <= $1 }
}

@inline(__always)
private func runJsle32Reg(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).jumpReg32Signed { $0 <= $1 }
}

// MARK: - Calls

@inline(__always)
private func runCallInternal(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer)
  -> Int
{
  ThreadedStep(i, r, c, g, l, f).callInternal()
}

@inline(__always)
private func runCallx(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).callRegister()
}

@inline(__always)
private func runExit(_ i: Code, _ r: Registers, _ c: Pointer, _ g: Pointer, _ l: Int, _ f: Pointer) -> Int {
  ThreadedStep(i, r, c, g, l, f).exit()
}
