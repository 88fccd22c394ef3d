// The seam between an executable and what runs it. Every engine gives the same result, fault, pc and meter
// for the same program, which the tests prove by running each of theirs on all of them.

import MachineCode

package enum Engine: Sendable, CaseIterable {
  /// Direct-threaded: each instruction jumps to the next one's code. Needs the optimiser's sibling calls, so
  /// builds without them (debug, and ThreadSanitizer's, which define PLAIN_INTERPRETER) run `plain` in its
  /// place.
  case threaded
  /// One `switch` an instruction, exact translation of every access, one meter step each: the oracle.
  case plain
  /// Machine code, made at the first run (Sources/SBPF/JIT). Where there is no compiler for the machine, or
  /// the compiler refuses a program, the interpreter runs it.
  case jit

  /// The fastest interpreter that this build can run.
  package static var interpreter: Engine {
    #if DEBUG || PLAIN_INTERPRETER
      .plain
    #else
      .threaded
    #endif
  }

  /// The fastest engine on this machine; under ThreadSanitizer the one whose accesses it sees.
  package static var fastest: Engine {
    #if PLAIN_INTERPRETER
      .plain
    #else
      MachineCode.isSupported ? .jit : .interpreter
    #endif
  }

  /// Engines that differ in this build.
  package static var available: [Engine] {
    (interpreter == .plain ? [.plain] : [.threaded, .plain]) + (MachineCode.isSupported ? [.jit] : [])
  }
}
