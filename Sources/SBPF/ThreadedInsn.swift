// The direct-threaded engine's instruction: a pointer to the code that runs it and the operands, 16 bytes.
// A call of a syscall holds the function pointer in place of the operands.

struct ThreadedInsn {
  var run: ThreadedInterpreter.Handler
  var operands: UInt64
}
