// Senders of several transactions recovered together, each as `recoverSender` would alone.

import Primitives
import WideIntegers

package struct SenderBatch {
  private var batch = Secp256k1.Batch()
  /// By transaction: why it has no sender, as far as its values tell.
  private var refusals: [EthereumSignatureError?] = []

  package init() {}

  /// How many transactions are worth waiting for.
  package static var preferredCount: Int { Secp256k1.Batch.preferredCount }

  package mutating func add(_ transaction: EthereumTransaction, fork: Fork) {
    let signature = transaction.signature
    guard signature.isInRange(allowsHighS: fork < .homestead) else {
      refusals.append(.invalidValues)
      return
    }
    refusals.append(nil)
    batch.add(
      hash: transaction.signingHash, recoveryID: UInt64(signature.yParity),
      r: signature.r.bigEndianBytes, s: signature.s.bigEndianBytes)
  }

  /// A sender for each transaction in the order in which they were added, which are forgotten.
  package mutating func senders() -> [Result<Address, EthereumSignatureError>] {
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
