// Many accounts in one go: four accounts' inputs are absorbed side by side (token accounts are four blocks
// long), then each account's output is made in vectors of its own.

extension LatticeHash {
  /// Adds accounts and takes accounts out; the result is that of doing so one by one.
  package mutating func update(_ body: (inout Updates) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: 4 * BLAKE3.chunkByteCount, alignment: 16) { inputs in
      var updates = Updates(inputs: inputs.baseAddress.unsafelyUnwrapped)  // four chunks, never empty
      swap(&self, &updates.total)
      body(&updates)
      updates.finish()
      swap(&self, &updates.total)
    }
  }

  /// Accounts on their way into a hash; valid within `update` only.
  package struct Updates {
    fileprivate var total = LatticeHash.identity
    /// Four chunks, the inputs that wait.
    private let inputs: UnsafeMutableRawPointer
    private var byteCounts = SIMD4<Int32>.zero
    private var adds: InlineArray<4, Bool> = [false, false, false, false]
    private var count = 0

    fileprivate init(inputs: UnsafeMutableRawPointer) { self.inputs = inputs }

    /// Adds an account; one that does not exist changes nothing. Its data is copied.
    package mutating func add(_ account: Account) { take(account, adding: true) }

    /// Takes an account out that was added before, as it was then.
    package mutating func subtract(_ account: Account) { take(account, adding: false) }

    private mutating func take(_ account: Account, adding: Bool) {
      guard account.exists else { return }
      let byteCount = account.inputByteCount
      if byteCount > BLAKE3.chunkByteCount {
        total.apply(LatticeHash.root(of: account), adding: adding)
        return
      }
      account.writeInput(to: inputs + count * BLAKE3.chunkByteCount)
      byteCounts[count] = Int32(byteCount)  // [73, 1024]
      adds[count] = adding
      count += 1
      if count == 4 { finish() }
    }

    /// Works off what waits; lanes without an input are empty.
    fileprivate mutating func finish() {
      if count == 0 { return }
      // Blocks before the last, which is the root's.
      let blockCounts = (byteCounts &- 1) &>> 6
      withUnsafeTemporaryAllocation(of: BLAKE3.Lanes.self, capacity: 8) { vectors in
        let values = vectors.baseAddress.unsafelyUnwrapped  // eight vectors, never empty
        BLAKE3.absorbFour(inputs, blockCounts: blockCounts, into: values)
        for lane in 0..<count {
          let blockCount = Int(blockCounts[lane])
          let last = inputs + lane * BLAKE3.chunkByteCount + blockCount * BLAKE3.blockByteCount
          var node = BLAKE3.Node(
            value: BLAKE3.ChainingValue(repeating: 0), block: last.loadUnaligned(as: BLAKE3.Block.self),
            counter: 0,
            blockByteCount: UInt32(Int(byteCounts[lane]) - blockCount * BLAKE3.blockByteCount),
            flags: BLAKE3.Flags.chunkEnd | (blockCount == 0 ? BLAKE3.Flags.chunkStart : 0))
          for word in 0..<8 { node.value[word] = values[word][lane] }
          total.apply(node, adding: adds[lane])
        }
      }
      (count, byteCounts) = (0, .zero)
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
