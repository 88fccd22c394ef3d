// The system program's own errors, which reach a caller as `InstructionError.custom`
// (https://docs.rs/solana-system-interface, SystemError).

import Ledger

package enum SystemError: UInt32, Sendable {
  case accountAlreadyInUse = 0
  case resultWithNegativeLamports = 1
  case invalidProgramId = 2
  case invalidAccountDataLength = 3
  case maxSeedLengthExceeded = 4
  case addressWithSeedMismatch = 5
  case nonceNoRecentBlockhashes = 6
  case nonceBlockhashNotExpired = 7
  case nonceUnexpectedBlockhashValue = 8

  package var instructionError: InstructionError { .custom(rawValue) }
}
