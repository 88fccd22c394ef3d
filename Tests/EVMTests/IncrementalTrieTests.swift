import Foundation
import Primitives
import Scheduling
import Synchronization
import Testing
import WideIntegers

@testable import EVM

/// Batches of random changes, each root compared with that of the trie that is built anew.
struct IncrementalTrieTests {
  /// Over all depths and batch sizes; `ESTUARY_TRIE_OPERATIONS` makes it more.
  private static let operationCount =
    ProcessInfo.processInfo.environment["ESTUARY_TRIE_OPERATIONS"].flatMap { Int($0) } ?? 20_000

  private static func naiveRoot(_ leaves: [Hash: [UInt8]]) -> Hash {
    var trie = MerklePatriciaTrie()
    for (key, value) in leaves { trie.insert(key: key) { $0.writeEncoded(value) } }
    return trie.root
  }

  /// Keys that share long prefixes or none, so that extensions are split and joined at every depth.
  private static func key(_ random: inout SplitMix64) -> Hash {
    var bytes = [UInt8](repeating: 0x11, count: 32)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: for index in bytes.indices { bytes[index] = .random(in: 0...255, using: &random) }
    case 1: bytes[Int.random(in: 0..<32, using: &random)] = .random(in: 0...255, using: &random)
    case 2:
      bytes[31] = .random(in: 0...255, using: &random)
      bytes[0] = .random(in: 0...3, using: &random)
    default: for index in 0..<2 { bytes[index] = .random(in: 0...255, using: &random) }
    }
    return Hash(bytes) ?? .zero
  }

  private static func value(_ random: inout SplitMix64) -> [UInt8] {
    let count = [1, 2, 32, 33, 80].randomElement(using: &random) ?? 1
    return (0..<count).map { _ in .random(in: 1...255, using: &random) }
  }

  /// Each round builds the other trie anew, so small batches get few; large ones make up the number of operations.
  private static func rounds(_ batchCount: Int) -> Int {
    let small = [1, 7].map { min(max(operationCount / 12 / $0, 3), 400) }
    if let index = [1, 7].firstIndex(of: batchCount) { return small[index] }
    return max((operationCount / 4 - small[0] - 7 * small[1]) / batchCount, 3)
  }

  @Test(arguments: [0, 1, 3, 64], [1, 7, 300])
  func rootsAreThoseOfATrieMadeAnew(cachedDepth: Int, batchCount: Int) throws {
    var random = SplitMix64(seed: UInt64(cachedDepth * 1_000 + batchCount))
    let store = TrieMemoryStore()
    var trie = IncrementalTrie(source: store, cachedDepth: cachedDepth)
    var leaves: [Hash: [UInt8]] = [:]
    var known: [Hash] = []
    var (roots, states): ([Hash], [[Hash: [UInt8]]]) = ([], [])
    let rounds = Self.rounds(batchCount)
    for round in 0..<rounds {
      var changes: [TrieChange] = []
      for _ in 0..<batchCount {
        // From time to time almost everything goes.
        let removes = Int.random(in: 0..<10, using: &random) < (round % 7 == 6 ? 9 : 3)
        let key =
          removes || Bool.random(using: &random)
          ? known.randomElement(using: &random) ?? Self.key(&random)
          : Self.key(&random)
        known.append(key)
        changes.append(TrieChange(key: key, value: removes ? nil : Self.value(&random)))
        leaves[key] = changes[changes.count - 1].value
      }
      store.commit([try trie.apply(changes)], keptBlocks: 4)
      #expect(trie.root == Self.naiveRoot(leaves))
      roots.append(trie.root)
      states.append(leaves)
    }
    // What the store has is the last five roots, whole, and nothing else.
    for (root, leaves) in zip(roots, states).suffix(5) {
      let old = IncrementalTrie(root: root, source: store)
      for key in known.suffix(200) { #expect(try old.value(of: key) == leaves[key]) }
    }
    var rest = IncrementalTrie(root: trie.root, source: store, cachedDepth: cachedDepth)
    store.commit([try rest.apply(leaves.keys.map { TrieChange(key: $0, value: nil) })], keptBlocks: 0)
    #expect(rest.root == MerklePatriciaTrie.emptyRoot && store.nodeCount == 0)
  }

  /// A copy stays as it was whatever its original and its own copies become, with batches on one thread and on many.
  @Test(arguments: [5, 200], [2, 64])
  func copiesAreValues(batchCount: Int, cachedDepth: Int) throws {
    let pool = try WorkerPool(workerCount: 2, stackByteCount: 1 << 20, pinning: false)
    var random = SplitMix64(seed: UInt64(batchCount + cachedDepth))
    let store = TrieMemoryStore()
    var versions = [
      (trie: IncrementalTrie(source: store, cachedDepth: cachedDepth), leaves: [Hash: [UInt8]]())
    ]
    for _ in 0..<60 {
      var (trie, leaves) = versions.randomElement(using: &random) ?? versions[0]
      var changes: [TrieChange] = []
      for _ in 0..<batchCount {
        let isRemoved = Int.random(in: 0..<3, using: &random) == 0
        let key = isRemoved ? leaves.keys.sorted().randomElement(using: &random) : nil
        changes.append(
          TrieChange(key: key ?? Self.key(&random), value: isRemoved ? nil : Self.value(&random)))
      }
      let batch = try trie.apply(changes) { count, body in
        pool.forEach(count: count, chunk: 1) { _, range in for index in range { body(index) } }
      }
      store.commit([batch], keptBlocks: 100)
      for change in changes { leaves[change.key] = change.value }
      versions.append((trie, leaves))
    }
    for (trie, leaves) in versions {
      #expect(trie.root == Self.naiveRoot(leaves))
      for (key, value) in leaves.prefix(50) { #expect(try trie.value(of: key) == value) }
      // Its root is that of its nodes as well.
      var changed = trie
      let key = Self.key(&random)
      _ = try changed.apply([TrieChange(key: key, value: [1, 2, 3])])
      var expected = leaves
      expected[key] = [1, 2, 3]
      #expect(changed.root == Self.naiveRoot(expected))
    }
  }

  /// A store that fails from some read on; the trie is as before and goes on once the store does.
  @Test(arguments: [20, 400]) func aFailedBatchChangesNothing(batchCount: Int) throws {
    var random = SplitMix64(seed: 21)
    let store = FailingSource()
    var trie = IncrementalTrie(source: store, cachedDepth: 1)
    var leaves: [Hash: [UInt8]] = [:]
    for _ in 0..<2_000 { leaves[Self.key(&random)] = Self.value(&random) }
    store.nodes.commit(
      [try trie.apply(leaves.map { TrieChange(key: $0.key, value: $0.value) })], keptBlocks: 0)
    let root = trie.root
    var failures = 0
    for allowed in 0..<60 {
      let changes = (0..<batchCount).map { _ in TrieChange(key: Self.key(&random), value: Self.value(&random))
      }
      store.allowed.store(allowed, ordering: .relaxed)
      do throws(TrieError) {
        var changed = trie
        store.nodes.commit([try changed.apply(changes)], keptBlocks: 100)
      } catch {
        failures += 1
        #expect(error == .store("no more"))
      }
      store.allowed.store(.max, ordering: .relaxed)
      #expect(trie.root == root)
    }
    #expect(failures > 10)
    // The same trie, not a copy of it.
    store.allowed.store(5, ordering: .relaxed)
    let changes = (0..<batchCount).map { _ in TrieChange(key: Self.key(&random), value: Self.value(&random)) }
    #expect(throws: TrieError.store("no more")) { try trie.apply(changes) }
    #expect(trie.root == root)
    store.allowed.store(.max, ordering: .relaxed)
    _ = try trie.apply(changes)
    for change in changes { leaves[change.key] = change.value }
    #expect(trie.root == Self.naiveRoot(leaves))
  }

  private final class FailingSource: TrieNodeSource {
    let nodes = TrieMemoryStore()
    let allowed = Atomic<Int>(.max)

    func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? {
      if allowed.wrappingSubtract(1, ordering: .relaxed).oldValue <= 0 { throw .store("no more") }
      return try nodes.node(key)
    }
  }

  @Test(arguments: [1, 2, 4])
  func threadsDoNotChangeTheRoot(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount, stackByteCount: 1 << 20, pinning: false)
    var random = SplitMix64(seed: 5)
    var trie = IncrementalTrie(source: TrieMemoryStore())
    var leaves: [Hash: [UInt8]] = [:]
    for _ in 0..<5 {
      var changes: [TrieChange] = []
      for _ in 0..<1_000 {
        let key = Keccak256.hash(UInt256(UInt64.random(in: 0..<5_000, using: &random)).bigEndianBytes)
        changes.append(
          TrieChange(key: key, value: Int.random(in: 0..<4, using: &random) == 0 ? nil : Self.value(&random)))
      }
      _ = try trie.apply(changes) { count, body in
        pool.forEach(count: count, chunk: 1) { _, range in for index in range { body(index) } }
      }
      for change in changes { leaves[change.key] = change.value }
      #expect(trie.root == Self.naiveRoot(leaves))
    }
  }

  /// Each node of a proof is the one that the node before names; the last one has the value or shows that there is none.
  @Test func proofsLeadFromTheRoot() throws {
    var random = SplitMix64(seed: 11)
    var trie = IncrementalTrie(source: TrieMemoryStore())
    var leaves: [Hash: [UInt8]] = [:]
    for _ in 0..<500 { leaves[Self.key(&random)] = Self.value(&random) }
    _ = try trie.apply(leaves.map { TrieChange(key: $0.key, value: $0.value) })
    for index in 0..<300 {
      let key = index < 200 ? leaves.keys.randomElement(using: &random) ?? .zero : Self.key(&random)
      let proof = try trie.proof(of: key)
      #expect(proof.first.map { Keccak256.hash($0) } == trie.root)
      for (node, next) in zip(proof, proof.dropFirst()) {
        let name = Keccak256.hash(next).bytes
        #expect(node.indices.contains { node[$0...].starts(with: name) })
      }
      // A store that holds nothing but the proof answers for its key.
      let answer = try IncrementalTrie(root: trie.root, source: ProofSource(proof)).value(of: key)
      #expect(answer == leaves[key])
    }
  }

  private struct ProofSource: TrieNodeSource {
    let nodes: [Hash: [UInt8]]

    init(_ proof: [[UInt8]]) {
      nodes = Dictionary(proof.map { (Keccak256.hash($0), $0) }) { first, _ in first }
    }

    func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? { Hash(key.suffix(32)).flatMap { nodes[$0] } }
  }

  private struct DamagedSource: TrieNodeSource {
    let bytes: [UInt8]?

    func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? { bytes }
  }

  @Test func whatIsMissingOrDamagedIsNamed() {
    let root = Hash(UInt256(7))
    #expect(throws: TrieError.missingNode(owner: .zero, path: [], hash: root)) {
      try IncrementalTrie(root: root, source: DamagedSource(bytes: nil)).value(of: .zero)
    }
    var random = SplitMix64(seed: 3)
    for count in 0..<300 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(throws: TrieError.damagedNode(owner: .zero, path: [], hash: root)) {
        try IncrementalTrie(root: root, source: DamagedSource(bytes: bytes)).proof(of: .zero)
      }
    }
  }
}
