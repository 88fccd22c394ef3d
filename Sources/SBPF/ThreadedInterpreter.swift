enum ThreadedInterpreter {
  typealias Handler = @convention(c) (
    UnsafeRawPointer, UnsafeMutablePointer<UInt64>, UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int64,
    UnsafeRawPointer
  ) -> Int64

  static func run(_ executable: Executable, _ context: UnsafeMutablePointer<VMContext>) {
    PlainInterpreter.run(executable, context)
  }
}
extension ThreadedInsn {
  init(
    _ insn: Insn, next: Insn, syscalls: UnsafeMutablePointer<SyscallFunction>, provesFrameAccesses: Bool
  ) {
    run = { _, _, _, _, _, _ in 0 }
    operands = 0
  }
}
