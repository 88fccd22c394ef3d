// The accounts, the instruction stack and trace and the return data of the transaction that a worker is
// running (Solana's transaction-context crate, https://docs.rs/solana-transaction-context). One object a
// worker, reset and not reallocated: accounts live in fixed slots that are addressed by pointer.

import Ledger
import Primitives

package final class TransactionContext {
  /// Keys a transaction can name: instruction accounts are bytes.
  package static let maximumAccountCount = 256
  package static let maximumTraceLength = 64
  /// The deepest stack: the transaction's own instruction and eight calls below it, of which mainnet has four
  /// (`Features.deepInvocations`).
  package static let maximumStackHeight = 9
  package static let maximumReturnDataByteCount = 1024
  /// Growth of all account data in one transaction, in bytes.
  package static let maximumDataGrowth: Int64 = 20 * 1024 * 1024

  @exclusivity(unchecked) package internal(set) var accountCount = 0
  /// Where the stack ends for this transaction.
  @exclusivity(unchecked) private(set) var stackLimit = 5
  /// Position of the instructions sysvar, whose data names the instruction that runs.
  @exclusivity(unchecked) var instructionsSysvarIndex: Int?
  /// `maximumAccountCount` slots each, the first `accountCount` in use.
  package let keys: UnsafeMutablePointer<Pubkey>
  package let accounts: UnsafeMutablePointer<Account>
  package let touched: UnsafeMutablePointer<Bool>
  /// Positions of the slots that `lend` has filled.
  private let lent: UnsafeMutablePointer<Int>
  @exclusivity(unchecked) private var lentCount = 0

  /// Every instruction begun so far, in order of beginning: the first `traceLength` frames; the one after
  /// them is filled before it begins.
  package let trace: UnsafeMutablePointer<InstructionContext>
  @exclusivity(unchecked) package internal(set) var traceLength = 0
  /// Positions in `trace` of the frames now running, the caller first: `stackHeight` of them.
  let stack: UnsafeMutablePointer<Int>
  @exclusivity(unchecked) package internal(set) var stackHeight = 0

  @exclusivity(unchecked) package var returnDataProgram: Pubkey = .zero
  @exclusivity(unchecked) package var returnData: [UInt8] = []

  /// Bytes by which account data has grown.
  @exclusivity(unchecked) package internal(set) var resizeDelta: Int64 = 0
  /// Lamports created (positive) or destroyed by the changes made so far.
  @exclusivity(unchecked) package internal(set) var lamportsDelta = SignedDelta()
  @exclusivity(unchecked) package internal(set) var rent = Rent()

  package init() {
    keys = .allocate(capacity: Self.maximumAccountCount)
    keys.initialize(repeating: .zero, count: Self.maximumAccountCount)
    accounts = .allocate(capacity: Self.maximumAccountCount)
    accounts.initialize(repeating: .empty, count: Self.maximumAccountCount)
    touched = .allocate(capacity: Self.maximumAccountCount)
    touched.initialize(repeating: false, count: Self.maximumAccountCount)
    lent = .allocate(capacity: Self.maximumAccountCount)
    trace = .allocate(capacity: Self.maximumTraceLength + 1)
    for position in 0...Self.maximumTraceLength {
      (trace + position).initialize(to: InstructionContext())
    }
    stack = .allocate(capacity: Self.maximumStackHeight)
    stack.initialize(repeating: 0, count: Self.maximumStackHeight)
    returnData.reserveCapacity(Self.maximumReturnDataByteCount)
  }

  deinit {
    keys.deallocate()
    accounts.deinitialize(count: Self.maximumAccountCount)
    accounts.deallocate()
    touched.deallocate()
    lent.deallocate()
    trace.deinitialize(count: Self.maximumTraceLength + 1)
    trace.deallocate()
    stack.deallocate()
  }

  /// Forgets the last transaction; account slots are released when they are refilled.
  package func reset(accountCount: Int, rent: Rent, features: Features = .mainnet) {
    self.accountCount = accountCount
    stackLimit = features.contains(.deepInvocations) ? Self.maximumStackHeight : 5
    self.rent = rent
    touched.update(repeating: false, count: accountCount)
    traceLength = 0
    stackHeight = 0
    returnDataProgram = .zero
    if !returnData.isEmpty { returnData.removeAll(keepingCapacity: true) }
    resizeDelta = 0
    lamportsDelta = SignedDelta()
    instructionsSysvarIndex = nil
  }

  /// Fills the slot at `position` with an account that the transaction may not write, without taking a reference to its
  /// data: accounts that many transactions read at once, programs above all, would pass their counts to and fro between
  /// processors. Nothing may be assigned to the slot until `takeBackAccounts`, before which the account must not change.
  @inline(__always) func lend(_ account: UnsafePointer<Account>, at position: Int) {
    let slot = accounts + position
    slot.deinitialize(count: 1)
    UnsafeMutableRawPointer(slot).copyMemory(from: account, byteCount: MemoryLayout<Account>.size)
    lent[lentCount] = position
    lentCount += 1
  }

  /// Empties the slots that `lend` has filled.
  @inline(__always) func takeBackAccounts() {
    for index in 0..<lentCount {
      (accounts + lent[index]).initialize(to: Account(owner: .zero, rentEpoch: 0))
    }
    lentCount = 0
  }

  /// Forgets the account that was lent at `position`.
  ///
  /// - Returns: whether one was; the slot is then not initialised.
  func takeBackAccount(at position: Int) -> Bool {
    for index in 0..<lentCount where lent[index] == position {
      lentCount -= 1
      lent[index] = lent[lentCount]
      return true
    }
    return false
  }

  /// Position of `key`, by a scan of at most 256 keys.
  package func index(of key: Pubkey) -> Int? {
    for index in 0..<accountCount where keys[index] == key { return index }
    return nil
  }

  /// Lamports with which an account of `byteCount` bytes of data is exempt from rent.
  package func minimumBalance(dataByteCount byteCount: Int) -> UInt64 {
    rent.minimumBalance(dataByteCount: byteCount)
  }

  /// The frame now running.
  package var current: InstructionContext? { stackHeight > 0 ? trace[stack[stackHeight - 1]] : nil }

  func clearReturnData(program: Pubkey) {
    returnDataProgram = program
    if !returnData.isEmpty { returnData.removeAll(keepingCapacity: true) }
  }

  package func setReturnData(program: Pubkey, _ bytes: UnsafeRawBufferPointer) {
    returnDataProgram = program
    if !returnData.isEmpty { returnData.removeAll(keepingCapacity: true) }
    returnData.append(contentsOf: bytes)
  }
}

/// A sum of signed 65-bit differences; it cannot overflow within one transaction's instructions.
package struct SignedDelta: Equatable {
  package private(set) var value: Int128 = 0

  package init() {}

  package mutating func add(from old: UInt64, to new: UInt64) {
    value &+= Int128(new) - Int128(old)
  }

  package var isZero: Bool { value == 0 }
}
