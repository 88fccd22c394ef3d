// Senders of several transactions, or authorities of several authorizations, recovered together, each as
// `recoverSender` or `recoverAuthority` would alone.

import Primitives
import WideIntegers

package struct SignerBatch {
  /// What signers signed, one after the other, and where each ends; and the signatures.
  private var payloads: [UInt8] = []
  private var ends: [Int] = []
  private var signatures: [EthereumSignature] = []
  /// By signature that was added: why it has no signer, as far as its values tell.
  private var refusals: [EthereumSignatureError?] = []

  package init() {}

  /// How many signatures are worth waiting for.
  package static var preferredCount: Int { Secp256k1.Batch.preferredCount }

  package mutating func add(_ transaction: EthereumTransaction, fork: Fork) {
    add(transaction.signature, fork: fork) { transaction.appendSigningPayload(to: &$0) }
  }

  /// Adds a transaction that was decoded from `wire`.
  package mutating func add(_ transaction: EthereumTransaction, wire: [UInt8], fork: Fork) {
    add(transaction.signature, fork: fork) { transaction.appendSigningPayload(of: wire, to: &$0) }
  }

  package mutating func add(_ authorization: Authorization) {
    add(authorization.signature, fork: .homestead) { $0 += authorization.signingPayload }
  }

  private mutating func add(_ signature: EthereumSignature, fork: Fork, _ append: (inout [UInt8]) -> Void) {
    guard signature.isInRange(allowsHighS: fork < .homestead) else { return refusals.append(.invalidValues) }
    refusals.append(nil)
    append(&payloads)
    ends.append(payloads.count)
    signatures.append(signature)
  }

  /// A signer for each signature in the order in which they were added, which are forgotten.
  package mutating func signers() -> [Result<Address, EthereumSignatureError>] {
    var batch = Secp256k1.Batch()
    for (signature, hash) in zip(signatures, hashes()) {
      batch.add(hash: hash, recoveryID: UInt64(signature.yParity), r: signature.r, s: signature.s)
    }
    let addresses = batch.addresses()
    var next = 0
    let signers = refusals.map { refusal -> Result<Address, EthereumSignatureError> in
      if let refusal { return .failure(refusal) }
      defer { next += 1 }
      guard let address = addresses[next] else { return .failure(.noKey) }
      return .success(address)
    }
    payloads.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    signatures.removeAll(keepingCapacity: true)
    refusals.removeAll(keepingCapacity: true)
    return signers
  }

  private func hashes() -> [Hash] {
    payloads.withUnsafeBytes { bytes in
      var batch = Keccak256.Batch()
      batch.reserve(ends.count)
      var start = 0
      for end in ends {
        batch.add(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        start = end
      }
      return batch.hashes()
    }
  }
}
