// sol_curve_validate_point and sol_curve_group_op over curve25519 (Edwards and ristretto points, 32 bytes) and BLS12-381
// (SIMD-0388; Curves/BLS12381/BLS12381+Zcash.swift has the encodings), sol_curve_multiscalar_mul over the first,
// sol_curve_decompress and sol_curve_pairing_map over the second, and sol_secp256k1_recover. Nothing needs alignment. A
// result of 1 means that an argument is no point or no scalar; numbers that name no curve or operation stop the program.

import Curves
import Primitives
import SBPF

enum CurveSyscalls {
  private enum Operation: UInt64 { case add, subtract, multiply }

  /// What a number names.
  private enum Curve {
    case curve25519(Curve25519.Group, ComputeCosts.CurveCosts)
    case bls12381(BLS12381.Group, BLS12381.ByteOrder, ComputeCosts.BLS12381Costs)

    init(_ number: UInt64) throws(SyscallFailure) {
      let order: BLS12381.ByteOrder = number & bigEndianBit > 0 ? .big : .little
      switch number {
      case 0: self = .curve25519(.edwards, ComputeCosts.edwards)
      case 1: self = .curve25519(.ristretto, ComputeCosts.ristretto)
      case 5, 5 | bigEndianBit: self = .bls12381(.g1, order, ComputeCosts.blsG1)
      case 6, 6 | bigEndianBit: self = .bls12381(.g2, order, ComputeCosts.blsG2)
      default: throw .invalidAttribute
      }
    }
  }

  private static let bigEndianBit: UInt64 = 0x80
  /// The number of BLS12-381 as a whole.
  private static let pairingCurve: UInt64 = 4
  /// The most pairs of points that a pairing takes.
  private static let maximumPairCount: UInt64 = 8

  /// The most terms of a multiscalar multiplication.
  private static let maximumTermCount: UInt64 = 512

  static let validate: SyscallFunction = { vm, curve, point, _, _, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      switch try Curve(curve) {
      case .curve25519(let group, let costs):
        try machine.consume(costs.validate)
        return Curve25519.isValid(try read(machine, point), in: group) ? 0 : 1
      case .bls12381(let group, let order, let costs):
        try machine.consume(costs.validate)
        return BLS12381.isPoint(try bytes(machine, point, group.pointByteCount), of: group, order) ? 0 : 1
      }
    }
  }

  /// Left plus or minus right, or the scalar at `left` times the point at `right`.
  static let operate: SyscallFunction = { vm, curve, operation, left, right, result in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      let curve = try Curve(curve)
      guard let operation = Operation(rawValue: operation) else { throw .invalidAttribute }
      switch curve {
      case .curve25519(let group, let costs):
        try machine.consume(units(of: operation, costs))
        let (first, second) = (try read(machine, left), try read(machine, right))
        let point =
          switch operation {
          case .add: Curve25519.add(first, second, in: group)
          case .subtract: Curve25519.subtract(first, second, in: group)
          case .multiply: Curve25519.multiply(first, second, in: group)
          }
        return try write(machine, point, to: result)
      case .bls12381(let group, let order, let costs):
        try machine.consume(units(of: operation, costs))
        let first = try bytes(machine, left, operation == .multiply ? 32 : group.pointByteCount)
        let second = try bytes(machine, right, group.pointByteCount)
        let kind: BLS12381.GroupOperation =
          switch operation {
          case .add: .add
          case .subtract: .subtract
          case .multiply: .multiply
          }
        return try write(machine, to: result) { () throws(CurveError) in
          try BLS12381.operate(kind, first, second, in: group, order)
        }
      }
    }
  }

  private static func units(of operation: Operation, _ costs: some GroupCosts) -> UInt64 {
    switch operation {
    case .add: costs.add
    case .subtract: costs.subtract
    case .multiply: costs.multiply
    }
  }

  /// Both coordinates of a compressed point of BLS12-381.
  static let decompress: SyscallFunction = { vm, curve, point, result, _, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      guard case .bls12381(let group, let order, let costs) = try Curve(curve) else { throw .invalidAttribute }
      try machine.consume(costs.decompress)
      let compressed = try bytes(machine, point, group.coordinateByteCount)
      return try write(machine, to: result) { () throws(CurveError) in
        try BLS12381.decompress(compressed, of: group, order)
      }
    }
  }

  /// The product of the pairings of `count` points of G1 with as many of G2.
  static let pair: SyscallFunction = { vm, curve, count, first, second, result in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      guard curve & ~bigEndianBit == pairingCurve else { throw .invalidAttribute }
      let order: BLS12381.ByteOrder = curve & bigEndianBit > 0 ? .big : .little
      try machine.consume(ComputeCosts.blsPairing(pairCount: count))
      let stride = { (group: BLS12381.Group) in UInt64(group.pointByteCount) }
      let first = UnsafeRawBufferPointer(try machine.slice(first, count: count, stride: stride(.g1)))
      let second = UnsafeRawBufferPointer(try machine.slice(second, count: count, stride: stride(.g2)))
      if count > maximumPairCount { return 1 }
      return try write(machine, to: result) { () throws(CurveError) in
        try BLS12381.pairingProduct(first, second, order)
      }
    }
  }

  /// The sum of `count` scalars times as many points.
  static let multiscalarMultiply: SyscallFunction = { vm, curve, scalars, points, count, result in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      if count > maximumTermCount { throw .invalidLength }
      guard case .curve25519(let group, let costs) = try Curve(curve) else { throw .invalidAttribute }
      try machine.consume(costs.multiscalar(termCount: count))
      let scalars = try machine.slice(scalars, count: count, stride: 32)
      let points = try machine.slice(points, count: count, stride: 32)
      let sum = Curve25519.multiscalarMultiply(hashes(scalars), hashes(points), in: group)
      return try write(machine, sum, to: result)
    }
  }

  private static func read(_ machine: Machine, _ address: UInt64) throws(SyscallFailure) -> Hash {
    Hash(reading: try machine.map(address, 32, .load))
  }

  private static func write(
    _ machine: Machine, _ point: Hash?, to address: UInt64
  ) throws(SyscallFailure) -> UInt64 {
    guard let point else { return 1 }
    point.write(to: try machine.map(address, 32, .store))
    return 0
  }

  private static func bytes(
    _ machine: Machine, _ address: UInt64, _ count: Int
  ) throws(SyscallFailure) -> UnsafeRawBufferPointer {
    try machine.map(address, UInt64(count), .load).bytes(count)
  }

  /// Writes what `body` computes; 1, and nothing written, where it throws.
  private static func write(
    _ machine: Machine, to address: UInt64, _ body: () throws(CurveError) -> [UInt8]
  ) throws(SyscallFailure) -> UInt64 {
    guard let result = try? body() else { return 1 }
    let target = try machine.map(address, UInt64(result.count), .store)
    result.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: target, count: $0.count).copyMemory(from: $0)
    }
    return 0
  }

  private static func hashes(_ bytes: UnsafeMutableRawBufferPointer) -> [Hash] {
    guard let start = bytes.baseAddress else { return [] }
    return (0..<bytes.count / 32).map { Hash(reading: start + $0 * 32) }
  }

  /// Writes the 64-byte public key that signed a 32-byte hash; returns 2 for a bad recovery id and 3 for a
  /// bad signature.
  static let secp256k1Recover: SyscallFunction = { vm, hash, recoveryID, signature, result, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.secp256k1Recover)
      let target = try machine.map(result, 64, .store)
      let hash = try read(machine, hash)
      let signature = UnsafeRawBufferPointer(start: try machine.map(signature, 64, .load), count: 64)
      do throws(Secp256k1.RecoveryError) {
        let key = try Secp256k1.recover(hash: hash, recoveryID: recoveryID, signature: signature)
        key.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: target, count: 64).copyMemory(from: $0) }
        return 0
      } catch {
        return error == .invalidRecoveryID ? 2 : 3
      }
    }
  }
}
