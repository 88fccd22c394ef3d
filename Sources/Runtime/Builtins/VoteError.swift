// The vote program's own errors, which reach a caller as `InstructionError.custom`
// (https://docs.rs/solana-vote-interface, VoteError).

import Ledger

package enum VoteError: UInt32, Error, CaseIterable, Sendable {
  case voteTooOld = 0
  case slotsMismatch = 1
  case slotHashMismatch = 2
  case emptySlots = 3
  case timestampTooOld = 4
  case tooSoonToReauthorize = 5
  case lockoutConflict = 6
  case newVoteStateLockoutMismatch = 7
  case slotsNotOrdered = 8
  case confirmationsNotOrdered = 9
  case zeroConfirmations = 10
  case confirmationTooLarge = 11
  case rootRollBack = 12
  case confirmationRollBack = 13
  case slotSmallerThanRoot = 14
  case tooManyVotes = 15
  case votesTooOldAllFiltered = 16
  case rootOnDifferentFork = 17
  case activeVoteAccountClose = 18
  /// Not raised since SIMD-0249.
  case commissionUpdateTooLate = 19
  case assertionFailed = 20

  package var instructionError: InstructionError { .custom(rawValue) }
}
