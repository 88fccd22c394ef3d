// Blob gas (EIP-4844, https://eips.ethereum.org/EIPS/eip-4844) with each fork's parameters as data (EIP-7691 for
// Prague; EIP-7892's parameter-only forks BPO1 and BPO2 after Osaka) and EIP-7918's lower bound from Osaka on.

import WideIntegers

/// How many blobs a block takes and how fast their price moves.
package struct BlobParameters: Equatable, Sendable {
  package let targetCount: UInt64
  package let maximumCount: UInt64
  /// The denominator of the price's exponent.
  package let baseFeeUpdateFraction: UInt64
  /// How many blobs one transaction may carry (EIP-7594 from Osaka on), `maximumCount` before.
  package let maximumCountPerTransaction: UInt64

  package static let cancun = BlobParameters(3, 6, 3_338_477)
  package static let prague = BlobParameters(6, 9, 5_007_716)
  package static let osaka = BlobParameters(6, 9, 5_007_716, perTransaction: 6)
  package static let bpo1 = BlobParameters(10, 15, 8_346_193, perTransaction: 6)
  package static let bpo2 = BlobParameters(14, 21, 11_684_671, perTransaction: 6)

  package static let gasPerBlob: UInt64 = 1 << 17
  package static let minimumBaseFee: UInt64 = 1
  /// EIP-7918: execution gas that a blob is taken to cost at least.
  package static let baseCost: UInt64 = 1 << 13

  /// `fraction` is not 0.
  package init(_ target: UInt64, _ maximum: UInt64, _ fraction: UInt64, perTransaction: UInt64? = nil) {
    (targetCount, maximumCount, baseFeeUpdateFraction) = (target, maximum, fraction)
    maximumCountPerTransaction = perTransaction ?? maximum
  }

  /// The fork's own; those of Cancun for the forks before it, which use none.
  package init(of fork: Fork) {
    self = fork >= .osaka ? .osaka : fork >= .prague ? .prague : .cancun
  }

  package var maximumGas: UInt64 { maximumCount &* Self.gasPerBlob }

  /// Wei a unit of blob gas: minimum × e^(excess / fraction) by EIP-4844's series; 2^256 − 1 where it is more.
  package func baseFee(excessBlobGas: UInt64) -> UInt256 {
    let denominator = UInt256(baseFeeUpdateFraction)
    let numerator = UInt256(excessBlobGas)
    var sum = UInt256.zero
    var term = UInt256(Self.minimumBaseFee) &* denominator
    var index: UInt64 = 1
    while !term.isZero {
      let (next, overflow) = sum.addingReportingOverflow(term)
      let product = UInt512(product: term, numerator)
      guard !overflow, product.high.isZero, let divisor = multiple(index) else { return .max }
      sum = next
      term = product.low.divided(by: divisor)
      index &+= 1
    }
    return sum.divided(by: denominator)
  }

  private func multiple(_ index: UInt64) -> UInt256? {
    let product = UInt512(product: UInt256(baseFeeUpdateFraction), UInt256(index))
    return product.high.isZero ? product.low : nil
  }

  /// The excess that the block after one with these figures has. `fork` is the new block's.
  package func excessBlobGas(
    fork: Fork, parentExcess: UInt64, parentUsed: UInt64, parentBaseFeePerGas: UInt256
  ) -> UInt64 {
    let (total, overflow) = parentExcess.addingReportingOverflow(parentUsed)
    let sum = overflow ? UInt64.max : total
    let target = targetCount &* Self.gasPerBlob
    guard sum >= target else { return 0 }
    if fork >= .osaka {
      let blobPrice = UInt512(product: baseFee(excessBlobGas: parentExcess), UInt256(Self.gasPerBlob))
      let floorPrice = UInt512(product: parentBaseFeePerGas, UInt256(Self.baseCost))
      if (floorPrice.high, floorPrice.low) > (blobPrice.high, blobPrice.low), maximumCount > 0 {
        let share = UInt512(product: UInt256(parentUsed), UInt256(maximumCount &- targetCount)).low
        let added = share.divided(by: UInt256(maximumCount)).saturatedUInt64
        let (excess, overflow) = parentExcess.addingReportingOverflow(added)
        return overflow ? .max : excess
      }
    }
    return sum &- target
  }
}
