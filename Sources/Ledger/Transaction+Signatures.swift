// Checking a transaction's signatures: ed25519 over the message, each by the static key at its position.

import Primitives

extension Transaction {
  /// Whether every signature is valid; the transaction must be sane (`sanitize`).
  package var hasValidSignatures: Bool {
    message.messageBytes.withUnsafeBytes { signed in
      for index in 0..<signatureCount
      where !Ed25519.verify(signature(at: index), of: signed, by: message.staticKey(at: index)) {
        return false
      }
      return true
    }
  }
}
