// Functions that clang calls by itself, for a loop or an idiom of the source, and that no header declares: written
// here as eBPF code and linked in where nobody else defines them. Memory goes through Solana's syscalls, which cost
// less than a loop; `memcpy` moves, because clang copies an object onto itself at times.
import SBPF

enum SupportFunction {
  /// What `__builtin_trap`, -ftrapv, -fsanitize-trap and unreachable code call.
  static let syscallNames = ["__bpf_trap": "abort"]

  static let names = ["bcmp", "memcmp", "memcpy", "memmove", "memset", "strlen"]

  /// The object that defines `name`; nil if it is none of `names`.
  static func object(named name: String) -> RelocatableObject? {
    switch name {
    case "memcpy", "memmove": return keepingFirst(name, calling: "sol_memmove_")
    case "memset": return keepingFirst(name, calling: "sol_memset_")
    case "memcmp", "bcmp": return comparison(name)
    case "strlen": return RelocatableObject(function: name, code: length, calls: [])
    default: return nil
    }
  }

  private static func slot(
    _ opcode: UInt8, _ destination: UInt8 = 0, _ source: UInt8 = 0, offset: Int16 = 0, immediate: Int32 = 0
  ) -> [UInt8] {
    let offset = UInt16(bitPattern: offset)
    let immediate = UInt32(bitPattern: immediate)
    return [opcode, destination | source << 4, UInt8(truncatingIfNeeded: offset), UInt8(offset >> 8)]
      + (0..<4).map { UInt8(truncatingIfNeeded: immediate >> UInt32(8 * $0)) }
  }

  private static let call = slot(0x85, 0, 1, immediate: -1)
  private static let exit = slot(0x95)

  /// Returns its first argument, as memcpy and memset do.
  private static func keepingFirst(_ name: String, calling syscall: String) -> RelocatableObject {
    let code = slot(0xbf, 6, 1) + call + slot(0xbf, 0, 6) + exit  // r6 = r1; call; r0 = r6
    return RelocatableObject(function: name, code: code, calls: [(8, syscall)])
  }

  /// The syscall stores its result, 32 bits with a sign, where r4 points.
  private static func comparison(_ name: String) -> RelocatableObject {
    let code =
      slot(0xbf, 4, 10) + slot(0x07, 4, immediate: -8) + call + slot(0x61, 0, 10, offset: -8)
      + slot(0x67, 0, immediate: 32) + slot(0xc7, 0, immediate: 32) + exit
    return RelocatableObject(function: name, code: code, calls: [(16, "sol_memcmp_")])
  }

  /// r0 = r1; while byte[r0] != 0 { r0 += 1 }; r0 -= r1
  private static let length =
    slot(0xbf, 0, 1) + slot(0x71, 2, 0) + slot(0x15, 2, offset: 2) + slot(0x07, 0, immediate: 1)
    + slot(0x05, offset: -4) + slot(0x1f, 0, 1) + exit
}
