// Signing of transactions of every type, and of authorizations (EIP-155, EIP-2718, EIP-7702): what recovery in
// EthereumTransaction+Sender.swift reads back.

import Primitives

extension EthereumSignature {
  /// The signature of `key` over `hash`; s is in the lower half, as every fork from Homestead on wants it (EIP-2).
  package init(of hash: Hash, by key: PrivateKey) {
    let (yParity, r, s) = key.sign(hash)
    self.init(yParity: yParity, r: r, s: s)
  }
}

extension EthereumTransaction {
  /// The same transaction, signed; a signature that it has is replaced.
  package func signed(by key: PrivateKey) -> EthereumTransaction {
    var transaction = self
    transaction.signature = EthereumSignature(of: signingHash, by: key)
    return transaction
  }
}

extension Authorization {
  /// The same authorization, signed by the account whose code it sets.
  package func signed(by authority: PrivateKey) -> Authorization {
    var authorization = self
    authorization.signature = EthereumSignature(of: signingHash, by: authority)
    return authorization
  }
}
