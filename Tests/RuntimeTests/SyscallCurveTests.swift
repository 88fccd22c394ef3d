import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

struct SyscallCurveTests {
  // The generators of ed25519 (RFC 8032) and ristretto255 (RFC 9496), and their doubles.
  static let generators = [
    hex("5866666666666666666666666666666666666666666666666666666666666666"),
    hex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"),
  ]
  static let doubles = [
    hex("c9a3f86aae465f0e56513864510f3997561fa2c9e85ea21dc2292309f3cd6022"),
    hex("6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"),
  ]
  static let identities = [[1] + [UInt8](repeating: 0, count: 31), [UInt8](repeating: 0, count: 32)]
  /// The group order, the least scalar that is not canonical.
  static let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
  static let costs: [(validate: Int64, add: Int64, subtract: Int64, multiply: Int64)] = [
    (159, 473, 475, 2177), (169, 521, 519, 2208),
  ]

  static func scalar(_ value: UInt8) -> [UInt8] { [value] + [UInt8](repeating: 0, count: 31) }

  @Test(arguments: [0, 1] as [Int]) func groupOperations(curve: Int) throws {
    let rig = try SyscallRig()
    let id = UInt64(curve)
    let (generator, double, identity) = (heap, heap + 32, heap + 64)
    rig.write(Self.generators[curve] + Self.doubles[curve] + Self.identities[curve], at: heap)
    rig.write(Self.scalar(2) + Self.scalar(0) + Self.order, at: heap + 96)
    let result = stack + 1
    let costs = Self.costs[curve]
    let checks: [(operation: UInt64, left: UInt64, right: UInt64, expected: [UInt8]?, units: Int64)] = [
      (0, generator, generator, Self.doubles[curve], costs.add),
      (0, identity, double, Self.doubles[curve], costs.add),
      (1, double, generator, Self.generators[curve], costs.subtract),
      (1, double, double, Self.identities[curve], costs.subtract),
      (2, heap + 96, generator, Self.doubles[curve], costs.multiply),
      (2, heap + 128, generator, Self.identities[curve], costs.multiply),
      (2, heap + 160, generator, nil, costs.multiply),
    ]
    for check in checks {
      rig.write([UInt8](repeating: 0xaa, count: 32), at: result)
      let outcome = try rig.call("sol_curve_group_op", id, check.operation, check.left, check.right, result)
      #expect(outcome == .ok(check.expected == nil ? 1 : 0, units: check.units))
      #expect(rig.read(result, 32) == check.expected ?? [UInt8](repeating: 0xaa, count: 32))
      let short = try rig.call(
        "sol_curve_group_op", id, check.operation, check.left, check.right, result, units: check.units - 1)
      #expect(short == .failed(.outOfUnits, units: check.units - 1))
    }
  }

  @Test(arguments: [0, 1] as [Int]) func validation(curve: Int) throws {
    let rig = try SyscallRig()
    let units = Self.costs[curve].validate
    rig.write(Self.generators[curve], at: heap)
    rig.write(Self.generators[1 - curve], at: heap + 32)
    rig.write([UInt8](repeating: 0xff, count: 32), at: heap + 64)
    rig.write([2] + [UInt8](repeating: 0, count: 31), at: heap + 96)
    #expect(try rig.call("sol_curve_validate_point", UInt64(curve), heap) == .ok(units: units))
    if curve == 1 { #expect(try rig.call("sol_curve_validate_point", 1, heap + 64) == .ok(1, units: units)) }
    #expect(try rig.call("sol_curve_validate_point", UInt64(curve), heap + 96) == .ok(1, units: units))
    #expect(try rig.call("sol_curve_validate_point", UInt64(curve), 0) == .failed(.load(0, 32), units: units))
  }

  @Test func unknownCurvesAndOperationsAreRefused() throws {
    let rig = try SyscallRig()
    for curve in [2, 4, 1 << 32, .max] as [UInt64] {
      #expect(try rig.call("sol_curve_validate_point", curve, heap) == .failed(.invalidAttribute, units: 0))
      #expect(
        try rig.call("sol_curve_group_op", curve, 0, heap, heap, heap) == .failed(.invalidAttribute, units: 0)
      )
      let sum = try rig.call("sol_curve_multiscalar_mul", curve, heap, heap, 1, heap)
      #expect(sum == .failed(.invalidAttribute, units: 0))
    }
    for curve in [0, 1] as [UInt64] {
      #expect(
        try rig.call("sol_curve_group_op", curve, 3, heap, heap, heap) == .failed(.invalidAttribute, units: 0)
      )
    }
  }

  @Test func operandsAreReadBeforeTheResultIsWritten() throws {
    let rig = try SyscallRig()
    rig.write(Self.generators[0], at: heap)
    let outside = heap + heapByteCount - 31
    func add(_ left: UInt64, _ right: UInt64, _ result: UInt64) throws -> SyscallFailure? {
      try rig.call("sol_curve_group_op", 0, 0, left, right, result).failure
    }
    #expect(try add(0, outside, 0) == .load(0, 32))
    #expect(try add(heap, outside, 0) == .load(outside, 32))
    #expect(try add(heap, heap, 0) == .store(0, 32))
    #expect(try add(heap, heap, program) == .store(program, 32))
    #expect(try add(heap, heap, heap) == nil)
    #expect(rig.read(heap, 32) == Self.doubles[0])
    // An argument that is no point leaves the result's address unlooked at.
    rig.write([2] + [UInt8](repeating: 0, count: 31), at: heap)
    #expect(try rig.call("sol_curve_group_op", 0, 0, heap, heap, 0) == .ok(1, units: 473))
  }

  @Test(arguments: [0, 1] as [Int]) func multiscalarSums(curve: Int) throws {
    let rig = try SyscallRig()
    let id = UInt64(curve)
    let (base, each): (Int64, Int64) = curve == 0 ? (2273, 758) : (2303, 788)
    // 2·G + 1·2G − 3·G: −3 as the order less 3
    var minusThree = Self.order
    minusThree[0] -= 3
    rig.write(Self.scalar(2) + Self.scalar(1) + minusThree + Self.order, at: heap)
    let points = heap + 1024
    rig.write(
      Self.generators[curve] + Self.doubles[curve] + Self.generators[curve] + Self.generators[curve],
      at: points)
    let name = "sol_curve_multiscalar_mul"
    #expect(try rig.call(name, id, heap, points, 1, stack) == .ok(units: base))
    #expect(rig.read(stack, 32) == Self.doubles[curve])
    #expect(try rig.call(name, id, heap, points, 3, stack) == .ok(units: base + 2 * each))
    #expect(rig.read(stack, 32) == Self.generators[curve])
    #expect(try rig.call(name, id, heap, points, 4, stack) == .ok(1, units: base + 3 * each))
    #expect(try rig.call(name, id, 0, 0, 0, stack) == .ok(units: base))
    #expect(rig.read(stack, 32) == Self.identities[curve])
    #expect(try rig.call(name, id, heap, points, 513, stack) == .failed(.invalidLength, units: 0))
    #expect(try rig.call(name, id, heap, 0, 2, stack) == .failed(.load(0, 64), units: base + each))
    #expect(try rig.call(name, id, 0, points, 2, stack) == .failed(.load(0, 64), units: base + each))
    #expect(try rig.call(name, id, heap, points, 1, program) == .failed(.store(program, 32), units: base))
    #expect(try rig.call(name, id, heap, points, 3, stack, units: base) == .failed(.outOfUnits, units: base))
    #expect(try rig.call(name, id, heap, heap, 512, 0).unitsUsed == base + 511 * each)
  }

  // Ethereum's ecrecover example: the key behind address 0x7156526fbd7a3c72969b54f64e42c10fbb768c8a.
  static let digest = hex("456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3")
  static let signature = hex(
    "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
      + "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada")
  static let address = hex("7156526fbd7a3c72969b54f64e42c10fbb768c8a")

  @Test func recoveryGivesTheKey() throws {
    let rig = try SyscallRig()
    rig.write(Self.digest + Self.signature, at: heap + 1)
    let (hash, signature) = (heap + 1, heap + 33)
    let name = "sol_secp256k1_recover"
    #expect(try rig.call(name, hash, 1, signature, stack + 3) == .ok(units: 25_000))
    #expect(Keccak256.hash(rig.read(stack + 3, 64)).bytes.suffix(20) == Self.address[...])
    #expect(try rig.call(name, hash, 0, signature, stack + 3) == .ok(units: 25_000))
    #expect(Keccak256.hash(rig.read(stack + 3, 64)).bytes.suffix(20) != Self.address[...])
    for id in [4, 255, 256, 1 << 32, .max] as [UInt64] {
      #expect(try rig.call(name, hash, id, signature, stack) == .ok(2, units: 25_000))
    }
    rig.write([UInt8](repeating: 0xff, count: 32), at: signature)
    #expect(try rig.call(name, hash, 1, signature, stack) == .ok(3, units: 25_000))
    rig.write([UInt8](repeating: 0, count: 64), at: signature)
    #expect(try rig.call(name, hash, 1, signature, stack) == .ok(3, units: 25_000))
    #expect(try rig.call(name, hash, 9, signature, stack) == .ok(2, units: 25_000))
    let outside = heap + heapByteCount
    #expect(try rig.call(name, 0, 1, 0, program) == .failed(.store(program, 64), units: 25_000))
    #expect(try rig.call(name, 0, 1, 0, stack) == .failed(.load(0, 32), units: 25_000))
    #expect(
      try rig.call(name, hash, 1, outside - 63, stack) == .failed(.load(outside - 63, 64), units: 25_000))
    #expect(
      try rig.call(name, hash, 1, signature, stack, units: 24_999) == .failed(.outOfUnits, units: 24_999))
  }
}
