// One thread's part of a batch: a subtrie changed by a sorted run of changes. Nodes that nobody else holds change in place,
// others are copied first. What changed is encoded and hashed later (TrieSession.swift).

import Primitives

struct TrieWorker {
  let reader: TrieReader
  /// Sorted, each key once.
  let changes: TrieChanges
  /// Nodes at this depth and below are left to the store once they are sealed.
  let cachedDepth: Int
  let session: TrieSession

  /// Asks for the nodes that the changes will pass, from one on.
  func prefetch(_ node: inout TrieNode?) {
    var ahead = TriePrefetch()
    for change in changes.leaves { ahead.add(&node, key: change.key) }
    ahead.run()
  }

  // MARK: Changing

  /// What became of a node.
  private enum Outcome {
    case same
    /// It is another in place.
    case changed
    case replaced(TrieNode?)
  }

  /// Makes changes, of which there are some and which agree with a node before its depth, to the node; `nil` once nothing is
  /// left of it.
  ///
  /// - Returns: whether anything is different.
  func update(_ slot: inout TrieNode?, _ range: Range<Int>) throws(TrieError) -> Bool {
    let isShared = !isKnownUniquelyReferenced(&slot)
    // Out of the slot, so that no reference is counted while it is worked on.
    guard var node = slot.take() else { return false }
    let outcome: Outcome
    if node.isLeaf {
      outcome = update(leaf: node, isShared: isShared, range)
    } else {
      var inner = unsafeDowncast(node, to: TrieInnerNode.self)
      if isShared {
        inner = TrieInnerNode(copying: inner)
        node = inner
      }
      outcome = inner.isExtension ? try update(extension: inner, range) : try update(branch: inner, range)
    }
    switch outcome {
    case .same:
      slot = consume node
      return false
    case .changed:
      slot = consume node
      return true
    case .replaced(let other):
      slot = other
      return true
    }
  }

  private func update(leaf node: TrieNode, isShared: Bool, _ range: Range<Int>) -> Outcome {
    if range.count == 1, changes[range.lowerBound].key == node.key {
      let change = changes[range.lowerBound]
      if change.isGone {
        replace(node)
        return .replaced(nil)
      }
      let old = change.keepsBytes ? node.value : []
      return old.withUnsafeBytes { old in
        changes.withValue(of: change, over: old) { value in
          if node.hasValue(value) { return .same }
          replace(node)
          if !isShared, node.replaceValue(value) { return .changed }
          return .replaced(TrieNode(key: node.key, depth: node.depth, value: value))
        }
      }
    }
    var leaves = TrieChanges()
    let old = TrieChange(key: node.key, value: node.value)
    var (isPlaced, isSame) = (false, false)
    for index in range {
      let change = changes[index]
      if !isPlaced, change.key >= node.key {
        isPlaced = true
        if change.key == node.key {
          if change.isGone { continue }
          node.withValue { old in
            changes.withValue(of: change, over: old) { value in
              isSame = node.hasValue(value)
              leaves.append(key: change.key) { $0.writeEncoded(value) }
            }
          }
          continue
        }
        leaves.append(old)
        isSame = true
      }
      if !change.isGone { leaves.append(change, of: changes) }
    }
    if !isPlaced {
      leaves.append(old)
      isSame = true
    }
    if leaves.count == 1, isSame { return .same }
    replace(node)
    return .replaced(Self.subtrie(leaves, 0..<leaves.count, depth: node.depth))
  }

  private func update(branch node: TrieInnerNode, _ range: Range<Int>) throws(TrieError) -> Outcome {
    var isChanged = false
    var start = range.lowerBound
    while start < range.upperBound {
      let nibble = changes[start].key.nibble(node.depth)
      var end = start + 1
      while end < range.upperBound, changes[end].key.nibble(node.depth) == nibble { end += 1 }
      if try update(childOf: node, nibble, start..<end) { isChanged = true }
      start = end
    }
    if !isChanged { return .same }
    return node.childCount > 1 ? .changed : .replaced(try collapsed(node))
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

  private func update(extension node: TrieInnerNode, _ range: Range<Int>) throws(TrieError) -> Outcome {
    let count = node.extensionCount
    func shared(_ index: Int) -> Int {
      min(count, node.key.sharedNibbles(with: changes[index].key, from: node.depth))
    }
    let common = min(shared(range.lowerBound), shared(range.upperBound - 1))
    if common == count {
      guard try update(childOf: node, 0, range) else { return .same }
      guard let child = node.child(0) else { return .replaced(nil) }
      return child.isLeaf || child.inner?.isExtension == true
        ? .replaced(behind(child, node.key, from: node.depth)) : .changed
    }
    // Changes leave the extension's way: a branch where they do, with what is left of the extension below it. If they only take
    // out what is not there, those that stay on the way are left.
    if !range.contains(where: { !changes[$0].isGone && shared($0) < count }) {
      guard let first = range.first(where: { shared($0) == count }) else { return .same }
      let end = range[first...].first { shared($0) < count } ?? range.upperBound
      return try update(extension: node, first..<end)
    }
    guard let child = try reader.child(of: node, 0) else { return .same }
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
    guard case .replaced(let other) = try update(branch: branch, range) else {
      return .replaced(behind(branch, node.key, from: node.depth))
    }
    return .replaced(other.map { behind($0, node.key, from: node.depth) })
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
      return node.withValue { TrieNode(key: node.key, depth: depth, value: $0) }
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
      return change.isGone ? nil : Self.leaf(change, of: changes, depth: depth)
    }
    guard range.contains(where: { changes[$0].isGone }) else {
      return Self.subtrie(changes, range, depth: depth)
    }
    var leaves = TrieChanges()
    for index in range where !changes[index].isGone { leaves.append(changes[index], of: changes) }
    return Self.subtrie(leaves, 0..<leaves.count, depth: depth)
  }

  /// A subtrie of leaves alone.
  private static func subtrie(_ leaves: TrieChanges, _ range: Range<Int>, depth: Int) -> TrieNode? {
    guard let start = range.first, let end = range.last else { return nil }
    let (first, last) = (leaves[start], leaves[end])
    if start == end { return leaf(first, of: leaves, depth: depth) }
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

  private static func leaf(_ leaf: TrieChanges.Leaf, of leaves: TrieChanges, depth: Int) -> TrieNode {
    leaves.withValue(of: leaf) { TrieNode(key: leaf.key, depth: depth, value: $0) }
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
