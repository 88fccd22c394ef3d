// The sentences in which JSON-RPC states why a transaction failed, word for word those of Solana's TransactionError
// (https://docs.rs/solana-transaction-error): clients show and parse them.

extension TransactionError {
  package var sentence: String {
    switch self {
    case .accountInUse: "Account in use"
    case .accountLoadedTwice: "Account loaded twice"
    case .accountNotFound: "Attempt to debit an account but found no record of a prior credit."
    case .programAccountNotFound: "Attempt to load a program that does not exist"
    case .insufficientFundsForFee: "Insufficient funds for fee"
    case .invalidAccountForFee: "This account may not be used to pay transaction fees"
    case .alreadyProcessed: "This transaction has already been processed"
    case .blockhashNotFound: "Blockhash not found"
    case .instructionError(let index, let error): "Error processing Instruction \(index): \(error)"
    case .callChainTooDeep: "Loader call chain is too deep"
    case .missingSignatureForFee: "Transaction requires a fee but has no signature present"
    case .invalidAccountIndex: "Transaction contains an invalid account reference"
    case .signatureFailure: "Transaction did not pass signature verification"
    case .invalidProgramForExecution: "This program may not be used for executing instructions"
    case .sanitizeFailure: "Transaction failed to sanitize accounts offsets correctly"
    case .clusterMaintenance: "Transactions are currently disabled due to cluster maintenance"
    case .accountBorrowOutstanding:
      "Transaction processing left an account with an outstanding borrowed reference"
    case .wouldExceedMaxBlockCostLimit: "Transaction would exceed max Block Cost Limit"
    case .unsupportedVersion: "Transaction version is unsupported"
    case .invalidWritableAccount: "Transaction loads a writable account that cannot be written"
    case .wouldExceedMaxAccountCostLimit: "Transaction would exceed max account limit within the block"
    case .wouldExceedAccountDataBlockLimit: "Transaction would exceed account data limit within the block"
    case .tooManyAccountLocks: "Transaction locked too many accounts"
    case .addressLookupTableNotFound: "Transaction loads an address table account that doesn't exist"
    case .invalidAddressLookupTableOwner:
      "Transaction loads an address table account with an invalid owner"
    case .invalidAddressLookupTableData: "Transaction loads an address table account with invalid data"
    case .invalidAddressLookupTableIndex: "Transaction address table lookup uses an invalid index"
    case .invalidRentPayingAccount:
      "Transaction leaves an account with a lower balance than rent-exempt minimum"
    case .wouldExceedMaxVoteCostLimit: "Transaction would exceed max Vote Cost Limit"
    case .wouldExceedAccountDataTotalLimit: "Transaction would exceed total account data limit"
    case .duplicateInstruction(let index):
      "Transaction contains a duplicate instruction (\(index)) that is not allowed"
    case .insufficientFundsForRent(let index):
      "Transaction results in an account (\(index)) with insufficient funds for rent"
    case .maxLoadedAccountsDataSizeExceeded: "Transaction exceeded max loaded accounts data size cap"
    case .invalidLoadedAccountsDataSizeLimit:
      "LoadedAccountsDataSizeLimit set for transaction must be greater than 0."
    case .resanitizationNeeded: "ResanitizationNeeded"
    case .programExecutionTemporarilyRestricted(let index):
      "Execution of the program referenced by account at index \(index) is temporarily restricted."
    case .unbalancedTransaction: "Sum of account balances before and after transaction do not match"
    case .programCacheHitMaxLimit: "Program cache hit max limit"
    case .commitCancelled: "CommitCancelled"
    }
  }
}
