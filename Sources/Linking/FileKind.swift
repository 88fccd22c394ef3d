// What a file is, in words, for people who gave the wrong one: an ELF file of which machine and type (libelf), a
// script, an archive, another system's program. Nothing here decides whether a program runs.
import CElf
import SBPF

package struct FileKind: Sendable, Equatable, CustomStringConvertible {
  package enum Family: Sendable, Equatable {
    /// An ELF file for BPF or SBPF: one that loaders or the linker judge.
    case program
    /// A relocatable eBPF object.
    case object
    /// An ELF file of another machine.
    case foreignELF
    case other
  }

  package var family: Family
  /// With its article: "an x86-64 executable (64-bit little-endian ELF)".
  package var description: String
  /// What to do about it; nil for programs and objects.
  package var advice: String?

  package init(_ bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { FileKind($0) }
  }

  init(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else {
      self = FileKind.withoutELF(bytes)
      return
    }
    guard let file = ELFReader(bytes) else {
      family = bytes.count > Int(EI_NIDENT) ? .program : .other
      description = "a damaged or cut-off ELF file"
      advice = "make it again, or copy it again"
      return
    }
    let header = file.header
    let isBPF = [ELFMachine.bpf, ELFMachine.sbpf].contains(header.machine)
    let form = "\(header.bits)-bit \(header.isBigEndian ? "big" : "little")-endian ELF"
    let machine = FileKind.machine(header.machine)
    let isWhole = header.bits == 64 && !header.isBigEndian
    if isBPF && isWhole {
      family = header.type == UInt16(ET_REL) ? .object : .program
      description = "an \(machine) \(FileKind.type(file)) (\(form))"
      return
    }
    family = .foreignELF
    let article = isBPF || "aeix".contains(machine.lowercased().first ?? " ") ? "an" : "a"
    description = "\(article) \(machine) \(FileKind.type(file)) (\(form))"
    advice =
      isBPF
      ? "compile with clang -target bpf (little-endian)"
      : header.type == UInt16(ET_REL)
        ? "compile for the right machine: clang -target bpf -mcpu=v3 -O2 -c" : FileKind.usualAdvice
  }

  private init(_ family: Family, _ description: String, advice: String? = nil) {
    self.family = family
    self.description = description
    self.advice = advice
  }

  private static let usualAdvice = "give an SBPF program (.so) or an object of clang -target bpf (.o)"

  // MARK: ELF

  private static func type(_ file: ELFReader) -> String {
    switch Int32(file.header.type) {
    case ET_REL: "relocatable object"
    case ET_EXEC: "executable"
    case ET_DYN: file.segments.contains { $0.p_type == UInt32(PT_INTERP) } ? "executable" : "shared object"
    case ET_CORE: "core dump"
    default: "file of type \(file.header.type)"
    }
  }

  static func machine(_ number: UInt16) -> String {
    let names: [Int32: String] = [
      EM_386: "x86", EM_X86_64: "x86-64", EM_ARM: "ARM", EM_AARCH64: "AArch64", EM_RISCV: "RISC-V",
      EM_PPC: "PowerPC", EM_PPC64: "PowerPC 64", EM_S390: "S/390", EM_MIPS: "MIPS", EM_SPARC: "SPARC",
      EM_SPARCV9: "SPARC V9", EM_68K: "Motorola 68000", EM_SH: "SuperH", EM_IA_64: "Itanium", EM_AVR: "AVR",
      EM_ALPHA: "Alpha", EM_BPF: "eBPF", 258: "LoongArch", 263: "SBPF",
    ]
    return names[Int32(number)] ?? "machine-\(number)"
  }

  // MARK: Anything else

  private static let magics: [(bytes: [UInt8], name: String)] = [
    ([0xfe, 0xed, 0xfa, 0xce], "a Mach-O file (32-bit, macOS)"),
    ([0xce, 0xfa, 0xed, 0xfe], "a Mach-O file (32-bit, macOS)"),
    ([0xfe, 0xed, 0xfa, 0xcf], "a Mach-O file (64-bit, macOS)"),
    ([0xcf, 0xfa, 0xed, 0xfe], "a Mach-O file (64-bit, macOS)"),
    ([0x4d, 0x5a], "a Windows program or library (PE)"),
    ([0x00, 0x61, 0x73, 0x6d], "a WebAssembly module"),
    ([0x42, 0x43, 0xc0, 0xde], "LLVM bitcode"),
    ([0x1f, 0x8b], "a gzip archive"),
    ([0x50, 0x4b, 0x03, 0x04], "a zip archive"),
    ([0x28, 0xb5, 0x2f, 0xfd], "a Zstandard archive"),
    ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "an xz archive"),
    ([0x42, 0x5a, 0x68], "a bzip2 archive"),
  ]

  private static func withoutELF(_ bytes: UnsafeRawBufferPointer) -> FileKind {
    if bytes.isEmpty { return FileKind(.other, "an empty file", advice: usualAdvice) }
    if bytes.starts(with: Array("#!".utf8)) { return script(bytes) }
    if bytes.starts(with: Array("!<arch>\n".utf8)) || bytes.starts(with: Array("!<thin>\n".utf8)) {
      return FileKind(
        .other, "an archive of objects (ar)", advice: "take the objects out (ar x) and link them")
    }
    if bytes.starts(with: [0xca, 0xfe, 0xba, 0xbe]) {
      // The number behind counts architectures in a fat file and is a version in a class file.
      let isFat = bytes.count >= 8 && bytes[4..<7].allSatisfy { $0 == 0 } && bytes[7] < 30
      return FileKind(
        .other, isFat ? "a Mach-O file for several machines (macOS)" : "a Java class file",
        advice: usualAdvice)
    }
    if let magic = magics.first(where: { bytes.starts(with: $0.bytes) }) {
      let isBitcode = magic.name == "LLVM bitcode"
      return FileKind(
        .other, magic.name, advice: isBitcode ? "compile without -flto or -emit-llvm" : usualAdvice)
    }
    return text(bytes.prefix(4096))
      ?? FileKind(.other, "a file of unknown kind, no ELF file", advice: usualAdvice)
  }

  private static func script(_ bytes: UnsafeRawBufferPointer) -> FileKind {
    let line = bytes.dropFirst(2).prefix(80).prefix { $0 != 0x0a && $0 < 0x80 && $0 >= 0x20 }
    let interpreter = String(decoding: line, as: UTF8.self).drop { $0 == " " }
    return FileKind(.other, "a script (for \(interpreter))", advice: usualAdvice)
  }

  private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> FileKind? {
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || [0x09, 0x0a, 0x0c, 0x0d].contains($0) }) else {
      return nil
    }
    let letters = bytes.filter { ![0x09, 0x0a, 0x0d, 0x20].contains($0) }
    let digits = letters.starts(with: Array("0x".utf8)) ? Array(letters.dropFirst(2)) : Array(letters)
    let isHex = digits.count >= 2 && digits.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
    if isHex {
      return FileKind(
        .other, "hexadecimal text", advice: "EVM code goes to the evm verbs; \(usualAdvice)")
    }
    switch letters.first {
    case UInt8(ascii: "{"), UInt8(ascii: "["): return FileKind(.other, "JSON text", advice: usualAdvice)
    default: return FileKind(.other, "a text file", advice: "compile it first; \(usualAdvice)")
    }
  }
}
