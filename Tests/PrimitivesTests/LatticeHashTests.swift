import CVectorCryptoPortable
import Testing

@testable import Primitives

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
    withAccount(sample) { if subtracting { hash.subtract($0) } else { hash.add($0) } }
  }

  private func withAccount(_ sample: Sample, _ body: (LatticeHash.Account) -> Void) {
    sample.data.withUnsafeBytes { data in
      body(
        LatticeHash.Account(
          key: sample.key, owner: sample.owner, lamports: sample.lamports, isExecutable: sample.isExecutable,
          data: data))
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

  /// Any number at once, some added and some taken out, against one by one.
  @Test func accountsInOneGoAndOneByOneAgree() {
    let all = samples()
    for count in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, all.count] {
      var (together, single) = (LatticeHash.identity, LatticeHash.identity)
      together.update { updates in
        for (index, sample) in all[..<count].enumerated() {
          withAccount(sample) { if index % 3 == 1 { updates.subtract($0) } else { updates.add($0) } }
        }
      }
      for (index, sample) in all[..<count].enumerated() {
        add(sample, to: &single, subtracting: index % 3 == 1)
      }
      #expect(together == single, "\(count) accounts")
    }
  }

  /// What every vector unit of this machine makes of a root, and the double of AVX-512's code, against the one without
  /// vectors.
  @Test func vectorUnitsAgree() {
    var random = SplitMix64(seed: 9)
    var expected = LatticeHash.identity
    var totals = VectorUnit.available.map { ($0, LatticeHash.identity) }
    var elements = [UInt16](repeating: 0, count: LatticeHash.elementCount)
    for round in 0..<200 {
      var hasher = BLAKE3()
      hasher.update(random.bytes(round * 23))
      let (root, adding) = (hasher.root, round % 3 != 1)
      expected.apply(root, adding: adding, unit: .none)
      for index in totals.indices { totals[index].1.apply(root, adding: adding, unit: totals[index].0) }
      root.value.span.withUnsafeBufferPointer { value in
        root.block.span.withUnsafeBufferPointer { block in
          vc_lattice_portable(
            value.baseAddress, block.baseAddress, root.blockByteCount, root.flags, adding ? 0 : 1, &elements)
        }
      }
    }
    for (unit, total) in totals { #expect(total == expected, "\(unit)") }
    // Half h of word w of block 8 g + l is element 256 g + 16 w + 2 l + h there, 32 (8 g + l) + 2 w + h here.
    let bytes = expected.bytes
    for (index, element) in elements.enumerated() {
      let (g, w, l, h) = (index / 256, index % 256 / 16, index % 16 / 2, index % 2)
      let at = 2 * (32 * (8 * g + l) + 2 * w + h)
      #expect(element == UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8)
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
