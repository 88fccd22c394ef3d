// The compression function of BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs, sections 2.2 to 2.4 and 5.3): one
// compression, one chunk, and four of each side by side. It is written once, for one block in UInt32 and for four in
// `BLAKE3.Lanes`: lane i of every word belongs to block i. The seven rounds are written out with the message schedule in
// them, so that words live in registers. Four lanes and not more: without machine-specific flags the compiler has SSE2,
// whose registers hold four.
//
// Builds without optimisation: transparent functions are inlined, and with them their types become concrete, where they
// stand in their caller's file, which is why all of this is one file; each addition would otherwise be looked up in the
// protocol's table. And lanes are plain words there, for each operation of the library's vectors is a generic call that goes
// through the lanes one by one. The hash of an account is ten thousand operations: both count.

extension BLAKE3 {
  /// Eight words: a chaining value or a key.
  typealias ChainingValue = InlineArray<8, UInt32>
  /// Sixteen words: a message block.
  typealias Block = InlineArray<16, UInt32>

  static let chunkByteCount = 1024
  static let blockByteCount = 64

  enum Flags {
    static let chunkStart: UInt32 = 1
    static let chunkEnd: UInt32 = 2
    static let parent: UInt32 = 4
    static let root: UInt32 = 8
  }

  /// SHA-256's.
  @inline(__always) static var initialWords: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)
  {
    (
      0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
    )
  }

  static var initialValue: ChainingValue {
    let w = initialWords
    return [w.0, w.1, w.2, w.3, w.4, w.5, w.6, w.7]
  }

  /// What a last compression takes: hashed once for a chaining value, or as often as output is wanted for the
  /// root.
  struct Node {
    var value: ChainingValue
    var block: Block
    var counter: UInt64
    var blockByteCount: UInt32
    var flags: UInt32

    var chainingValue: ChainingValue {
      var result = value
      block.span.withUnsafeBufferPointer { block in
        BLAKE3.compress(&result, block.baseAddress.unsafelyUnwrapped, counter, blockByteCount, flags)
      }
      return result
    }

    static func parent(_ left: ChainingValue, _ right: ChainingValue) -> Node {
      var block = Block(repeating: 0)
      for index in 0..<8 {
        block[index] = left[index]
        block[index + 8] = right[index]
      }
      return Node(
        value: BLAKE3.initialValue, block: block, counter: 0, blockByteCount: UInt32(BLAKE3.blockByteCount),
        flags: Flags.parent)
    }
  }

  /// Replaces `value` by the compression of the 16 words at `block`.
  @inline(__always) static func compress(
    _ value: inout ChainingValue, _ block: UnsafePointer<UInt32>, _ counter: UInt64, _ byteCount: UInt32,
    _ flags: UInt32
  ) {
    let w = initialWords
    var state = BLAKE3State<UInt32>(
      v0: value[0], v1: value[1], v2: value[2], v3: value[3], v4: value[4], v5: value[5], v6: value[6],
      v7: value[7], v8: w.0, v9: w.1, v10: w.2, v11: w.3, v12: UInt32(truncatingIfNeeded: counter),
      v13: UInt32(truncatingIfNeeded: counter >> 32), v14: byteCount, v15: flags)
    state.mix(block)
    value[0] = state.v0 ^ state.v8
    value[1] = state.v1 ^ state.v9
    value[2] = state.v2 ^ state.v10
    value[3] = state.v3 ^ state.v11
    value[4] = state.v4 ^ state.v12
    value[5] = state.v5 ^ state.v13
    value[6] = state.v6 ^ state.v14
    value[7] = state.v7 ^ state.v15
  }

  /// Compresses `count` full blocks of one chunk; `flags` go with the first of them.
  @inline(never) static func compressBlocks(
    _ value: inout ChainingValue, _ bytes: UnsafeRawPointer, count: Int, chunk: UInt64, firstFlags: UInt32
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 16) { words in
      let block = words.baseAddress.unsafelyUnwrapped  // 16 words, never empty
      for index in 0..<count {
        UnsafeMutableRawPointer(block).copyMemory(
          from: bytes + index * blockByteCount, byteCount: blockByteCount)
        compress(&value, block, chunk, UInt32(blockByteCount), index == 0 ? firstFlags : 0)
      }
    }
  }

  /// Hashes at most 64 bytes: one block, which is the only one of its chunk and the root.
  static func hashOneBlock(_ bytes: UnsafeRawBufferPointer) -> Hash {
    withUnsafeTemporaryAllocation(byteCount: blockByteCount, alignment: 8) { block in
      let start = block.baseAddress.unsafelyUnwrapped  // 64 bytes, never empty
      block.copyMemory(from: bytes)
      (start + bytes.count).initializeMemory(
        as: UInt8.self, repeating: 0, count: blockByteCount - bytes.count)
      var value = initialValue
      compress(
        &value, UnsafePointer(start.assumingMemoryBound(to: UInt32.self)), 0, UInt32(bytes.count),
        Flags.chunkStart | Flags.chunkEnd | Flags.root)
      return Hash(
        word0: UInt64(value[0]) | UInt64(value[1]) << 32, word1: UInt64(value[2]) | UInt64(value[3]) << 32,
        word2: UInt64(value[4]) | UInt64(value[5]) << 32, word3: UInt64(value[6]) | UInt64(value[7]) << 32)
    }
  }

  // MARK: Four side by side

  /// The chaining values of the four whole chunks at `bytes`; lane i of word j is word j of chunk i's.
  @inline(never) static func compressFourChunks(
    _ bytes: UnsafeRawPointer, firstChunk: UInt64, into values: UnsafeMutablePointer<Lanes>
  ) {
    let w = initialWords
    let low = Lanes(
      UInt32(truncatingIfNeeded: firstChunk), UInt32(truncatingIfNeeded: firstChunk &+ 1),
      UInt32(truncatingIfNeeded: firstChunk &+ 2), UInt32(truncatingIfNeeded: firstChunk &+ 3))
    let high = Lanes(
      UInt32(truncatingIfNeeded: firstChunk >> 32), UInt32(truncatingIfNeeded: (firstChunk &+ 1) >> 32),
      UInt32(truncatingIfNeeded: (firstChunk &+ 2) >> 32), UInt32(truncatingIfNeeded: (firstChunk &+ 3) >> 32)
    )
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 16) { words in
      let m = words.baseAddress.unsafelyUnwrapped  // 16 vectors, never empty
      values[0] = Lanes(repeating: w.0)
      values[1] = Lanes(repeating: w.1)
      values[2] = Lanes(repeating: w.2)
      values[3] = Lanes(repeating: w.3)
      values[4] = Lanes(repeating: w.4)
      values[5] = Lanes(repeating: w.5)
      values[6] = Lanes(repeating: w.6)
      values[7] = Lanes(repeating: w.7)
      for block in 0..<16 {
        loadTransposed(bytes + block * blockByteCount, stride: chunkByteCount, into: m)
        let flags = block == 0 ? Flags.chunkStart : block == 15 ? Flags.chunkEnd : 0
        compress(values, m, low, high, Lanes(repeating: UInt32(blockByteCount)), Lanes(repeating: flags))
      }
    }
  }

  /// Replaces the eight vectors at `values` by the compression of the four blocks at `m`.
  @inline(__always) static func compress(
    _ values: UnsafeMutablePointer<Lanes>, _ m: UnsafePointer<Lanes>, _ low: Lanes, _ high: Lanes,
    _ byteCounts: Lanes, _ flags: Lanes
  ) {
    let w = initialWords
    var state = BLAKE3State<Lanes>(
      v0: values[0], v1: values[1], v2: values[2], v3: values[3], v4: values[4], v5: values[5], v6: values[6],
      v7: values[7], v8: Lanes(repeating: w.0), v9: Lanes(repeating: w.1), v10: Lanes(repeating: w.2),
      v11: Lanes(repeating: w.3), v12: low, v13: high, v14: byteCounts, v15: flags)
    state.mix(m)
    values[0] = state.v0.xor(state.v8)
    values[1] = state.v1.xor(state.v9)
    values[2] = state.v2.xor(state.v10)
    values[3] = state.v3.xor(state.v11)
    values[4] = state.v4.xor(state.v12)
    values[5] = state.v5.xor(state.v13)
    values[6] = state.v6.xor(state.v14)
    values[7] = state.v7.xor(state.v15)
  }

  /// Reads a block at `bytes` and at each of the next three strides; lane i of word j is word j of block i.
  @inline(__always) static func loadTransposed(
    _ bytes: UnsafeRawPointer, stride: Int, into m: UnsafeMutablePointer<Lanes>
  ) {
    for quarter in 0..<4 {
      let start = bytes + quarter * 16
      let a = start.loadUnaligned(as: Lanes.self)
      let b = start.loadUnaligned(fromByteOffset: stride, as: Lanes.self)
      let c = start.loadUnaligned(fromByteOffset: 2 * stride, as: Lanes.self)
      let d = start.loadUnaligned(fromByteOffset: 3 * stride, as: Lanes.self)
      m[quarter * 4] = Lanes(a[0], b[0], c[0], d[0])
      m[quarter * 4 + 1] = Lanes(a[1], b[1], c[1], d[1])
      m[quarter * 4 + 2] = Lanes(a[2], b[2], c[2], d[2])
      m[quarter * 4 + 3] = Lanes(a[3], b[3], c[3], d[3])
    }
  }
}

extension BLAKE3.Node {
  /// Calls `body` with blocks `first` to `first + 3` of the root's output, four a time until `count` are
  /// through: lane i of word j is word j of block `first + i`. The pointer's 16 vectors are overwritten by
  /// the next four.
  @inline(__always) func forEachFourOutputBlocks(
    count: Int, _ body: (_ first: Int, UnsafeMutablePointer<BLAKE3.Lanes>) -> Void
  ) {
    typealias Lanes = BLAKE3.Lanes
    let w = BLAKE3.initialWords
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 32) { vectors in
      let m = vectors.baseAddress.unsafelyUnwrapped  // 32 vectors, never empty
      let out = m + 16
      for index in 0..<16 { m[index] = Lanes(repeating: block[index]) }
      for first in stride(from: 0, to: count, by: 4) {
        var state = BLAKE3State<Lanes>(
          v0: Lanes(repeating: value[0]), v1: Lanes(repeating: value[1]), v2: Lanes(repeating: value[2]),
          v3: Lanes(repeating: value[3]), v4: Lanes(repeating: value[4]), v5: Lanes(repeating: value[5]),
          v6: Lanes(repeating: value[6]), v7: Lanes(repeating: value[7]), v8: Lanes(repeating: w.0),
          v9: Lanes(repeating: w.1), v10: Lanes(repeating: w.2), v11: Lanes(repeating: w.3),
          v12: Lanes(repeating: UInt32(truncatingIfNeeded: first)).adding(Lanes(0, 1, 2, 3)),
          v13: Lanes(repeating: UInt32(truncatingIfNeeded: first >> 32)),
          v14: Lanes(repeating: blockByteCount),
          v15: Lanes(repeating: flags | BLAKE3.Flags.root))
        state.mix(m)
        out[0] = state.v0.xor(state.v8)
        out[1] = state.v1.xor(state.v9)
        out[2] = state.v2.xor(state.v10)
        out[3] = state.v3.xor(state.v11)
        out[4] = state.v4.xor(state.v12)
        out[5] = state.v5.xor(state.v13)
        out[6] = state.v6.xor(state.v14)
        out[7] = state.v7.xor(state.v15)
        out[8] = state.v8.xor(Lanes(repeating: value[0]))
        out[9] = state.v9.xor(Lanes(repeating: value[1]))
        out[10] = state.v10.xor(Lanes(repeating: value[2]))
        out[11] = state.v11.xor(Lanes(repeating: value[3]))
        out[12] = state.v12.xor(Lanes(repeating: value[4]))
        out[13] = state.v13.xor(Lanes(repeating: value[5]))
        out[14] = state.v14.xor(Lanes(repeating: value[6]))
        out[15] = state.v15.xor(Lanes(repeating: value[7]))
        body(first, out)
      }
    }
  }
}

// MARK: Words and vectors

/// What the compression function needs of a word, or of a vector of words.
protocol BLAKE3Word {
  func adding(_ other: Self) -> Self
  func xor(_ other: Self) -> Self
  func rotatedRight(_ count: UInt32) -> Self
}

extension UInt32: BLAKE3Word {
  @_transparent func adding(_ other: UInt32) -> UInt32 { self &+ other }
  @_transparent func xor(_ other: UInt32) -> UInt32 { self ^ other }
  @_transparent func rotatedRight(_ count: UInt32) -> UInt32 { self &>> count | self &<< (32 &- count) }
}

#if DEBUG
  extension BLAKE3 {
    struct Lanes {
      fileprivate var w0, w1, w2, w3: UInt32

      @_transparent init(_ w0: UInt32, _ w1: UInt32, _ w2: UInt32, _ w3: UInt32) {
        (self.w0, self.w1, self.w2, self.w3) = (w0, w1, w2, w3)
      }

      @_transparent init(repeating word: UInt32) { self.init(word, word, word, word) }

      static var zero: Lanes { Lanes(repeating: 0) }

      subscript(lane: Int) -> UInt32 {
        get { withUnsafeBytes(of: self) { $0.load(fromByteOffset: lane * 4, as: UInt32.self) } }
        set {
          withUnsafeMutableBytes(of: &self) {
            $0.storeBytes(of: newValue, toByteOffset: lane * 4, as: UInt32.self)
          }
        }
      }

      /// These lanes, but for those of `other` where `mask` holds.
      func replacing(with other: Lanes, where mask: SIMDMask<SIMD4<Int32>>) -> Lanes {
        Lanes(
          mask[0] ? other.w0 : w0, mask[1] ? other.w1 : w1, mask[2] ? other.w2 : w2,
          mask[3] ? other.w3 : w3)
      }
    }
  }

  extension BLAKE3.Lanes: BLAKE3Word {
    @_transparent func adding(_ other: Self) -> Self {
      Self(w0 &+ other.w0, w1 &+ other.w1, w2 &+ other.w2, w3 &+ other.w3)
    }

    @_transparent func xor(_ other: Self) -> Self {
      Self(w0 ^ other.w0, w1 ^ other.w1, w2 ^ other.w2, w3 ^ other.w3)
    }

    @_transparent func rotatedRight(_ count: UInt32) -> Self {
      Self(
        w0.rotatedRight(count), w1.rotatedRight(count), w2.rotatedRight(count), w3.rotatedRight(count))
    }
  }
#else
  extension BLAKE3 {
    typealias Lanes = SIMD4<UInt32>
  }

  extension SIMD4<UInt32>: BLAKE3Word {
    @_transparent func adding(_ other: Self) -> Self { self &+ other }
    @_transparent func xor(_ other: Self) -> Self { self ^ other }

    /// The halves have no bit in common, so their sum is their union; written as a union the compiler sees a
    /// rotation, which SSE2 lacks, and takes the vector apart (seven times slower).
    @_transparent func rotatedRight(_ count: UInt32) -> Self {
      self &>> Self(repeating: count) &+ self &<< Self(repeating: 32 &- count)
    }
  }
#endif

/// The 16 words that a compression works on.
struct BLAKE3State<Word: BLAKE3Word> {
  var v0: Word
  var v1: Word
  var v2: Word
  var v3: Word
  var v4: Word
  var v5: Word
  var v6: Word
  var v7: Word
  var v8: Word
  var v9: Word
  var v10: Word
  var v11: Word
  var v12: Word
  var v13: Word
  var v14: Word
  var v15: Word

  @_transparent private func mix(
    _ a: inout Word, _ b: inout Word, _ c: inout Word, _ d: inout Word, _ x: Word, _ y: Word
  ) {
    a = a.adding(b).adding(x)
    d = d.xor(a).rotatedRight(16)
    c = c.adding(d)
    b = b.xor(c).rotatedRight(12)
    a = a.adding(b).adding(y)
    d = d.xor(a).rotatedRight(8)
    c = c.adding(d)
    b = b.xor(c).rotatedRight(7)
  }

  /// Runs the rounds over the 16 message words at `m`.
  @_transparent mutating func mix(_ m: UnsafePointer<Word>) {
    var (v0, v1, v2, v3, v4, v5, v6, v7) = (v0, v1, v2, v3, v4, v5, v6, v7)
    var (v8, v9, v10, v11, v12, v13, v14, v15) = (v8, v9, v10, v11, v12, v13, v14, v15)
    // Round 1
    mix(&v0, &v4, &v8, &v12, m[0], m[1])
    mix(&v1, &v5, &v9, &v13, m[2], m[3])
    mix(&v2, &v6, &v10, &v14, m[4], m[5])
    mix(&v3, &v7, &v11, &v15, m[6], m[7])
    mix(&v0, &v5, &v10, &v15, m[8], m[9])
    mix(&v1, &v6, &v11, &v12, m[10], m[11])
    mix(&v2, &v7, &v8, &v13, m[12], m[13])
    mix(&v3, &v4, &v9, &v14, m[14], m[15])
    // Round 2
    mix(&v0, &v4, &v8, &v12, m[2], m[6])
    mix(&v1, &v5, &v9, &v13, m[3], m[10])
    mix(&v2, &v6, &v10, &v14, m[7], m[0])
    mix(&v3, &v7, &v11, &v15, m[4], m[13])
    mix(&v0, &v5, &v10, &v15, m[1], m[11])
    mix(&v1, &v6, &v11, &v12, m[12], m[5])
    mix(&v2, &v7, &v8, &v13, m[9], m[14])
    mix(&v3, &v4, &v9, &v14, m[15], m[8])
    // Round 3
    mix(&v0, &v4, &v8, &v12, m[3], m[4])
    mix(&v1, &v5, &v9, &v13, m[10], m[12])
    mix(&v2, &v6, &v10, &v14, m[13], m[2])
    mix(&v3, &v7, &v11, &v15, m[7], m[14])
    mix(&v0, &v5, &v10, &v15, m[6], m[5])
    mix(&v1, &v6, &v11, &v12, m[9], m[0])
    mix(&v2, &v7, &v8, &v13, m[11], m[15])
    mix(&v3, &v4, &v9, &v14, m[8], m[1])
    // Round 4
    mix(&v0, &v4, &v8, &v12, m[10], m[7])
    mix(&v1, &v5, &v9, &v13, m[12], m[9])
    mix(&v2, &v6, &v10, &v14, m[14], m[3])
    mix(&v3, &v7, &v11, &v15, m[13], m[15])
    mix(&v0, &v5, &v10, &v15, m[4], m[0])
    mix(&v1, &v6, &v11, &v12, m[11], m[2])
    mix(&v2, &v7, &v8, &v13, m[5], m[8])
    mix(&v3, &v4, &v9, &v14, m[1], m[6])
    // Round 5
    mix(&v0, &v4, &v8, &v12, m[12], m[13])
    mix(&v1, &v5, &v9, &v13, m[9], m[11])
    mix(&v2, &v6, &v10, &v14, m[15], m[10])
    mix(&v3, &v7, &v11, &v15, m[14], m[8])
    mix(&v0, &v5, &v10, &v15, m[7], m[2])
    mix(&v1, &v6, &v11, &v12, m[5], m[3])
    mix(&v2, &v7, &v8, &v13, m[0], m[1])
    mix(&v3, &v4, &v9, &v14, m[6], m[4])
    // Round 6
    mix(&v0, &v4, &v8, &v12, m[9], m[14])
    mix(&v1, &v5, &v9, &v13, m[11], m[5])
    mix(&v2, &v6, &v10, &v14, m[8], m[12])
    mix(&v3, &v7, &v11, &v15, m[15], m[1])
    mix(&v0, &v5, &v10, &v15, m[13], m[3])
    mix(&v1, &v6, &v11, &v12, m[0], m[10])
    mix(&v2, &v7, &v8, &v13, m[2], m[6])
    mix(&v3, &v4, &v9, &v14, m[4], m[7])
    // Round 7
    mix(&v0, &v4, &v8, &v12, m[11], m[15])
    mix(&v1, &v5, &v9, &v13, m[5], m[0])
    mix(&v2, &v6, &v10, &v14, m[1], m[9])
    mix(&v3, &v7, &v11, &v15, m[8], m[6])
    mix(&v0, &v5, &v10, &v15, m[14], m[10])
    mix(&v1, &v6, &v11, &v12, m[2], m[12])
    mix(&v2, &v7, &v8, &v13, m[3], m[4])
    mix(&v3, &v4, &v9, &v14, m[7], m[13])
    (self.v0, self.v1, self.v2, self.v3, self.v4, self.v5, self.v6, self.v7) = (
      v0, v1, v2, v3, v4, v5, v6, v7
    )
    (self.v8, self.v9, self.v10, self.v11) = (v8, v9, v10, v11)
    (self.v12, self.v13, self.v14, self.v15) = (v12, v13, v14, v15)
  }
}
