// What a fault says in a program's log, spelled as Solana's validators spell it
// (https://github.com/anza-xyz/sbpf, error.rs).

/// An access that the guest may not make.
package struct AccessViolation: Sendable, Equatable {
  package var access: MemoryAccess
  package var address: UInt64
  package var byteCount: UInt64

  package init(access: MemoryAccess, address: UInt64, byteCount: UInt64) {
    self.access = access
    self.address = address
    self.byteCount = byteCount
  }

  /// Addresses around the stack are reported by frame where frames are the machine's own.
  package func text(version: SBPFVersion) -> String {
    let hex = "0x" + String(address, radix: 16)
    let frameBytes = Int64(GuestMemory.frameByteCount)
    let (distance, overflow) = Int64(bitPattern: address)
      .subtractingReportingOverflow(Int64(GuestMemory.stackStart))
    let frame = (overflow ? Int64.min : distance) / frameBytes
    if !version.hasManualStackFrames, (-1...Int64(GuestMemory.maxCallDepth)).contains(frame) {
      return "Access violation in stack frame \(frame) at address \(hex) of size \(byteCount)"
    }
    return "Access violation in \(section) section at address \(hex) of size \(byteCount)"
  }

  private var section: String {
    switch address & ~0xffff_ffff {
    case GuestMemory.programStart: "program"
    case GuestMemory.stackStart: "stack"
    case GuestMemory.heapStart: "heap"
    case GuestMemory.inputStart: "input"
    default: "unknown"
    }
  }
}

extension VMFault {
  /// The log text; access violations and syscall errors have their own.
  package var text: String {
    switch self {
    case .none: "no error"
    case .exceededMaxInstructions: "exceeded CUs meter at BPF instruction"
    case .accessViolation: "access violation"
    case .divideByZero: "divide by zero at BPF instruction"
    case .divideOverflow: "division overflow at BPF instruction"
    case .callDepthExceeded: "exceeded max BPF to BPF call depth"
    case .callOutsideTextSegment: "callx attempted to call outside of the text segment"
    case .unsupportedInstruction: "unsupported BPF instruction"
    case .executionOverrun:
      "attempted to execute past the end of the text segment at BPF instruction"
    case .syscallError: "syscall error"
    case .outOfGas: "out of gas"
    case .stackUnderflow: "stack underflow"
    case .stackOverflow: "stack overflow"
    case .invalidJump: "invalid jump destination"
    case .invalidInstruction: "invalid instruction"
    case .halted: "halted"
    case .hostFault: "host fault"
    }
  }
}

extension RunOutcome {
  /// Why the run failed, or nil if it did not. What a syscall failed with is the embedder's to say.
  package func faultText(version: SBPFVersion) -> String? {
    guard fault != .none else { return nil }
    return violation?.text(version: version) ?? fault.text
  }
}
