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

  /// The groups of BLS12-381 (SIMD-0388).
  package static let blsG1 = BLS12381Costs(
    validate: 1_565, decompress: 2_100, add: 128, subtract: 129, multiply: 4_627)
  package static let blsG2 = BLS12381Costs(
    validate: 1_968, decompress: 3_050, add: 203, subtract: 204, multiply: 8_255)

  package struct BLS12381Costs: GroupCosts {
    package let validate: UInt64
    package let decompress: UInt64
    package let add: UInt64
    package let subtract: UInt64
    package let multiply: UInt64
  }

  /// Units of a product of pairings over BLS12-381; saturates.
  package static func blsPairing(pairCount: UInt64) -> UInt64 {
    let (further, overflow) = UInt64(13_023).multipliedReportingOverflow(by: max(pairCount, 1) - 1)
    let (units, more) = further.addingReportingOverflow(25_445)
    return overflow || more ? .max : units
  }

  /// Units of a Poseidon hash of `count` elements, `count` in `[0, 12]`.
  package static func poseidon(count: UInt64) -> UInt64 { 61 * count * count + 542 }

  /// Units of a modular exponentiation whose longest operand has `byteCount` bytes, at most 512.
  package static func modularExponentiation(byteCount: UInt64) -> UInt64 {
    syscallBase + byteCount * byteCount / 2 + 190
  }

  package struct CurveCosts: GroupCosts {
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

/// Units of what every group does.
package protocol GroupCosts: Sendable {
  var validate: UInt64 { get }
  var add: UInt64 { get }
  var subtract: UInt64 { get }
  var multiply: UInt64 { get }
}
