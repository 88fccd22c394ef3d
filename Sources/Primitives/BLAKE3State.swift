// The compression function of BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs, section 2.2), written once
// for one block in UInt32 and for four blocks side by side in `BLAKE3.Lanes`: lane i of every word belongs to
// block i. The seven rounds are written out with the message schedule in them, so that words live in
// registers.

//
// Transparent functions are inlined, and with them their types become concrete, in builds without optimisation too: a
// debug build would otherwise look up each addition in the protocol's table, two hundred times slower.

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
