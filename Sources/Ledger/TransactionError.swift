// Why a transaction failed or was not executed; cases and spellings are Solana's
// (https://docs.rs/solana-transaction-error), as its JSON-RPC prints them.

public enum TransactionError: Error, Equatable, Sendable {
  case accountInUse
  case accountLoadedTwice
  case accountNotFound
  case programAccountNotFound
  case insufficientFundsForFee
  case invalidAccountForFee
  case alreadyProcessed
  case blockhashNotFound
  /// `index` of the instruction in the transaction, from 0.
  case instructionError(index: UInt8, InstructionError)
  case callChainTooDeep
  case missingSignatureForFee
  case invalidAccountIndex
  case signatureFailure
  case invalidProgramForExecution
  case sanitizeFailure
  case clusterMaintenance
  case accountBorrowOutstanding
  case wouldExceedMaxBlockCostLimit
  case unsupportedVersion
  case invalidWritableAccount
  case wouldExceedMaxAccountCostLimit
  case wouldExceedAccountDataBlockLimit
  case tooManyAccountLocks
  case addressLookupTableNotFound
  case invalidAddressLookupTableOwner
  case invalidAddressLookupTableData
  case invalidAddressLookupTableIndex
  case invalidRentPayingAccount
  case wouldExceedMaxVoteCostLimit
  case wouldExceedAccountDataTotalLimit
  case duplicateInstruction(index: UInt8)
  case insufficientFundsForRent(accountIndex: UInt8)
  case maxLoadedAccountsDataSizeExceeded
  case invalidLoadedAccountsDataSizeLimit
  case resanitizationNeeded
  case programExecutionTemporarilyRestricted(accountIndex: UInt8)
  case unbalancedTransaction
  case programCacheHitMaxLimit
  case commitCancelled
}
