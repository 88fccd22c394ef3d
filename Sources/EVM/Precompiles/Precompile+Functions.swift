// The precompiles that are more than a call of a library floor: which bytes of the input mean what, and
// what a refused input gives (a failed call for some, an empty result for others).

import Curves
import Primitives

extension Precompile {
  /// The address that signed a hash, in 32 bytes, or no bytes where none did. Input: hash, v, r, s, 32
  /// bytes each, with v 27 or 28.
  static func recoveredSigner(_ input: UnsafeRawBufferPointer) -> [UInt8] {
    padded(input, to: 128) { input in
      let v = input[63]
      guard input[32..<63].allSatisfy({ $0 == 0 }), v == 27 || v == 28, let start = input.baseAddress else {
        return []
      }
      let signature = UnsafeRawBufferPointer(rebasing: input[64..<128])
      guard
        let key = try? Secp256k1.recover(
          hash: Hash(reading: start), recoveryID: UInt64(v) - 27, signature: signature)
      else { return [] }
      return word(Secp256k1.ethereumAddress(of: key))
    }
  }

  /// Input: rounds, 4 bytes, big-endian; state, 64 bytes; block, 128; offset, 16 (all little-endian words);
  /// whether it is the last block, 1 (0 or 1).
  static func compressed(_ input: UnsafeRawBufferPointer) -> [UInt8]? {
    guard input.count == 213, let start = input.baseAddress, input[212] <= 1 else { return nil }
    let rounds = UInt32(bigEndian: start.loadUnaligned(as: UInt32.self))
    let low = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: 196, as: UInt64.self))
    let high = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: 204, as: UInt64.self))
    var state = Array(input[4..<68])
    state.withUnsafeMutableBytes { state in
      if let words = state.baseAddress {
        BLAKE2b.compress(
          rounds: rounds, state: words, block: start + 68, offset: (low, high), isLast: input[212] == 1)
      }
    }
    return state
  }

  /// Input: versioned hash of the commitment, point, value, 32 bytes each; commitment, proof, 48 bytes
  /// each. The result is constant: the number of field elements in a blob and the modulus of their field.
  static func evaluatedPoint(_ input: UnsafeRawBufferPointer) -> [UInt8]? {
    guard input.count == 192 else { return nil }
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(rebasing: input[range])
    }
    let commitment = part(96..<144)
    guard input[0] == 0x01, input[1..<32].elementsEqual(SHA256.hash(commitment).bytes[1...]) else {
      return nil
    }
    guard
      (try? KZG.verify(commitment: commitment, z: part(32..<64), y: part(64..<96), proof: part(144..<192)))
        == true
    else { return nil }
    return evaluationResult
  }

  private static let evaluationResult: [UInt8] =
    word([0x10, 0x00]) + [
      0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39, 0xd8, 0x08, 0x09, 0xa1, 0xd8, 0x05,
      0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
    ]

  /// One, or no bytes. Input: hash, r, s, x, y, 32 bytes each.
  static func verifiedP256(_ input: UnsafeRawBufferPointer) -> [UInt8] {
    guard input.count == 160, let start = input.baseAddress else { return [] }
    let isSigned = Secp256r1.isSigned(
      digest: Hash(reading: start), signature: UnsafeRawBufferPointer(rebasing: input[32..<96]),
      key: UnsafeRawBufferPointer(rebasing: input[96..<160]))
    return isSigned ? truth(true) : []
  }
}
