import CVectorCrypto
import CVectorCryptoPortable
import Glibc
import Testing
import WideIntegers

@testable import Primitives

/// A kernel, on its machine or as the double of one that this machine lacks.
struct Ed25519Kernel: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let laneCount: Int
  let verify: @Sendable (UnsafeBufferPointer<vc_ed25519_item>, UnsafeMutableBufferPointer<UInt8>) -> Void

  static let all: [Ed25519Kernel] = {
    vc_ed25519_prepare_portable()
    let portable = Ed25519Kernel(testDescription: "portable", laneCount: 8) {
      vc_ed25519_verify_portable($0.baseAddress, $0.count, $1.baseAddress)
    }
    return [portable]
      + VectorUnit.available.map { unit in
        Ed25519Kernel(testDescription: unit.rawValue, laneCount: unit.laneCount) {
          Ed25519.verify($0, on: unit, into: $1)
        }
      }
  }()
}

/// A signature with its message and key, good or not.
struct SignedMessage {
  var signature: [UInt8]
  var message: [UInt8]
  var key: [UInt8]

  /// What the library says of it alone.
  var isValid: Bool { Ed25519.verify(Signature(signature)!, of: message, by: Pubkey(key)!) }

  /// Verdicts of a kernel over all of `cases` in one call.
  static func verdicts(_ cases: [SignedMessage], _ kernel: Ed25519Kernel) -> [Bool] {
    // One allocation, so that pointers stay good: signature, key, message of each.
    let bytes = cases.flatMap { $0.signature + $0.key + $0.message }
    return bytes.withUnsafeBufferPointer { bytes in
      var at = bytes.baseAddress!
      let items = cases.map { signed in
        defer { at += 96 + signed.message.count }
        return vc_ed25519_item(
          signature: at, key: at + 64, message: vc_bytes(start: at + 96, count: signed.message.count))
      }
      // Filled with what is no verdict.
      var verdicts = [UInt8](repeating: 7, count: cases.count)
      items.withUnsafeBufferPointer { items in
        verdicts.withUnsafeMutableBufferPointer { kernel.verify(items, $0) }
      }
      return verdicts.map { verdict in
        #expect(verdict <= 1)
        return verdict == 1
      }
    }
  }
}

@Suite struct Ed25519BatchTests {
  static let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")

  /// A valid signature, or one with a changed bit in R, s, key or message, or with s plus the order, or a
  /// random key.
  static func randomCase(_ random: inout SplitMix64, messageByteCount: Int) -> SignedMessage {
    let pair = Ed25519.KeyPair(seed: random.hash())
    let message = random.bytes(messageByteCount)
    var signed = SignedMessage(
      signature: pair.sign(message).bytes, message: message, key: pair.pubkey.bytes)
    func flip(_ bytes: inout [UInt8], _ range: Range<Int>) {
      if range.isEmpty { return }
      let bit = Int(random.next() % UInt64(range.count * 8))
      bytes[range.lowerBound + bit / 8] ^= 1 << UInt8(bit % 8)
    }
    switch random.next() % 10 {
    case 0: flip(&signed.signature, 0..<32)
    case 1: flip(&signed.signature, 32..<64)
    case 2: flip(&signed.key, 0..<32)
    case 3: flip(&signed.message, 0..<messageByteCount)
    case 4: signed.key = random.bytes(32)
    case 5: addOrder(to: &signed.signature)
    default: break
    }
    return signed
  }

  /// s plus the group order: the same scalar, which strict verification refuses.
  static func addOrder(to signature: inout [UInt8]) {
    var carry = 0
    for index in 0..<32 {
      carry += Int(signature[32 + index]) + Int(order[index])
      signature[32 + index] = UInt8(truncatingIfNeeded: carry)
      carry >>= 8
    }
  }

  /// Random signatures, every second one changed, in calls of all sizes, against the library.
  /// ESTUARY_RANDOM_SIGNATURES sets their number (default 2,000, and 60 in debug builds).
  @Test(arguments: Ed25519Kernel.all)
  func agreesWithTheLibrary(_ kernel: Ed25519Kernel) {
    #if DEBUG
      var left = 60
    #else
      var left = 2000
    #endif
    if let text = getenv("ESTUARY_RANDOM_SIGNATURES"), let number = Int(String(cString: text)) {
      left = number
    }
    var random = SplitMix64(seed: 41)
    var validCount = [Int](repeating: 0, count: 32)
    while left > 0 {
      let count = min(left, 1 + Int(random.next() % 70))
      left -= count
      let cases = (0..<count).map { _ in
        Self.randomCase(&random, messageByteCount: Int(random.next() % 700))
      }
      let verdicts = SignedMessage.verdicts(cases, kernel)
      for (index, (verdict, signed)) in zip(verdicts, cases).enumerated() where verdict != signed.isValid {
        Issue.record("lane \(index) of \(count): \(verdict), library \(signed.isValid), \(signed)")
      }
      for index in verdicts.indices where verdicts[index] { validCount[index % 32] += 1 }
    }
    #expect(validCount.reduce(0, +) > 10)
  }

  /// One bad signature in each place of calls of 1 to 20, and one good among bad.
  @Test(arguments: Ed25519Kernel.all)
  func lanesAreIndependent(_ kernel: Ed25519Kernel) {
    var random = SplitMix64(seed: 42)
    let good = SignedMessage(Ed25519.KeyPair(seed: random.hash()), random.bytes(50))
    let bad = SignedMessage(signature: good.signature, message: random.bytes(50), key: good.key)
    #if DEBUG
      let counts = [1, 3, 9]
    #else
      let counts = 1...20
    #endif
    for count in counts {
      for place in 0..<count {
        for (usual, odd) in [(good, bad), (bad, good)] {
          var cases = [SignedMessage](repeating: usual, count: count)
          cases[place] = odd
          let isOddGood = odd.message == good.message
          let expected = cases.indices.map { ($0 == place) == isOddGood }
          #expect(SignedMessage.verdicts(cases, kernel) == expected, "\(place) of \(count)")
        }
      }
    }
  }

  /// Messages of every length up to three blocks of SHA-512 in one call.
  @Test(arguments: Ed25519Kernel.all)
  func everyMessageLength(_ kernel: Ed25519Kernel) {
    let pair = Ed25519.KeyPair(seed: .zero)
    #if DEBUG
      let lengths = [0, 1, 46, 47, 48, 63, 64, 65, 174, 175, 176, 191, 192, 193, 1200]
    #else
      let lengths = Array(0...330) + [1231, 5000, 70_000]
    #endif
    let cases = lengths.map { SignedMessage(pair, pattern($0)) }
    for (verdict, length) in zip(SignedMessage.verdicts(cases, kernel), lengths) where !verdict {
      Issue.record("\(length) bytes")
    }
  }
}

extension SignedMessage {
  init(_ pair: Ed25519.KeyPair, _ message: [UInt8]) {
    self.init(signature: pair.sign(message).bytes, message: message, key: pair.pubkey.bytes)
  }
}
