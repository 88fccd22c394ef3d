// Wide instructions as the 64-bit words of the text (layout: WideOperand.swift in SBPF), built and taken apart with
// shifts. The encoding bytes come from the opcode table, read once.
import SBPF

/// One encoded instruction.
struct WideWord: BitwiseCopyable {
  var bits: UInt64

  static let narrowA: UInt64 = 1
  static let narrowB: UInt64 = 2
  static let narrowD: UInt64 = 4

  @inline(__always) init(bits: UInt64) { self.bits = bits }

  @inline(__always) var byte: UInt8 { UInt8(truncatingIfNeeded: bits) }
  @inline(__always) var flags: UInt64 { bits >> 8 & 15 }
  /// A slot, or a jump's distance.
  @inline(__always) var d: Int {
    get { Int(Int16(truncatingIfNeeded: bits >> 16)) }
    set { bits = bits & ~0xffff_0000 | UInt64(UInt16(truncatingIfNeeded: newValue)) << 16 }
  }
  @inline(__always) var a: Int { Int(Int16(truncatingIfNeeded: bits >> 32)) }
  @inline(__always) var b: Int { Int(Int16(truncatingIfNeeded: bits >> 48)) }
  @inline(__always) var number: Int32 {
    get { Int32(truncatingIfNeeded: bits >> 32) }
    set { bits = bits & 0xffff_ffff | UInt64(UInt32(bitPattern: newValue)) << 32 }
  }
  @inline(__always) mutating func widenD() { bits &= ~(WideWord.narrowD << 8) }
}

/// What the translator needs of the opcode table, by `Opcode.rawValue` and by encoding byte.
struct WideEncoding: Sendable {
  let bytes: [UInt8]
  let opcodes: [Opcode]
  /// By encoding byte: whether D is the result and nothing else, so that it may be renamed.
  let hasResult: [Bool]

  static let shared = WideEncoding()

  private init() {
    var bytes = [UInt8](repeating: 0, count: 256)
    var opcodes = [Opcode](repeating: .exit, count: 256)
    var hasResult = [Bool](repeating: false, count: 256)
    for opcode in Opcode.allCases {
      guard let byte = opcode.facts.encoding(in: .wide) else { continue }
      bytes[Int(opcode.rawValue)] = byte
      opcodes[Int(byte)] = opcode
      hasResult[Int(byte)] = opcode.facts.form.hasWideD && opcode != .waddmod && opcode != .wmulmod
    }
    self.bytes = bytes
    self.opcodes = opcodes
    self.hasResult = hasResult
  }
}
