// The checks that need nothing but the message, as Agave makes them before anything is loaded
// (VersionedTransaction::sanitize, and its transaction-view/src/sanitize.rs for the two limits on instructions, SIMD-0160
// and SIMD-0406). Every failure is `sanitizeFailure`.

import Primitives

extension Transaction {
  /// Instructions a transaction may hold.
  package static let maximumInstructionCount = 64
  /// Accounts an instruction may list, repetitions included.
  package static let maximumInstructionAccountCount = 255

  package func sanitize() throws(TransactionError) {
    guard isSane else { throw .sanitizeFailure }
  }

  private var isSane: Bool {
    let header = message.header
    let keyCount = message.staticKeyCount
    // The signing keys and the read-only unsigned ones must not overlap, and the fee payer must be writable.
    guard
      Int(header.requiredSignatureCount) + Int(header.readonlyUnsignedCount) <= keyCount,
      header.readonlySignedCount < header.requiredSignatureCount,
      signatureCount == Int(header.requiredSignatureCount)
    else { return false }

    var totalKeyCount = keyCount
    for lookup in message.addressTableLookups {
      guard lookup.count > 0 else { return false }
      totalKeyCount += lookup.count
    }
    if message.version == .v0 && totalKeyCount > 256 { return false }

    if message.instructionCount > Self.maximumInstructionCount { return false }
    for index in 0..<message.instructionCount {
      let instruction = message.instruction(at: index)
      // Index 0 is the fee payer, which cannot be a program; programs are never looked up.
      guard instruction.programIndex > 0, Int(instruction.programIndex) < keyCount else { return false }
      if Int(instruction.accountCount) > Self.maximumInstructionAccountCount { return false }
      for position in message.accountIndexBytes(of: instruction) where Int(position) >= totalKeyCount {
        return false
      }
    }
    return true
  }
}
