// Results as JSON: errors and their payloads spelled as Solana's JSON-RPC spells them
// (https://solana.com/docs/rpc/json-structures#transaction-status). Written straight into bytes: a large replay is
// mostly log lines.

import Execution
import Ledger
import Primitives

extension Receipt {
  /// As the payload writes itself.
  package func write(to writer: inout JSONWriter) {
    switch self {
    case .solana(let result): result.write(to: &writer)
    case .ethereum(let result): result.write(to: &writer)
    case .malformed(let error): error.write(to: &writer)
    }
  }

  /// Why it was not executed or failed: the kind of reason, and an example that says more.
  package var failure: (kind: String, example: String?) {
    switch self {
    case .solana(let result): (result.errorText, nil)
    case .ethereum(let result): (result.errorText ?? result.halt ?? "failed", nil)
    case .malformed(let error): (error.what, error.description)
    }
  }
}

extension EthereumTransactionResult {
  /// `{"hash", "error", "status", "gasUsed", "contractAddress", "output", "logs"}`, `"halt"` where execution failed, and
  /// `"programLogs"` where programs that contracts called have logged.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    if let hash { writer.member("hash", Self.hex(hash.bytes)) } else { writer.memberNull("hash") }
    if let errorText { writer.member("error", errorText) } else { writer.memberNull("error") }
    writer.member("status", isSuccess ? 1 : 0)
    if let halt { writer.member("halt", halt) }
    writer.member("gasUsed", gasUsed)
    if let contractAddress {
      writer.member("contractAddress", contractAddress.description)
    } else {
      writer.memberNull("contractAddress")
    }
    writer.member("output", Self.hex(output))
    writer.key("logs")
    logs.write(to: &writer)
    if !programLogs.isEmpty {
      writer.key("programLogs")
      writer.array { writer in
        for line in programLogLines { writer.value(line) }
      }
    }
    writer.endObject()
  }

  fileprivate static func hex(_ bytes: [UInt8]) -> String { "0x" + Hex.encode(bytes) }
}

extension [EthereumTransactionResult.Log] {
  /// `[{"address", "topics", "data"}…]`
  fileprivate func write(to writer: inout JSONWriter) {
    writer.array { writer in
      for log in self {
        writer.object { writer in
          writer.member("address", log.address.description)
          writer.key("topics")
          writer.array { writer in
            for topic in log.topics { writer.value(EthereumTransactionResult.hex(topic.bytes)) }
          }
          writer.member("data", EthereumTransactionResult.hex(log.data))
        }
      }
    }
  }
}

extension TransactionResult {
  /// `{"signature", "error", "computeUnits", "fee", "logs", "returnData"}`, and `"contractLogs"` where there are any.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    if let signature {
      writer.member("signature", signature.description)
    } else {
      writer.memberNull("signature")
    }
    writer.key("error")
    if let error { error.write(to: &writer) } else { writer.null() }
    writer.member("computeUnits", computeUnits)
    writer.member("fee", fee)
    writer.key("logs")
    writer.beginArray()
    for line in logLines { writer.value(line) }
    writer.endArray()
    writer.key("returnData")
    if let returnData {
      writer.beginObject()
      writer.member("programId", returnData.programID.description)
      writer.key("data")
      writer.beginArray()
      writer.value(Base64.encode(returnData.data))
      writer.value("base64")
      writer.endArray()
      writer.endObject()
    } else {
      writer.null()
    }
    if !contractLogs.isEmpty {
      writer.key("contractLogs")
      contractLogs.write(to: &writer)
    }
    writer.endObject()
  }
}

extension TransactionLineError {
  /// An entry with an error and nothing else, in the form of its family.
  package func write(to writer: inout JSONWriter) {
    writer.object { writer in
      if isEthereum {
        writer.memberNull("hash")
        writer.member("error", description)
        writer.member("status", 0)
        writer.member("gasUsed", 0)
        writer.memberNull("contractAddress")
        writer.member("output", "0x")
        writer.key("logs")
        writer.array { _ in }
      } else {
        writer.memberNull("signature")
        writer.member("error", description)
        writer.member("computeUnits", 0)
        writer.member("fee", 0)
        writer.key("logs")
        writer.array { _ in }
        writer.memberNull("returnData")
      }
    }
  }
}

extension TransactionError {
  /// A string, or an object with the payload: `{"InstructionError": [0, {"Custom": 1}]}`.
  package func write(to writer: inout JSONWriter) {
    switch self {
    case .instructionError(let index, let error):
      writer.object { writer in
        writer.key("InstructionError")
        writer.array { writer in
          writer.value(Int(index))
          error.write(to: &writer)
        }
      }
    case .duplicateInstruction(let index):
      writer.object { $0.member("DuplicateInstruction", Int(index)) }
    case .insufficientFundsForRent(let index):
      Self.write("InsufficientFundsForRent", accountIndex: index, to: &writer)
    case .programExecutionTemporarilyRestricted(let index):
      Self.write("ProgramExecutionTemporarilyRestricted", accountIndex: index, to: &writer)
    default:
      writer.value(name)
    }
  }

  private static func write(_ name: String, accountIndex: UInt8, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key(name)
      writer.object { $0.member("account_index", Int(accountIndex)) }
    }
  }

  /// The case's name as Solana spells it.
  package var name: String {
    switch self {
    case .accountInUse: "AccountInUse"
    case .accountLoadedTwice: "AccountLoadedTwice"
    case .accountNotFound: "AccountNotFound"
    case .programAccountNotFound: "ProgramAccountNotFound"
    case .insufficientFundsForFee: "InsufficientFundsForFee"
    case .invalidAccountForFee: "InvalidAccountForFee"
    case .alreadyProcessed: "AlreadyProcessed"
    case .blockhashNotFound: "BlockhashNotFound"
    case .instructionError: "InstructionError"
    case .callChainTooDeep: "CallChainTooDeep"
    case .missingSignatureForFee: "MissingSignatureForFee"
    case .invalidAccountIndex: "InvalidAccountIndex"
    case .signatureFailure: "SignatureFailure"
    case .invalidProgramForExecution: "InvalidProgramForExecution"
    case .sanitizeFailure: "SanitizeFailure"
    case .clusterMaintenance: "ClusterMaintenance"
    case .accountBorrowOutstanding: "AccountBorrowOutstanding"
    case .wouldExceedMaxBlockCostLimit: "WouldExceedMaxBlockCostLimit"
    case .unsupportedVersion: "UnsupportedVersion"
    case .invalidWritableAccount: "InvalidWritableAccount"
    case .wouldExceedMaxAccountCostLimit: "WouldExceedMaxAccountCostLimit"
    case .wouldExceedAccountDataBlockLimit: "WouldExceedAccountDataBlockLimit"
    case .tooManyAccountLocks: "TooManyAccountLocks"
    case .addressLookupTableNotFound: "AddressLookupTableNotFound"
    case .invalidAddressLookupTableOwner: "InvalidAddressLookupTableOwner"
    case .invalidAddressLookupTableData: "InvalidAddressLookupTableData"
    case .invalidAddressLookupTableIndex: "InvalidAddressLookupTableIndex"
    case .invalidRentPayingAccount: "InvalidRentPayingAccount"
    case .wouldExceedMaxVoteCostLimit: "WouldExceedMaxVoteCostLimit"
    case .wouldExceedAccountDataTotalLimit: "WouldExceedAccountDataTotalLimit"
    case .duplicateInstruction: "DuplicateInstruction"
    case .insufficientFundsForRent: "InsufficientFundsForRent"
    case .maxLoadedAccountsDataSizeExceeded: "MaxLoadedAccountsDataSizeExceeded"
    case .invalidLoadedAccountsDataSizeLimit: "InvalidLoadedAccountsDataSizeLimit"
    case .resanitizationNeeded: "ResanitizationNeeded"
    case .programExecutionTemporarilyRestricted: "ProgramExecutionTemporarilyRestricted"
    case .unbalancedTransaction: "UnbalancedTransaction"
    case .programCacheHitMaxLimit: "ProgramCacheHitMaxLimit"
    case .commitCancelled: "CommitCancelled"
    }
  }
}

extension InstructionError {
  /// A string, or `{"Custom": 1}`.
  package func write(to writer: inout JSONWriter) {
    switch self {
    case .custom(let number): writer.object { $0.member("Custom", UInt64(number)) }
    default: writer.value(name)
    }
  }

  /// The case's name as Solana spells it.
  package var name: String {
    switch self {
    case .custom: "Custom"
    case .genericError: "GenericError"
    case .invalidArgument: "InvalidArgument"
    case .invalidInstructionData: "InvalidInstructionData"
    case .invalidAccountData: "InvalidAccountData"
    case .accountDataTooSmall: "AccountDataTooSmall"
    case .insufficientFunds: "InsufficientFunds"
    case .incorrectProgramId: "IncorrectProgramId"
    case .missingRequiredSignature: "MissingRequiredSignature"
    case .accountAlreadyInitialized: "AccountAlreadyInitialized"
    case .uninitializedAccount: "UninitializedAccount"
    case .unbalancedInstruction: "UnbalancedInstruction"
    case .modifiedProgramId: "ModifiedProgramId"
    case .externalAccountLamportSpend: "ExternalAccountLamportSpend"
    case .externalAccountDataModified: "ExternalAccountDataModified"
    case .readonlyLamportChange: "ReadonlyLamportChange"
    case .readonlyDataModified: "ReadonlyDataModified"
    case .duplicateAccountIndex: "DuplicateAccountIndex"
    case .executableModified: "ExecutableModified"
    case .rentEpochModified: "RentEpochModified"
    case .notEnoughAccountKeys: "NotEnoughAccountKeys"
    case .accountDataSizeChanged: "AccountDataSizeChanged"
    case .accountNotExecutable: "AccountNotExecutable"
    case .accountBorrowFailed: "AccountBorrowFailed"
    case .accountBorrowOutstanding: "AccountBorrowOutstanding"
    case .duplicateAccountOutOfSync: "DuplicateAccountOutOfSync"
    case .invalidError: "InvalidError"
    case .executableDataModified: "ExecutableDataModified"
    case .executableLamportChange: "ExecutableLamportChange"
    case .executableAccountNotRentExempt: "ExecutableAccountNotRentExempt"
    case .unsupportedProgramId: "UnsupportedProgramId"
    case .callDepth: "CallDepth"
    case .missingAccount: "MissingAccount"
    case .reentrancyNotAllowed: "ReentrancyNotAllowed"
    case .maxSeedLengthExceeded: "MaxSeedLengthExceeded"
    case .invalidSeeds: "InvalidSeeds"
    case .invalidRealloc: "InvalidRealloc"
    case .computationalBudgetExceeded: "ComputationalBudgetExceeded"
    case .privilegeEscalation: "PrivilegeEscalation"
    case .programEnvironmentSetupFailure: "ProgramEnvironmentSetupFailure"
    case .programFailedToComplete: "ProgramFailedToComplete"
    case .programFailedToCompile: "ProgramFailedToCompile"
    case .immutable: "Immutable"
    case .incorrectAuthority: "IncorrectAuthority"
    case .borshIoError: "BorshIoError"
    case .accountNotRentExempt: "AccountNotRentExempt"
    case .invalidAccountOwner: "InvalidAccountOwner"
    case .arithmeticOverflow: "ArithmeticOverflow"
    case .unsupportedSysvar: "UnsupportedSysvar"
    case .illegalOwner: "IllegalOwner"
    case .maxAccountsDataAllocationsExceeded: "MaxAccountsDataAllocationsExceeded"
    case .maxAccountsExceeded: "MaxAccountsExceeded"
    case .maxInstructionTraceLengthExceeded: "MaxInstructionTraceLengthExceeded"
    case .builtinProgramsMustConsumeComputeUnits: "BuiltinProgramsMustConsumeComputeUnits"
    }
  }
}

extension JSONWriter {
  package mutating func member(_ name: String, orNull value: String?) {
    if let value { member(name, value) } else { memberNull(name) }
  }
}
