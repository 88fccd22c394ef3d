// Why a frame ended without success, in the words of people.

import SBPF

package enum EVMHalt: Error, Equatable, Sendable, CaseIterable {
  case revert
  case outOfGas
  case stackUnderflow
  case stackOverflow
  case invalidJump
  case invalidOpcode
  case staticViolation
  case returnDataOutOfBounds
  case initcodeTooLarge
  /// Of the code that a creation returns: EIP-170, EIP-3541, a deposit that cannot be paid.
  case codeTooLarge
  case invalidCode
  case unpaidCode
  /// EIP-684, 7610.
  case addressCollision
  case precompileFailed
  case callDepthExceeded
  case insufficientBalance
}

extension EVMHalt: CustomStringConvertible {
  package var description: String {
    switch self {
    case .revert: "execution reverted"
    case .outOfGas: "out of gas"
    case .stackUnderflow: "stack underflow"
    case .stackOverflow: "stack overflow"
    case .invalidJump: "invalid jump destination"
    case .invalidOpcode: "invalid opcode"
    case .staticViolation: "state changed in a static call"
    case .returnDataOutOfBounds: "return data read beyond its end"
    case .initcodeTooLarge: "initcode larger than the limit"
    case .codeTooLarge: "code larger than the limit"
    case .invalidCode: "code begins with 0xef"
    case .unpaidCode: "out of gas for storing the code"
    case .addressCollision: "there is a contract at the new address already"
    case .precompileFailed: "precompile failed"
    case .callDepthExceeded: "call depth limit reached"
    case .insufficientBalance: "balance too low for the transfer"
    }
  }
}

extension EVMFrame {
  /// Why this frame failed, where it is known to have failed.
  var halt: EVMHalt {
    switch context.fault {
    case .outOfGas: .outOfGas
    case .stackUnderflow: .stackUnderflow
    case .stackOverflow: .stackOverflow
    case .invalidJump: .invalidJump
    case .invalidInstruction: .invalidOpcode
    default:
      switch ending {
      case .staticViolation: .staticViolation
      case .returnDataOutOfBounds: .returnDataOutOfBounds
      case .initcodeTooLarge: .initcodeTooLarge
      case .codeTooLarge: .codeTooLarge
      case .invalidCode: .invalidCode
      case .return, .stop, .selfDestruct: .unpaidCode
      case .revert: .revert
      case .none: .precompileFailed
      }
    }
  }
}
