// Checking a transaction's signatures: ed25519 over the message, each by the static key at its position.

import Primitives

extension Ed25519.Batch {
  /// Adds every signature of a transaction, which must be sane (`sanitize`) and keep its bytes until they are checked.
  package mutating func add(signaturesOf transaction: Transaction, owner: Int) {
    let message = transaction.message
    let signed = UnsafeRawBufferPointer(
      start: message.base + message.offset, count: message.bytes.count - message.offset)
    for index in 0..<transaction.signatureCount {
      add(
        signature: message.base + (1 + index * 64), message: signed,
        key: message.base + (message.keysOffset + index * 32), owner: owner)
    }
  }
}
