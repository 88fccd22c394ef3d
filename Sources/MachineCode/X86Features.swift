// What machine code may use here.

extension MachineCode {
  /// Whether this machine can run what the assembler writes.
  package static var isSupported: Bool {
    #if arch(x86_64) && os(Linux)
      true
    #else
      false
    #endif
  }
}

/// What this machine's processor has beyond the first x86-64.
package enum X86Features {
  /// Loads and stores with bytes swapped (CPUID leaf 1, ECX bit 22).
  package static let hasMOVBE: Bool = {
    guard MachineCode.isSupported else { return false }
    // push rbx; mov eax, 1; xor ecx, ecx; cpuid; mov eax, ecx; pop rbx; ret
    let code: [UInt8] = [0x53, 0xb8, 1, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2, 0x89, 0xc8, 0x5b, 0xc3]
    guard let block = code.withUnsafeBytes({ CodePages.publish($0) }) else { return false }
    defer { CodePages.free(block) }
    let leaf = unsafeBitCast(block.start, to: (@convention(c) () -> UInt32).self)()
    return leaf >> 22 & 1 != 0
  }()
}
