// The vectors of BLAKE3 and of the lattice hash. Four lanes of 32 bits and not more: without machine-specific flags the
// compiler has SSE2, whose registers hold four.
//
// In debug builds they are plain words: without optimisation each operation of the library's vectors is a generic call that
// goes through the lanes one by one, and the hash of an account is ten thousand of them. Both forms are tested by whoever
// runs the tests in both configurations; they must agree to the bit.

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
        set { withUnsafeMutableBytes(of: &self) { $0.storeBytes(of: newValue, toByteOffset: lane * 4, as: UInt32.self) } }
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

  /// Eight elements of 16 bits, four a word.
  struct LatticeVector: Equatable {
    private var low, high: UInt64

    static let zero = LatticeVector(low: 0, high: 0)
    private static var tops: UInt64 { 0x8000_8000_8000_8000 }

    subscript(lane: Int) -> UInt16 {
      get { withUnsafeBytes(of: self) { $0.load(fromByteOffset: lane * 2, as: UInt16.self) } }
      set { withUnsafeMutableBytes(of: &self) { $0.storeBytes(of: newValue, toByteOffset: lane * 2, as: UInt16.self) } }
    }

    // The top bit of each element is added without its carry, which would go into the next element.
    @_transparent private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
      ((a & ~tops) &+ (b & ~tops)) ^ ((a ^ b) & tops)
    }

    @_transparent private static func difference(_ a: UInt64, _ b: UInt64) -> UInt64 {
      ((a | tops) &- (b & ~tops)) ^ ((a ^ ~b) & tops)
    }

    static func &+= (left: inout LatticeVector, right: LatticeVector) {
      left = LatticeVector(low: sum(left.low, right.low), high: sum(left.high, right.high))
    }

    static func &-= (left: inout LatticeVector, right: LatticeVector) {
      left = LatticeVector(low: difference(left.low, right.low), high: difference(left.high, right.high))
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

  typealias LatticeVector = SIMD8<UInt16>
#endif
