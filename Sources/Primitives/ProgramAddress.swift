// Addresses that programs derive (https://solana.com/docs/core/pda): SHA-256 over seeds, program and a
// marker. Such an address must be no compressed point of the ed25519 curve, so that no private key can sign
// for it.

package enum ProgramAddressError: Error, Equatable, Sendable {
  /// More than 16 seeds, or a seed of more than 32 bytes.
  case maxSeedLengthExceeded
  /// The result is a point of the curve, or no bump gives one that is not.
  case invalidSeeds
  /// The owner's last bytes are the marker of derived addresses.
  case illegalOwner
}

package enum ProgramAddress {
  package static let maximumSeedCount = 16
  package static let maximumSeedByteCount = 32
  private static let marker: StaticString = "ProgramDerivedAddress"

  private static var markerBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: marker.utf8Start, count: marker.utf8CodeUnitCount)
  }

  /// The address of these seeds under `program`.
  package static func create(
    seeds: [UnsafeRawBufferPointer], program: Pubkey
  ) throws(ProgramAddressError) -> Pubkey {
    guard seeds.count <= maximumSeedCount, seeds.allSatisfy({ $0.count <= maximumSeedByteCount }) else {
      throw .maxSeedLengthExceeded
    }
    var hasher = SHA256()
    for seed in seeds { hasher.update(seed) }
    hasher.update(program)
    hasher.update(markerBytes)
    return try offCurve(&hasher)
  }

  package static func create(seeds: [[UInt8]], program: Pubkey) throws(ProgramAddressError) -> Pubkey {
    guard seeds.count <= maximumSeedCount, seeds.allSatisfy({ $0.count <= maximumSeedByteCount }) else {
      throw .maxSeedLengthExceeded
    }
    var hasher = SHA256()
    for seed in seeds { hasher.update(seed) }
    hasher.update(program)
    hasher.update(markerBytes)
    return try offCurve(&hasher)
  }

  /// The first address off the curve with one more seed, the bump, that goes from 255 down to 1; 256 − bump
  /// addresses were tried.
  package static func find(
    seeds: [UnsafeRawBufferPointer], program: Pubkey
  ) throws(ProgramAddressError) -> (address: Pubkey, bump: UInt8) {
    guard seeds.count < maximumSeedCount, seeds.allSatisfy({ $0.count <= maximumSeedByteCount }) else {
      throw .maxSeedLengthExceeded
    }
    var prefix = SHA256()
    for seed in seeds { prefix.update(seed) }
    return try find(behind: prefix, program: program)
  }

  package static func find(
    seeds: [[UInt8]], program: Pubkey
  ) throws(ProgramAddressError) -> (address: Pubkey, bump: UInt8) {
    guard seeds.count < maximumSeedCount, seeds.allSatisfy({ $0.count <= maximumSeedByteCount }) else {
      throw .maxSeedLengthExceeded
    }
    var prefix = SHA256()
    for seed in seeds { prefix.update(seed) }
    return try find(behind: prefix, program: program)
  }

  /// SHA-256 of `base`, `seed` and `owner`; unlike the addresses above it may lie on the curve.
  package static func createWithSeed(
    base: Pubkey, seed: UnsafeRawBufferPointer, owner: Pubkey
  ) throws(ProgramAddressError) -> Pubkey {
    guard seed.count <= maximumSeedByteCount else { throw .maxSeedLengthExceeded }
    let endsWithMarker = withUnsafeBytes(of: owner) {
      $0.suffix(markerBytes.count).elementsEqual(markerBytes)
    }
    if endsWithMarker { throw .illegalOwner }
    var hasher = SHA256()
    hasher.update(base)
    hasher.update(seed)
    hasher.update(owner)
    return Pubkey(hasher.finalize())
  }

  package static func createWithSeed(
    base: Pubkey, seed: [UInt8], owner: Pubkey
  ) throws(ProgramAddressError) -> Pubkey {
    let result = seed.withUnsafeBytes { seed -> Result<Pubkey, ProgramAddressError> in
      do throws(ProgramAddressError) {
        return .success(try createWithSeed(base: base, seed: seed, owner: owner))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  private static func find(
    behind prefix: SHA256, program: Pubkey
  ) throws(ProgramAddressError) -> (address: Pubkey, bump: UInt8) {
    for bump in stride(from: UInt8(255), to: 0, by: -1) {
      var hasher = prefix
      withUnsafeBytes(of: bump) { hasher.update($0) }
      hasher.update(program)
      hasher.update(markerBytes)
      let address = Pubkey(hasher.finalize())
      if !Curve25519.isEdwardsPoint(address) { return (address, bump) }
    }
    throw .invalidSeeds
  }

  private static func offCurve(_ hasher: inout SHA256) throws(ProgramAddressError) -> Pubkey {
    let address = Pubkey(hasher.finalize())
    if Curve25519.isEdwardsPoint(address) { throw .invalidSeeds }
    return address
  }
}
