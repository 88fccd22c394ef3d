// An account seen through the instruction that names it: every change is checked against the rules of
// Solana's runtime (https://docs.rs/solana-transaction-context, BorrowedInstructionAccount): only the owner
// lowers lamports or changes data, nothing that is not writable changes, and data grows within its limits.

import Ledger
import Primitives

/// A cheap handle, valid while its instruction runs; two handles of one account see each other's changes.
package struct BorrowedAccount {
  package unowned(unsafe) let transaction: TransactionContext
  package let indexInTransaction: Int
  package let isSigner: Bool
  package let isWritable: Bool
  /// The program that is running.
  let program: Pubkey

  init(transaction: TransactionContext, account: InstructionAccount, programIndex: Int) {
    self.transaction = transaction
    indexInTransaction = account.indexInTransaction
    isSigner = account.isSigner
    isWritable = account.isWritable
    program = transaction.keys[programIndex]
  }

  private var slot: UnsafeMutablePointer<Account> { transaction.accounts + indexInTransaction }

  package var key: Pubkey { transaction.keys[indexInTransaction] }
  package var lamports: UInt64 { slot.pointee.lamports }
  package var owner: Pubkey { slot.pointee.owner }
  package var data: [UInt8] { slot.pointee.data }
  package var dataByteCount: Int { slot.pointee.data.count }
  package var isExecutable: Bool { slot.pointee.executable }
  package var rentEpoch: UInt64 { slot.pointee.rentEpoch }
  package var isOwnedByCurrentProgram: Bool { slot.pointee.owner == program }

  private func touch() { transaction.touched[indexInTransaction] = true }

  package func setLamports(_ lamports: UInt64) throws(InstructionError) {
    let old = slot.pointee.lamports
    if lamports < old && !isOwnedByCurrentProgram { throw .externalAccountLamportSpend }
    if !isWritable { throw .readonlyLamportChange }
    if lamports == old { return }
    transaction.lamportsDelta.add(from: old, to: lamports)
    touch()
    slot.pointee.lamports = lamports
  }

  package func addLamports(_ lamports: UInt64) throws(InstructionError) {
    let (sum, overflow) = slot.pointee.lamports.addingReportingOverflow(lamports)
    if overflow { throw .arithmeticOverflow }
    try setLamports(sum)
  }

  package func subtractLamports(_ lamports: UInt64) throws(InstructionError) {
    let (difference, overflow) = slot.pointee.lamports.subtractingReportingOverflow(lamports)
    if overflow { throw .arithmeticOverflow }
    try setLamports(difference)
  }

  package func setOwner(_ owner: Pubkey) throws(InstructionError) {
    if !isOwnedByCurrentProgram || !isWritable { throw .modifiedProgramId }
    if !slot.pointee.data.withUnsafeBytes({ $0.isZero }) { throw .modifiedProgramId }
    if owner == slot.pointee.owner { return }
    touch()
    slot.pointee.owner = owner
  }

  package func setExecutable(_ executable: Bool) throws(InstructionError) {
    if !isRentExempt(atDataByteCount: dataByteCount) { throw .executableAccountNotRentExempt }
    if !isOwnedByCurrentProgram || !isWritable { throw .executableModified }
    if executable == slot.pointee.executable { return }
    touch()
    slot.pointee.executable = executable
  }

  package func isRentExempt(atDataByteCount byteCount: Int) -> Bool {
    slot.pointee.lamports >= transaction.minimumBalance(dataByteCount: byteCount)
  }

  /// Throws where the running program may not change the data.
  package func checkDataCanBeChanged() throws(InstructionError) {
    if !isWritable { throw .readonlyDataModified }
    if !isOwnedByCurrentProgram { throw .externalAccountDataModified }
  }

  /// Throws where the running program may not give the data `byteCount` bytes.
  package func checkDataCanBeResized(to byteCount: Int) throws(InstructionError) {
    let old = slot.pointee.data.count
    if byteCount != old && !isOwnedByCurrentProgram { throw .accountDataSizeChanged }
    if byteCount > Account.maximumDataByteCount { throw .invalidRealloc }
    if transaction.resizeDelta + Int64(byteCount - old) > TransactionContext.maximumDataGrowth {
      throw .maxAccountsDataAllocationsExceeded
    }
    try checkDataCanBeChanged()
  }

  package func setDataByteCount(_ byteCount: Int) throws(InstructionError) {
    try checkDataCanBeResized(to: byteCount)
    let old = slot.pointee.data.count
    if byteCount == old { return }
    touch()
    transaction.resizeDelta += Int64(byteCount - old)
    if byteCount < old {
      slot.pointee.data.removeLast(old - byteCount)
    } else {
      slot.pointee.data.append(contentsOf: repeatElement(0, count: byteCount - old))
    }
  }

  /// Replaces the data; bytes that do not change leave the stored array shared.
  package func setData(_ bytes: UnsafeRawBufferPointer) throws(InstructionError) {
    try checkDataCanBeResized(to: bytes.count)
    touch()
    transaction.resizeDelta += Int64(bytes.count - slot.pointee.data.count)
    slot.pointee.data.replace(with: bytes)
  }

  package func setData(_ bytes: [UInt8]) throws(InstructionError) {
    try checkDataCanBeResized(to: bytes.count)
    touch()
    transaction.resizeDelta += Int64(bytes.count - slot.pointee.data.count)
    slot.pointee.data = bytes
  }

  /// Lends the data for writing within its length.
  package func withMutableData<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws(InstructionError) -> Result
  ) throws(InstructionError) -> Result {
    try checkDataCanBeChanged()
    touch()
    let outcome = slot.pointee.data.withUnsafeMutableBytes { bytes in
      Swift.Result { () throws(InstructionError) -> Result in try body(bytes) }
    }
    return try outcome.get()
  }

  func hasData(_ bytes: UnsafeRawBufferPointer) -> Bool {
    slot.pointee.data.withUnsafeBytes { $0.equals(bytes) }
  }

  package func withData<Result>(
    _ body: (UnsafeRawBufferPointer) throws(InstructionError) -> Result
  ) throws(InstructionError) -> Result {
    let outcome = slot.pointee.data.withUnsafeBytes { bytes in
      Swift.Result { () throws(InstructionError) -> Result in try body(bytes) }
    }
    return try outcome.get()
  }
}
