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
    let steps: [(since: Fork, parameters: BlobParameters)] = [
      (.prague, .prague), (.osaka, .osaka), (.bpo1, .bpo1), (.bpo2, .bpo2),
    ]
    self = steps.last { $0.since <= fork }?.parameters ?? .cancun
  }

  /// Parameters that a chain sets itself; `nil` where a fee could not be computed with them.
  package static func scheduled(
    _ fork: Fork, _ target: UInt64, _ maximum: UInt64, _ fraction: UInt64
  ) -> BlobParameters? {
    guard fraction > 0, target <= maximum, maximum <= 1 << 32 else { return nil }
    return BlobParameters(target, maximum, fraction, perTransaction: fork >= .osaka ? min(6, maximum) : nil)
  }

  package var maximumGas: UInt64 { maximumCount &* Self.gasPerBlob }

  /// Wei a unit of blob gas: minimum × e^(excess / fraction) by EIP-4844's series; 2^256 − 1 where it is more.
  package func baseFee(excessBlobGas: UInt64) -> UInt256 {
    var sum = BlobFeeSum()
    var term = BlobFeeSum()
    term.limbs[0] = baseFeeUpdateFraction &* Self.minimumBaseFee
    var index: UInt64 = 1
    while !term.isZero {
      // Dividing by both factors in turn is dividing by their product.
      guard sum.add(term), term.multiply(by: excessBlobGas) else { return .max }
      term.divide(by: baseFeeUpdateFraction)
      term.divide(by: index)
      index &+= 1
    }
    sum.divide(by: baseFeeUpdateFraction)
    return sum.limbs[4] | sum.limbs[5] == 0
      ? UInt256(sum.limbs[0], sum.limbs[1], sum.limbs[2], sum.limbs[3]) : .max
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

/// A term of the series, or their sum, lowest limb first: a price below 2^256 times the fraction times the excess fits.
private struct BlobFeeSum {
  var limbs = InlineArray<6, UInt64>(repeating: 0)

  var isZero: Bool { limbs.indices.allSatisfy { limbs[$0] == 0 } }

  /// Whether the sum fits.
  mutating func add(_ other: BlobFeeSum) -> Bool {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let (sum, overflow) = limbs[index].addingReportingOverflow(other.limbs[index])
      let (total, carried) = sum.addingReportingOverflow(carry)
      limbs[index] = total
      carry = overflow || carried ? 1 : 0
    }
    return carry == 0
  }

  /// Whether the product fits.
  mutating func multiply(by factor: UInt64) -> Bool {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let (high, low) = limbs[index].multipliedFullWidth(by: factor)
      let (sum, overflow) = low.addingReportingOverflow(carry)
      limbs[index] = sum
      carry = high &+ (overflow ? 1 : 0)
    }
    return carry == 0
  }

  /// `divisor` is not 0.
  mutating func divide(by divisor: UInt64) {
    var rest: UInt64 = 0
    for index in limbs.indices.reversed() {
      (limbs[index], rest) = divisor.dividingFullWidth((rest, limbs[index]))
    }
  }
}
