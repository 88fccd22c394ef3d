// Who may change what: every rule of the account handle that programs and loaders work through.

import Ledger
import Primitives
import Testing

@testable import Runtime

@Suite struct BorrowedAccountTests {
  private let transaction = TransactionContext()
  private let program = TransactionRig.key(1)

  private func account(_ state: Account, writable: Bool = true) -> BorrowedAccount {
    transaction.reset(accountCount: 2, rent: Rent())
    transaction.keys[0] = program
    transaction.keys[1] = TransactionRig.key(2)
    transaction.accounts[1] = state
    return BorrowedAccount(
      transaction: transaction,
      account: InstructionAccount(indexInTransaction: 1, isSigner: false, isWritable: writable),
      programIndex: 0)
  }

  private func owned(_ lamports: UInt64 = 100, _ data: [UInt8] = []) -> Account {
    Account(lamports: lamports, data: data, owner: program)
  }

  private func foreign(_ lamports: UInt64 = 100, _ data: [UInt8] = []) -> Account {
    Account(lamports: lamports, data: data, owner: TransactionRig.key(9))
  }

  @Test func lamports() throws {
    #expect(throws: InstructionError.externalAccountLamportSpend) { try account(foreign()).setLamports(99) }
    #expect(throws: InstructionError.readonlyLamportChange) {
      try account(owned(), writable: false).setLamports(99)
    }
    #expect(throws: InstructionError.arithmeticOverflow) { try account(owned()).subtractLamports(101) }
    #expect(throws: InstructionError.arithmeticOverflow) { try account(owned()).addLamports(.max) }
    let handle = account(foreign())
    try handle.addLamports(1)
    #expect(handle.lamports == 101)
    #expect(transaction.lamportsDelta.value == 1)
    #expect(transaction.touched[1])
    let untouched = account(owned())
    try untouched.setLamports(100)
    #expect(!transaction.touched[1])
  }

  @Test func owner() throws {
    let next = TransactionRig.key(3)
    #expect(throws: InstructionError.modifiedProgramId) { try account(foreign()).setOwner(next) }
    #expect(throws: InstructionError.modifiedProgramId) {
      try account(owned(), writable: false).setOwner(next)
    }
    for data in [[1], [0, 0, 0, 0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]] {
      #expect(throws: InstructionError.modifiedProgramId) { try account(owned(1, data)).setOwner(next) }
    }
    let handle = account(owned(1, [UInt8](repeating: 0, count: 21)))
    try handle.setOwner(next)
    #expect(handle.owner == next)
  }

  @Test func executable() throws {
    #expect(throws: InstructionError.executableAccountNotRentExempt) {
      try account(owned()).setExecutable(true)
    }
    #expect(throws: InstructionError.executableModified) { try account(foreign(890_880)).setExecutable(true) }
    let handle = account(owned(890_880))
    try handle.setExecutable(true)
    #expect(handle.isExecutable)
  }

  @Test func data() throws {
    #expect(throws: InstructionError.readonlyDataModified) {
      try account(owned(), writable: false).setData([])
    }
    #expect(throws: InstructionError.externalAccountDataModified) {
      try account(foreign(1, [1])).setData([2])
    }
    #expect(throws: InstructionError.accountDataSizeChanged) { try account(foreign()).setData([2]) }
    #expect(throws: InstructionError.invalidRealloc) {
      try account(owned()).setDataByteCount(Account.maximumDataByteCount + 1)
    }
    let handle = account(owned(1, [1, 2]))
    try handle.setDataByteCount(4)
    #expect(handle.data == [1, 2, 0, 0])
    try handle.setDataByteCount(1)
    #expect(handle.data == [1])
    #expect(transaction.resizeDelta == -1)
    try handle.withMutableData { (bytes) throws(InstructionError) in bytes[0] = 9 }
    #expect(handle.data == [9])
  }

  @Test func growthIsLimitedForTheWholeTransaction() throws {
    let handle = account(owned())
    transaction.resizeDelta = TransactionContext.maximumDataGrowth - 5
    #expect(throws: InstructionError.maxAccountsDataAllocationsExceeded) { try handle.setDataByteCount(6) }
    try handle.setDataByteCount(5)
    #expect(transaction.resizeDelta == TransactionContext.maximumDataGrowth)
  }
}
