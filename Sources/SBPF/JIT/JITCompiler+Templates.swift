// Code that stands in a program thousands of times with nothing in it that depends on the instruction: made once
// for each compilation by the assembler, then copied. Each template has one jump to a cold path.

import MachineCode

extension JITCompiler {
  struct Templates {
    /// A block's start: pays, or jumps away.
    var block = X86Template()
    /// By kind of access: from the guest address in r11 to the bias of its region in rcx, or jumps away.
    let accesses = UnsafeMutablePointer<X86Template>.allocate(capacity: AccessKind.count)
    /// A call's beginning: jumps away where it reaches a new depth, then saves registers and moves the frame.
    var enterFrame = X86Template()
    var leaveFrame = X86Template()
    /// From the byte that holds a block's price to the end of `block`: one byte and a jump.
    static let priceDistance = 7

    func free() { accesses.deallocate() }
  }

  mutating func makeTemplates() {
    templates.block = assembler.template { assembler in
      assembler.arithmetic(.double, .sub, Host.units, immediate: 0)
      return assembler.jump(if: .below)
    }
    for raw in 0..<UInt8(AccessKind.count) {
      let kind = AccessKind(rawValue: raw)
      (templates.accesses + Int(raw)).initialize(
        to: assembler.template { assembler in
          assembler.move(.double, Host.scratch, Host.address)
          assembler.shift(.double, .right, Host.scratch, by: 32)
          assembler.arithmetic(.word, .and, Host.scratch, immediate: 7)
          assembler.arithmetic(
            .double, .compare, Host.address,
            X86Address(Host.state, index: Host.scratch, scale: 3, JITState.Offset.limits(kind)))
          let isRefused = assembler.jump(if: .aboveOrEqual)
          assembler.load(
            .double, Host.scratch,
            X86Address(Host.state, index: Host.scratch, scale: 3, JITState.Offset.biases))
          return isRefused
        })
    }
    makeFrameTemplates()
  }

  private static let saved: [X86Register] = [.r14, .r15, .r13, .r12, .rbp]

  private mutating func makeFrameTemplates() {
    let frame = Int32(GuestMemory.frameByteCount)
    // What a call adds to the register of the frame.
    let step =
      usesHostFrames ? frame : executable.version.hasManualStackFrames ? 0 : hasGaps ? 2 * frame : frame
    templates.enterFrame = assembler.template { assembler in
      assembler.arithmetic(.double, .compare, .rsp, Host.field(JITState.Offset.callLimit))
      let isDeeper = assembler.jump(if: .belowOrEqual)
      for register in Self.saved { assembler.push(register) }
      if step != 0 { assembler.arithmetic(.double, .add, Host.frame, immediate: step) }
      return isDeeper
    }
    templates.leaveFrame = assembler.template { assembler in
      for register in Self.saved.reversed() { assembler.pop(register) }
      return nil
    }
  }
}
