// Many accounts in one go: four accounts' inputs are absorbed side by side (token accounts are four blocks
// long), then each account's output is made four blocks a time.

extension LatticeHash {
  /// Adds every account; those that do not exist change nothing. The result is that of adding them one by
  /// one.
  package mutating func add(_ accounts: [Account]) { apply(accounts, adding: true) }

  /// Takes out every account, as each was when it was added.
  package mutating func subtract(_ accounts: [Account]) { apply(accounts, adding: false) }

  private mutating func apply(_ accounts: [Account], adding: Bool) {
    withUnsafeTemporaryAllocation(byteCount: 4 * BLAKE3.chunkByteCount, alignment: 16) { inputs in
      var pending: InlineArray<4, Int> = [0, 0, 0, 0]  // indices of accounts whose inputs wait
      var count = 0
      for index in accounts.indices where accounts[index].exists {
        if accounts[index].inputByteCount > BLAKE3.chunkByteCount {
          apply(Self.root(of: accounts[index]), adding: adding)
          continue
        }
        pending[count] = index
        count += 1
        if count == 4 {
          applyFour(accounts, pending, inputs, adding: adding)
          count = 0
        }
      }
      for slot in 0..<count { apply(Self.root(of: accounts[pending[slot]]), adding: adding) }
    }
  }

  private mutating func applyFour(
    _ accounts: [Account], _ four: InlineArray<4, Int>, _ inputs: UnsafeMutableRawBufferPointer, adding: Bool
  ) {
    let start = inputs.baseAddress.unsafelyUnwrapped  // four chunks, never empty
    var byteCounts = SIMD4<Int32>.zero
    for lane in 0..<4 {
      let account = accounts[four[lane]]
      byteCounts[lane] = Int32(account.inputByteCount)  // [73, 1024]
      account.writeInput(to: start + lane * BLAKE3.chunkByteCount)
    }
    // Blocks before the last, which is the root's.
    let blockCounts = (byteCounts &- 1) &>> 6
    withUnsafeTemporaryAllocation(of: BLAKE3.Lanes.self, capacity: 8) { vectors in
      let values = vectors.baseAddress.unsafelyUnwrapped  // eight vectors, never empty
      BLAKE3.absorbFour(start, blockCounts: blockCounts, into: values)
      for lane in 0..<4 {
        let blockCount = Int(blockCounts[lane])
        let last = start + lane * BLAKE3.chunkByteCount + blockCount * BLAKE3.blockByteCount
        var node = BLAKE3.Node(
          value: BLAKE3.ChainingValue(repeating: 0), block: last.loadUnaligned(as: BLAKE3.Block.self),
          counter: 0,
          blockByteCount: UInt32(Int(byteCounts[lane]) - blockCount * BLAKE3.blockByteCount),
          flags: BLAKE3.Flags.chunkEnd | (blockCount == 0 ? BLAKE3.Flags.chunkStart : 0))
        for word in 0..<8 { node.value[word] = values[word][lane] }
        apply(node, adding: adding)
      }
    }
  }
}

extension LatticeHash.Account {
  /// What the hash covers: lamports, data, the executable byte, owner, key.
  fileprivate var inputByteCount: Int { 8 + data.count + 1 + 32 + 32 }

  /// Writes the input and zeroes up to the end of its last block; it must fit into a chunk.
  fileprivate func writeInput(to start: UnsafeMutableRawPointer) {
    start.storeBytes(of: lamports.littleEndian, as: UInt64.self)
    if let source = data.baseAddress { (start + 8).copyMemory(from: source, byteCount: data.count) }
    let tail = start + 8 + data.count
    tail.storeBytes(of: isExecutable ? 1 : 0, as: UInt8.self)
    owner.write(to: tail + 1)
    key.write(to: tail + 33)
    let end = inputByteCount
    let padded = (end + 63) / 64 * 64
    (start + end).initializeMemory(as: UInt8.self, repeating: 0, count: padded - end)
  }
}

extension BLAKE3 {
  /// The chaining values of four inputs behind `blockCounts` blocks each (0 to 15); the inputs lie a chunk
  /// apart, and lane i of word j is word j of input i's value.
  @inline(never) static func absorbFour(
    _ inputs: UnsafeRawPointer, blockCounts: SIMD4<Int32>, into values: UnsafeMutablePointer<Lanes>
  ) {
    let initial = initialValue
    for word in 0..<8 { values[word] = Lanes(repeating: initial[word]) }
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 24) { vectors in
      let m = vectors.baseAddress.unsafelyUnwrapped  // 24 vectors, never empty
      let next = m + 16
      for block in 0..<Int(blockCounts.max()) {
        loadTransposed(inputs + block * blockByteCount, stride: chunkByteCount, into: m)
        next.update(from: values, count: 8)
        compress(
          next, m, .zero, .zero, Lanes(repeating: UInt32(blockByteCount)),
          Lanes(repeating: block == 0 ? Flags.chunkStart : 0))
        let isOver = SIMD4<Int32>(repeating: Int32(block)) .>= blockCounts
        for word in 0..<8 { values[word] = next[word].replacing(with: values[word], where: isOver) }
      }
    }
  }
}
