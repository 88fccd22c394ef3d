// Senders of several transactions, or authorities of several authorizations, recovered together, each as
// `recoverSender` or `recoverAuthority` would alone.

import Primitives
import WideIntegers

package struct SignerBatch {
  private var batch = Secp256k1.Batch()
  /// By signature: why it has no signer, as far as its values tell.
  private var refusals: [EthereumSignatureError?] = []

  package init() {}

  /// How many signatures are worth waiting for.
  package static var preferredCount: Int { Secp256k1.Batch.preferredCount }

  package mutating func add(_ transaction: EthereumTransaction, fork: Fork) {
    let signature = transaction.signature
    guard signature.isInRange(allowsHighS: fork < .homestead) else { return refusals.append(.invalidValues) }
    add(signature, over: transaction.signingHash)
  }

  package mutating func add(_ authorization: Authorization) {
    guard authorization.signature.isInRange(allowsHighS: false) else {
      return refusals.append(.invalidValues)
    }
    add(authorization.signature, over: authorization.signingHash)
  }

  private mutating func add(_ signature: EthereumSignature, over hash: Hash) {
    refusals.append(nil)
    batch.add(
      hash: hash, recoveryID: UInt64(signature.yParity), r: signature.r.bigEndianBytes,
      s: signature.s.bigEndianBytes)
  }

  /// A signer for each signature in the order in which they were added, which are forgotten.
  package mutating func signers() -> [Result<Address, EthereumSignatureError>] {
    defer { refusals.removeAll(keepingCapacity: true) }
    let keys = batch.keys()
    var next = 0
    return refusals.map { refusal in
      if let refusal { return .failure(refusal) }
      defer { next += 1 }
      guard let key = keys[next] else { return .failure(.noKey) }
      return .success(Address(Keccak256.hash(key)))
    }
  }
}
