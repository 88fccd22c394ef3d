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
    let bytes = cases.flatMap { $0.r + $0.s + $0.hash }
    var keys = [UInt8](repeating: 0, count: 64 * cases.count)
    var verdicts = [UInt8](repeating: 7, count: cases.count)
    bytes.withUnsafeBufferPointer { bytes in
      let items = cases.enumerated().map { index, one in
        vc_secp256k1_item(
          signature: bytes.baseAddress! + 96 * index, hash: bytes.baseAddress! + 96 * index + 64,
          recovery_id: one.recoveryID)
      }
      vc_secp256k1_recover_portable(items, items.count, &keys, &verdicts)
    }
    return cases.indices.map { verdicts[$0] == 0 ? nil : Array(keys[64 * $0..<64 * $0 + 64]) }
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
}
