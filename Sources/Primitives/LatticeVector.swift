// The lattice hash's vectors. In debug builds they are plain words: without optimisation each operation of the library's
// vectors is a generic call that goes through the lanes one by one.

#if DEBUG
  /// Eight elements of 16 bits, four a word; the same to the bit as the vector of release builds.
  struct LatticeVector: Equatable {
    private var low, high: UInt64

    static let zero = LatticeVector(low: 0, high: 0)
    private static var tops: UInt64 { 0x8000_8000_8000_8000 }

    subscript(lane: Int) -> UInt16 {
      get { withUnsafeBytes(of: self) { $0.load(fromByteOffset: lane * 2, as: UInt16.self) } }
      set {
        withUnsafeMutableBytes(of: &self) {
          $0.storeBytes(of: newValue, toByteOffset: lane * 2, as: UInt16.self)
        }
      }
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
  typealias LatticeVector = SIMD8<UInt16>
#endif
