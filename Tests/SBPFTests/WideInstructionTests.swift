// Every instruction that computes a word, on every engine, for corner and random operands, in every place that an
// operand may stand: wide and narrow slots, constants, one slot twice. What is right: UInt256, which is tested by itself.
import Primitives
import Testing
import WideIntegers

@testable import SBPF

@Suite struct WideInstructionTests {
  /// A, B and what D held before to what D holds afterwards.
  static let meanings: [(opcode: Opcode, value: @Sendable (UInt256, UInt256, UInt256) -> UInt256)] = [
    (.wmov, { a, _, _ in a }),
    (.wadd, { a, b, _ in a &+ b }),
    (.wsub, { a, b, _ in a &- b }),
    (.wmul, { a, b, _ in a &* b }),
    (.wdiv, { a, b, _ in b.isZero ? .zero : a.divided(by: b) }),
    (.wsdiv, { a, b, _ in b.isZero ? .zero : a.signedDivided(by: b) }),
    (.wmod, { a, b, _ in b.isZero ? .zero : a.modulo(b) }),
    (.wsmod, { a, b, _ in b.isZero ? .zero : a.signedModulo(b) }),
    (.waddmod, { a, b, n in n.isZero ? .zero : a.adding(b, modulo: n) }),
    (.wmulmod, { a, b, n in n.isZero ? .zero : a.multiplied(by: b, modulo: n) }),
    (.wexp, { a, b, _ in a.raised(to: b) }),
    (.wsignext, { a, b, _ in b.signExtended(fromByte: a) }),
    (.wbyte, { a, b, _ in b.byte(at: a) }),
    (.wand, { a, b, _ in a & b }),
    (.wor, { a, b, _ in a | b }),
    (.wxor, { a, b, _ in a ^ b }),
    (.wnot, { a, _, _ in ~a }),
    (.wclz, { a, _, _ in UInt256(UInt64(a.leadingZeroBitCount)) }),
    (.wshl, { a, b, _ in b.shiftedLeft(by: a) }),
    (.wshr, { a, b, _ in b.shiftedRight(by: a) }),
    (.wsar, { a, b, _ in b.shiftedRightSigned(by: a) }),
    (.weq, { a, b, _ in a == b ? .one : .zero }),
    (.wlt, { a, b, _ in a < b ? .one : .zero }),
    (.wslt, { a, b, _ in a.isSignedLess(than: b) ? .one : .zero }),
    (.wiszero, { a, _, _ in a.isZero ? .one : .zero }),
  ]

  @Test func everyComputationHasItsMeaningHere() {
    let other: [Opcode] = [.wload, .winput, .winputsize, .wmemsize, .wgas]
    let computing = Opcode.table.filter { $0.form.hasWideD }.map(\.opcode)
    #expect(Set(computing) == Set(Self.meanings.map(\.opcode) + other))
  }

  /// Slots of the test programs: D, A and B (and a copy of D for the case that A or B is D).
  private struct Shape {
    var d: Int
    var a: WideOperand
    var b: WideOperand
    var flags: WideFlags
  }

  private static func shapes() -> [Shape] {
    let (a, b) = (WideOperand.slot(1), WideOperand.slot(2))
    var shapes = (0..<8).map { Shape(d: 0, a: a, b: b, flags: WideFlags(rawValue: UInt8($0))) }
    for (a, b) in [(.constant(0), b), (a, .constant(1)), (.constant(0), .constant(1))] {
      for d in [WideFlags(), .narrowD] { shapes.append(Shape(d: 0, a: a, b: b, flags: d)) }
    }
    shapes.append(Shape(d: 0, a: .constant(0), b: b, flags: [.narrowB, .narrowD]))
    shapes.append(Shape(d: 0, a: a, b: .constant(1), flags: [.narrowA]))
    // The result overwrites an operand.
    shapes.append(Shape(d: 1, a: a, b: b, flags: []))
    shapes.append(Shape(d: 2, a: a, b: b, flags: []))
    shapes.append(Shape(d: 1, a: a, b: a, flags: []))
    shapes.append(Shape(d: 3, a: a, b: a, flags: [.narrowA]))
    shapes.append(Shape(d: 1, a: a, b: b, flags: [.narrowD, .narrowA]))
    return shapes
  }

  @Test(arguments: meanings.map(\.opcode))
  func computes(opcode: Opcode) throws {
    let meaning = try #require(Self.meanings.first { $0.opcode == opcode })
    var random = SplitMix64(seed: 0x31de + UInt64(opcode.rawValue))
    let rigs = try WideRig.each()
    let isUnary = opcode.facts.form == .wideUnary
    for shape in Self.shapes() {
      if isUnary, shape.b != .slot(2) || shape.flags.contains(.narrowB) { continue }
      // Constants belong to the code: new ones are a new program.
      let usesConstants = shape.a.constantIndex != nil || shape.b.constantIndex != nil
      for round in 0..<(usesConstants ? 12 : 1) {
        var constants = [WideWords.random(&random), WideWords.random(&random)]
        if round < 4 { constants[1] = UInt256([0, 1, 2, 64][round]) }
        if round >= 4, round < 7 { constants[0] = UInt256([0, 8, 255][round - 4]) }
        let executable = try program(opcode, shape, isUnary: isUnary, constants: constants)
        for _ in 0..<(usesConstants ? 8 : 120) {
          let words = (0..<4).map { _ in WideWords.random(&random) }
          func operand(_ operand: WideOperand, _ flag: WideFlags) -> UInt256 {
            let word = operand.constantIndex.map { constants[$0] } ?? words[Int(operand.rawValue)]
            return shape.flags.contains(flag) ? UInt256(word.limb0) : word
          }
          let result = meaning.value(
            operand(shape.a, .narrowA), operand(shape.b, .narrowB), operand(.slot(shape.d), .narrowD))
          var expected = words
          expected[shape.d] = shape.flags.contains(.narrowD) ? UInt256(result.limb0) : result
          for rig in rigs {
            let run = rig.run(executable, stack: words)
            #expect(
              Array(run.slots[..<4]) == expected && run.fault == .none && run.pc == 2 && run.gas == 1_000_000,
              "\(opcode) \(shape) \(words) \(constants) on \(rig.engine): \(run.slots[shape.d]) for \(result)"
            )
          }
        }
      }
    }
  }

  private func program(
    _ opcode: Opcode, _ shape: Shape, isUnary: Bool, constants: [UInt256]
  ) throws -> Executable {
    let slots: [EncodedInsn] = [
      .wstack(need: 0, grow: 4),
      .wide(opcode, d: shape.d, a: shape.a, b: isUnary ? .slot(0) : shape.b, flags: shape.flags),
      EncodedInsn(opcode: 0x95),
    ]
    let image = ProgramImage(
      version: .wide, text: EncodedInsn.bytes(of: slots), wide: WideTables(constants: constants))
    return try Executable(image: image, syscalls: SyscallRegistry())
  }

  static let conditions: [(opcode: Opcode, holds: @Sendable (UInt256, UInt256) -> Bool)] = [
    (.wjz, { a, _ in a.isZero }),
    (.wjnz, { a, _ in !a.isZero }),
    (.wjeq, { a, b in a == b }),
    (.wjne, { a, b in a != b }),
    (.wjlt, { a, b in a < b }),
    (.wjge, { a, b in a >= b }),
    (.wjslt, { a, b in a.isSignedLess(than: b) }),
    (.wjsge, { a, b in !a.isSignedLess(than: b) }),
  ]

  @Test(arguments: conditions.map(\.opcode))
  func jumps(opcode: Opcode) throws {
    let holds = try #require(Self.conditions.first { $0.opcode == opcode }).holds
    var random = SplitMix64(seed: 0x1a + UInt64(opcode.rawValue))
    let rigs = try WideRig.each()
    let isUnary = opcode.facts.form == .wideJumpUnary
    for shape in Self.shapes() where !shape.flags.contains(.narrowD) {
      if isUnary, shape.b != .slot(2) || shape.flags.contains(.narrowB) { continue }
      for _ in 0..<6 {
        let constants = [WideWords.random(&random), WideWords.random(&random)]
        // What a jump is to leave as it is lies below the window.
        func below(_ operand: WideOperand) -> WideOperand {
          operand.constantIndex == nil ? .slot(Int(operand.rawValue) - 6) : operand
        }
        let slots: [EncodedInsn] = [
          .wstack(need: 0, grow: 6), .wide(.wmov, d: 5, a: .constant(2)), .wide(.wadjust, number: 6),
          .wide(opcode, d: 1, a: below(shape.a), b: isUnary ? .slot(0) : below(shape.b), flags: shape.flags),
          .wide(.wmov, d: -1, a: .constant(3)), EncodedInsn(opcode: 0x95),
        ]
        let image = ProgramImage(
          version: .wide, text: EncodedInsn.bytes(of: slots),
          wide: WideTables(constants: constants + [.one, .zero]))
        let executable = try Executable(image: image, syscalls: SyscallRegistry())
        for _ in 0..<20 {
          var words = (0..<4).map { _ in WideWords.random(&random) }
          if Bool.random(using: &random) { words[2] = words[1] }
          func operand(_ operand: WideOperand, _ flag: WideFlags) -> UInt256 {
            let word = operand.constantIndex.map { constants[$0] } ?? words[Int(operand.rawValue)]
            return shape.flags.contains(flag) ? UInt256(word.limb0) : word
          }
          let isTaken = holds(operand(shape.a, .narrowA), operand(shape.b, .narrowB))
          for rig in rigs {
            let run = rig.run(executable, stack: words)
            #expect(
              run.slots[5] == (isTaken ? .one : .zero) && run.fault == .none && run.pc == 5,
              "\(opcode) \(shape) \(words) \(constants) on \(rig.engine)")
          }
        }
      }
    }
  }
}
