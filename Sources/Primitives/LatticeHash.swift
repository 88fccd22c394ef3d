// The homomorphic hash of a set of accounts (SIMD-0215, LtHash with 1,024 elements of 16 bits): each
// account's BLAKE3 output of 2,048 bytes is added element by element, so that the order of accounts has no
// meaning and a changed account is subtracted and added. Elements are kept in the order in which four output
// blocks come out side by side and brought into the specification's order only by `bytes` and `checksum`.
// A value type: any thread may work on its own and the results are added up.

package struct LatticeHash: Equatable, Sendable {
  package static let elementCount = 1024
  package static let byteCount = 2048
  private static let vectorCount = 128

  /// Vector 16 b + w holds word w of output blocks 4 b … 4 b + 3, two elements a word.
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
    return (block / 4 * 16 + word, block % 4 * 2 + half)
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

  @inline(never) mutating func apply(_ root: BLAKE3.Node, adding: Bool) {
    vectors.withUnsafeMutableBufferPointer { vectors in
      root.forEachFourOutputBlocks(count: Self.byteCount / BLAKE3.blockByteCount) { first, words in
        for word in 0..<16 {
          let element = unsafeBitCast(words[word], to: LatticeVector.self)
          if adding {
            vectors[first * 4 + word] &+= element
          } else {
            vectors[first * 4 + word] &-= element
          }
        }
      }
    }
  }
}
