// One level of the call stack and one entry of the instruction trace: which program runs, with which accounts
// and data (Solana's transaction-context crate, https://docs.rs/solana-transaction-context). Frames are
// pooled: a worker keeps the 64 that a trace can hold and refills them.

import Ledger
import Primitives

/// An account as one instruction names it.
@frozen package struct InstructionAccount: Equatable, Sendable {
  /// Position of the key in the transaction, in [0, 256).
  package var indexInTransaction: Int
  package var isSigner: Bool
  package var isWritable: Bool

  package init(indexInTransaction: Int, isSigner: Bool, isWritable: Bool) {
    self.indexInTransaction = indexInTransaction
    self.isSigner = isSigner
    self.isWritable = isWritable
  }
}

/// The instruction being run at one stack height. Its accounts and data are looked at where they lie, so that passing
/// them on costs no reference counting.
package final class InstructionContext {
  /// Position of the program's key in the transaction.
  @exclusivity(unchecked) package var programIndex = 0
  /// Valid until the frame is refilled.
  @exclusivity(unchecked) package private(set) var accounts: UnsafeMutableBufferPointer<InstructionAccount>
  /// Valid until the frame is refilled.
  @exclusivity(unchecked) package private(set) var data = UnsafeRawBufferPointer(start: nil, count: 0)
  /// What `data` lies in, where it was not lent; kept for its memory.
  @exclusivity(unchecked) private var ownedData: [UInt8] = []
  @exclusivity(unchecked) private var accountCapacity = 16
  /// 1 for an instruction of the transaction itself, one more a nested call.
  @exclusivity(unchecked) package var stackHeight = 0
  /// Position in the transaction's top level instructions.
  @exclusivity(unchecked) package var topLevelIndex = 0
  /// Bytes of its heap that the program took through the allocator syscall.
  @exclusivity(unchecked) var allocatedHeapByteCount: UInt64 = 0

  package init() {
    accounts = UnsafeMutableBufferPointer(start: .allocate(capacity: accountCapacity), count: 0)
  }

  deinit { accounts.baseAddress?.deallocate() }

  package var accountCount: Int { accounts.count }

  /// Throws `missingAccount` where the instruction names fewer than `count` accounts.
  package func checkAccountCount(_ count: Int) throws(InstructionError) {
    if accounts.count < count { throw .missingAccount }
  }

  /// Position of the first account of this instruction with the same key as the one at `index`; `nil` where
  /// that is itself.
  package func firstDuplicate(of index: Int) -> Int? {
    let position = accounts[index].indexInTransaction
    for earlier in 0..<index where accounts[earlier].indexInTransaction == position { return earlier }
    return nil
  }
}

// MARK: - Filling a frame

extension InstructionContext {
  /// Makes the list `count` accounts long; the caller fills it.
  @inline(__always) func resizeAccounts(to count: Int) {
    if count > accountCapacity { growAccounts(to: count) }
    accounts = UnsafeMutableBufferPointer(start: accounts.baseAddress, count: count)
  }

  @inline(never) private func growAccounts(to count: Int) {
    accounts.baseAddress?.deallocate()
    accountCapacity = 2 * count
    accounts = UnsafeMutableBufferPointer(start: .allocate(capacity: accountCapacity), count: 0)
  }

  package func setAccounts(_ list: [InstructionAccount]) {
    resizeAccounts(to: list.count)
    _ = accounts.initialize(fromContentsOf: list)
  }

  /// Copies `bytes`.
  package func setData(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else {
      data = bytes
      return
    }
    if !ownedData.isEmpty { ownedData.removeAll(keepingCapacity: true) }
    ownedData.append(contentsOf: bytes)
    // An array that nobody changes stays in place while it is held.
    data = ownedData.withUnsafeBytes { $0 }
  }

  /// Takes bytes that the caller keeps alive and unchanged while the frame is in use.
  @inline(__always) func lendData(_ bytes: UnsafeRawBufferPointer) {
    data = bytes
  }
}
