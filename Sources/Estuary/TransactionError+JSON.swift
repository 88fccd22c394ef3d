// Errors of transactions as a node's answers state them, read back; the writing half is in ResultJSON.swift.

import Ledger
import Primitives

extension TransactionError {
  /// - Returns: `nil` for what this version does not know.
  package init?(json: JSONValue) {
    if let name = json.string {
      guard let error = Self.plain[name] else { return nil }
      self = error
      return
    }
    guard let member = json.object?.members.first else { return nil }
    let value = member.value
    let account = value["account_index"]?.uint64.flatMap { UInt8(exactly: $0) }
    switch (member.name, value.uint64.flatMap { UInt8(exactly: $0) }, account) {
    case ("DuplicateInstruction", let index?, _): self = .duplicateInstruction(index: index)
    case ("InsufficientFundsForRent", _, let index?): self = .insufficientFundsForRent(accountIndex: index)
    case ("ProgramExecutionTemporarilyRestricted", _, let index?):
      self = .programExecutionTemporarilyRestricted(accountIndex: index)
    case ("InstructionError", _, _):
      guard let parts = value.array, parts.count == 2, let index = parts[0].uint64,
        let index = UInt8(exactly: index), let error = InstructionError(json: parts[1])
      else { return nil }
      self = .instructionError(index: index, error)
    default: return nil
    }
  }

  /// Those without a payload, by their names.
  private static let plain: [String: TransactionError] = Dictionary(
    plainCases.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  private static let plainCases: [TransactionError] = [
    .accountInUse, .accountLoadedTwice, .accountNotFound, .programAccountNotFound,
    .insufficientFundsForFee, .invalidAccountForFee, .alreadyProcessed, .blockhashNotFound,
    .callChainTooDeep, .missingSignatureForFee, .invalidAccountIndex, .signatureFailure,
    .invalidProgramForExecution, .sanitizeFailure, .clusterMaintenance, .accountBorrowOutstanding,
    .wouldExceedMaxBlockCostLimit, .unsupportedVersion, .invalidWritableAccount,
    .wouldExceedMaxAccountCostLimit, .wouldExceedAccountDataBlockLimit, .tooManyAccountLocks,
    .addressLookupTableNotFound, .invalidAddressLookupTableOwner, .invalidAddressLookupTableData,
    .invalidAddressLookupTableIndex, .invalidRentPayingAccount, .wouldExceedMaxVoteCostLimit,
    .wouldExceedAccountDataTotalLimit, .maxLoadedAccountsDataSizeExceeded,
    .invalidLoadedAccountsDataSizeLimit, .resanitizationNeeded, .unbalancedTransaction,
    .programCacheHitMaxLimit, .commitCancelled,
  ]
}

extension InstructionError {
  fileprivate init?(json: JSONValue) {
    if let name = json.string {
      guard let error = Self.plain[name] else { return nil }
      self = error
    } else if let number = json["Custom"]?.uint64, let number = UInt32(exactly: number) {
      self = .custom(number)
    } else if json["BorshIoError"] != nil {
      // Earlier releases gave the reason.
      self = .borshIoError
    } else {
      return nil
    }
  }

  private static let plain: [String: InstructionError] = Dictionary(
    plainCases.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  private static let plainCases: [InstructionError] = [
    .genericError, .invalidArgument, .invalidInstructionData, .invalidAccountData, .accountDataTooSmall,
    .insufficientFunds, .incorrectProgramId, .missingRequiredSignature, .accountAlreadyInitialized,
    .uninitializedAccount, .unbalancedInstruction, .modifiedProgramId, .externalAccountLamportSpend,
    .externalAccountDataModified, .readonlyLamportChange, .readonlyDataModified, .duplicateAccountIndex,
    .executableModified, .rentEpochModified, .notEnoughAccountKeys, .accountDataSizeChanged,
    .accountNotExecutable, .accountBorrowFailed, .accountBorrowOutstanding, .duplicateAccountOutOfSync,
    .invalidError, .executableDataModified, .executableLamportChange, .executableAccountNotRentExempt,
    .unsupportedProgramId, .callDepth, .missingAccount, .reentrancyNotAllowed, .maxSeedLengthExceeded,
    .invalidSeeds, .invalidRealloc, .computationalBudgetExceeded, .privilegeEscalation,
    .programEnvironmentSetupFailure, .programFailedToComplete, .programFailedToCompile, .immutable,
    .incorrectAuthority, .borshIoError, .accountNotRentExempt, .invalidAccountOwner, .arithmeticOverflow,
    .unsupportedSysvar, .illegalOwner, .maxAccountsDataAllocationsExceeded, .maxAccountsExceeded,
    .maxInstructionTraceLengthExceeded, .builtinProgramsMustConsumeComputeUnits,
  ]
}
