// BLAKE3 in its plain hashing mode (https://github.com/BLAKE3-team/BLAKE3-specs), with 32 bytes of output or
// as many as wanted (XOF). Input beyond 4 KiB goes four chunks side by side, long output four blocks side by
// side. A value type over its own state: any thread may hash.

/// A hash in progress over several slices; the static functions hash what is already in memory.
package struct BLAKE3 {
  /// The current chunk: its chaining value behind `blocksDone` blocks, and the start of the next block.
  private var value = BLAKE3.initialValue
  private var blocksDone = 0
  private var block = Block(repeating: 0)
  /// `[0, 64]`; a full block stays until more input shows that it is not the chunk's last.
  private var filled = 0
  private var chunk: UInt64 = 0
  /// Roots of finished subtrees, eight words each, the largest first; one for each bit set in `chunk`.
  private var subtrees: [UInt32] = []

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard var source = bytes.baseAddress else { return }
    var remaining = bytes.count
    while remaining > 0 {
      let chunkFilled = blocksDone * Self.blockByteCount + filled
      if chunkFilled == Self.chunkByteCount { finishChunk() }
      if blocksDone == 0 && filled == 0 && remaining > 4 * Self.chunkByteCount {
        finishFourChunks(source)
        (source, remaining) = (source + 4 * Self.chunkByteCount, remaining - 4 * Self.chunkByteCount)
        continue
      }
      let count = min(remaining, Self.chunkByteCount - (blocksDone * Self.blockByteCount + filled))
      fillChunk(source, count: count)
      (source, remaining) = (source + count, remaining - count)
    }
  }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The first 32 bytes of output. The hash can go on afterwards.
  package func finalize() -> Hash {
    var root = root
    root.flags |= Flags.root
    let words = root.chainingValue
    return words.span.withUnsafeBytes { Hash(reading: $0.baseAddress.unsafelyUnwrapped) }
  }

  /// Fills `output` with the first bytes of output. The hash can go on afterwards.
  package func finalize(into output: UnsafeMutableRawBufferPointer) {
    root.forEachFourOutputBlocks(count: (output.count + 63) / 64) { first, words in
      for lane in 0..<4 {
        for word in 0..<16 {
          let offset = (first + lane) * 64 + word * 4
          if offset >= output.count { return }
          let value = words[word][lane]
          withUnsafeBytes(of: value) { bytes in
            let end = min(offset + 4, output.count)
            UnsafeMutableRawBufferPointer(rebasing: output[offset..<end]).copyBytes(
              from: bytes[..<(end - offset)])
          }
        }
      }
    }
  }

  package static func hash(_ bytes: UnsafeRawBufferPointer) -> Hash {
    if bytes.count <= blockByteCount { return hashOneBlock(bytes) }
    var hasher = BLAKE3()
    hasher.update(bytes)
    return hasher.finalize()
  }

  package static func hash(_ bytes: [UInt8]) -> Hash {
    bytes.withUnsafeBytes { hash($0) }
  }

  // MARK: Chunks

  /// Takes up to the rest of the current chunk.
  private mutating func fillChunk(_ start: UnsafeRawPointer, count: Int) {
    var (source, remaining) = (start, count)
    if filled > 0 {
      let part = min(remaining, Self.blockByteCount - filled)
      copy(source, count: part)
      (source, remaining) = (source + part, remaining - part)
      if remaining == 0 { return }
      flushBlock()
    }
    let whole = (remaining - 1) / Self.blockByteCount  // the last block stays, full or not
    if whole > 0 {
      Self.compressBlocks(
        &value, source, count: whole, chunk: chunk, firstFlags: blocksDone == 0 ? Flags.chunkStart : 0)
      blocksDone += whole
      (source, remaining) = (source + whole * Self.blockByteCount, remaining - whole * Self.blockByteCount)
    }
    copy(source, count: remaining)
  }

  private mutating func copy(_ source: UnsafeRawPointer, count: Int) {
    let start = filled
    var span = block.mutableSpan
    span.withUnsafeMutableBytes { block in
      UnsafeMutableRawBufferPointer(rebasing: block[start...])
        .copyMemory(from: UnsafeRawBufferPointer(start: source, count: count))
    }
    filled += count
  }

  private mutating func flushBlock() {
    value = node(flags: blocksDone == 0 ? Flags.chunkStart : 0).chainingValue
    blocksDone += 1
    block = Block(repeating: 0)
    filled = 0
  }

  private func node(flags: UInt32) -> Node {
    Node(value: value, block: block, counter: chunk, blockByteCount: UInt32(filled), flags: flags)
  }

  /// The end of the current chunk.
  private var chunkNode: Node {
    node(flags: (blocksDone == 0 ? Flags.chunkStart : 0) | Flags.chunkEnd)
  }

  private mutating func finishChunk() {
    push(chunkNode.chainingValue)
    value = Self.initialValue
    block = Block(repeating: 0)
    (blocksDone, filled) = (0, 0)
  }

  private mutating func finishFourChunks(_ bytes: UnsafeRawPointer) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 8) { values in
      Self.compressFourChunks(bytes, firstChunk: chunk, into: values.baseAddress.unsafelyUnwrapped)
      for lane in 0..<4 {
        var value = ChainingValue(repeating: 0)
        for index in 0..<8 { value[index] = values[index][lane] }
        push(value)
      }
    }
  }

  // MARK: Tree

  /// Adds the chaining value of chunk number `chunk` and merges the subtrees that it completes.
  private mutating func push(_ leaf: ChainingValue) {
    chunk += 1
    var value = leaf
    var merges = chunk
    while merges & 1 == 0 {
      value = Node.parent(pop(), value).chainingValue
      merges >>= 1
    }
    for index in 0..<8 { subtrees.append(value[index]) }
  }

  private mutating func pop() -> ChainingValue {
    let value = subtree(at: subtrees.count - 8)
    subtrees.removeLast(8)
    return value
  }

  private func subtree(at start: Int) -> ChainingValue {
    var value = ChainingValue(repeating: 0)
    for index in 0..<8 { value[index] = subtrees[start + index] }
    return value
  }

  /// The root of all input so far, without its flag.
  var root: Node {
    var node = chunkNode
    var end = subtrees.count
    while end > 0 {
      end -= 8
      node = Node.parent(subtree(at: end), node.chainingValue)
    }
    return node
  }
}
