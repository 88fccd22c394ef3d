// Keccak-256 of many messages, several side by side where the processor has vectors for it.

import CVectorCrypto

extension Keccak256 {
  /// Messages that wait to be hashed together. What they point to must stay where it is until then.
  package struct Batch {
    private var messages: [vc_bytes] = []
    private let unit: VectorUnit

    package init(unit: VectorUnit = .best) { self.unit = unit }

    package var count: Int { messages.count }

    package mutating func reserve(_ count: Int) { messages.reserveCapacity(count) }

    package mutating func add(_ message: UnsafeRawBufferPointer) { messages.append(vc_bytes(message)) }

    /// The messages' hashes in the order in which they were added; the messages are forgotten.
    package mutating func hashes() -> [Hash] {
      defer { messages.removeAll(keepingCapacity: true) }
      return [Hash](unsafeUninitializedCapacity: messages.count) { hashes, count in
        messages.withUnsafeBufferPointer { Keccak256.hash($0, on: unit, into: hashes) }
        count = messages.count
      }
    }
  }

  /// The hash of each element's bytes as they are in memory.
  package static func hashes<Element: BitwiseCopyable>(of elements: [Element]) -> [Hash] {
    elements.withUnsafeBytes { bytes in
      var batch = Batch()
      batch.reserve(elements.count)
      for index in elements.indices {
        let start = index * MemoryLayout<Element>.stride
        batch.add(UnsafeRawBufferPointer(rebasing: bytes[start..<start + MemoryLayout<Element>.size]))
      }
      return batch.hashes()
    }
  }

  /// The hash of each message; `hashes` has room for them.
  static func hash(
    _ messages: UnsafeBufferPointer<vc_bytes>, on unit: VectorUnit,
    into hashes: UnsafeMutableBufferPointer<Hash>
  ) {
    precondition(hashes.count >= messages.count)
    guard let first = hashes.baseAddress, messages.count > 0 else { return }
    #if arch(x86_64)
      // A vector with one lane in use costs more than the message alone.
      if messages.count > 1 && unit != .none {
        // A hash is its 32 bytes in memory order.
        let digests = UnsafeMutableRawPointer(first).assumingMemoryBound(to: UInt8.self)
        if unit == .avx2 {
          vc_keccak256_avx2(messages.baseAddress, messages.count, digests)
        } else {
          vc_keccak256_avx512(messages.baseAddress, messages.count, digests)
        }
        return
      }
    #endif
    for (index, message) in messages.enumerated() {
      (first + index).initialize(
        to: hash(UnsafeRawBufferPointer(start: message.start, count: message.count)))
    }
  }
}
