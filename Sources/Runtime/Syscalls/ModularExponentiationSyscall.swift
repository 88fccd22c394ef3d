// sol_big_mod_exp: a power of integers of up to 512 bytes modulo a third, all big-endian. The parameters are three pairs of
// an address and a length: base, exponent, modulus. The result has the length of the modulus, and is zero where that is
// zero or one.

import Primitives
import SBPF

enum ModularExponentiationSyscall {
  private static let maximumByteCount: UInt64 = 512

  static let power: SyscallFunction = { vm, parameters, result, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      let operands = try machine.slice(
        parameters, count: 1, stride: 3 * GuestSlice.byteCount, alignment: GuestSlice.alignment,
        checkAligned: invoke.checksAlignment)
      let (base, exponent, modulus) = (
        operands.guestSlice(at: 0), operands.guestSlice(at: 1), operands.guestSlice(at: 2)
      )
      let longest = max(base.count, exponent.count, modulus.count)
      if longest > maximumByteCount { throw .invalidLength }
      try machine.consume(ComputeCosts.modularExponentiation(byteCount: longest))
      let power = ModularExponentiation.power(
        base: try machine.bytes(base), exponent: try machine.bytes(exponent), modulus: try machine.bytes(modulus))
      guard let power else { throw .invalidLength }
      let target = try machine.slice(result, count: modulus.count, access: .store)
      power.withUnsafeBytes { target.copyMemory(from: $0) }
      return 0
    }
  }
}
