// The group operations behind Solana's curve syscalls, over 32-byte encodings and with curve25519-dalek's
// rules, which are Agave's: Edwards points may be non-canonical, of small order or outside the prime-order
// subgroup; ristretto points must be canonical; scalars must be below the group order. Pure functions of
// their arguments.

package enum Curve25519 {
  /// The two groups, under the numbers that the syscalls use.
  package enum Group: UInt64, Sendable {
    case edwards = 0
    case ristretto = 1
  }

  /// Whether `bytes` decompress to a point of the Edwards curve: what a program-derived address must not do.
  package static func isEdwardsPoint(_ bytes: Pubkey) -> Bool { EdwardsPoint(compressed: Hash(bytes)) != nil }

  /// Whether `bytes` encode an element of `group`.
  package static func isValid(_ bytes: Hash, in group: Group) -> Bool { decode(bytes, group) != nil }

  /// `nil` where an argument is no element of `group`.
  package static func add(_ left: Hash, _ right: Hash, in group: Group) -> Hash? {
    guard let left = decode(left, group), let right = decode(right, group) else { return nil }
    return encode(left + right, group)
  }

  /// `nil` where an argument is no element of `group`.
  package static func subtract(_ left: Hash, _ right: Hash, in group: Group) -> Hash? {
    guard let left = decode(left, group), let right = decode(right, group) else { return nil }
    return encode(left - right, group)
  }

  /// `nil` where `scalar` is not below the group order or `point` is no element of `group`.
  package static func multiply(_ scalar: Hash, _ point: Hash, in group: Group) -> Hash? {
    multiscalarMultiply([scalar], [point], in: group)
  }

  /// The sum of each scalar times its point; `nil` where one of them is invalid or the counts differ.
  package static func multiscalarMultiply(_ scalars: [Hash], _ points: [Hash], in group: Group) -> Hash? {
    guard scalars.count == points.count else { return nil }
    var terms: [(scalar: Hash, point: EdwardsPoint)] = []
    terms.reserveCapacity(scalars.count)
    for (scalar, bytes) in zip(scalars, points) {
      guard isCanonicalScalar(scalar), let point = decode(bytes, group) else { return nil }
      terms.append((scalar, point))
    }
    return encode(EdwardsPoint.sum(of: terms), group)
  }

  /// Whether the little-endian number is below 2^252 + 27742317777372353535851937790883648493, the group
  /// order.
  package static func isCanonicalScalar(_ scalar: Hash) -> Bool {
    let order = (
      0x1000_0000_0000_0000 as UInt64, 0 as UInt64, 0x14de_f9de_a2f7_9cd6 as UInt64,
      0x5812_631a_5cf5_d3ed as UInt64
    )
    return (scalar.word3, scalar.word2, scalar.word1, scalar.word0) < order
  }

  private static func decode(_ bytes: Hash, _ group: Group) -> EdwardsPoint? {
    switch group {
    case .edwards: EdwardsPoint(compressed: bytes)
    case .ristretto: RistrettoPoint(compressed: bytes)?.point
    }
  }

  private static func encode(_ point: EdwardsPoint, _ group: Group) -> Hash {
    switch group {
    case .edwards: point.compressed
    case .ristretto: RistrettoPoint(point).compressed
    }
  }
}
