// One transaction on its way through a block: what can be known of it without the state (decoding, sanitising, locks,
// signatures, the hashes of its keys), which any thread may find out at any time, and what the preparation adds in block
// order.

import Ledger
import Primitives
import Runtime
import Scheduling

struct PreparedTransaction: @unchecked Sendable {
  // Sendable: the pointers lead to bytes that nobody changes.

  // MARK: Without the state

  /// Ready to run as far as the bytes tell; `nil` where it waits for its lookup tables or will not run.
  private(set) var resolved: ResolvedTransaction?
  /// A transaction whose keys lookup tables complete.
  private(set) var unresolved: Transaction?
  /// Why it will not run.
  private(set) var error: TransactionError?
  /// Whether `resolved` is there; like the next two, kept apart so that the adding thread need not look into it.
  private(set) var isResolved = false
  private(set) var keyCount = 0
  private(set) var writableMask: UInt64 = 0
  /// Set to false by who checks them.
  var hasValidSignatures = true
  /// Whether it may deploy, upgrade or close programs, as far as its static keys tell.
  var namesUpgradeableLoader = false
  /// Whether one of its keys is of the EVM's space.
  var namesEVM = false
  /// Whether one of its static keys is the EVM program's, so that it may call contracts.
  private(set) var namesEthereumProgram = false
  /// Where the static keys and the first signature lie in the block's wire bytes, which outlive this: looking at them
  /// there costs no reference counting. `nil` where the bytes are no transaction.
  private(set) var keys: UnsafeRawPointer?
  private(set) var staticKeyCount = 0
  private(set) var signature: UnsafeRawPointer?
  /// Position of the program that the last instruction calls; 0 where there is none.
  private(set) var lastProgram: UInt8 = 0
  /// Tags of the first static keys.
  private var tags = InlineArray<8, UInt32>(repeating: 0)

  // MARK: From the preparation

  /// Where its account indices lie in `BlockPreparation.indices`: one a key, then one an implicit key.
  var firstIndex = 0
  /// The last earlier transaction of the block with the same signature that was handed over; -1: none.
  var duplicateOf: Int32 = -1
  /// Accounts that executing reads beyond the keys: code of upgradeable programs. Kept here because workers must not
  /// ask the table for keys: its interner grows while they run.
  var implicitKeys: [Pubkey] = []

  init() {}

  /// Becomes the transaction in `wire`, and adds its signatures to those that wait to be checked, if any do. One that is
  /// not sane has no signatures worth checking.
  mutating func decode(
    _ wire: [UInt8], hasher: AccountKeyHasher, position: Int, signatures: inout Ed25519.Batch?
  ) {
    reset()
    let transaction: Transaction
    do throws(TransactionDecodingError) {
      transaction = try Transaction.decode(wire)
    } catch {
      self.error = .sanitizeFailure
      return
    }
    noteKeys(of: transaction, hasher: hasher)
    if transaction.message.addressTableLookups.isEmpty {
      resolve(transaction) { (_) throws(TransactionError) in LoadedAddresses() }
      if !isResolved { return }
    } else {
      do throws(TransactionError) { try transaction.sanitize() } catch {
        self.error = error
        return
      }
      unresolved = transaction
    }
    signatures?.add(signaturesOf: transaction, owner: position)
  }

  /// Becomes what `init()` makes.
  mutating func reset() {
    resolved = nil
    unresolved = nil
    error = nil
    isResolved = false
    keyCount = 0
    hasValidSignatures = true
    namesUpgradeableLoader = false
    namesEVM = false
    namesEthereumProgram = false
    keys = nil
    staticKeyCount = 0
    signature = nil
    lastProgram = 0
    duplicateOf = -1
    if !implicitKeys.isEmpty { implicitKeys = [] }
  }

  private mutating func noteKeys(of transaction: Transaction, hasher: AccountKeyHasher) {
    let message = transaction.message
    // The message holds the wire bytes themselves, not a copy, and the block keeps them in place.
    keys = message.base + message.keysOffset
    staticKeyCount = message.staticKeyCount
    if transaction.signatureCount > 0 { signature = message.base + 1 }
    let instructionCount = message.instructionCount
    if instructionCount > 0 { lastProgram = message.instruction(at: instructionCount - 1).programIndex }
    for index in 0..<staticKeyCount {
      let key = message.staticKey(at: index)
      if key == ProgramID.bpfLoaderUpgradeable { namesUpgradeableLoader = true }
      if EVMKey.contains(key) { namesEVM = true }
      if key == ProgramID.ethereum { namesEthereumProgram = true }
      if index < 8 { tags[index] = hasher.tag(of: AccountKey(key)) }
    }
  }

  /// Finds out its keys and locks, or why it has none.
  mutating func resolve(
    _ transaction: Transaction, lookUp: (Message) throws(TransactionError) -> LoadedAddresses
  ) {
    do throws(TransactionError) {
      let resolved = try ResolvedTransaction(transaction, lookUp: lookUp)
      keyCount = resolved.keys.count
      writableMask = resolved.writableMask
      if keyCount > staticKeyCount {
        for offset in staticKeyCount..<keyCount where EVMKey.contains(resolved.keys[offset]) {
          namesEVM = true
        }
      }
      self.resolved = consume resolved
      isResolved = true
    } catch {
      self.error = error
    }
  }

  /// It will not run.
  mutating func refuse(_ error: TransactionError) {
    self.error = error
    resolved = nil
    isResolved = false
  }

  /// Hands the transaction over to be run; `nil` where it will not run.
  @inline(__always) mutating func take() -> ResolvedTransaction? {
    unresolved = nil
    return resolved.take()
  }

  var isTransaction: Bool { keys != nil }

  @inline(__always) var firstSignature: Signature? { signature.map { Signature(reading: $0) } }

  /// The static key at `index` in `[0, staticKeyCount)`.
  @inline(__always) func key(at index: Int) -> Pubkey {
    guard let keys, index < staticKeyCount else { return .zero }
    return Pubkey(reading: keys + index * 32)
  }

  /// The tag of that key, which is hashed once where it is among the first.
  @inline(__always) func tag(at index: Int, _ hasher: AccountKeyHasher) -> UInt32 {
    index < 8 ? tags[index] : hasher.tag(of: AccountKey(key(at: index)))
  }
}
