// The instructions that compute a word from words.
import SBPF
import WideIntegers

extension WideInterpreter.Frame {
  func compute(_ insn: Insn) -> VMFault {
    switch insn.opcode {
    case .wmov: set(insn, a(insn))
    case .wadd: set(insn, a(insn) &+ b(insn))
    case .wsub: set(insn, a(insn) &- b(insn))
    case .wmul: set(insn, a(insn) &* b(insn))
    case .wdiv: set(insn, a(insn).divided(by: b(insn)))
    case .wsdiv: set(insn, a(insn).signedDivided(by: b(insn)))
    case .wmod: set(insn, a(insn).modulo(b(insn)))
    case .wsmod: set(insn, a(insn).signedModulo(b(insn)))
    case .waddmod: set(insn, a(insn).adding(b(insn), modulo: d(insn)))
    case .wmulmod: set(insn, a(insn).multiplied(by: b(insn), modulo: d(insn)))
    case .wexp: set(insn, a(insn).raised(to: b(insn)))
    case .wand: set(insn, a(insn) & b(insn))
    case .wor: set(insn, a(insn) | b(insn))
    case .wxor: set(insn, a(insn) ^ b(insn))
    case .wnot: set(insn, ~a(insn))
    case .wclz: set(insn, UInt256(UInt64(a(insn).leadingZeroBitCount)))
    case .wshl: set(insn, b(insn).shiftedLeft(by: a(insn)))
    case .wshr: set(insn, b(insn).shiftedRight(by: a(insn)))
    case .wsar: set(insn, b(insn).shiftedRightSigned(by: a(insn)))
    case .wbyte: set(insn, b(insn).byte(at: a(insn)))
    case .wsignext: set(insn, b(insn).signExtended(fromByte: a(insn)))
    case .weq: set(insn, a(insn) == b(insn) ? .one : .zero)
    case .wlt: set(insn, a(insn) < b(insn) ? .one : .zero)
    case .wslt: set(insn, a(insn).isSignedLess(than: b(insn)) ? .one : .zero)
    case .wiszero: set(insn, a(insn).isZero ? .one : .zero)
    default: .unsupportedInstruction
    }
  }
}
