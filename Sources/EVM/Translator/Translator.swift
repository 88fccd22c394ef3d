// EVM bytecode to wide code of the VM: what the runtime runs in the bytecode's place. The operand stack is simulated
// while translating, so that PUSH, DUP, SWAP and POP leave no instruction; each straight line of code checks the
// stack once and pays its base gas once; constants are computed and constant jumps are jumps. docs/evm.md
// tells the whole of it. Linear in the code's size, whatever the code: any bytes have a translation.
//
// The order in which faults of one straight line are found may differ from one operation after the other (a line
// that will run dry of stack or gas faults at its start); all of them end the frame alike. `.tracing` keeps the order.
import SBPF
import WideIntegers

package enum TranslationMode: UInt8, Sendable, CaseIterable {
  /// For speed.
  case fast
  /// Every operation on its own: before each one a `wsys` of `WideHookID.trace` with the stack in place, gas charged
  /// one by one, and the image's `pcMap` filled.
  case tracing
}

package enum WideHookID {
  /// Called before each operation of a `.tracing` translation with base = free = the first free slot. The others are
  /// the EVM's opcode bytes.
  package static let trace = 256
}

package enum Translator {
  /// Translates `code` (a contract's or an initcode; any bytes, below 2^31 of them).
  ///
  /// - Parameter reach: slots that a branch goes at most, 256 to 32,767; less than that is for tests.
  ///
  /// The image's jump table has one entry for each JUMPDEST that is no PUSH data; its bytecode is `code`.
  package static func translate(
    code: [UInt8], fork: Fork, mode: TranslationMode = .fast, reach: Int = Translation.maxReach
  ) -> ProgramImage {
    EVMOpcodeTable.withOperations(of: fork) { operations in
      var translation = Translation(code: code, fork: fork, operations: operations, mode: mode, reach: reach)
      translation.run()
      return translation.image(of: code)
    }
  }
}
