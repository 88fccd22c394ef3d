// One thread's part of a batch: the changed subtrie, made from the old one and a sorted run of changes, then sealed from
// the bottom up. The keys of nodes that come and go are gathered for the store.

import Primitives
import WideIntegers

struct TrieWorker {
  private let owner: Hash
  private let source: any TrieNodeSource
  private let cachedDepth: Int
  var batch = TrieBatch()

  init(owner: Hash, source: any TrieNodeSource, cachedDepth: Int) {
    (self.owner, self.source, self.cachedDepth) = (owner, source, cachedDepth)
  }

  /// The store's key of a node: owner, depth, the nibbles before it (a last odd one filled up), hash. The place is
  /// part of it, so that equal nodes elsewhere live and go by themselves.
  private func storeKey(_ key: Hash, _ depth: Int, _ hash: Hash) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(97)
    withUnsafeBytes(of: owner) { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(depth))
    for index in stride(from: 0, to: depth, by: 2) {
      bytes.append(UInt8(key.nibble(index) << 4 | (index + 1 < depth ? key.nibble(index + 1) : 0)))
    }
    withUnsafeBytes(of: hash) { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// The node of a link on the way to `key`.
  func load(_ link: TrieLink, _ key: Hash, _ depth: Int) throws(TrieError) -> TrieNode? {
    switch link {
    case .none: return nil
    case .node(let node): return node
    case .stored(let hash):
      let path = key.nibbles(0..<depth)
      guard let bytes = try source.node(storeKey(key, depth, hash)) else {
        throw .missingNode(owner: owner, path: path, hash: hash)
      }
      let node = bytes.withUnsafeBytes { TrieCodec.decode($0, key: key, depth: depth) }
      guard let node, node.hash == hash else { throw .damagedNode(owner: owner, path: path, hash: hash) }
      return node
    }
  }

  // MARK: Changing

  /// The subtrie at `depth` with `changes`, which are sorted, distinct, not empty and agree with it before `depth`.
  mutating func update(
    _ link: TrieLink, _ changes: ArraySlice<TrieChange>, depth: Int
  ) throws(TrieError) -> TrieLink {
    guard let node = try load(link, changes[changes.startIndex].key, depth) else {
      return build(changes, depth: depth)
    }
    switch node.content {
    case .leaf(let value): return update(leaf: node, node.key, value, changes, depth: depth)
    case .extension(let count, let child):
      return try update(extension: node, node.key, count, child, changes, depth: depth)
    case .branch(let children): return try update(branch: node, link, children, changes, depth: depth)
    }
  }

  private mutating func update(
    leaf node: TrieNode, _ key: Hash, _ value: [UInt8], _ changes: ArraySlice<TrieChange>, depth: Int
  ) -> TrieLink {
    var merged: [TrieChange] = []
    merged.reserveCapacity(changes.count + 1)
    var isPlaced = false
    for change in changes {
      if !isPlaced, change.key >= key {
        isPlaced = true
        if change.key != key { merged.append(TrieChange(key: key, value: value)) }
      }
      if change.value != nil { merged.append(change) }
    }
    if !isPlaced { merged.append(TrieChange(key: key, value: value)) }
    if merged.count == 1, merged[0].key == key, merged[0].value == value { return .node(node) }
    replace(node)
    return build(merged[...], depth: depth)
  }

  private mutating func update(
    extension node: TrieNode, _ key: Hash, _ count: Int, _ child: TrieLink, _ changes: ArraySlice<TrieChange>,
    depth: Int
  ) throws(TrieError) -> TrieLink {
    let (first, last) = (changes[changes.startIndex].key, changes[changes.endIndex - 1].key)
    let shared = min(
      count, key.sharedNibbles(with: first, from: depth), key.sharedNibbles(with: last, from: depth))
    if shared == count {
      let changed = try update(child, changes, depth: depth + count)
      if changed.isIdentical(to: child) { return .node(node) }
      replace(node)
      return try joined(changed, under: key, from: depth, to: depth + count)
    }
    // Changes leave the extension's way: a branch where they do, with what is left of the extension below it.
    if !changes.contains(where: { $0.value != nil && key.sharedNibbles(with: $0.key, from: depth) < count }) {
      let inside = changes.filter { key.sharedNibbles(with: $0.key, from: depth) >= count }
      return inside.isEmpty
        ? .node(node) : try update(extension: node, key, count, child, inside[...], depth: depth)
    }
    replace(node)
    let split = depth + shared
    var children = [TrieLink](repeating: .none, count: 16)
    let rest = count - shared - 1
    children[key.nibble(split)] =
      rest == 0 ? child : .node(TrieNode(.extension(count: rest, child: child), key: key, depth: split + 1))
    let branch = TrieNode(.branch(children), key: key, depth: split)
    let changed = try update(branch: branch, .node(branch), children, changes, depth: split)
    return try joined(changed, under: key, from: depth, to: split)
  }

  private mutating func update(
    branch node: TrieNode, _ link: TrieLink, _ children: [TrieLink], _ changes: ArraySlice<TrieChange>,
    depth: Int
  ) throws(TrieError) -> TrieLink {
    var changed = children
    var start = changes.startIndex
    var isSame = true
    while start < changes.endIndex {
      let nibble = changes[start].key.nibble(depth)
      var end = start + 1
      while end < changes.endIndex, changes[end].key.nibble(depth) == nibble { end += 1 }
      changed[nibble] = try update(children[nibble], changes[start..<end], depth: depth + 1)
      if !changed[nibble].isIdentical(to: children[nibble]) { isSame = false }
      start = end
    }
    if isSame { return link }
    let key = changes[changes.startIndex].key
    replace(node)
    return try branch(changed, key: key, depth: depth)
  }

  /// A branch over what is there; where that is one child only, the child takes its place.
  private mutating func branch(_ children: [TrieLink], key: Hash, depth: Int) throws(TrieError) -> TrieLink {
    var only: Int?
    var count = 0
    for nibble in 0..<16 where !children[nibble].isNone { (only, count) = (nibble, count + 1) }
    if count > 1 { return .node(TrieNode(.branch(children), key: key, depth: depth)) }
    guard let only else { return .none }
    let path = key.replacingNibbles(from: depth, by: [UInt8(only)])
    return try joined(children[only], under: path, from: depth, to: depth + 1)
  }

  /// The root's branch from its subtries, which other workers made.
  mutating func joined(
    _ old: TrieLink, _ children: [TrieLink], _ changed: [TrieLink]
  ) throws(TrieError) -> TrieLink {
    if zip(children, changed).allSatisfy({ $0.isIdentical(to: $1) }) { return old }
    if let node = try load(old, .zero, 0) { replace(node) }
    return try branch(changed, key: .zero, depth: 0)
  }

  /// `link`, which is at depth `end`, behind the nibbles of `key` from `start` on.
  private mutating func joined(
    _ link: TrieLink, under key: Hash, from start: Int, to end: Int
  ) throws(TrieError) -> TrieLink {
    if start == end { return link }
    guard let node = try load(link, key, end) else { return .none }
    switch node.content {
    case .leaf:
      replace(node)
      return .node(TrieNode(node.content, key: node.key, depth: start))
    case .extension(let count, let child):
      replace(node)
      return .node(
        TrieNode(.extension(count: end - start + count, child: child), key: node.key, depth: start))
    case .branch:
      return .node(TrieNode(.extension(count: end - start, child: .node(node)), key: key, depth: start))
    }
  }

  /// A subtrie of leaves alone.
  private func build(_ changes: ArraySlice<TrieChange>, depth: Int) -> TrieLink {
    let leaves =
      changes.contains { $0.value == nil } ? ArraySlice(changes.filter { $0.value != nil }) : changes
    guard let first = leaves.first, let last = leaves.last else { return .none }
    if leaves.count == 1 {
      return .node(TrieNode(.leaf(value: first.value ?? []), key: first.key, depth: depth))
    }
    let shared = first.key.sharedNibbles(with: last.key, from: depth)
    if shared > 0 {
      let child = build(leaves, depth: depth + shared)
      return .node(TrieNode(.extension(count: shared, child: child), key: first.key, depth: depth))
    }
    var children = [TrieLink](repeating: .none, count: 16)
    var start = leaves.startIndex
    while start < leaves.endIndex {
      let nibble = leaves[start].key.nibble(depth)
      var end = start + 1
      while end < leaves.endIndex, leaves[end].key.nibble(depth) == nibble { end += 1 }
      children[nibble] = build(leaves[start..<end], depth: depth + 1)
      start = end
    }
    return .node(TrieNode(.branch(children), key: first.key, depth: depth))
  }

  // MARK: Sealing

  /// The store may forget a node; one that was made in this batch or stands in its parent never was there.
  private mutating func replace(_ node: TrieNode) {
    if node.isSealed, node.isStored { batch.replaced.append(storeKey(node.key, node.depth, node.hash)) }
  }

  /// Encodes and hashes the new nodes of a subtrie.
  mutating func seal(_ link: TrieLink) {
    guard case .node(let node) = link, !node.isSealed else { return }
    var kept: TrieNode.Content?
    switch node.content {
    case .leaf: break
    case .extension(let count, let child):
      seal(child)
      kept = .extension(count: count, child: trimmed(child))
    case .branch(var children):
      for nibble in 0..<16 {
        seal(children[nibble])
        children[nibble] = trimmed(children[nibble])
      }
      kept = .branch(children)
    }
    let encoding = TrieCodec.encode(node)
    node.seal(encoding, keeping: cachedDepth < 64 ? kept : nil)
    if node.isStored { batch.written.append((storeKey(node.key, node.depth, node.hash), encoding)) }
  }

  /// A link that leaves what lies deep to the store.
  private func trimmed(_ link: TrieLink) -> TrieLink {
    guard case .node(let node) = link, node.depth >= cachedDepth, node.isStored else { return link }
    return .stored(node.hash)
  }
}
