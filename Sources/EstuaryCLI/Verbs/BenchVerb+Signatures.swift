// Signatures and hashes: every implementation that this machine has, alone and many at a time.

import Primitives
import Runtime

extension BenchVerb {
  private static let signatureCount = 64
  private static let messageByteCount = 200

  /// Checking Ed25519 signatures over 200 bytes, and recovering secp256k1 keys.
  func measureSignatures() -> [Figure] {
    var random = SplitMix64(seed: 1)
    let messages = (0..<Self.signatureCount).map { _ in Self.bytes(Self.messageByteCount, &random) }
    let signed = messages.map { message in
      let pair = Ed25519.KeyPair(seed: Hash(Self.bytes(32, &random)) ?? .zero)
      return pair.sign(message).bytes + pair.pubkey.bytes + message
    }
    var figures: [Figure] = []
    for unit in VectorUnit.available {
      let name = unit == .none ? "libsodium" : "kernel \(unit.rawValue), \(unit.laneCount) lanes"
      for (count, kind) in [(1, "alone"), (unit.laneCount, "a vector"), (Self.signatureCount, "in bulk")]
      where kind != "a vector" || unit != .none {
        var batch = Ed25519.Batch(unit: unit)
        let best = best {
          for bytes in signed[..<count] {
            bytes.withUnsafeBytes { bytes in
              let start = bytes.baseAddress.unsafelyUnwrapped  // 296 bytes, kept by `signed`
              batch.add(
                signature: start, message: UnsafeRawBufferPointer(rebasing: bytes[96...]), key: start + 64,
                owner: 0)
            }
          }
          batch.verify { _ in preconditionFailure("a signature that was made is refused") }
        }
        figures.append(
          Figure(name: "Ed25519, \(name), \(kind)", value: best / Double(count), unit: "ns/signature"))
      }
    }
    let recoverable = (0..<Self.signatureCount).compactMap { _ in
      let secret = Self.bytes(32, &random)
      let hash = Keccak256.hash(secret)
      return Secp256k1.sign(hash, secretKey: secret).map { (hash, $0) }
    }
    for unit in VectorUnit.available {
      let name = unit == .none ? "libsecp256k1" : "kernel \(unit.rawValue), \(unit.laneCount) lanes"
      for (count, kind) in [(1, "alone"), (unit.laneCount, "a vector"), (recoverable.count, "in bulk")]
      where kind != "a vector" || unit != .none {
        var batch = Secp256k1.Batch(unit: unit)
        let best = best {
          for (hash, signature) in recoverable[..<count] {
            batch.add(
              hash: hash, recoveryID: UInt64(signature.recoveryID), r: signature.r, s: signature.s)
          }
          precondition(batch.keys().allSatisfy { $0 != nil }, "a key is not recovered")
        }
        figures.append(
          Figure(
            name: "secp256k1 recovery, \(name), \(kind)", value: best / Double(count),
            unit: "ns/signature"))
      }
    }
    return figures
  }

  /// Keccak-256 of what tries and slots hash, one by one and together.
  func measureHashes() -> [Figure] {
    var random = SplitMix64(seed: 2)
    var figures: [Figure] = []
    // What one message alone is hashed by.
    let single = VectorUnit.best == .avx512 ? VectorUnit.avx512.rawValue : "Swift"
    var state = [UInt64](repeating: 1, count: 25)
    state.withUnsafeMutableBufferPointer { state in
      let lanes = state.baseAddress.unsafelyUnwrapped  // 25 lanes
      var permutations: [(name: String, run: (UnsafeMutablePointer<UInt64>) -> Void)] = [
        ("Swift", Keccak256.permuteInSwift)
      ]
      if single != "Swift" { permutations.append((single, Keccak256.permute)) }
      for (name, permute) in permutations {
        let least = self.best { for _ in 0..<16 { permute(lanes) } }
        figures.append(Figure(name: "Keccak-f[1600], \(name)", value: least / 16, unit: "ns/permutation"))
      }
    }
    for byteCount in [32, 64, 135, 136, 532] {
      let messages = (0..<64).map { _ in Self.bytes(byteCount, &random) }
      for unit in VectorUnit.available {
        var batch = Keccak256.Batch(unit: unit)
        let best = best {
          for message in messages { message.withUnsafeBytes { batch.add($0) } }
          _ = batch.hashes()
        }
        let name = unit == .none ? "one by one, \(single)" : "\(unit.rawValue), \(unit.laneCount) lanes"
        figures.append(
          Figure(name: "Keccak-256 of \(byteCount) bytes, \(name)", value: best / 64, unit: "ns/hash"))
      }
    }
    let account = (key: Pubkey.zero, data: Self.bytes(165, &random))
    let best = best {
      var lattice = LatticeHash.identity
      account.data.withUnsafeBytes { data in
        let account = LatticeHash.Account(
          key: account.key, owner: account.key, lamports: 1, isExecutable: false, data: data)
        lattice.update { updates in for _ in 0..<64 { updates.add(account) } }
      }
    }
    figures.append(
      Figure(
        name: "lattice hash, an account of 165 bytes, "
          + (VectorUnit.best == .none ? "Swift" : VectorUnit.best.rawValue), value: best / 64,
        unit: "ns/account"))
    return figures
  }

  private static func bytes(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  /// The least nanoseconds that `body` took, of many more rounds than other measurements need.
  private func best(_ body: () -> Void) -> Double {
    var best = UInt64.max
    for _ in 0..<rounds * 20 {
      let watch = Stopwatch()
      body()
      best = min(best, watch.nanoseconds)
    }
    return Double(best)
  }
}
