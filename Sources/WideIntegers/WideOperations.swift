// The 256-bit operations too long to be written out in machine code, as C-convention functions over pointers to
// words: what JITed code and interpreter handlers call. A word is 32 bytes of little-endian limbs (UInt256.swift),
// aligned to 8. The destination may be one of the operands: they are read before it is written.

package enum WideOperation {
  /// (d, a, b): d = a op b, `a` from the top of the stack.
  package typealias Binary =
    @convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer, UnsafeRawPointer) -> Void

  /// (d, a, b, m): d = (a op b) mod m
  package typealias Modular =
    @convention(c) (
      UnsafeMutableRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer
    ) -> Void

  /// MUL
  package static let multiply: Binary = { $0.word = $1.word &* $2.word }
  /// DIV: 0 where b is 0.
  package static let divide: Binary = { $0.word = $1.word.divided(by: $2.word) }
  /// SDIV: 0 where b is 0.
  package static let signedDivide: Binary = { $0.word = $1.word.signedDivided(by: $2.word) }
  /// MOD: 0 where b is 0.
  package static let modulo: Binary = { $0.word = $1.word.modulo($2.word) }
  /// SMOD: 0 where b is 0.
  package static let signedModulo: Binary = { $0.word = $1.word.signedModulo($2.word) }
  /// EXP: a to the power of b.
  package static let exponentiate: Binary = { $0.word = $1.word.raised(to: $2.word) }
  /// SIGNEXTEND: b's lowest a + 1 bytes.
  package static let signExtend: Binary = { $0.word = $2.word.signExtended(fromByte: $1.word) }
  /// BYTE: b's byte a, counted from the most significant.
  package static let byte: Binary = { $0.word = $2.word.byte(at: $1.word) }
  /// SHL: b shifted by a bits, as the EVM orders them.
  package static let shiftLeft: Binary = { $0.word = $2.word.shiftedLeft(by: $1.word) }
  /// SHR: b shifted by a bits.
  package static let shiftRight: Binary = { $0.word = $2.word.shiftedRight(by: $1.word) }
  /// SAR: b shifted by a bits.
  package static let shiftRightSigned: Binary = { $0.word = $2.word.shiftedRightSigned(by: $1.word) }
  /// ADDMOD: 0 where m is 0.
  package static let addModulo: Modular = { $0.word = $1.word.adding($2.word, modulo: $3.word) }
  /// MULMOD: 0 where m is 0.
  package static let multiplyModulo: Modular = { $0.word = $1.word.multiplied(by: $2.word, modulo: $3.word) }
}

extension UnsafeRawPointer {
  @inline(__always) fileprivate var word: UInt256 { load(as: UInt256.self) }
}

extension UnsafeMutableRawPointer {
  @inline(__always) fileprivate var word: UInt256 {
    get { load(as: UInt256.self) }
    nonmutating set { storeBytes(of: newValue, as: UInt256.self) }
  }
}
