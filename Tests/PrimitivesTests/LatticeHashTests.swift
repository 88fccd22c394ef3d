import Primitives
import Testing

/// Expected values by the reference BLAKE3 and plain arithmetic in Python.
@Suite struct LatticeHashTests {
  private struct Sample {
    var key: Pubkey, owner: Pubkey, lamports: UInt64, isExecutable: Bool, data: [UInt8]
  }

  private func samples() -> [Sample] {
    var random = SplitMix64(seed: 7)
    return (0..<64).map { index in
      let (key, owner) = (random.pubkey(), random.pubkey())
      let lamports = index % 9 == 8 ? 0 : random.next()
      return Sample(
        key: key, owner: owner, lamports: lamports, isExecutable: index % 2 == 1, data: pattern(index * 37))
    }
  }

  private func add(_ sample: Sample, to hash: inout LatticeHash, subtracting: Bool = false) {
    sample.data.withUnsafeBytes { data in
      let account = LatticeHash.Account(
        key: sample.key, owner: sample.owner, lamports: sample.lamports, isExecutable: sample.isExecutable,
        data: data)
      if subtracting { hash.subtract(account) } else { hash.add(account) }
    }
  }

  @Test func checksums() {
    #expect(
      Hex.encode(LatticeHash.identity.checksum.bytes)
        == "be2a8de3dcf46c94ce85cdc8e07ac308f4d8a95490d956c38d780fd610db0813")
    var (first, total) = (LatticeHash.identity, LatticeHash.identity)
    add(samples()[0], to: &first)
    for sample in samples() { add(sample, to: &total) }
    #expect(
      Hex.encode(first.checksum.bytes) == "c32c424943ae7944b3b95f7394bce5fa9bdd9c0a866a01a4dee49bb333888484")
    #expect(
      Hex.encode(total.checksum.bytes) == "d9eafabfac5e85568c1f915a78d8c0460f4b09aa5d7f15309fd8b98d1864aab2")
  }

  @Test func elementsAndSubtraction() {
    let hello = Array("hello".utf8).withUnsafeBytes { LatticeHash(hashing: $0) }
    let world = Array("world!".utf8).withUnsafeBytes { LatticeHash(hashing: $0) }
    let elements = stride(from: 0, to: 8, by: 2).map {
      UInt16(hello.bytes[$0]) | UInt16(hello.bytes[$0 + 1]) << 8
    }
    #expect(elements == [36842, 15638, 34483, 37506])
    var difference = hello
    difference.subtract(world)
    #expect(
      Hex.encode(difference.checksum.bytes)
        == "d5ff55c6d42956b3adf81d6419f48fd85c88468bd69e3356c5dff2d33d485db0")
    difference.add(world)
    #expect(difference == hello)
  }

  @Test func theOrderOfAccountsHasNoMeaning() {
    var random = SplitMix64(seed: 8)
    var (forward, shuffled) = (LatticeHash.identity, LatticeHash.identity)
    for sample in samples() { add(sample, to: &forward) }
    for sample in samples().shuffled(using: &random) { add(sample, to: &shuffled) }
    #expect(forward == shuffled)
    for sample in samples().shuffled(using: &random) { add(sample, to: &forward, subtracting: true) }
    #expect(forward == .identity)
  }

  @Test func accountsInOneGoAndOneByOneAgree() {
    let all = samples()
    var (single, wide) = (LatticeHash.identity, LatticeHash.identity)
    for sample in all { add(sample, to: &single) }
    withAccounts(all[...], []) { wide.add($0) }
    #expect(single == wide)
    withAccounts(all[...], []) { wide.subtract($0) }
    #expect(wide == .identity)
    for count in 0..<6 {
      var (few, expected) = (LatticeHash.identity, LatticeHash.identity)
      withAccounts(all[..<count], []) { few.add($0) }
      for sample in all[..<count] { add(sample, to: &expected) }
      #expect(few == expected)
    }
  }

  /// Calls `body` with all samples while their data is in place.
  private func withAccounts(
    _ rest: ArraySlice<Sample>, _ done: [LatticeHash.Account], _ body: ([LatticeHash.Account]) -> Void
  ) {
    guard let sample = rest.first else { return body(done) }
    sample.data.withUnsafeBytes { data in
      let account = LatticeHash.Account(
        key: sample.key, owner: sample.owner, lamports: sample.lamports, isExecutable: sample.isExecutable,
        data: data)
      withAccounts(rest.dropFirst(), done + [account], body)
    }
  }

  @Test func everyFieldCounts() {
    var seen: Set<Hash> = []
    let sample = samples()[2]
    var changed = [sample]
    changed.append(sample)
    changed[1].lamports += 1
    changed.append(sample)
    changed[2].isExecutable.toggle()
    changed.append(sample)
    changed[3].owner = sample.key
    changed.append(sample)
    changed[4].key = sample.owner
    changed.append(sample)
    changed[5].data[73] ^= 1
    changed.append(sample)
    changed[6].data.append(0)
    changed.append(sample)
    changed[7].lamports = 0
    for variant in changed {
      var hash = LatticeHash.identity
      add(variant, to: &hash)
      seen.insert(hash.checksum)
    }
    #expect(seen.count == 8)
    #expect(seen.contains(LatticeHash.identity.checksum))
  }

  @Test func bytesComeBack() {
    var total = LatticeHash.identity
    for sample in samples() { add(sample, to: &total) }
    let bytes = total.bytes
    #expect(bytes.withUnsafeBytes { LatticeHash(bytes: $0) } == total)
    for count in [0, 1, 2047, 2049] {
      #expect([UInt8](repeating: 1, count: count).withUnsafeBytes { LatticeHash(bytes: $0) } == nil)
    }
  }
}
