import CVectorCrypto
import CVectorCryptoPortable
import Testing

@testable import Primitives

@Suite struct Keccak256BatchTests {
  /// Every length up to 300 bytes and some longer, in one call and in calls of 1 to 20, against the single
  /// hash.
  @Test func agreesWithOneByOne() {
    let lengths = Array(0...300) + [543, 544, 545, 4096, 10_000]
    // Shuffled, so that short and long messages meet in the lanes.
    var random = SplitMix64(seed: 11)
    let messages = lengths.map { random.bytes($0) }.sorted { _, _ in false }
    let order = messages.indices.sorted { ($0 * 7919) % messages.count < ($1 * 7919) % messages.count }
    let expected = order.map { Keccak256.hash(messages[$0]) }
    for unit in VectorUnit.available {
      var batch = Keccak256.Batch(unit: unit)
      for size in [order.count, 1, 2, 3, 4, 5, 7, 8, 9, 16, 20] {
        var found: [Hash] = []
        var from = 0
        while from < order.count {
          let part = order[from..<min(from + size, order.count)]
          from += size
          found += Self.hashes(part.map { messages[$0] }, &batch)
        }
        #expect(found == expected, "\(unit), calls of \(size)")
      }
    }
  }

  private static func hashes(_ messages: [[UInt8]], _ batch: inout Keccak256.Batch) -> [Hash] {
    let all = messages.flatMap { $0 }
    return all.withUnsafeBytes { all in
      var at = 0
      for message in messages {
        batch.add(UnsafeRawBufferPointer(rebasing: all[at..<at + message.count]))
        at += message.count
      }
      return batch.hashes()
    }
  }

  #if arch(x86_64)
    /// The kernel's permutation of one state against Swift's, a thousand times over.
    @Test(.enabled(if: VectorUnit.available.contains(.avx512))) func singleState() {
      var random = SplitMix64(seed: 12)
      var states = (0..<2).map { _ in [UInt64](repeating: 0, count: 25) }
      for round in 0..<1_000 {
        let lane = round % 25
        let word = random.next()
        states[0][lane] ^= word
        states[1][lane] ^= word
        states[0].withUnsafeMutableBufferPointer { vc_keccak_permute_avx512($0.baseAddress) }
        states[1].withUnsafeMutableBufferPointer {
          Keccak256.permuteInSwift($0.baseAddress.unsafelyUnwrapped)
        }
        #expect(states[0] == states[1], "round \(round)")
      }
    }
  #endif

  /// What AVX-512 does, in plain C.
  @Test func portableDouble() {
    let messages = (0...280).map { pattern($0 * 37 % 281) }
    let all = messages.flatMap { $0 }
    var digests = [UInt8](repeating: 0, count: 32 * messages.count)
    all.withUnsafeBufferPointer { all in
      var at = all.baseAddress
      let items = messages.map { message in
        defer { at = at.map { $0 + message.count } }
        return vc_bytes(start: at, count: message.count)
      }
      vc_keccak256_portable(items, items.count, &digests)
    }
    #expect(digests == messages.flatMap { Keccak256.hash($0).bytes })
  }
}
