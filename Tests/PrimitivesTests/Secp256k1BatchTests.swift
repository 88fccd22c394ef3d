import CVectorCryptoPortable
import Glibc
import Testing
import WideIntegers

@testable import Primitives

@Suite struct Secp256k1BatchTests {
  struct Signed {
    var hash: [UInt8]
    var r: [UInt8]
    var s: [UInt8]
    var recoveryID: UInt64

    /// What the library says of it alone.
    var key: [UInt8]? {
      try? Secp256k1.recover(hash: Hash(hash)!, recoveryID: recoveryID, signature: r + s)
    }
  }

  static let order = UInt256(
    0xbfd2_5e8c_d036_4141, 0xbaae_dce6_af48_a03b, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff)
  static let modulus = UInt256(
    0xffff_fffe_ffff_fc2f, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff)

  /// Keys of all of `cases` in one call: by a vector unit, or by what AVX-512 does in plain C.
  static func keys(_ cases: [Signed], on unit: VectorUnit?) -> [[UInt8]?] {
    if let unit {
      var batch = Secp256k1.Batch(unit: unit)
      for one in cases {
        batch.add(hash: Hash(one.hash)!, recoveryID: one.recoveryID, r: one.r, s: one.s)
      }
      return batch.keys()
    }
    let (keys, verdicts) = portable(cases)
    return cases.indices.map {
      switch Int(verdicts[$0]) {
      case VC_KEY: Array(keys[64 * $0..<64 * $0 + 64])
      // It would go to the library.
      case VC_UNKNOWN: cases[$0].key
      default: nil
      }
    }
  }

  private static func portable(_ cases: [Signed]) -> (keys: [UInt8], verdicts: [UInt8]) { raw(cases, on: nil) }

  /// What a kernel says itself; `nil`: the double.
  private static func raw(_ cases: [Signed], on unit: VectorUnit?) -> (keys: [UInt8], verdicts: [UInt8]) {
    let bytes = cases.flatMap { $0.r + $0.s + $0.hash }
    var keys = [UInt8](repeating: 0, count: 64 * cases.count)
    var verdicts = [UInt8](repeating: 7, count: cases.count)
    bytes.withUnsafeBufferPointer { bytes in
      let items = cases.enumerated().map { index, one in
        vc_secp256k1_item(
          signature: bytes.baseAddress! + 96 * index, hash: bytes.baseAddress! + 96 * index + 64,
          recovery_id: one.recoveryID)
      }
      switch unit {
      #if arch(x86_64)
        case .avx2:
          vc_secp256k1_prepare_avx2()
          vc_secp256k1_recover_avx2(items, items.count, &keys, &verdicts)
        case .avx512:
          vc_secp256k1_prepare_avx512()
          vc_secp256k1_recover_avx512(items, items.count, &keys, &verdicts)
      #endif
      default: vc_secp256k1_recover_portable(items, items.count, &keys, &verdicts)
      }
    }
    return (keys, verdicts)
  }

  static let units: [VectorUnit?] = {
    vc_secp256k1_prepare_portable()
    return [nil] + VectorUnit.available.map { $0 }
  }()

  static func randomCase(_ random: inout SplitMix64) -> Signed {
    let (secret, hash) = (random.bytes(32), random.bytes(32))
    guard let signature = Secp256k1.sign(Hash(hash)!, secretKey: secret) else {
      return randomCase(&random)
    }
    var one = Signed(
      hash: hash, r: signature.r, s: signature.s, recoveryID: UInt64(signature.recoveryID))
    switch random.next() % 10 {
    case 0: one.recoveryID = random.next() % 6
    case 1: one.r = random.bytes(32)
    case 2: one.s = random.bytes(32)
    case 3: one.hash = random.bytes(32)
    // −s: high, and by the other key unless the parity changes too.
    case 4: one.s = (order &- UInt256(bigEndian: one.s)!).bigEndianBytes
    default: break
    }
    return one
  }

  private func compare(_ cases: [Signed], on unit: VectorUnit?, _ comment: String) {
    let found = Self.keys(cases, on: unit)
    #expect(found.count == cases.count)
    for (index, (key, one)) in zip(found, cases).enumerated() where key != one.key {
      Issue.record("\(comment), \(index) of \(cases.count): \(one), library \(String(describing: one.key))")
    }
  }

  /// ESTUARY_RANDOM_SIGNATURES sets the number (default 2,000, and 60 in debug builds).
  @Test(arguments: units)
  func agreesWithTheLibrary(_ unit: VectorUnit?) {
    #if DEBUG
      var left = 60
    #else
      var left = 2000
    #endif
    if let text = getenv("ESTUARY_RANDOM_SIGNATURES"), let number = Int(String(cString: text)) {
      left = number
    }
    var random = SplitMix64(seed: 43)
    var validCount = 0
    while left > 0 {
      let cases = (0..<min(left, 1 + Int(random.next() % 40))).map { _ in Self.randomCase(&random) }
      left -= cases.count
      compare(cases, on: unit, "random")
      validCount += cases.count { $0.key != nil }
    }
    #expect(validCount > 20)
  }

  /// r, s and hash at the edges of both moduli with every recovery id, among good signatures, in every lane.
  @Test(arguments: units)
  func edges(_ unit: VectorUnit?) {
    var random = SplitMix64(seed: 44)
    let excess = Self.modulus &- Self.order
    let one = UInt256(1)
    let numbers = [
      UInt256(0), one, UInt256(2), UInt256(3), UInt256(4), excess &- UInt256(2), excess &- one, excess,
      excess &+ one,
      Self.order &- UInt256(2), Self.order &- one, Self.order, Self.order &+ one, Self.modulus &- one,
      Self.modulus, UInt256(0) &- one, Self.order >> 1, (Self.order >> 1) &+ one, one << 128,
      (one << 128) &- one,
    ].map(\.bigEndianBytes)
    var cases: [Signed] = []
    for r in numbers {
      for id in 0..<5 as Range<UInt64> {
        cases.append(Signed(hash: random.bytes(32), r: r, s: random.bytes(32), recoveryID: id))
      }
    }
    for number in numbers {
      let good = Self.randomCase(&random)
      cases.append(Signed(hash: good.hash, r: good.r, s: number, recoveryID: good.recoveryID))
      cases.append(Signed(hash: number, r: good.r, s: good.s, recoveryID: good.recoveryID))
      cases.append(Signed(hash: number, r: number, s: number, recoveryID: 0))
    }
    // z = s · k for R = k G gives the point at infinity: no key. With R = G: r = x(G), s = z.
    let base = Secp256k1.publicKey(of: [UInt8](repeating: 0, count: 31) + [1])!
    for _ in 0..<4 {
      let z = random.bytes(32)
      for id in 0..<2 as Range<UInt64> {
        cases.append(Signed(hash: z, r: Array(base[..<32]), s: z, recoveryID: id))
      }
    }
    #expect(cases.count { $0.key == nil } > 50)
    #expect(cases.count { $0.key != nil } > 50)
    // x = r + n is possible for tiny r only; some of those are points.
    #expect(cases.contains { $0.recoveryID >= 2 && $0.key != nil })
    #if DEBUG
      let rotations = [0, 3]
    #else
      let rotations = Array(0..<8)
    #endif
    for rotation in rotations {
      compare(Array(cases[rotation...] + cases[..<rotation]), on: unit, "rotated by \(rotation)")
    }
  }

  private static func product(_ a: UInt256, _ b: UInt256) -> UInt256 { a.multiplied(by: b, modulo: order) }
  private static func negative(_ a: UInt256) -> UInt256 { a.isZero ? a : order &- a }
  /// λ, a cube root of one.
  private static let root = UInt256(
    0xdf02_967c_1b23_bd72, 0x122e_22ea_2081_6678, 0xa526_1c02_8812_645a, 0x5363_ad4c_c05c_30e0)

  /// Makes `first` times G and `second` times ±k G.
  private static func sum(_ first: UInt256, _ second: UInt256, k: UInt256, isNegated: Bool = false) -> Signed
  {
    let point = Secp256k1.publicKey(of: k.bigEndianBytes)!
    let r = UInt256(bigEndian: Array(point[..<32]))!
    return Signed(
      hash: negative(product(first, r)).bigEndianBytes, r: r.bigEndianBytes,
      s: product(second, r).bigEndianBytes, recoveryID: UInt64(point[63] & 1) ^ (isNegated ? 1 : 0))
  }

  /// Sums of which the highest digits are zero, so that they begin at infinity, and which are zero or twice a number in the end.
  private static func smallSums() -> [Signed] {
    var cases: [Signed] = []
    for k in [UInt256(1), UInt256(8), UInt256(4096)] {
      for small in [UInt256(1), UInt256(8), UInt256(65)] {
        for second in [small, negative(small), product(small, root)] {
          let whole = product(k, second)
          let firsts = [
            UInt256(0), UInt256(1), UInt256(4096), UInt256(1) << 128, whole, product(whole, root),
            product(whole, UInt256(1) << 13), product(whole, UInt256(1) << 128),
          ]
          for first in firsts.flatMap({ [$0, negative($0)] }) {
            cases.append(sum(first, second, k: k))
            cases.append(sum(first, second, k: k, isNegated: true))
          }
        }
      }
    }
    return cases
  }

  /// Sums of any numbers that end as d or 2 d times k G, d being every possible last digit of k G's: what is there before the last
  /// addition is once, of all these, its point, its negative or infinity.
  private static func meetingSums() -> [Signed] {
    #if DEBUG
      let (multiples, digits): ([UInt64], ClosedRange<Int>) = ([1], -1...1)
    #else
      let (multiples, digits): ([UInt64], ClosedRange<Int>) = ([1, 5, 4097], -5...5)
    #endif
    var random = SplitMix64(seed: 46)
    func signed(_ number: Int) -> UInt256 {
      number < 0 ? negative(UInt256(UInt64(-number))) : UInt256(UInt64(number))
    }
    var cases: [Signed] = []
    for k in multiples.map({ UInt256($0) }) {
      let second = UInt256(bigEndian: random.bytes(32))!.modulo(order)
      for a in digits {
        for b in digits {
          for times in 1...2 {
            let digit = signed(times * a).adding(product(signed(times * b), root), modulo: order)
            let first = product(k, digit.adding(negative(second), modulo: order))
            cases.append(sum(first, second, k: k))
          }
        }
      }
    }
    return cases
  }

  @Test(arguments: units)
  func exceptionalAdditions(_ unit: VectorUnit?) {
    let cases = Self.smallSums() + Self.meetingSums()
    // In calls of odd sizes, so that each kind comes to lie in all lanes.
    for size in [17, 61] {
      for start in stride(from: 0, to: cases.count, by: size) {
        compare(Array(cases[start..<min(start + size, cases.count)]), on: unit, "exceptions from \(start)")
      }
    }
  }

  /// What a kernel leaves to the library: nothing that was not made for it, and exceptions with a key and without one.
  @Test(arguments: units.filter { $0 != VectorUnit.none }) func unknownVerdicts(unit: VectorUnit?) {
    #if DEBUG
      let count = 20
    #else
      let count = 1000
    #endif
    var random = SplitMix64(seed: 45)
    let usual = (0..<count).map { _ in Self.randomCase(&random) }
    #expect(!Self.raw(usual, on: unit).verdicts.contains(UInt8(VC_UNKNOWN)))
    for cases in [Self.smallSums(), Self.meetingSums()] {
      let unknown = zip(cases, Self.raw(cases, on: unit).verdicts).filter { $1 == UInt8(VC_UNKNOWN) }
      #expect(unknown.contains { $0.0.key != nil })
      #expect(unknown.contains { $0.0.key == nil })
    }
    let meeting = Self.meetingSums()
    #expect(Self.raw(meeting, on: unit).verdicts.contains(UInt8(VC_KEY)))
  }
}
