// Who wants to see a program run: told before each instruction by the plain interpreter, which alone asks, and of each
// run's end.

package protocol StepObserver: AnyObject {
  /// The instruction at slot `pc` of `executable` is next. `machine` has registers and memory as they are before it, and
  /// the units left with the instruction's own.
  func willRun(_ executable: Executable, pc: Int, _ machine: UnsafeMutablePointer<VMContext>)
}
