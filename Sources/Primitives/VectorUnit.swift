// Which of the kernels in CVectorCrypto this process uses: hashes and signatures of many messages side by
// side, one in each 64-bit lane of the processor's vectors.

import CVectorCrypto
import Glibc

/// A set of vector instructions that kernels are written for.
package enum VectorUnit: String, CaseIterable, Sendable {
  /// One message after the other, by libraries and Swift.
  case none
  /// Four lanes: AVX2 and BMI2.
  case avx2
  /// Eight lanes: AVX-512 F, VL, DQ and BW, with IFMA's 52-bit multiplications.
  case avx512

  /// What this machine has, least first.
  package static let available: [VectorUnit] = {
    let features = Int(vc_features())
    return allCases.filter { unit in
      switch unit {
      case .none: true
      case .avx2: features & VC_AVX2 != 0
      case .avx512: features & VC_AVX512_IFMA != 0
      }
    }
  }()

  /// What is wrong with the environment variable `ESTUARY_SIMD`; `nil`: nothing, or it is not set.
  package static var complaint: String? {
    guard let text = getenv("ESTUARY_SIMD").map({ String(cString: $0) }), !text.isEmpty,
      VectorUnit(rawValue: text) == nil
    else { return nil }
    return "$ESTUARY_SIMD: '\(text)' is none of \(allCases.map(\.rawValue).joined(separator: ", "))"
  }

  /// The best that this machine has and that the environment variable `ESTUARY_SIMD` (`none`, `avx2` or
  /// `avx512`) allows; another value, which the command line refuses, allows everything.
  package static let best: VectorUnit = {
    guard let text = getenv("ESTUARY_SIMD"), let limit = VectorUnit(rawValue: String(cString: text)) else {
      return available.last ?? .none
    }
    return available.last { $0.laneCount <= limit.laneCount } ?? .none
  }()

  /// What signatures use. In debug builds, where the kernels are not optimised and the libraries are, none unless
  /// `ESTUARY_SIMD` is set.
  package static let forSignatures: VectorUnit = {
    #if DEBUG
      if getenv("ESTUARY_SIMD").flatMap({ VectorUnit(rawValue: String(cString: $0)) }) == nil { return .none }
    #endif
    return best
  }()

  package var laneCount: Int {
    switch self {
    case .none: 1
    case .avx2: 4
    case .avx512: 8
    }
  }
}
