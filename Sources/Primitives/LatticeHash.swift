// The homomorphic hash of a set of accounts (SIMD-0215, LtHash with 1,024 elements of 16 bits): each
// account's BLAKE3 output of 2,048 bytes is added element by element, so that the order of accounts has no
// meaning and a changed account is subtracted and added. Elements are kept in the order in which eight output
// blocks come out side by side and brought into the specification's order only by `bytes` and `checksum`.
// A value type: any thread may work on its own and the results are added up.

import CVectorCrypto

package struct LatticeHash: Equatable, Sendable {
  package static let elementCount = 1024
  package static let byteCount = 2048
  private static let vectorCount = 128

  /// Vector 32 g + 2 w + k holds word w of output blocks 8 g + 4 k … 8 g + 4 k + 3, two elements a word.
  private var vectors: [LatticeVector]

  /// The hash of no accounts.
  package static let identity = LatticeHash(vectors: [LatticeVector](repeating: .zero, count: vectorCount))

  private init(vectors: [LatticeVector]) { self.vectors = vectors }

  /// The first 2,048 bytes of BLAKE3's output over `bytes`.
  package init(hashing bytes: UnsafeRawBufferPointer) {
    self = .identity
    var hasher = BLAKE3()
    hasher.update(bytes)
    apply(hasher.root, adding: true)
  }

  /// `nil` unless there are 2,048 bytes: 1,024 little-endian elements.
  package init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    self = .identity
    for index in 0..<Self.elementCount {
      let (vector, lane) = Self.position(of: index)
      vectors[vector][lane] = UInt16(
        littleEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
    }
  }

  /// 1,024 little-endian elements.
  package var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.byteCount) { bytes, count in
      let target = UnsafeMutableRawBufferPointer(bytes)
      for index in 0..<Self.elementCount {
        let (vector, lane) = Self.position(of: index)
        target.storeBytes(of: vectors[vector][lane].littleEndian, toByteOffset: index * 2, as: UInt16.self)
      }
      count = Self.byteCount
    }
  }

  /// BLAKE3 of `bytes`: the 32 bytes that stand for the state.
  package var checksum: Hash { BLAKE3.hash(bytes) }

  /// Element 32 k + 2 w + h is half h of word w in output block k.
  private static func position(of element: Int) -> (vector: Int, lane: Int) {
    let (block, word, half) = (element / 32, element % 32 / 2, element % 2)
    return (vector(block, word), block % 4 * 2 + half)
  }

  /// The vector that holds word `word` of output block `block` and of the three beside it.
  @inline(__always) private static func vector(_ block: Int, _ word: Int) -> Int {
    block / 8 * 32 + word * 2 + block % 8 / 4
  }

  /// Adds element by element, modulo 2^16.
  package mutating func add(_ other: LatticeHash) {
    for index in 0..<Self.vectorCount { vectors[index] &+= other.vectors[index] }
  }

  /// Subtracts element by element, modulo 2^16.
  package mutating func subtract(_ other: LatticeHash) {
    for index in 0..<Self.vectorCount { vectors[index] &-= other.vectors[index] }
  }

  // MARK: Accounts

  /// What an account's hash covers. The data stays the caller's.
  package struct Account {
    package var key: Pubkey
    package var owner: Pubkey
    package var lamports: UInt64
    package var isExecutable: Bool
    package var data: UnsafeRawBufferPointer
    /// Whether it is an account at all; usually one without lamports is not.
    package var exists: Bool

    package init(
      key: Pubkey, owner: Pubkey, lamports: UInt64, isExecutable: Bool, data: UnsafeRawBufferPointer,
      existsWithoutLamports: Bool = false
    ) {
      (self.key, self.owner, self.lamports) = (key, owner, lamports)
      (self.isExecutable, self.data) = (isExecutable, data)
      exists = lamports > 0 || existsWithoutLamports
    }
  }

  /// Adds an account; one that does not exist changes nothing.
  package mutating func add(_ account: Account) { apply(account, adding: true) }

  /// Takes an account out that was added before, as it was then.
  package mutating func subtract(_ account: Account) { apply(account, adding: false) }

  private mutating func apply(_ account: Account, adding: Bool) {
    guard account.exists else { return }
    apply(Self.root(of: account), adding: adding)
  }

  /// Lamports (little-endian), data, the executable byte, owner, key.
  static func root(of account: Account) -> BLAKE3.Node {
    var hasher = BLAKE3()
    withUnsafeBytes(of: account.lamports.littleEndian) { hasher.update($0) }
    hasher.update(account.data)
    withUnsafeTemporaryAllocation(byteCount: 65, alignment: 1) { tail in
      let start = tail.baseAddress.unsafelyUnwrapped  // 65 bytes, never empty
      start.storeBytes(of: account.isExecutable ? 1 : 0, as: UInt8.self)
      account.owner.write(to: start + 1)
      account.key.write(to: start + 33)
      hasher.update(UnsafeRawBufferPointer(tail))
    }
    return hasher.root
  }

  /// Adds the output of `root`, or takes it out; `unit` is for tests.
  @inline(never) mutating func apply(_ root: BLAKE3.Node, adding: Bool, unit: VectorUnit = .best) {
    vectors.withUnsafeMutableBufferPointer { vectors in
      #if arch(x86_64)
        if unit != .none {
          let kernel = unit == .avx2 ? vc_lattice_avx2 : vc_lattice_avx512
          root.value.span.withUnsafeBufferPointer { value in
            root.block.span.withUnsafeBufferPointer { block in
              // A vector is its eight elements.
              let elements = UnsafeMutableRawPointer(vectors.baseAddress.unsafelyUnwrapped)
                .assumingMemoryBound(to: UInt16.self)
              kernel(
                value.baseAddress, block.baseAddress, root.blockByteCount, root.flags, adding ? 0 : 1,
                elements)
            }
          }
          return
        }
      #endif
      root.forEachFourOutputBlocks(count: Self.byteCount / BLAKE3.blockByteCount) { first, words in
        for word in 0..<16 {
          let element = unsafeBitCast(words[word], to: LatticeVector.self)
          let index = Self.vector(first, word)
          if adding { vectors[index] &+= element } else { vectors[index] &-= element }
        }
      }
    }
  }
}
