// What a transaction with blobs has about it on the network: the blobs, commitments to them and proofs (EIP-4844, section
// Networking; EIP-7594 for the form with cell proofs). A block holds the transaction alone.
//
//   3 · rlp([transaction, [blob…], [commitment…], [proof…]])            a proof a blob
//   3 · rlp([transaction, 1, [blob…], [commitment…], [cell proof…]])    128 proofs a blob
//
// Commitments are checked against the transaction's hashes, and in the first form each blob against its commitment by its
// proof. Cell proofs are counted and not verified: that takes more of the trusted setup than is here (docs/next.md).

import EVM
import Primitives
import WideIntegers

/// What is wrong with a transaction's blobs, in geth's words.
package enum BlobSidecarError: Error, Equatable, Sendable, CustomStringConvertible {
  case missing
  case malformed(RLPError)
  case version(UInt64)
  case count(String, Int, expected: Int)
  case byteCount(String, Int, expected: Int)
  case hash(index: Int, computed: Hash, expected: Hash)
  case proof(index: Int)

  package var description: String {
    switch self {
    case .missing: "missing sidecar in blob transaction"
    case .malformed(let error): "malformed blob sidecar: \(error)"
    case .version(let version): "unsupported blob sidecar version \(version)"
    case .count(let what, let count, let expected):
      "invalid number of \(count) blob \(what) compared to \(expected) expected"
    case .byteCount(let what, let count, let expected): "a blob \(what) of \(count) bytes, want \(expected)"
    case .hash(let index, let computed, let expected):
      "blob \(index): computed hash 0x\(Hex.encode(computed.bytes)) mismatches transaction one 0x\(Hex.encode(expected.bytes))"
    case .proof(let index): "invalid blob proof: blob \(index) is not what its commitment says"
    }
  }
}

package struct BlobSidecar {
  package static let hashVersion: UInt8 = 1
  package static let blobByteCount = 131_072
  private static let pointByteCount = 48
  private static let cellCount = 128

  private var blobs: [[UInt8]] = []
  private var commitments: [[UInt8]] = []
  private var proofs: [[UInt8]] = []
  private var version: UInt64 = 0
  private var hasCellProofs: Bool { version == 1 }

  /// Takes a transaction with blobs out of its network form.
  ///
  /// - Returns: the transaction as a block holds it; `nil` where `bytes` are no such form.
  package static func split(_ bytes: [UInt8]) throws(BlobSidecarError) -> (
    wire: [UInt8], sidecar: BlobSidecar
  )? {
    guard bytes.first == EthereumTransaction.Kind.blob.rawValue else { return nil }
    do throws(RLPError) {
      return try bytes.withUnsafeBufferPointer {
        buffer throws(RLPError) -> (wire: [UInt8], sidecar: BlobSidecar)? in
        var outer = RLPReader(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[1...]))
        var list = try outer.readList()
        try outer.expectEnd()
        // A transaction alone begins with its chain, which is no list.
        guard list.isAtList else { return nil }
        let first = try list.readEncoded()
        var sidecar = BlobSidecar()
        if !list.isAtList { sidecar.version = try list.readUInt64() }
        sidecar.blobs = try strings(&list)
        sidecar.commitments = try strings(&list)
        sidecar.proofs = try strings(&list)
        try list.expectEnd()
        return ([EthereumTransaction.Kind.blob.rawValue] + Array(first), sidecar)
      }
    } catch {
      throw .malformed(error)
    }
  }

  private static func strings(_ reader: inout RLPReader) throws(RLPError) -> [[UInt8]] {
    var list = try reader.readList()
    var found: [[UInt8]] = []
    while !list.isAtEnd { found.append(Array(try list.readBytes())) }
    return found
  }

  /// Checks all of it against the transaction's hashes.
  package func verify(_ hashes: [Hash]) throws(BlobSidecarError) {
    if version > 1 { throw .version(version) }
    let proofCount = hashes.count * (hasCellProofs ? Self.cellCount : 1)
    for (name, list, expected, byteCount) in [
      ("blobs", blobs, hashes.count, Self.blobByteCount),
      ("commitments", commitments, hashes.count, Self.pointByteCount),
      ("proofs", proofs, proofCount, Self.pointByteCount),
    ] {
      guard list.count == expected else { throw .count(name, list.count, expected: expected) }
      if let wrong = list.first(where: { $0.count != byteCount }) {
        throw .byteCount(name, wrong.count, expected: byteCount)
      }
    }
    for (index, hash) in hashes.enumerated() {
      var digest = Array(SHA256.hash(commitments[index]).bytes)
      digest[0] = Self.hashVersion
      let computed = Hash(digest) ?? .zero  // 32 bytes
      if computed != hash { throw .hash(index: index, computed: computed, expected: hash) }
      if hasCellProofs { continue }
      guard BlobProof.isValid(blob: blobs[index], commitment: commitments[index], proof: proofs[index]) else {
        throw .proof(index: index)
      }
    }
  }
}
