// Why a frame ended without success, in geth's words (go-ethereum's core/vm/errors.go): written by our node, read from any.

import EVM

extension EVMHalt {
  /// geth's words; what it says besides (stack heights, opcodes) is not known here.
  package var gethText: String {
    switch self {
    case .revert: "execution reverted"
    case .outOfGas: "out of gas"
    case .stackUnderflow: "stack underflow"
    case .stackOverflow: "stack limit reached 1024 (1023)"
    case .invalidJump: "invalid jump destination"
    case .invalidOpcode: "invalid opcode: INVALID"
    case .staticViolation: "write protection"
    case .returnDataOutOfBounds: "return data out of bounds"
    case .initcodeTooLarge: "max initcode size exceeded"
    case .codeTooLarge: "max code size exceeded"
    case .invalidCode: "invalid code: must not begin with 0xef"
    case .unpaidCode: "contract creation code storage out of gas"
    case .addressCollision: "contract address collision"
    case .precompileFailed: "precompile failed"
    case .callDepthExceeded: "max call depth exceeded"
    case .insufficientBalance: "insufficient balance for transfer"
    }
  }

  /// What a node says of an execution; `nil` where it speaks of something else, or in words of its own.
  package init?(gethText text: String) {
    if let halt = Self.allCases.first(where: { $0.gethText == text }) {
      self = halt
      return
    }
    guard let known = Self.beginnings.first(where: { text.hasPrefix($0.text) }) else { return nil }
    self = known.halt
  }

  /// How words begin that go on with details, or that mean the same here.
  private static var beginnings: [(text: String, halt: EVMHalt)] {
    [
      ("execution reverted", .revert), ("out of gas", .outOfGas), ("gas uint64 overflow", .outOfGas),
      ("gas required exceeds allowance", .outOfGas), ("stack underflow", .stackUnderflow),
      ("stack limit reached", .stackOverflow), ("invalid opcode", .invalidOpcode),
      ("max initcode size exceeded", .initcodeTooLarge), ("max code size exceeded", .codeTooLarge),
      ("insufficient funds for transfer", .insufficientBalance),
    ]
  }
}
