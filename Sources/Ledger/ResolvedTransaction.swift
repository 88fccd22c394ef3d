// A sane transaction with all its keys: the static ones, then every looked-up writable key, then every
// looked-up read-only key, each with its role. This is what the scheduler locks and the runtime executes. The
// order of the checks is LiteSVM's: sanitise, look up, locks; signatures come after these.

import Primitives

@usableFromInline package struct ResolvedTransaction: Sendable {
  /// Static ++ looked-up writable ++ looked-up read-only; at most `maximumLockCount`, no two equal.
  @usableFromInline package let keys: ResolvedKeys
  private let signatureCount: Int
  /// Bit i is set where key i is writable, after demotion of reserved keys and called programs.
  @usableFromInline package let writableMask: UInt64
  /// Bit i is set where some instruction calls key i as its program.
  @usableFromInline package let programMask: UInt64

  /// Accounts a transaction may lock.
  package static let maximumLockCount = 64

  @inlinable @inline(__always) package var message: Message { keys.message }

  package var transaction: Transaction { Transaction(message: message, signatureCount: signatureCount) }

  @inlinable @inline(__always) package func isSigner(_ index: Int) -> Bool {
    index < Int(keys.message.header.requiredSignatureCount)
  }

  @inlinable @inline(__always) package func isWritable(_ index: Int) -> Bool {
    writableMask >> UInt64(index) & 1 != 0
  }

  /// Whether some instruction calls this key as its program.
  @inlinable package func isCalledAsProgram(_ index: Int) -> Bool { programMask >> UInt64(index) & 1 != 0 }

  /// Sanitises `transaction`, takes the addresses its lookups load, and checks the locks.
  ///
  /// - Parameter lookUp: gives the addresses that the message's lookups load, in the wire's order; called only
  ///   where there are lookups.
  package init(
    _ transaction: Transaction, lookUp: (Message) throws(TransactionError) -> LoadedAddresses
  ) throws(TransactionError) {
    try transaction.sanitize()
    let message = transaction.message
    var loadedKeys: [Pubkey] = []
    var loadedWritableCount = 0
    if !message.addressTableLookups.isEmpty {
      let loaded = try lookUp(message)
      loadedKeys = loaded.writable + loaded.readonly
      loadedWritableCount = loaded.writable.count
    }
    let keys = ResolvedKeys(message: message, loaded: loadedKeys)
    try Self.checkLocks(keys)
    signatureCount = transaction.signatureCount
    self.keys = keys
    var programMask: UInt64 = 0
    for index in 0..<message.instructionCount {
      programMask |= 1 << UInt64(message.instruction(at: index).programIndex)
    }
    self.programMask = programMask
    writableMask = Self.writableMask(
      keys: keys, message: message, loadedWritableCount: loadedWritableCount, programMask: programMask)
    for index in keys.indices where isWritable(index) && EVMKey.contains(keys[index]) {
      throw .invalidWritableAccount
    }
  }

  private static func checkLocks(_ keys: ResolvedKeys) throws(TransactionError) {
    let hasDuplicate =
      keys.count <= maximumLockCount ? hasDuplicateByScan(keys) : Set(keys).count < keys.count
    if hasDuplicate { throw .accountLoadedTwice }
    if keys.count > maximumLockCount { throw .tooManyAccountLocks }
  }

  /// Few keys: comparing first words pairwise beats hashing.
  private static func hasDuplicateByScan(_ keys: ResolvedKeys) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: maximumLockCount) { words in
      for index in 0..<keys.count {
        let key = keys[index]
        for earlier in 0..<index where words[earlier] == key.word0 {
          if keys[earlier] == key { return true }
        }
        words[index] = key.word0
      }
      return false
    }
  }

  private static func writableMask(
    keys: ResolvedKeys, message: Message, loadedWritableCount: Int, programMask: UInt64
  ) -> UInt64 {
    let header = message.header
    let signerCount = Int(header.requiredSignatureCount)
    var mask: UInt64 = 0
    @inline(__always) func markWritable(_ range: Range<Int>) {
      for index in range where !ReservedKeys.contains(keys[index]) { mask |= 1 << UInt64(index) }
    }
    markWritable(0..<signerCount - Int(header.readonlySignedCount))
    markWritable(signerCount..<message.staticKeyCount - Int(header.readonlyUnsignedCount))
    markWritable(message.staticKeyCount..<message.staticKeyCount + loadedWritableCount)
    // A called program is demoted unless the upgradeable loader is among the keys.
    let demoted = mask & programMask
    if demoted != 0 && !keys.contains(ProgramID.bpfLoaderUpgradeable) { mask &= ~demoted }
    return mask
  }
}

/// The keys of a transaction by position: the static ones lie in its wire bytes and are not copied.
@frozen @usableFromInline package struct ResolvedKeys: RandomAccessCollection, Sendable {
  @usableFromInline let message: Message
  /// Those that lookup tables gave: all writable ones before the read-only ones.
  @usableFromInline package let loaded: [Pubkey]

  init(message: Message, loaded: [Pubkey]) {
    self.message = message
    self.loaded = loaded
  }

  @inlinable package var startIndex: Int { 0 }
  @inlinable package var endIndex: Int { message.staticKeyCount + loaded.count }
  @inlinable package var count: Int { endIndex }
  @inlinable package var indices: Range<Int> { 0..<endIndex }

  @inlinable @inline(__always) package subscript(index: Int) -> Pubkey {
    index < message.staticKeyCount ? message.staticKey(at: index) : loaded[index - message.staticKeyCount]
  }
}

/// Addresses that a message's lookups loaded.
package struct LoadedAddresses: Sendable, Equatable {
  package var writable: [Pubkey]
  package var readonly: [Pubkey]

  package init(writable: [Pubkey] = [], readonly: [Pubkey] = []) {
    self.writable = writable
    self.readonly = readonly
  }
}
