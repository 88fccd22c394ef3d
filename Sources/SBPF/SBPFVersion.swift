// The four versions of Solana's bytecode (e_flags 0–3) and the one that translated EVM code has. Code asks what
// a version can do, never which number it has; each question below names the proposal that introduced the
// difference (https://github.com/solana-foundation/solana-improvement-documents).

package enum SBPFVersion: UInt32, Sendable, CaseIterable, CustomStringConvertible {
  case v0 = 0
  case v1 = 1
  case v2 = 2
  case v3 = 3
  /// The instructions on 256-bit words (Sources/SBPF/Wide, docs/vm.md) and two others. Only EVM code opens it:
  /// no loader takes such a file unless it is told to. The flags are "EVM" and a layout number, 0.
  case wide = 0x4556_4d00

  /// Solana's versions, those that loaders take by default.
  package static let classic: [SBPFVersion] = [.v0, .v1, .v2, .v3]

  /// A dense number for tables, in the order of `allCases`.
  package var ordinal: Int { self == .wide ? 4 : Int(rawValue) }

  package var description: String { self == .wide ? "wide" : "v\(rawValue)" }

  /// Instructions on 256-bit words instead of the registers' (docs/vm.md).
  package var hasWideInstructions: Bool { self == .wide }

  /// The program moves r10 itself with `add64 r10, imm`; calls leave it alone and the stack grows down from
  /// its end (SIMD-0166). Otherwise each call moves r10 up by a frame.
  package var hasManualStackFrames: Bool { self == .v1 || self == .v2 }

  /// Frames of the guest's stack lie 4096 bytes apart with unmapped gaps between them.
  package var hasStackFrameGaps: Bool { self == .v0 }

  /// Multiplication, division and remainder live in class 0x06, with high products and signed forms
  /// (SIMD-0174).
  package var hasProductQuotientClass: Bool { self == .v2 }

  /// add32, sub32 and mul32 zero-extend their result and `mov32 dst, src` sign-extends (SIMD-0174).
  package var zeroExtends32BitResults: Bool { self == .v2 }

  /// `sub dst, imm` computes `imm - dst` (SIMD-0174).
  package var swapsSubtractImmediate: Bool { self == .v2 }

  package var hasNegate: Bool { self != .v2 }

  /// `lddw`; versions without it build wide constants with `hor64` (SIMD-0173).
  package var hasWideLoad: Bool { self != .v2 }

  package var hasLittleEndianConversion: Bool { self != .v2 }

  /// Loads and stores use the encodings that multiplication and division left free (SIMD-0173).
  package var hasMovedMemoryClasses: Bool { self == .v2 }

  /// `callx` names its register in the source field.
  package var callxUsesSourceField: Bool { self == .v2 }

  /// `callx` names its register in the destination field (SIMD-0377).
  package var callxUsesDestinationField: Bool { self == .v3 }

  /// `call` with source 0 is a syscall by hash and with source 1 a pc-relative call; otherwise the immediate
  /// of every call is a hash, looked up among the syscalls first (SIMD-0178).
  package var hasStaticSyscalls: Bool { self == .v3 || self == .wide }

  /// 32-bit conditional jumps in class 0x06 (SIMD-0377).
  package var hasJump32: Bool { self == .v3 }

  /// ELF files without relocations, read from their program headers (SIMD-0189).
  package var hasStrictELF: Bool { self == .v3 || self == .wide }

  /// Read-only data is mapped at guest address 0 and the text is not readable (SIMD-0189).
  package var hasLowRodata: Bool { self == .v3 || self == .wide }
}
