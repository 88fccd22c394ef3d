// What work costs in compute units, and the limits that go with it: the execution cost table of Agave 4.1
// (program-runtime, execution_budget.rs, https://github.com/anza-xyz/agave) under mainnet's features. An SBPF
// instruction costs one unit; everything here comes on top. Constants, so that the compiler folds them in.

package enum ComputeCosts {
  // MARK: Any syscall
  package static let syscallBase: UInt64 = 100
  package static let log64: UInt64 = 100
  package static let logPubkey: UInt64 = 100
  package static let getRemainingUnits: UInt64 = 100
  /// Base of a sysvar getter; the size of the sysvar's structure, in bytes, comes on top.
  package static let sysvarBase: UInt64 = 100
  /// The least that a memory operation, or a slice to hash, costs.
  package static let memoryOperationBase: UInt64 = 10
  /// Bytes moved for one unit: memory operations, return data, data of a cross-program invocation.
  package static let bytesPerUnit: UInt64 = 250

  // MARK: Calls
  /// One cross-program invocation, before what the callee costs (SIMD-0339).
  package static let invoke: UInt64 = 946
  /// One derivation of a program address: each attempt of a search pays it again.
  package static let createProgramAddress: UInt64 = 1500
  /// Each 32 KiB of heap beyond the first.
  package static let heapPage: UInt64 = 8
  package static let heapPageByteCount: UInt64 = 32 * 1024

  // MARK: Hashes
  package static let hashBase: UInt64 = 85
  /// Each two bytes of a slice.
  package static let hashBytePair: UInt64 = 1
  package static let maximumHashSliceCount: UInt64 = 20_000

  // MARK: Signatures and curves
  package static let secp256k1Recover: UInt64 = 25_000
  package static let edwards = CurveCosts(
    validate: 159, add: 473, subtract: 475, multiply: 2_177, multiscalarBase: 2_273, multiscalarEach: 758)
  package static let ristretto = CurveCosts(
    validate: 169, add: 521, subtract: 519, multiply: 2_208, multiscalarBase: 2_303, multiscalarEach: 788)

  package struct CurveCosts: Sendable {
    package let validate: UInt64
    package let add: UInt64
    package let subtract: UInt64
    package let multiply: UInt64
    /// Multiscalar multiplication with up to one term.
    package let multiscalarBase: UInt64
    /// Each further term.
    package let multiscalarEach: UInt64

    /// Units of a multiscalar multiplication of `termCount` terms.
    package func multiscalar(termCount: UInt64) -> UInt64 {
      multiscalarBase + multiscalarEach * (termCount == 0 ? 0 : termCount - 1)
    }
  }

  /// The curve BN254 (`alt_bn128`). Of a pairing, its input's bytes, a hash's base and 32 units come on top; of a
  /// compression, a syscall's base.
  package enum BN254 {
    package static let addG1: UInt64 = 334
    package static let multiplyG1: UInt64 = 3_840
    package static let addG2: UInt64 = 535
    package static let multiplyG2: UInt64 = 15_670
    package static let firstPair: UInt64 = 36_364
    package static let furtherPair: UInt64 = 12_121
    package static let compressG1: UInt64 = 30
    package static let decompressG1: UInt64 = 398
    package static let compressG2: UInt64 = 86
    package static let decompressG2: UInt64 = 13_610
  }

  /// Units for a heap of `byteCount` bytes, part pages counting as whole ones.
  package static func heap(byteCount: UInt64) -> UInt64 {
    let pages = byteCount / heapPageByteCount + (byteCount % heapPageByteCount == 0 ? 0 : 1)
    return pages == 0 ? 0 : (pages - 1) * heapPage
  }

  /// Units of a memory operation over `byteCount` bytes.
  @inline(__always) package static func memoryOperation(byteCount: UInt64) -> UInt64 {
    max(memoryOperationBase, byteCount / bytesPerUnit)
  }
}
