// The encoding of trie nodes, and what they say of their children. A node that was decoded or encoded here has items of
// fewer than 56 bytes but for a leaf's value, so an item's length stands in its first byte.

import Primitives

enum TrieCodec {
  /// Of a branch: a header of 3 bytes, 16 children of 33 and an empty value.
  private static let maximumInnerByteCount = 3 + 16 * 33 + 1

  // MARK: Writing

  static func encodeLeaf(_ key: Hash, depth: Int, _ value: UnsafeRawBufferPointer) -> [UInt8] {
    let path = pathByteCount(64 - depth)
    let isOwnHeader = value.count == 1 && value[0] < RLP.emptyBytes
    let payload =
      path + value.count + (isOwnHeader ? 0 : RLP.headerByteCount(forPayload: value.count))
    var encoding: [UInt8] = []
    encoding.reserveCapacity(RLP.headerByteCount(forPayload: payload) + payload)
    RLP.appendHeader(base: RLP.emptyList, payload: payload, to: &encoding)
    withUnsafeTemporaryAllocation(byteCount: 34, alignment: 1) { buffer in
      let start = buffer.baseAddress.unsafelyUnwrapped
      let count = writePath(key, depth..<64, isLeaf: true, to: start)
      encoding.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
    }
    if !isOwnHeader { RLP.appendHeader(base: RLP.emptyBytes, payload: value.count, to: &encoding) }
    encoding.append(contentsOf: value)
    return encoding
  }

  /// - Parameter node: its changed children are sealed.
  static func encode(_ node: TrieInnerNode) -> [UInt8] {
    withUnsafeTemporaryAllocation(byteCount: maximumInnerByteCount, alignment: 1) { buffer in
      // The payload behind room for a header of any size.
      let payload = buffer.baseAddress.unsafelyUnwrapped + 3
      let count = node.encoding.withUnsafeBytes { old in
        node.isExtension ? writeExtension(node, old, to: payload) : writeBranch(node, old, to: payload)
      }
      let header = RLP.headerByteCount(forPayload: count)
      let start = payload - header
      switch header {
      case 1: start.storeBytes(of: RLP.emptyList + UInt8(count), as: UInt8.self)
      case 2:
        start.storeBytes(of: 0xf8, as: UInt8.self)
        (start + 1).storeBytes(of: UInt8(count), as: UInt8.self)
      default:
        start.storeBytes(of: 0xf9, as: UInt8.self)
        (start + 1).storeBytes(of: UInt16(count).bigEndian, as: UInt16.self)
      }
      return Array(UnsafeRawBufferPointer(start: start, count: header + count))
    }
  }

  /// Writes the hashes of changed children over the old ones, where a branch had hashes there and has them still: most
  /// changes of most nodes, for which the encoding stays where it is.
  ///
  /// - Parameter encoding: the node's, as it was; where this is false, parts of it may be as they will be.
  static func replaceHashes(of node: TrieInnerNode, in encoding: inout [UInt8]) -> Bool {
    if node.isExtension || encoding.isEmpty { return false }
    return encoding.withUnsafeMutableBytes { bytes in
      let old = UnsafeRawBufferPointer(bytes)
      var (at, index) = (headerByteCount(old), 0)
      var changed = node.changed
      while changed != 0 {
        while index < changed.trailingZeroBitCount {
          at += itemByteCount(old, at)
          index += 1
        }
        guard old[at] == RLP.emptyBytes + 32, let child = node.child(index), child.isStored else {
          return false
        }
        child.hash.write(to: bytes.baseAddress.unsafelyUnwrapped + at + 1)
        changed &= changed - 1
      }
      return true
    }
  }

  private static func writeExtension(
    _ node: TrieInnerNode, _ old: UnsafeRawBufferPointer, to payload: UnsafeMutableRawPointer
  ) -> Int {
    let path = writePath(node.key, node.depth..<node.childDepth, isLeaf: false, to: payload)
    if node.changed != 0, let child = node.child(0) { return path + write(child, to: payload + path) }
    let reference = item(1, of: old)
    return path + copy(old, reference, to: payload + path)
  }

  private static func writeBranch(
    _ node: TrieInnerNode, _ old: UnsafeRawBufferPointer, to payload: UnsafeMutableRawPointer
  ) -> Int {
    var target = payload
    // Of the unchanged children before the next changed one, from the old encoding at once.
    var source = old.isEmpty ? 0 : headerByteCount(old)
    var start = source
    for index in 0..<16 {
      let end = old.isEmpty ? source : source + itemByteCount(old, source)
      if node.changed >> UInt16(index) & 1 == 1 {
        target += copy(old, start..<source, to: target)
        if let child = node.child(index) {
          target += write(child, to: target)
        } else {
          target.storeBytes(of: RLP.emptyBytes, as: UInt8.self)
          target += 1
        }
        start = end
      } else if old.isEmpty {
        target.storeBytes(of: RLP.emptyBytes, as: UInt8.self)
        target += 1
      }
      source = end
    }
    target += copy(old, start..<source, to: target)
    target.storeBytes(of: RLP.emptyBytes, as: UInt8.self)
    return target + 1 - payload
  }

  private static func copy(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, to target: UnsafeMutableRawPointer
  ) -> Int {
    if range.isEmpty { return 0 }
    target.copyMemory(from: bytes.baseAddress.unsafelyUnwrapped + range.lowerBound, byteCount: range.count)
    return range.count
  }

  /// What stands in the parent: the hash, or the node itself where it is shorter.
  private static func write(_ node: TrieNode, to target: UnsafeMutableRawPointer) -> Int {
    if node.isStored {
      target.storeBytes(of: RLP.emptyBytes + 32, as: UInt8.self)
      node.hash.write(to: target + 1)
      return 33
    }
    return node.encoding.withUnsafeBytes { copy($0, 0..<$0.count, to: target) }
  }

  /// Bytes of a path's item.
  private static func pathByteCount(_ nibbleCount: Int) -> Int {
    nibbleCount < 2 ? 1 : 2 + nibbleCount / 2
  }

  /// Nibbles by the hex-prefix encoding (appendix C), as an item of at most 34 bytes.
  private static func writePath(
    _ key: Hash, _ nibbles: Range<Int>, isLeaf: Bool, to target: UnsafeMutableRawPointer
  ) -> Int {
    let total = pathByteCount(nibbles.count)
    var target = target
    if total > 1 {
      target.storeBytes(of: RLP.emptyBytes + UInt8(total - 1), as: UInt8.self)
      target += 1
    }
    var index = nibbles.lowerBound
    var first: UInt8 = isLeaf ? 0x20 : 0
    if nibbles.count & 1 == 1 {
      first |= 0x10 | UInt8(key.nibble(index))
      index += 1
    }
    target.storeBytes(of: first, as: UInt8.self)
    target += 1
    withUnsafeBytes(of: key) { bytes in
      // An even count is left: whole bytes of the key, or halves of two.
      while index < nibbles.upperBound {
        let byte =
          index & 1 == 0
          ? bytes[index >> 1] : bytes[index >> 1] << 4 | bytes[(index >> 1) + 1] >> 4
        target.storeBytes(of: byte, as: UInt8.self)
        target += 1
        index += 2
      }
    }
    return total
  }

  // MARK: Reading what was checked

  private static func headerByteCount(_ bytes: UnsafeRawBufferPointer) -> Int {
    bytes[0] < 0xf8 ? 1 : 1 + Int(bytes[0] - 0xf7)
  }

  /// Of an item that is not a leaf's value.
  private static func itemByteCount(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Int {
    let first = bytes[at]
    if first < RLP.emptyBytes { return 1 }
    return 1 + Int(first < RLP.emptyList ? first - RLP.emptyBytes : first - RLP.emptyList)
  }

  /// Where the item at `index` is in a node's encoding; the last one ends where the node does.
  static func item(_ index: Int, of encoding: [UInt8]) -> Range<Int> {
    encoding.withUnsafeBytes { item(index, of: $0) }
  }

  private static func item(_ index: Int, of bytes: UnsafeRawBufferPointer) -> Range<Int> {
    var at = headerByteCount(bytes)
    for _ in 0..<index { at += itemByteCount(bytes, at) }
    let first = bytes[at]
    // Only a leaf's value is longer than 55 bytes.
    let isLong = first >= 0xb8 && first < RLP.emptyList || first >= 0xf8
    return at..<(isLong ? bytes.count : at + itemByteCount(bytes, at))
  }

  /// An item's bytes without its header.
  static func payload(of item: Range<Int>, in encoding: [UInt8]) -> Range<Int> {
    let first = encoding[item.lowerBound]
    if first < RLP.emptyBytes { return item }
    return item.lowerBound + (first < 0xb8 ? 1 : 1 + Int(first - 0xb7))..<item.upperBound
  }

  // MARK: Reading what was not

  /// What bytes are a node of; keys are those of the node.
  enum Shape {
    case leaf(key: Hash)
    case `extension`(count: Int, key: Hash)
    case branch(present: UInt16)
  }

  /// `nil` unless `bytes` are a node's encoding, those below that stand in it checked as well.
  static func shape(of bytes: UnsafeRawBufferPointer, key: Hash, depth: Int) -> Shape? {
    try? readShape(of: bytes, key: key, depth: depth)
  }

  private struct NoNode: Error {}

  private static func readShape(of bytes: UnsafeRawBufferPointer, key: Hash, depth: Int) throws -> Shape {
    var outer = RLPReader(bytes)
    var items = try outer.readList()
    try outer.expectEnd()
    var (counter, count) = (items, 0)
    while !counter.isAtEnd {
      _ = try counter.readEncoded()
      count += 1
    }
    if count == 17 {
      guard depth < 64 else { throw NoNode() }
      var present: UInt16 = 0
      for nibble in 0..<16 {
        let child = key.replacingNibble(depth, by: nibble)
        if try readReference(&items, key: child, depth: depth + 1) { present |= 1 << UInt16(nibble) }
      }
      guard try items.readBytes().isEmpty else { throw NoNode() }
      return .branch(present: present)
    }
    guard count == 2 else { throw NoNode() }
    let path = try items.readBytes()
    guard let flag = path.first, flag < 0x40 else { throw NoNode() }
    let (isOdd, isLeaf) = (flag & 0x10 != 0, flag & 0x20 != 0)
    guard isOdd || flag & 15 == 0 else { throw NoNode() }
    let end = depth + 2 * (path.count - 1) + (isOdd ? 1 : 0)
    guard end <= 64 else { throw NoNode() }
    var key = key
    var index = depth
    if isOdd {
      key = key.replacingNibble(index, by: Int(flag & 15))
      index += 1
    }
    for byte in path.dropFirst() {
      key = key.replacingNibble(index, by: Int(byte >> 4)).replacingNibble(index + 1, by: Int(byte & 15))
      index += 2
    }
    if isLeaf {
      guard end == 64 else { throw NoNode() }
      _ = try items.readBytes()
      return .leaf(key: key)
    }
    guard end > depth, end < 64, try readReference(&items, key: key, depth: end) else { throw NoNode() }
    return .extension(count: end - depth, key: key)
  }

  /// A hash, no child (false), or a node shorter than 32 bytes, which stands here itself.
  private static func readReference(_ items: inout RLPReader, key: Hash, depth: Int) throws -> Bool {
    if items.isAtList {
      let bytes = try items.readEncoded()
      guard bytes.count < 32 else { throw NoNode() }
      _ = try readShape(of: bytes, key: key, depth: depth)
      return true
    }
    let bytes = try items.readBytes()
    guard bytes.isEmpty || bytes.count == 32 else { throw NoNode() }
    return !bytes.isEmpty
  }
}
