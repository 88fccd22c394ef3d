// Ed25519 signatures with one damage each, against libsodium.

import CSodium
import Primitives

enum Ed25519Damage: String, CaseIterable {
  case none = "as signed"
  case nonceBit = "a bit of R changed"
  case scalarBit = "a bit of s changed"
  case keyBit = "a bit of A changed"
  case messageBit = "a bit of the message changed"
  case randomKey = "another A, random bytes"
  case randomNonce = "another R, random bytes"
  case randomScalar = "another s below 2^252"
  case scalarPlusOrder = "s + l to s + 14 l"
  case otherSignature = "the signature of another message"
  case smallNonce = "R of small order"
  case smallKey = "A of small order"
  case smallNonceSolved = "R of small order, s solved for it"
  case smallNonceMixedKey = "R of small order, A of mixed order, s solved for both"
  case mixedKey = "A of mixed order, s solved for it"
  case mixedNonce = "R of mixed order, s solved for it"
  case highEncoding = "A or R with y from p to 2^255 - 1"
  case random = "all bytes random"
}

struct Ed25519Signer {
  /// Encodings of points of small order, then some of them that are not canonical: FIPS-like tables are not needed, each
  /// follows from y = 0, 1, -1 and the y of order 8.
  static let smallOrder: [[UInt8]] = {
    let orderEight: [UInt8] = [
      0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
      0xdf,
      0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ]
    let modulus = [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f]
    let one = [1] + [UInt8](repeating: 0, count: 31)
    let zero = [UInt8](repeating: 0, count: 32)
    func minus(_ bytes: [UInt8]) -> [UInt8] {
      var borrow = 0
      return (0..<32).map { index in
        let difference = Int(modulus[index]) - Int(bytes[index]) - borrow
        borrow = difference < 0 ? 1 : 0
        return UInt8(truncatingIfNeeded: difference)
      }
    }
    func signed(_ bytes: [UInt8]) -> [UInt8] { bytes[..<31] + [bytes[31] | 0x80] }
    var onePlus = modulus
    onePlus[0] += 1
    let canonical = [one, minus(one), zero, signed(zero), orderEight, minus(orderEight)]
    let others = [signed(orderEight), signed(minus(orderEight)), signed(one), signed(minus(one))]
    return canonical + others + [modulus, signed(modulus), onePlus, signed(onePlus)]
  }()
  /// Those of them, in that order, that are canonical and not the identity.
  static let torsion = [1, 2, 3, 4, 5, 6, 7].map { smallOrder[$0] }
  private static let order: [UInt8] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
  ]

  private var pair: Ed25519.KeyPair
  private var uses = 0

  init(_ random: inout SplitMix64) { pair = Ed25519.KeyPair(seed: Hash(random.bytes(32))!) }

  /// `size` signatures in one call.
  mutating func check(
    _ size: Int, _ batch: inout Ed25519.Batch, _ random: inout SplitMix64, _ tally: inout Tally
  ) {
    var damages: [Int] = []
    var lengths: [Int] = []
    var bytes: [UInt8] = []
    for _ in 0..<size {
      let draw = random.below(1024)
      // A half as signed; what needs points computed is rare.
      let solved = [Ed25519Damage.smallNonceSolved, .smallNonceMixedKey, .mixedKey, .mixedNonce]
      let plain = Ed25519Damage.allCases.filter { $0 != .none && !solved.contains($0) }
      let damage: Ed25519Damage =
        draw < 512 ? .none : draw < 536 ? solved[draw % 4] : plain[draw % plain.count]
      let length = random.below(2000) == 0 ? random.below(20_000) : random.below(500)
      damages.append(Ed25519Damage.allCases.firstIndex(of: damage)!)
      lengths.append(length)
      bytes += make(damage, length, &random)
    }
    bytes.withUnsafeBytes { bytes in
      var at = 0
      for (index, length) in lengths.enumerated() {
        let start = bytes.baseAddress! + at
        let message = UnsafeRawBufferPointer(rebasing: bytes[at + 96..<at + 96 + length])
        batch.add(signature: start, message: message, key: start + 64, owner: index)
        at += 96 + length
      }
      var verdicts = [Bool](repeating: true, count: size)
      batch.verify { verdicts[$0] = false }
      at = 0
      for (index, length) in lengths.enumerated() {
        let start = bytes.baseAddress! + at
        let message = UnsafeRawBufferPointer(rebasing: bytes[at + 96..<at + 96 + length])
        let isValid = Ed25519.verify(
          Signature(reading: start), of: message, by: Pubkey(reading: start + 64))
        tally.made[damages[index]] += 1
        if isValid { tally.accepted[damages[index]] += 1 }
        if isValid != verdicts[index] {
          tally.differences += 1
          print("Ed25519, \(Ed25519Damage.allCases[damages[index]].rawValue), \(index) of \(size):")
          print(
            "  library \(isValid), signature, key and message \(Hex.encode(Array(bytes[at..<at + 96 + length])))"
          )
        }
        at += 96 + length
      }
    }
  }

  /// Signature, key, message.
  private mutating func make(_ damage: Ed25519Damage, _ length: Int, _ random: inout SplitMix64) -> [UInt8] {
    uses += 1
    if uses % 4 == 0 { pair = Ed25519.KeyPair(seed: Hash(random.bytes(32))!) }
    var message = random.bytes(length)
    var key = pair.pubkey.bytes
    var signature = pair.sign(message).bytes
    var (r, s) = (Array(signature[..<32]), Array(signature[32...]))
    switch damage {
    case .none: break
    case .nonceBit: random.flip(&r)
    case .scalarBit: random.flip(&s)
    case .keyBit: random.flip(&key)
    case .messageBit: if length > 0 { random.flip(&message) }
    case .randomKey: key = random.bytes(32)
    case .randomNonce: r = random.bytes(32)
    case .randomScalar:
      s = random.bytes(32)
      s[31] &= 0x0f
    case .scalarPlusOrder: for _ in 0...random.below(14) { Self.addOrder(to: &s) }
    case .otherSignature:
      message = random.bytes(length + 1)
      message.removeLast()
    case .smallNonce: r = Self.smallOrder[random.below(Self.smallOrder.count)]
    case .smallKey: key = Self.smallOrder[random.below(Self.smallOrder.count)]
    case .smallNonceSolved, .mixedKey, .mixedNonce:
      (r, s, key) = Self.solved(damage, message, &random)
    case .smallNonceMixedKey: (r, s, key) = Self.solvedForBoth(message, &random)
    case .highEncoding:
      let high =
        [UInt8(0xed + random.below(19))] + [UInt8](repeating: 0xff, count: 30) + [
          random.below(2) == 0 ? 0x7f : 0xff
        ]
      if random.below(2) == 0 { key = high } else { r = high }
    case .random: (r, s, key) = (random.bytes(32), random.bytes(32), random.bytes(32))
    }
    signature = r + s
    return signature + key + message
  }

  private static func filled(_ body: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
      body(bytes.baseAddress!)
      count = 32
    }
  }

  /// A signature whose equation holds but for a part of small order in A or R.
  private static func solved(
    _ damage: Ed25519Damage, _ message: [UInt8], _ random: inout SplitMix64
  ) -> (r: [UInt8], s: [UInt8], key: [UInt8]) {
    let (secretSeed, nonceSeed) = (random.bytes(64), random.bytes(64))
    let secret = filled { crypto_core_ed25519_scalar_reduce($0, secretSeed) }
    var nonce = filled { crypto_core_ed25519_scalar_reduce($0, nonceSeed) }
    let point = torsion[random.below(torsion.count)]
    var key = filled { _ = crypto_scalarmult_ed25519_base_noclamp($0, secret) }
    var r = filled { _ = crypto_scalarmult_ed25519_base_noclamp($0, nonce) }
    switch damage {
    case .smallNonceSolved:
      r = smallOrder[random.below(smallOrder.count)]
      nonce = [UInt8](repeating: 0, count: 32)
    case .mixedKey:
      let plain = key
      key = filled { _ = crypto_core_ed25519_add($0, plain, point) }
    default:
      let plain = r
      r = filled { _ = crypto_core_ed25519_add($0, plain, point) }
    }
    let digest = SHA512.hash(r + key + message)
    let challenge = filled { crypto_core_ed25519_scalar_reduce($0, digest) }
    let product = filled { crypto_core_ed25519_scalar_mul($0, challenge, secret) }
    return (r, filled { crypto_core_ed25519_scalar_add($0, nonce, product) }, key)
  }

  /// A signature whose R is of small order and whose equation holds: R is what the challenge makes of A's part.
  private static func solvedForBoth(
    _ message: [UInt8], _ random: inout SplitMix64
  ) -> (r: [UInt8], s: [UInt8], key: [UInt8]) {
    let point = torsion[random.below(torsion.count)]
    // The multiples of −point, from none on; one of them is R.
    let multiples = (1..<8).reduce(into: [smallOrder[0]]) { found, _ in
      let last = found[found.count - 1]
      found.append(filled { _ = crypto_core_ed25519_sub($0, last, point) })
    }
    let r = multiples[random.below(multiples.count)]
    while true {
      let seed = random.bytes(64)
      let secret = filled { crypto_core_ed25519_scalar_reduce($0, seed) }
      let plain = filled { _ = crypto_scalarmult_ed25519_base_noclamp($0, secret) }
      let key = filled { _ = crypto_core_ed25519_add($0, plain, point) }
      let digest = SHA512.hash(r + key + message)
      let challenge = filled { crypto_core_ed25519_scalar_reduce($0, digest) }
      guard multiples[Int(challenge[0] & 7)] == r else { continue }
      return (r, filled { crypto_core_ed25519_scalar_mul($0, challenge, secret) }, key)
    }
  }

  private static func addOrder(to scalar: inout [UInt8]) {
    var carry = 0
    for index in 0..<32 {
      carry += Int(scalar[index]) + Int(order[index])
      scalar[index] = UInt8(truncatingIfNeeded: carry)
      carry >>= 8
    }
  }
}
