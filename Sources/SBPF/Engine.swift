// The seam between an executable and what runs it. Every engine gives the same result, fault, pc and meter
// for the same program, which the tests prove by running each of theirs on all of them.

package enum Engine: Sendable, CaseIterable {
  /// Direct-threaded: each instruction jumps to the next one's code. Needs the optimiser's sibling calls, so
  /// builds without them (debug, and ThreadSanitizer's, which define PLAIN_INTERPRETER) run `plain` in its
  /// place.
  case threaded
  /// One `switch` an instruction, exact translation of every access, one meter step each: the oracle.
  case plain

  /// The fastest interpreter that this build can run.
  package static var interpreter: Engine {
    #if DEBUG || PLAIN_INTERPRETER
      .plain
    #else
      .threaded
    #endif
  }

  /// Engines that differ in this build.
  package static var available: [Engine] { interpreter == .plain ? [.plain] : [.threaded, .plain] }
}
