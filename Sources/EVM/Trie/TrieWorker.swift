// One thread's part of a batch: a subtrie changed by a sorted run of changes. Nodes that nobody else holds change in place,
// others are copied first. What changed is encoded and hashed later (TrieSession.swift).

import Primitives

struct TrieWorker {
  let reader: TrieReader
  /// Sorted, each key once.
  let changes: [TrieChange]
  /// Nodes at this depth and below are left to the store once they are sealed.
  let cachedDepth: Int
  let session: TrieSession

  /// Asks for the nodes that the changes will pass, from one on.
  func prefetch(_ node: inout TrieNode?) {
    var ahead = TriePrefetch()
    for change in changes { ahead.add(&node, key: change.key) }
    ahead.run()
  }

  // MARK: Changing

  /// Makes changes, of which there are some and which agree with a node before its depth, to the node; `nil` once nothing is
  /// left of it.
  ///
  /// - Returns: whether anything is different.
  func update(_ slot: inout TrieNode?, _ range: Range<Int>) throws(TrieError) -> Bool {
    // Asked before another reference to the node is made.
    let isShared = !isKnownUniquelyReferenced(&slot)
    guard let node = slot else { return false }
    guard var inner = node.inner else { return update(leaf: node, isShared: isShared, &slot, range) }
    if isShared {
      inner = TrieInnerNode(copying: inner)
      slot = inner
    }
    return inner.isExtension
      ? try update(extension: inner, &slot, range) : try update(branch: inner, &slot, range)
  }

  private func update(
    leaf node: TrieNode, isShared: Bool, _ slot: inout TrieNode?, _ range: Range<Int>
  ) -> Bool {
    if range.count == 1, changes[range.lowerBound].key == node.key {
      let change = changes[range.lowerBound]
      let value = change.kept.isEmpty ? change.value : change.value(over: node.value)
      if let value, node.hasValue(value) { return false }
      replace(node)
      if let value, !isShared, node.replaceValue(value) { return true }
      slot = value.map { TrieNode(key: node.key, depth: node.depth, value: $0) }
      return true
    }
    var leaves: [TrieChange] = []
    leaves.reserveCapacity(range.count + 1)
    let old = TrieChange(key: node.key, value: node.value)
    var isPlaced = false
    for var change in changes[range] {
      if !isPlaced, change.key >= node.key {
        isPlaced = true
        if change.key == node.key {
          change.value = change.value(over: old.value ?? [])
        } else {
          leaves.append(old)
        }
      }
      if change.value != nil { leaves.append(change) }
    }
    if !isPlaced { leaves.append(old) }
    if leaves.count == 1, leaves[0].key == node.key, leaves[0].value == old.value { return false }
    replace(node)
    slot = Self.subtrie(leaves, 0..<leaves.count, depth: node.depth)
    return true
  }

  private func update(
    branch node: TrieInnerNode, _ slot: inout TrieNode?, _ range: Range<Int>
  ) throws(TrieError) -> Bool {
    var isChanged = false
    var start = range.lowerBound
    while start < range.upperBound {
      let nibble = changes[start].key.nibble(node.depth)
      var end = start + 1
      while end < range.upperBound, changes[end].key.nibble(node.depth) == nibble { end += 1 }
      if try update(childOf: node, nibble, start..<end) { isChanged = true }
      start = end
    }
    if isChanged { slot = try collapsed(node) }
    return isChanged
  }

  private func update(
    childOf node: TrieInnerNode, _ index: Int, _ range: Range<Int>
  ) throws(TrieError) -> Bool {
    var child = node.takeChild(index)
    guard try update(child: &child, of: node, index, range) else {
      // One that the encoding does not have must stay until it does.
      if Self.keepsChildren(of: node, cachedDepth: cachedDepth) || node.changed >> UInt16(index) & 1 == 1 {
        node.keepChild(index, child)
      }
      return false
    }
    unseal(node)
    node.setChild(index, child)
    return true
  }

  /// - Parameter child: the one at `index`, taken from the node; `nil` where there is none or it is not in memory.
  func update(
    child: inout TrieNode?, of node: TrieInnerNode, _ index: Int, _ range: Range<Int>
  ) throws(TrieError) -> Bool {
    if child == nil { child = try reader.child(of: node, index) }
    if child != nil { return try update(&child, range) }
    child = built(range, depth: node.childDepth)
    return child != nil
  }

  private func update(
    extension node: TrieInnerNode, _ slot: inout TrieNode?, _ range: Range<Int>
  ) throws(TrieError) -> Bool {
    let count = node.extensionCount
    func shared(_ index: Int) -> Int {
      min(count, node.key.sharedNibbles(with: changes[index].key, from: node.depth))
    }
    let common = min(shared(range.lowerBound), shared(range.upperBound - 1))
    if common == count {
      guard try update(childOf: node, 0, range) else { return false }
      guard let child = node.child(0) else {
        slot = nil
        return true
      }
      if child.isLeaf || child.inner?.isExtension == true { slot = behind(child, node.key, from: node.depth) }
      return true
    }
    // Changes leave the extension's way: a branch where they do, with what is left of the extension below it. If they only take
    // out what is not there, those that stay on the way are left.
    if !range.contains(where: { changes[$0].value != nil && shared($0) < count }) {
      guard let first = range.first(where: { shared($0) == count }) else { return false }
      let end = range[first...].first { shared($0) < count } ?? range.upperBound
      return try update(extension: node, &slot, first..<end)
    }
    guard let child = try reader.child(of: node, 0) else { return false }
    replace(node)
    let split = node.depth + common
    let branch = TrieInnerNode(branchAt: split, key: node.key)
    let rest = count - common - 1
    branch.setChild(
      node.key.nibble(split),
      rest == 0
        ? child : TrieInnerNode(extensionAt: split + 1, count: rest, key: node.key, child: child))
    // The child must be the branch's alone.
    _ = node.takeChild(0)
    var changed: TrieNode? = branch
    _ = try update(branch: branch, &changed, range)
    slot = changed.map { behind($0, node.key, from: node.depth) }
    return true
  }

  /// A branch after its children changed: where one is left, it takes the branch's place.
  func collapsed(_ node: TrieInnerNode) throws(TrieError) -> TrieNode? {
    if node.childCount > 1 { return node }
    guard node.childCount == 1 else { return nil }
    let index = node.present.trailingZeroBitCount
    guard let child = try reader.child(of: node, index) else { return nil }
    return behind(child, node.childKey(index), from: node.depth)
  }

  /// A node behind the nibbles of `key` from `depth` on.
  private func behind(_ node: TrieNode, _ key: Hash, from depth: Int) -> TrieNode {
    if node.depth == depth { return node }
    guard let inner = node.inner else {
      replace(node)
      return TrieNode(key: node.key, depth: depth, value: node.value)
    }
    guard inner.isExtension else {
      return TrieInnerNode(extensionAt: depth, count: node.depth - depth, key: key, child: node)
    }
    replace(node)
    return TrieInnerNode(extensionAt: depth, lengthening: inner)
  }

  /// A subtrie that was not there.
  private func built(_ range: Range<Int>, depth: Int) -> TrieNode? {
    if range.count == 1 {
      let change = changes[range.lowerBound]
      return change.value.map { TrieNode(key: change.key, depth: depth, value: $0) }
    }
    guard range.contains(where: { changes[$0].value == nil }) else {
      return Self.subtrie(changes, range, depth: depth)
    }
    let leaves = changes[range].filter { $0.value != nil }
    return Self.subtrie(leaves, 0..<leaves.count, depth: depth)
  }

  /// A subtrie of leaves alone.
  private static func subtrie(_ leaves: [TrieChange], _ range: Range<Int>, depth: Int) -> TrieNode? {
    guard let start = range.first, let end = range.last else { return nil }
    let (first, last) = (leaves[start], leaves[end])
    if start == end { return TrieNode(key: first.key, depth: depth, value: first.value ?? []) }
    let shared = first.key.sharedNibbles(with: last.key, from: depth)
    let branch = TrieInnerNode(branchAt: depth + shared, key: first.key)
    var from = start
    while from < range.upperBound {
      let nibble = leaves[from].key.nibble(branch.depth)
      var to = from + 1
      while to < range.upperBound, leaves[to].key.nibble(branch.depth) == nibble { to += 1 }
      branch.setChild(nibble, subtrie(leaves, from..<to, depth: branch.depth + 1))
      from = to
    }
    return shared == 0
      ? branch : TrieInnerNode(extensionAt: depth, count: shared, key: first.key, child: branch)
  }

  /// The store may forget a node.
  func replace(_ node: TrieNode) { session.replace(node, owner: reader.owner) }

  /// Before a child of a node that nobody else holds changes.
  func unseal(_ node: TrieInnerNode) {
    replace(node)
    node.isSealed = false
  }

  /// Whether the node's children stay in memory once they are sealed.
  static func keepsChildren(of node: TrieInnerNode, cachedDepth: Int) -> Bool {
    cachedDepth >= 64 || node.childDepth < cachedDepth
  }

  /// What changed in a subtrie waits for the session to be sealed.
  func add(_ node: TrieNode) { session.add(node, owner: reader.owner, cachedDepth: cachedDepth) }
}
