// Ed25519 signatures checked together, each with the verdict that `Ed25519.verify` would give of it alone
// (docs/signatures.md). Nothing is shared between verdicts but time.

import CSodium
import CVectorCrypto

extension Ed25519 {
  /// Signatures that wait to be checked. What they point to must stay where it is until then.
  package struct Batch {
    private var items: [vc_ed25519_item] = []
    /// Whose each signature is, as the caller numbers them.
    private var owners: [Int] = []
    private let unit: VectorUnit

    package init(unit: VectorUnit = .forSignatures) { self.unit = unit }

    /// How many signatures are worth waiting for: more at a time cost hardly less each.
    package static var preferredCount: Int { 2 * VectorUnit.forSignatures.laneCount }

    package var count: Int { items.count }

    /// Adds a signature of 64 bytes over `message` by a key of 32 bytes.
    package mutating func add(
      signature: UnsafeRawPointer, message: UnsafeRawBufferPointer, key: UnsafeRawPointer, owner: Int
    ) {
      items.append(
        vc_ed25519_item(
          signature: signature.assumingMemoryBound(to: UInt8.self),
          key: key.assumingMemoryBound(to: UInt8.self), message: vc_bytes(message)))
      owners.append(owner)
    }

    /// Checks all signatures, tells the owners of those that are not valid, once for each, and forgets them.
    package mutating func verify(refuse: (Int) -> Void) {
      if items.isEmpty { return }
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: items.count) { verdicts in
        items.withUnsafeBufferPointer { Ed25519.verify($0, on: unit, into: verdicts) }
        for index in owners.indices where verdicts[index] == 0 { refuse(owners[index]) }
      }
      items.removeAll(keepingCapacity: true)
      owners.removeAll(keepingCapacity: true)
    }
  }

  /// Where fewer signatures than this are left for the last vector, the library is faster.
  private static let smallestRest = 2

  #if arch(x86_64)
    /// The table of multiples of the base point that a kernel uses, computed once a process.
    private static let isPreparedForAVX2: Bool = {
      vc_ed25519_prepare_avx2()
      return true
    }()
    private static let isPreparedForAVX512: Bool = {
      vc_ed25519_prepare_avx512()
      return true
    }()

    private static func verifyInLanes(
      _ items: UnsafePointer<vc_ed25519_item>?, count: Int, on unit: VectorUnit,
      into verdicts: UnsafeMutablePointer<UInt8>?
    ) {
      switch unit {
      case .none: break
      case .avx2:
        _ = isPreparedForAVX2
        vc_ed25519_verify_avx2(items, count, verdicts)
      case .avx512:
        _ = isPreparedForAVX512
        vc_ed25519_verify_avx512(items, count, verdicts)
      }
    }
  #endif

  /// A verdict, 1 or 0, for each item; none is empty.
  static func verify(
    _ items: UnsafeBufferPointer<vc_ed25519_item>, on unit: VectorUnit,
    into verdicts: UnsafeMutableBufferPointer<UInt8>
  ) {
    precondition(verdicts.count >= items.count)
    var done = 0
    #if arch(x86_64)
      if unit != .none {
        let rest = items.count % unit.laneCount
        done = rest >= smallestRest ? items.count : items.count - rest
        if done > 0 { verifyInLanes(items.baseAddress, count: done, on: unit, into: verdicts.baseAddress) }
      }
    #endif
    for index in done..<items.count {
      let item = items[index]
      let message = UnsafeRawBufferPointer(start: item.message.start, count: item.message.count)
      let isValid = verify(Signature(reading: item.signature), of: message, by: Pubkey(reading: item.key))
      verdicts[index] = isValid ? 1 : 0
    }
  }
}

extension vc_bytes {
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
  }
}
