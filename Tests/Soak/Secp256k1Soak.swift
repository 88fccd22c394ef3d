// Recoverable secp256k1 signatures, each with one damage or built at an edge, against libsecp256k1.

import Primitives
import WideIntegers

enum Secp256k1Damage: String, CaseIterable {
  case none = "as signed"
  case otherID = "as signed, any recovery id of 0 to 3"
  case wildID = "as signed, a recovery id from 4 to 2^64 - 1"
  case bit = "a bit of r, s or hash changed"
  case highScalar = "n - s, the id's parity changed or not"
  case random = "random r, s and hash, ids 0 and 1"
  case randomHighID = "random r, s and hash, ids 2 and 3"
  case smallNonce = "r below p - n, ids 2 and 3 (r + n)"
  case edgeNonce = "r within 4 of p - n, ids 0 to 3"
  case zero = "r or s zero, or both"
  case overflowNonce = "r from n to 2^256 - 1"
  case overflowScalar = "s from n to 2^256 - 1"
  case overflowHash = "the hash from n to 2^256 - 1, or within 4 of 0 or n"
  case tiny = "r and s below 20"
  case infinity = "s R = z G: the key would be the point at infinity"
  case nearInfinity = "s R = z G but for a bit of z"
  case exception = "R and the parts of the sum small multiples of G"
}

struct Secp256k1Signer {
  private static let order = UInt256(
    0xbfd2_5e8c_d036_4141, 0xbaae_dce6_af48_a03b, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff)
  private static let modulus = UInt256(
    0xffff_fffe_ffff_fc2f, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff)
  private static let excess = modulus &- order

  struct Case {
    var hash, r, s: [UInt8]
    var recoveryID: UInt64
  }

  /// k, and x and the parity of y of k G.
  private var nonces: [(k: UInt256, x: [UInt8], parity: UInt64)] = []

  init(_ random: inout SplitMix64) {
    while nonces.count < 64 {
      let k = random.bytes(32)
      guard let point = Secp256k1.publicKey(of: k) else { continue }
      nonces.append((UInt256(bigEndian: k)!, Array(point[..<32]), UInt64(point[63] & 1)))
    }
  }

  /// `size` recoveries in one call.
  mutating func check(
    _ size: Int, _ batch: inout Secp256k1.Batch, _ random: inout SplitMix64, _ tally: inout Tally
  ) {
    let damages = (0..<size).map { _ in random.below(Secp256k1Damage.allCases.count) }
    let cases = damages.map { make(Secp256k1Damage.allCases[$0], &random) }
    for one in cases {
      batch.add(hash: Hash(one.hash)!, recoveryID: one.recoveryID, r: one.r, s: one.s)
    }
    let keys = batch.keys()
    precondition(keys.count == size)
    for (index, one) in cases.enumerated() {
      let key = try? Secp256k1.recover(
        hash: Hash(one.hash)!, recoveryID: one.recoveryID, signature: one.r + one.s)
      tally.made[damages[index]] += 1
      if key != nil { tally.accepted[damages[index]] += 1 }
      if key != keys[index] {
        tally.differences += 1
        print("secp256k1, \(Secp256k1Damage.allCases[damages[index]].rawValue), \(index) of \(size):")
        print("  library \(key.map(Hex.encode) ?? "none"), kernel \(keys[index].map(Hex.encode) ?? "none")")
        print("  id \(one.recoveryID), r, s and hash \(Hex.encode(one.r + one.s + one.hash))")
      }
    }
  }

  /// 32 bytes, from n up.
  private static func overflow(_ random: inout SplitMix64) -> [UInt8] {
    let offset = random.below(4) == 0 ? UInt256(UInt64(random.below(5))) : number(&random) >> 128
    let number = order &+ offset
    return (number < order ? order : number).bigEndianBytes
  }

  private static func number(_ random: inout SplitMix64) -> UInt256 {
    UInt256(random.next(), random.next(), random.next(), random.next())
  }

  private func make(_ damage: Secp256k1Damage, _ random: inout SplitMix64) -> Case {
    var one = Case(
      hash: random.bytes(32), r: random.bytes(32), s: random.bytes(32), recoveryID: random.next() & 1)
    switch damage {
    case .none, .otherID, .wildID, .bit, .highScalar, .overflowNonce, .overflowScalar, .zero:
      if let signature = Secp256k1.sign(Hash(one.hash)!, secretKey: random.bytes(32)) {
        (one.r, one.s, one.recoveryID) = (signature.r, signature.s, UInt64(signature.recoveryID))
      }
    default: break
    }
    switch damage {
    case .none, .random: break
    case .otherID: one.recoveryID = random.next() & 3
    case .wildID:
      one.recoveryID =
        random.below(2) == 0 ? 4 + random.next() % 8 : max(4, random.next() << (random.next() % 64))
    case .bit:
      switch random.below(3) {
      case 0: random.flip(&one.r)
      case 1: random.flip(&one.s)
      default: random.flip(&one.hash)
      }
    case .highScalar:
      one.s = (Self.order &- UInt256(bigEndian: one.s)!).bigEndianBytes
      one.recoveryID ^= random.next() & 1
    case .randomHighID: one.recoveryID |= 2
    case .smallNonce:
      let r = UInt256(random.next(), random.next(), random.next() & 1, 0)
      one.r = (r < Self.excess ? r : Self.excess &- UInt256(UInt64(1 + random.below(1000)))).bigEndianBytes
      one.recoveryID |= 2
    case .edgeNonce:
      one.r = (Self.excess &+ UInt256(UInt64(random.below(9))) &- UInt256(4)).bigEndianBytes
      one.recoveryID = random.next() & 3
    case .zero:
      let choice = random.below(3)
      if choice != 1 { one.r = [UInt8](repeating: 0, count: 32) }
      if choice != 0 { one.s = [UInt8](repeating: 0, count: 32) }
      one.recoveryID = random.next() & 3
    case .overflowNonce: (one.r, one.recoveryID) = (Self.overflow(&random), random.next() & 3)
    case .overflowScalar: one.s = Self.overflow(&random)
    case .overflowHash:
      switch random.below(3) {
      case 0: one.hash = Self.overflow(&random)
      case 1: one.hash = UInt256(UInt64(random.below(5))).bigEndianBytes
      default: one.hash = (Self.order &- UInt256(UInt64(random.below(5)))).bigEndianBytes
      }
    case .tiny:
      one.r = UInt256(UInt64(random.below(20))).bigEndianBytes
      one.s = UInt256(UInt64(random.below(20))).bigEndianBytes
      one.recoveryID = random.next() & 3
    case .exception:
      // (u1 + k u2) G: s = u2 r, and z = u1 r is −u1's; both signs.
      let k = UInt256(UInt64(1 + random.below(20)))
      guard let point = Secp256k1.publicKey(of: k.bigEndianBytes) else { break }
      one.r = Array(point[..<32])
      let r = UInt256(bigEndian: one.r)!
      let (first, second) = (UInt64(random.below(80)), UInt64(1 + random.below(80)))
      one.s = Self.multiply(r, by: UInt256(second)).bigEndianBytes
      let z = Self.multiply(r, by: UInt256(first))
      one.hash = (random.below(2) == 0 || first == 0 ? z : Self.order &- z).bigEndianBytes
    case .infinity, .nearInfinity:
      // R = k G, so s R - z G is zero where z = s k.
      let nonce = nonces[random.below(nonces.count)]
      let s = UInt256(UInt64(1 + random.below(1 << 30)))
      (one.r, one.s, one.recoveryID) = (nonce.x, s.bigEndianBytes, nonce.parity)
      one.hash = Self.multiply(nonce.k, by: s).bigEndianBytes
      if damage == .nearInfinity { random.flip(&one.hash) }
    }
    return one
  }

  /// a b modulo n by doublings.
  private static func multiply(_ a: UInt256, by b: UInt256) -> UInt256 {
    func sum(_ x: UInt256, _ y: UInt256) -> UInt256 {
      let left = order &- y
      return x < left ? x &+ y : x &- left
    }
    var (result, power, left) = (UInt256(0), a, b)
    while left != UInt256(0) {
      if left.bigEndianBytes[31] & 1 == 1 { result = sum(result, power) }
      power = sum(power, power)
      left = left >> 1
    }
    return result
  }
}
