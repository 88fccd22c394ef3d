// sol_curve_validate_point, sol_curve_group_op and sol_curve_multiscalar_mul over curve25519 (Edwards and
// ristretto points), and sol_secp256k1_recover. Points and scalars are 32 bytes without alignment. A result
// of 1 means that an argument is no point or no scalar; numbers that name no curve or operation stop the
// program.

import Primitives
import SBPF

enum CurveSyscalls {
  private enum Operation: UInt64 { case add, subtract, multiply }

  /// The most terms of a multiscalar multiplication.
  private static let maximumTermCount: UInt64 = 512

  static let validate: SyscallFunction = { vm, curve, point, _, _, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      let (group, costs) = try CurveSyscalls.group(curve)
      try machine.consume(costs.validate)
      return Curve25519.isValid(try read(machine, point), in: group) ? 0 : 1
    }
  }

  /// Left plus or minus right, or the scalar at `left` times the point at `right`.
  static let operate: SyscallFunction = { vm, curve, operation, left, right, result in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      let (group, costs) = try CurveSyscalls.group(curve)
      guard let operation = Operation(rawValue: operation) else { throw .invalidAttribute }
      switch operation {
      case .add: try machine.consume(costs.add)
      case .subtract: try machine.consume(costs.subtract)
      case .multiply: try machine.consume(costs.multiply)
      }
      let (first, second) = (try read(machine, left), try read(machine, right))
      let point =
        switch operation {
        case .add: Curve25519.add(first, second, in: group)
        case .subtract: Curve25519.subtract(first, second, in: group)
        case .multiply: Curve25519.multiply(first, second, in: group)
        }
      return try write(machine, point, to: result)
    }
  }

  /// The sum of `count` scalars times as many points.
  static let multiscalarMultiply: SyscallFunction = { vm, curve, scalars, points, count, result in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      if count > maximumTermCount { throw .invalidLength }
      let (group, costs) = try CurveSyscalls.group(curve)
      try machine.consume(costs.multiscalar(termCount: count))
      let scalars = try machine.slice(scalars, count: count, stride: 32)
      let points = try machine.slice(points, count: count, stride: 32)
      let sum = Curve25519.multiscalarMultiply(hashes(scalars), hashes(points), in: group)
      return try write(machine, sum, to: result)
    }
  }

  private static func group(
    _ curve: UInt64
  ) throws(SyscallFailure) -> (group: Curve25519.Group, costs: ComputeCosts.CurveCosts) {
    switch Curve25519.Group(rawValue: curve) {
    case .edwards: (.edwards, ComputeCosts.edwards)
    case .ristretto: (.ristretto, ComputeCosts.ristretto)
    case nil: throw .invalidAttribute
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
