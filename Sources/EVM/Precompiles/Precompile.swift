// The precompiled contracts: functions at fixed addresses that the chain computes natively. A table row
// says since which fork one is active; prices are in Precompile+Gas.swift. Specs: Yellow Paper, appendix E,
// and https://eips.ethereum.org/EIPS/eip-198 (modexp), 196 and 197 (BN254), 152 (BLAKE2b), 4844 (KZG), 2537
// (BLS12-381) and 7951 (P-256).
//
// A call charges `gasCost` first and then lets `run` compute; where that returns false, the call fails and
// all the gas it was given is gone.

import Curves
import Primitives

package struct Precompile: Sendable, Equatable {
  package enum Function: UInt8, Sendable, CaseIterable {
    case ecrecover, sha256, ripemd160, identity, modexp, bn254Add, bn254Multiply, bn254Pairing, blake2f
    case pointEvaluation
    case bls12381AddG1, bls12381MultiScalarG1, bls12381AddG2, bls12381MultiScalarG2, bls12381Pairing
    case bls12381MapToG1, bls12381MapToG2
    case p256Verify
  }

  package let function: Function
  /// Whose prices and limits hold.
  package let fork: Fork

  /// The precompile at the address whose last two bytes are `address` and whose other bytes are zero.
  package static func active(address: UInt16, fork: Fork) -> Precompile? {
    let function: Function
    let since: Fork
    switch address {
    case 0x01: (function, since) = (.ecrecover, .frontier)
    case 0x02: (function, since) = (.sha256, .frontier)
    case 0x03: (function, since) = (.ripemd160, .frontier)
    case 0x04: (function, since) = (.identity, .frontier)
    case 0x05: (function, since) = (.modexp, .byzantium)
    case 0x06: (function, since) = (.bn254Add, .byzantium)
    case 0x07: (function, since) = (.bn254Multiply, .byzantium)
    case 0x08: (function, since) = (.bn254Pairing, .byzantium)
    case 0x09: (function, since) = (.blake2f, .istanbul)
    case 0x0a: (function, since) = (.pointEvaluation, .cancun)
    case 0x0b: (function, since) = (.bls12381AddG1, .prague)
    case 0x0c: (function, since) = (.bls12381MultiScalarG1, .prague)
    case 0x0d: (function, since) = (.bls12381AddG2, .prague)
    case 0x0e: (function, since) = (.bls12381MultiScalarG2, .prague)
    case 0x0f: (function, since) = (.bls12381Pairing, .prague)
    case 0x10: (function, since) = (.bls12381MapToG1, .prague)
    case 0x11: (function, since) = (.bls12381MapToG2, .prague)
    case 0x100: (function, since) = (.p256Verify, .osaka)
    default: return nil
    }
    return fork >= since ? Precompile(function: function, fork: fork) : nil
  }

  /// Whether there is a precompile at `address` in `fork`.
  package static func isActive(_ address: Address, fork: Fork) -> Bool {
    PrecompileCall.active(address, fork: fork) != nil
  }

  /// Whether there is a precompile at `address` in any fork.
  package static func isReserved(_ address: Address) -> Bool {
    Fork.allCases.contains { PrecompileCall.active(address, fork: $0) != nil }
  }

  /// The addresses of all that are active, ascending: what a transaction finds warm (EIP-2929).
  package static func addresses(fork: Fork) -> [UInt16] {
    ((0x01...0x11) + [0x100]).filter { active(address: $0, fork: fork) != nil }
  }

  /// Computes the function and replaces `output` by its result, which may be empty. Returns whether the
  /// call succeeds; where it does not, `output` is empty.
  package func run(input: UnsafeRawBufferPointer, output: inout [UInt8]) -> Bool {
    guard let result = result(input) else {
      output = []
      return false
    }
    output = result
    return true
  }

  /// `nil` where the call fails.
  private func result(_ input: UnsafeRawBufferPointer) -> [UInt8]? {
    switch function {
    case .ecrecover: Self.recoveredSigner(input)
    case .sha256: SHA256.hash(input).bytes
    case .ripemd160: Self.word(RIPEMD160.hash(input))
    case .identity: Array(input)
    case .modexp: modularPower(input)
    case .bn254Add: Self.padded(input, to: 128) { input in try? BN254.add(input) }
    case .bn254Multiply: Self.padded(input, to: 96) { input in try? BN254.multiply(input) }
    case .bn254Pairing: (try? BN254.pairingProductIsOne(input)).map { Self.truth($0) }
    case .blake2f: Self.compressed(input)
    case .pointEvaluation: Self.evaluatedPoint(input)
    case .bls12381AddG1: try? BLS12381.addG1(input)
    case .bls12381MultiScalarG1: try? BLS12381.multiScalarG1(input)
    case .bls12381AddG2: try? BLS12381.addG2(input)
    case .bls12381MultiScalarG2: try? BLS12381.multiScalarG2(input)
    case .bls12381Pairing: (try? BLS12381.pairingProductIsOne(input)).map { Self.truth($0) }
    case .bls12381MapToG1: try? BLS12381.mapToG1(input)
    case .bls12381MapToG2: try? BLS12381.mapToG2(input)
    case .p256Verify: Self.verifiedP256(input)
    }
  }

  /// 32 bytes that end in `bytes`.
  static func word(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](repeating: 0, count: 32 - bytes.count) + bytes
  }

  /// One or zero in 32 bytes.
  static func truth(_ value: Bool) -> [UInt8] { word([value ? 1 : 0]) }

  /// The first `count` bytes of the input, with zeros behind it where it is shorter.
  static func padded<Result>(
    _ input: UnsafeRawBufferPointer, to count: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    if input.count >= count { return body(UnsafeRawBufferPointer(rebasing: input[..<count])) }
    return withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { copy in
      copy.copyMemory(from: input)
      UnsafeMutableRawBufferPointer(rebasing: copy[input.count...])
        .initializeMemory(as: UInt8.self, repeating: 0)
      return body(UnsafeRawBufferPointer(copy))
    }
  }
}
