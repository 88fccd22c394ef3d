// Keccak-256 as Ethereum and Solana use it: the sponge of FIPS 202 with a rate of 136 bytes and the original
// padding 0x01 (not SHA-3's 0x06). A value type over its own state: any thread may hash.

/// A hash in progress over several slices; the static functions hash what is already in memory.
package struct Keccak256 {
  static let rate = 136

  private var lanes = InlineArray<25, UInt64>(repeating: 0)
  /// How much of the block is absorbed, `[0, rate)`.
  private var filled = 0

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard var source = bytes.baseAddress else { return }
    var remaining = bytes.count
    let filled = self.filled
    self.filled = withState { state, lanes in
      var filled = filled
      if filled > 0 || remaining < Self.rate {
        let count = min(remaining, Self.rate - filled)
        Self.absorb(source, count: count, into: state + filled)
        (source, remaining, filled) = (source + count, remaining - count, filled + count)
        if filled < Self.rate { return filled }
        Self.permute(lanes)
      }
      while remaining >= Self.rate {
        for lane in 0..<Self.rate / 8 {
          lanes[lane] ^= source.loadUnaligned(fromByteOffset: lane * 8, as: UInt64.self)
        }
        Self.permute(lanes)
        (source, remaining) = (source + Self.rate, remaining - Self.rate)
      }
      Self.absorb(source, count: remaining, into: state)
      return remaining
    }
  }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// Ends the hash; `self` must not be used after it.
  package mutating func finalize() -> Hash {
    let filled = self.filled
    return withState { state, lanes in
      state[filled] ^= 0x01
      state[Self.rate - 1] ^= 0x80
      Self.permute(lanes)
      return Hash(reading: lanes)
    }
  }

  package static func hash(_ bytes: UnsafeRawBufferPointer) -> Hash {
    var hasher = Keccak256()
    hasher.update(bytes)
    return hasher.finalize()
  }

  package static func hash(_ bytes: [UInt8]) -> Hash {
    bytes.withUnsafeBytes { hash($0) }
  }

  /// XORs `count` bytes into the state.
  private static func absorb(_ source: UnsafeRawPointer, count: Int, into state: UnsafeMutablePointer<UInt8>)
  {
    let target = UnsafeMutableRawPointer(state)
    var at = 0
    while at + 8 <= count {
      let lane =
        target.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        ^ source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      target.storeBytes(of: lane, toByteOffset: at, as: UInt64.self)
      at += 8
    }
    while at < count {
      state[at] ^= source.load(fromByteOffset: at, as: UInt8.self)
      at += 1
    }
  }

  /// The state as bytes and as lanes; both are the same 200 bytes (lanes are little-endian, as this machine
  /// is).
  @inline(__always) private mutating func withState<Result>(
    _ body: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt64>) -> Result
  ) -> Result {
    withUnsafeMutableBytes(of: &lanes) { raw in
      let base = raw.baseAddress.unsafelyUnwrapped  // 200 bytes, never empty
      return body(base.assumingMemoryBound(to: UInt8.self), base.assumingMemoryBound(to: UInt64.self))
    }
  }
}
