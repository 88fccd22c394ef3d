// What became of one transaction, as its sender sees it.

import Ledger
import Primitives
import Runtime

/// The outcome of one transaction of a block.
public struct TransactionResult: Sendable, Equatable {
  /// The first signature; `nil` where the bytes could not be decoded.
  public var signature: Signature?
  /// `nil` where the transaction succeeded.
  public var error: TransactionError?
  /// Compute units consumed; 0 for a transaction that was not executed.
  public var computeUnits: UInt64
  /// Lamports taken from the fee payer; 0 for a transaction that was not processed.
  public var fee: UInt64
  /// Lines as Agave prints them; none for a transaction that was not executed.
  package var logs: TransactionLogs
  /// The last program's return data, if any.
  public var returnData: ReturnData?
  /// What contracts emitted that the transaction's programs called: it is in no block's receipts root.
  public var contractLogs: [EthereumTransactionResult.Log]

  /// The log, a line each.
  public var logLines: [String] { logs.lines }

  /// Bytes that a program handed back, at most 1,024.
  public struct ReturnData: Sendable, Equatable {
    public var programID: Pubkey
    public var data: [UInt8]

    public init(programID: Pubkey, data: [UInt8]) {
      self.programID = programID
      self.data = data
    }
  }

  package init(
    signature: Signature?, error: TransactionError?, computeUnits: UInt64 = 0, fee: UInt64 = 0,
    logs: TransactionLogs = TransactionLogs(), returnData: ReturnData? = nil,
    contractLogs: [EthereumTransactionResult.Log] = []
  ) {
    self.signature = signature
    self.error = error
    self.computeUnits = computeUnits
    self.fee = fee
    self.logs = logs
    self.returnData = returnData
    self.contractLogs = contractLogs
  }
}
