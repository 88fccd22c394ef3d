// Public keys recovered together from secp256k1 signatures, each as `Secp256k1.recover` would alone
// (docs/signatures.md).

import CVectorCrypto

extension Secp256k1 {
  /// Signatures whose keys are wanted.
  package struct Batch {
    /// By signature: 64 bytes r then s, and the 32 of the hash.
    private var bytes: [UInt8] = []
    private var recoveryIDs: [UInt64] = []
    private let unit: VectorUnit
    private static let stride = 96

    package init(unit: VectorUnit = .forSignatures) { self.unit = unit }

    /// How many signatures are worth waiting for: more at a time cost hardly less each.
    package static var preferredCount: Int { 4 * VectorUnit.forSignatures.laneCount }

    package var count: Int { recoveryIDs.count }

    /// Adds a signature over `hash`: r and s, 32 bytes each, big-endian.
    package mutating func add(hash: Hash, recoveryID: UInt64, r: [UInt8], s: [UInt8]) {
      precondition(r.count == 32 && s.count == 32)
      bytes += r
      bytes += s
      withUnsafeBytes(of: hash) { bytes += $0 }
      recoveryIDs.append(recoveryID)
    }

    /// The keys (64 bytes each, x then y, big-endian) in the order in which signatures were added, `nil`
    /// where no key fits; the signatures are forgotten.
    package mutating func keys() -> [[UInt8]?] {
      defer {
        bytes.removeAll(keepingCapacity: true)
        recoveryIDs.removeAll(keepingCapacity: true)
      }
      var keys: [[UInt8]?] = []
      keys.reserveCapacity(count)
      bytes.withUnsafeBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return }
        let items = recoveryIDs.indices.map { index in
          vc_secp256k1_item(
            signature: base + index * Self.stride, hash: base + index * Self.stride + 64,
            recovery_id: recoveryIDs[index])
        }
        items.withUnsafeBufferPointer { items in Secp256k1.recover(items, on: unit) { keys.append($0) } }
      }
      return keys
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
      _ items: UnsafeBufferPointer<vc_secp256k1_item>, count: Int, on unit: VectorUnit,
      _ result: ([UInt8]?) -> Void
    ) {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 65 * count) { output in
        guard let keys = output.baseAddress else { return }
        let verdicts = keys + 64 * count
        if unit == .avx2 {
          precondition(isPreparedForAVX2)
          vc_secp256k1_recover_avx2(items.baseAddress, count, keys, verdicts)
        } else {
          precondition(isPreparedForAVX512)
          vc_secp256k1_recover_avx512(items.baseAddress, count, keys, verdicts)
        }
        for index in 0..<count {
          result(
            verdicts[index] == 0
              ? nil : Array(UnsafeBufferPointer(start: keys + 64 * index, count: 64)))
        }
      }
    }
  #endif

  /// Gives each item's key, or `nil`, in order.
  private static func recover(
    _ items: UnsafeBufferPointer<vc_secp256k1_item>, on unit: VectorUnit, _ result: ([UInt8]?) -> Void
  ) {
    var done = 0
    #if arch(x86_64)
      if unit != .none {
        let rest = items.count % unit.laneCount
        done = rest >= smallestRest(on: unit) ? items.count : items.count - rest
        if done > 0 { recoverInLanes(items, count: done, on: unit, result) }
      }
    #endif
    for index in done..<items.count {
      let item = items[index]
      result(
        try? recover(
          hash: Hash(reading: item.hash), recoveryID: item.recovery_id,
          signature: UnsafeRawBufferPointer(start: item.signature, count: 64)))
    }
  }
}
