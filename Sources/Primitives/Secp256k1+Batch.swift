// Public keys recovered together from secp256k1 signatures, each as `Secp256k1.recover` would alone
// (docs/signatures.md).

import CVectorCrypto
import WideIntegers

extension Secp256k1 {
  /// Signatures whose keys are wanted.
  package struct Batch {
    /// r and s, big-endian, and the hash.
    private struct Entry: BitwiseCopyable {
      let r, s, hash: Hash
      let recoveryID: UInt64
    }

    private var entries: [Entry] = []
    private let unit: VectorUnit

    package init(unit: VectorUnit = .forSignatures) { self.unit = unit }

    /// How many signatures are worth waiting for: more at a time cost hardly less each.
    package static var preferredCount: Int { 4 * VectorUnit.forSignatures.laneCount }

    package var count: Int { entries.count }

    /// Adds a signature over `hash`: r and s, 32 bytes each, big-endian.
    package mutating func add(hash: Hash, recoveryID: UInt64, r: [UInt8], s: [UInt8]) {
      guard let r = Hash(r), let s = Hash(s) else { preconditionFailure("r and s have 32 bytes") }
      entries.append(Entry(r: r, s: s, hash: hash, recoveryID: recoveryID))
    }

    /// Adds a signature over `hash`.
    package mutating func add(hash: Hash, recoveryID: UInt64, r: UInt256, s: UInt256) {
      entries.append(Entry(r: Hash(r), s: Hash(s), hash: hash, recoveryID: recoveryID))
    }

    /// The keys (64 bytes each, x then y, big-endian) in the order in which signatures were added, `nil`
    /// where no key fits; the signatures are forgotten.
    package mutating func keys() -> [[UInt8]?] {
      defer { entries.removeAll(keepingCapacity: true) }
      return withKeys { keys, isKey in
        isKey.indices.map { isKey[$0] ? Array(keys[64 * $0..<64 * $0 + 64]) : nil }
      }
    }

    /// The Ethereum addresses of the keys in the order in which signatures were added, `nil` where no key
    /// fits; the signatures are forgotten.
    package mutating func addresses() -> [Address?] {
      defer { entries.removeAll(keepingCapacity: true) }
      return withKeys { keys, isKey in
        var hashes = Keccak256.Batch(unit: unit)
        hashes.reserve(isKey.count)
        for index in isKey.indices {
          let key = UnsafeBufferPointer(rebasing: keys[64 * index..<64 * index + 64])
          hashes.add(UnsafeRawBufferPointer(key))
        }
        return zip(isKey, hashes.hashes()).map { $0 ? Address($1) : nil }
      }
    }

    /// Gives `body` 64 bytes for each signature and whether they are a key.
    private func withKeys<Result>(
      _ body: (_ keys: UnsafeBufferPointer<UInt8>, _ isKey: UnsafeBufferPointer<Bool>) -> Result
    ) -> Result {
      let count = entries.count
      return entries.withUnsafeBytes { bytes in
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 * count) { keys in
          withUnsafeTemporaryAllocation(of: vc_secp256k1_item.self, capacity: count) { items in
            withUnsafeTemporaryAllocation(of: Bool.self, capacity: count) { isKey in
              keys.initialize(repeating: 0)
              for index in 0..<count {
                let entry = bytes.baseAddress.unsafelyUnwrapped + index * MemoryLayout<Entry>.stride
                let signature = entry.assumingMemoryBound(to: UInt8.self)  // r, s and hash follow each other
                items.initializeElement(
                  at: index,
                  to: vc_secp256k1_item(
                    signature: signature, hash: signature + 64, recovery_id: entries[index].recoveryID))
              }
              Secp256k1.recover(UnsafeBufferPointer(items), on: unit, into: keys, isKey)
              return body(UnsafeBufferPointer(keys), UnsafeBufferPointer(isKey))
            }
          }
        }
      }
    }
  }

  /// Where fewer signatures than this are left for the last vector, the library is faster.
  private static func smallestRest(on unit: VectorUnit) -> Int { unit == .avx2 ? 3 : 2 }

  #if arch(x86_64)
    /// The tables of multiples of the base point that a kernel uses, computed once a process.
    private static let isPreparedForAVX2: Bool = {
      vc_secp256k1_prepare_avx2()
      return true
    }()
    private static let isPreparedForAVX512: Bool = {
      vc_secp256k1_prepare_avx512()
      return true
    }()

    private static func recoverInLanes(
      _ items: UnsafeBufferPointer<vc_secp256k1_item>, on unit: VectorUnit,
      into keys: UnsafeMutablePointer<UInt8>, _ isKey: UnsafeMutableBufferPointer<Bool>
    ) {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: items.count) { verdicts in
        if unit == .avx2 {
          _ = isPreparedForAVX2
          vc_secp256k1_recover_avx2(items.baseAddress, items.count, keys, verdicts.baseAddress)
        } else {
          _ = isPreparedForAVX512
          vc_secp256k1_recover_avx512(items.baseAddress, items.count, keys, verdicts.baseAddress)
        }
        for (index, item) in items.enumerated() {
          let verdict = Int(verdicts[index])
          if verdict == VC_UNKNOWN {
            recoverAlone(item, into: keys + 64 * index, isKey.baseAddress.unsafelyUnwrapped + index)
          } else {
            isKey.initializeElement(at: index, to: verdict == VC_KEY)
          }
        }
      }
    }
  #endif

  private static func recoverAlone(
    _ item: vc_secp256k1_item, into key: UnsafeMutablePointer<UInt8>, _ isKey: UnsafeMutablePointer<Bool>
  ) {
    let found = try? recover(
      hash: Hash(reading: item.hash), recoveryID: item.recovery_id,
      signature: UnsafeRawBufferPointer(start: item.signature, count: 64))
    if let found { key.update(from: found, count: 64) }
    isKey.initialize(to: found != nil)
  }

  /// Writes each item's key, where it has one.
  private static func recover(
    _ items: UnsafeBufferPointer<vc_secp256k1_item>, on unit: VectorUnit,
    into keys: UnsafeMutableBufferPointer<UInt8>, _ isKey: UnsafeMutableBufferPointer<Bool>
  ) {
    guard items.count > 0 else { return }
    let (first, firstIsKey) = (keys.baseAddress.unsafelyUnwrapped, isKey.baseAddress.unsafelyUnwrapped)
    var done = 0
    #if arch(x86_64)
      if unit != .none {
        let rest = items.count % unit.laneCount
        done = rest >= smallestRest(on: unit) ? items.count : items.count - rest
        if done > 0 {
          recoverInLanes(UnsafeBufferPointer(rebasing: items[..<done]), on: unit, into: first, isKey)
        }
      }
    #endif
    for index in done..<items.count {
      recoverAlone(items[index], into: first + 64 * index, firstIsKey + index)
    }
  }
}
