// What machine code of wide programs calls beside hooks: the operations on words that are too long to be written
// out (WideIntegers' WideOperations.swift), by address, and two of its own. Arguments: result, A, B, N, context;
// functions of fewer parameters ignore the others, as the C calling convention has it.
import MachineCode
import SBPF
import WideIntegers

enum WideHelpers {
  static let multiply = address(WideOperation.multiply)
  static let divide = address(WideOperation.divide)
  static let signedDivide = address(WideOperation.signedDivide)
  static let remainder = address(WideOperation.modulo)
  static let signedModulo = address(WideOperation.signedModulo)
  static let exponentiate = address(WideOperation.exponentiate)
  static let signExtend = address(WideOperation.signExtend)
  static let byte = address(WideOperation.byte)
  static let addModulo = unsafeBitCast(WideOperation.addModulo, to: UInt.self)
  static let multiplyModulo = unsafeBitCast(WideOperation.multiplyModulo, to: UInt.self)
  static let leadingZeros = address(countLeadingZeros)
  static let input = unsafeBitCast(loadInput, to: UInt.self)

  private static func address(_ function: WideOperation.Binary) -> UInt {
    unsafeBitCast(function, to: UInt.self)
  }

  private static let countLeadingZeros: WideOperation.Binary = { result, a, _ in
    let count = a.load(as: UInt256.self).leadingZeroBitCount
    result.storeBytes(of: UInt256(UInt64(count)), as: UInt256.self)
  }

  /// 32 bytes of the frame's input at A, zeros beyond its end.
  private static let loadInput:
    @convention(c) (
      UnsafeMutableRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer
    ) -> Void = { result, a, _, _, context in
      let word = context.assumingMemoryBound(to: WideContext.self).pointee
        .inputWord(at: a.load(as: UInt256.self).saturatedUInt64)
      result.storeBytes(of: word, as: UInt256.self)
    }
}

/// Runs wide executables as machine code.
enum WideJIT {
  typealias Entry = @convention(c) (UnsafeMutableRawPointer) -> UInt64

  /// False where there is no code (yet), and nothing was done.
  static func run(_ executable: Executable, _ context: UnsafeMutablePointer<WideContext>) -> Bool {
    guard let code = executable.machineCodeEntry(by: { WideCompiler.compile($0) }) else { return false }
    run(code, context)
    return true
  }

  static func run(_ code: MachineCode.Entry, _ context: UnsafeMutablePointer<WideContext>) {
    context.pointee.jumpTable = UnsafePointer(code.entries)
    let result = unsafeBitCast(code.start, to: Entry.self)(UnsafeMutableRawPointer(context))
    context.pointee.fault = VMFault(hookResult: result)
  }
}
