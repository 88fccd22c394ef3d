// Transactions to their wire form (EIP-2718), their hash, and the bytes that their sender signs (EIP-155 for a legacy
// one that names its chain).

import Primitives
import WideIntegers

extension EthereumTransaction {
  /// The wire form, signature included.
  package var encoded: [UInt8] {
    var writer = RLPWriter(capacity: data.count + 256)
    if kind != .legacy { writer.writeType(kind.rawValue) }
    writer.writeList { writer in
      writeUnsigned(to: &writer)
      writer.write(kind == .legacy ? legacyV : UInt256(UInt64(signature.yParity)))
      writer.write(signature.r)
      writer.write(signature.s)
    }
    return writer.bytes
  }

  /// The transaction's identity: Keccak-256 of the wire form.
  package var hash: Hash { Keccak256.hash(encoded) }

  /// Keccak-256 of what the sender signs.
  package var signingHash: Hash {
    var payload: [UInt8] = []
    appendSigningPayload(to: &payload)
    return Keccak256.hash(payload)
  }

  func appendSigningPayload(to payload: inout [UInt8]) {
    var writer = RLPWriter(capacity: data.count + 192)
    if kind != .legacy { writer.writeType(kind.rawValue) }
    writer.writeList { writer in
      writeUnsigned(to: &writer)
      if kind == .legacy, let chainID { Self.writeChain(chainID, to: &writer) }
    }
    payload += writer.bytes
  }

  /// The same from the wire form of this transaction: a list of the same bytes without the three fields of the signature.
  func appendSigningPayload(of wire: [UInt8], to payload: inout [UInt8]) {
    let typeCount = kind == .legacy ? 0 : 1
    // The list's header: its first byte, and so many of the length as that says beyond 0xf7.
    let start = typeCount + 1 + max(0, Int(wire[typeCount]) - 0xf7)
    let vCount = kind == .legacy ? RLP.byteCount(of: legacyV) : 1
    let end = wire.count - vCount - RLP.byteCount(of: signature.r) - RLP.byteCount(of: signature.s)
    var chain = RLPWriter()
    if kind == .legacy, let chainID { Self.writeChain(chainID, to: &chain) }
    if kind != .legacy { payload.append(kind.rawValue) }
    RLP.appendHeader(base: RLP.emptyList, payload: end - start + chain.bytes.count, to: &payload)
    payload += wire[start..<end]
    payload += chain.bytes
  }

  /// What stands in the signature's place where a legacy transaction names its chain (EIP-155).
  private static func writeChain(_ chainID: UInt64, to writer: inout RLPWriter) {
    writer.write(chainID)
    writer.write(UInt64(0))
    writer.write(UInt64(0))
  }

  /// The signature's `v` of a legacy transaction, with the chain in it where it names one (EIP-155).
  package var legacyV: UInt256 {
    let parity = UInt256(UInt64(signature.yParity))
    guard let chainID else { return parity &+ 27 }
    return (UInt256(chainID) << 1) &+ parity &+ 35
  }

  private func writeUnsigned(to writer: inout RLPWriter) {
    if kind != .legacy { writer.write(chainID ?? 0) }
    writer.write(nonce)
    if kind != .legacy && kind != .accessList { writer.write(maxPriorityFeePerGas) }
    writer.write(maxFeePerGas)
    writer.write(gasLimit)
    writer.write(to)
    writer.write(value)
    writer.write(data)
    guard kind != .legacy else { return }
    writer.writeList { writer in
      for entry in accessList {
        writer.writeList { writer in
          writer.write(entry.address)
          writer.writeList { writer in for key in entry.storageKeys { writer.write(key) } }
        }
      }
    }
    if kind == .blob {
      writer.write(maxFeePerBlobGas)
      writer.writeList { writer in for hash in blobVersionedHashes { writer.write(hash) } }
    }
    if kind == .setCode {
      writer.writeList { writer in for tuple in authorizations { tuple.write(to: &writer) } }
    }
  }
}

extension Authorization {
  fileprivate func write(to writer: inout RLPWriter) {
    writer.writeList { writer in
      writer.write(chainID)
      writer.write(address)
      writer.write(nonce)
      writer.write(UInt64(signature.yParity))
      writer.write(signature.r)
      writer.write(signature.s)
    }
  }

  /// Keccak-256 of what the authority signs.
  package var signingHash: Hash { Keccak256.hash(signingPayload) }

  /// 0x05 and the RLP of chain, address, nonce.
  var signingPayload: [UInt8] {
    var writer = RLPWriter(capacity: 72)
    writer.writeType(5)
    writer.writeList { writer in
      writer.write(chainID)
      writer.write(address)
      writer.write(nonce)
    }
    return writer.bytes
  }
}
