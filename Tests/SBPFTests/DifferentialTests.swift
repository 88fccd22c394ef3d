// Random verified programs on every engine: same result, fault, pc, meter, registers and memory; random
// arithmetic against an evaluator that computes in 128 bits.
import Primitives
import Testing

@testable import SBPF

@Suite struct DifferentialTests {
  @Test(arguments: SBPFVersion.classic)
  func enginesAgreeOnRandomPrograms(version: SBPFVersion) throws {
    var random = SplitMix64(seed: 0x5eed + UInt64(version.rawValue))
    var faults: Set<UInt8> = []
    let machines = Engine.available.map { VirtualMachine(engine: $0) }
    for round in 0..<1500 {
      let image = RandomProgram.image(version, &random)
      let executable = try Executable(image: image, syscalls: RandomProgram.syscalls)
      let units = Int64([20, 100, 3000].randomElement(using: &random)!)
      let input = (0..<256).map { _ in UInt8.random(in: 0...255, using: &random) }
      let runs = machines.map {
        finish(executable, engine: $0.engine, input: input, heapByteCount: 4096, units: units, machine: $0)
      }
      for run in runs.dropFirst() {
        let listing =
          "round \(round), seed of \(version)\n\(Disassembler.disassemble(image, syscalls: RandomProgram.syscalls))"
        var (first, other) = (runs[0].outcome, run.outcome)
        if first.fault == .exceededMaxInstructions {
          // r0 is whatever it was, and code behind the last unit may have run.
          first.result = 0
          other.result = 0
          #expect(first == other, "\(listing)")
          continue
        }
        #expect(first == other, "\(listing)")
        #expect(run.machine.registers == runs[0].machine.registers, "\(listing)")
        #expect(run.input == runs[0].input, "\(listing)")
        #expect(bytes(run.machine) == bytes(runs[0].machine), "\(listing)")
      }
      faults.insert(runs[0].outcome.fault.rawValue)
    }
    // The programs are of use only if they end in many ways.
    #expect(
      faults.isSuperset(of: [VMFault.none, .exceededMaxInstructions, .accessViolation].map(\.rawValue)))
  }

  private func bytes(_ machine: VirtualMachine) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: machine.stack, count: Int(GuestMemory.stackByteCount)))
      + Array(UnsafeRawBufferPointer(start: machine.heap, count: 4096))
  }

  // MARK: - Arithmetic

  @Test(arguments: SBPFVersion.classic)
  func arithmeticMatchesAnEvaluator(version: SBPFVersion) throws {
    var random = SplitMix64(seed: 0xa11)
    let corners: [UInt64] = [
      0, 1, 2, 31, 32, 63, 64, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, UInt64(Int64.max),
      1 << 63, .max,
    ]
    for facts in Opcode.table where facts.opcodeClass == .alu && facts.form != .wideImmediate {
      guard let byte = facts.encoding(in: version) else { continue }
      for _ in 0..<40 {
        let left = Bool.random(using: &random) ? corners.randomElement(using: &random)! : random.next()
        let right = Bool.random(using: &random) ? corners.randomElement(using: &random)! : random.next()
        var immediate = Int32(truncatingIfNeeded: Bool.random(using: &random) ? right : right & 31)
        if facts.rule == .shift { immediate &= 31 }
        if facts.rule == .nonzero, immediate == 0 { immediate = 7 }
        if facts.form == .byteOrder { immediate = [16, 32, 64].randomElement(using: &random)! }
        let slots = [
          EncodedInsn(opcode: byte, destination: 3, source: 4, immediate: immediate),
          EncodedInsn(opcode: 0x95),
        ]
        let image = ProgramImage(version: version, text: EncodedInsn.bytes(of: slots))
        let executable = try Executable(image: image, syscalls: SyscallRegistry(), provesFrameAccesses: false)
        let operand = facts.form == .registers ? right : UInt64(bitPattern: Int64(immediate))
        let expected = Evaluator.evaluate(facts.opcode, left, operand)
        var registers = [UInt64](repeating: 0, count: 11)
        (registers[3], registers[4]) = (left, right)
        for engine in Engine.available {
          let run = finish(executable, engine: engine, registers: registers)
          let what: String = "\(facts.opcode) \(left) \(operand) on \(engine)"
          switch expected {
          case .success(let value):
            #expect(run.outcome.fault == .none, "\(what)")
            #expect(run.machine.registers[3] == value, "\(what)")
          case .failure(let fault):
            #expect(run.outcome.fault == fault.fault && run.outcome.pc == 0, "\(what)")
          }
        }
      }
    }
  }
}

/// What an operation means, in arithmetic wide enough that nothing wraps before the result is cut.
private enum Evaluator {
  struct Stop: Error { var fault: VMFault }

  static func evaluate(_ opcode: Opcode, _ left: UInt64, _ right: UInt64) -> Result<UInt64, Stop> {
    let name = "\(opcode)"
    let isNarrow = name.contains("32")
    let isSigned = name.hasPrefix("s") && !name.hasPrefix("sub")
    let mask: Int128 = isNarrow ? 0xffff_ffff : 0xffff_ffff_ffff_ffff
    // Three operations take their constant as 32 unsigned bits.
    let operand = ["uhmul64Imm", "udiv64Imm", "urem64Imm"].contains(name) ? right & 0xffff_ffff : right
    let (a, b) = (number(left, isNarrow, isSigned), number(operand, isNarrow, isSigned))
    let signedA = number(left, isNarrow, true)
    let count = UInt64(truncatingIfNeeded: operand) % (isNarrow ? 32 : 64)
    let value: Int128
    switch name.prefix(while: \.isLetter) {
    case "add": value = a + b
    case "sub": value = a - b
    case "reverseSub": value = b - a
    case "mul", "lmul": value = number(left, isNarrow, true) * number(operand, isNarrow, true)
    case "or": value = a | b
    case "and": value = a & b
    case "xor": value = a ^ b
    case "mov": value = b
    case "lsh": value = Int128(truncatingIfNeeded: (UInt128(left) & UInt128(mask)) << UInt128(count))
    case "rsh": value = a >> Int128(count)
    case "arsh": value = signedA >> Int128(count)
    case "neg": value = -a
    case "hor": value = a | (b & 0xffff_ffff) << 32
    case "div", "udiv", "sdiv", "mod", "urem", "srem":
      guard b != 0 else { return .failure(Stop(fault: .divideByZero)) }
      let minimum: Int128 = isNarrow ? -0x8000_0000 : -0x8000_0000_0000_0000
      if isSigned, a == minimum, b == -1 { return .failure(Stop(fault: .divideOverflow)) }
      value = name.contains("div") ? a / b : a - (a / b) * b
    case "uhmul": value = Int128(truncatingIfNeeded: (UInt128(left) * UInt128(operand)) >> 64)
    case "shmul": value = (Int128(Int64(bitPattern: left)) * Int128(Int64(bitPattern: operand))) >> 64
    case "le", "be":
      let bytes = (0..<operand / 8).map { left >> (8 * $0) & 0xff }
      let ordered = name == "le" ? bytes.reversed() : bytes
      return .success(ordered.reduce(0) { $0 << 8 | $1 })
    default: return .failure(Stop(fault: .unsupportedInstruction))
    }
    let cut = UInt64(truncatingIfNeeded: value & mask)
    let signExtends = ["add32Imm", "add32Reg", "sub32Imm", "sub32Reg", "mul32Imm", "mul32Reg", "mov32SxReg"]
    return .success(
      signExtends.contains(name) ? UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: cut))) : cut)
  }

  private static func number(_ value: UInt64, _ isNarrow: Bool, _ isSigned: Bool) -> Int128 {
    switch (isNarrow, isSigned) {
    case (true, true): Int128(Int32(truncatingIfNeeded: value))
    case (true, false): Int128(UInt32(truncatingIfNeeded: value))
    case (false, true): Int128(Int64(bitPattern: value))
    case (false, false): Int128(value)
    }
  }
}
