// Why one instruction failed; cases, numbers and spellings are Solana's
// (https://docs.rs/solana-instruction-error), as its JSON-RPC prints them.

public enum InstructionError: Error, Equatable, Sendable {
  case genericError
  case invalidArgument
  case invalidInstructionData
  case invalidAccountData
  case accountDataTooSmall
  case insufficientFunds
  case incorrectProgramId
  case missingRequiredSignature
  case accountAlreadyInitialized
  case uninitializedAccount
  case unbalancedInstruction
  case modifiedProgramId
  case externalAccountLamportSpend
  case externalAccountDataModified
  case readonlyLamportChange
  case readonlyDataModified
  case duplicateAccountIndex
  case executableModified
  case rentEpochModified
  case notEnoughAccountKeys
  case accountDataSizeChanged
  case accountNotExecutable
  case accountBorrowFailed
  case accountBorrowOutstanding
  case duplicateAccountOutOfSync
  /// A program's own error number.
  case custom(UInt32)
  case invalidError
  case executableDataModified
  case executableLamportChange
  case executableAccountNotRentExempt
  case unsupportedProgramId
  case callDepth
  case missingAccount
  case reentrancyNotAllowed
  case maxSeedLengthExceeded
  case invalidSeeds
  case invalidRealloc
  case computationalBudgetExceeded
  case privilegeEscalation
  case programEnvironmentSetupFailure
  case programFailedToComplete
  case programFailedToCompile
  case immutable
  case incorrectAuthority
  case borshIoError
  case accountNotRentExempt
  case invalidAccountOwner
  case arithmeticOverflow
  case unsupportedSysvar
  case illegalOwner
  case maxAccountsDataAllocationsExceeded
  case maxAccountsExceeded
  case maxInstructionTraceLengthExceeded
  case builtinProgramsMustConsumeComputeUnits
}
