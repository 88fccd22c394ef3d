// Memory, and what is known of it on the way through a line: words that were stored to or loaded from constant offsets
// need not be loaded again while nothing may have overwritten them. Memory has grown as far at the first access, so
// the second one costs no more than its base gas.
import SBPF
import WideIntegers

/// 32 bytes of memory whose value is known.
struct KnownWord: BitwiseCopyable {
  var offset: Int
  /// Referenced once for this.
  var value: VirtualValue
}

extension Translation {
  private static let maxKnownWords = 8
  /// Offsets beyond are not worth knowing: such memory costs more gas than there is.
  private static let maxKnownOffset: UInt64 = 1 << 32

  private func knownOffset(_ value: VirtualValue) -> Int? {
    guard !isTracing, let word = constant(value), word < UInt256(Translation.maxKnownOffset) else {
      return nil
    }
    return Int(truncatingIfNeeded: word.limb0)
  }

  mutating func load() {
    let address = pop()
    guard let offset = knownOffset(address) else { return pushResult(.wload, address, bits: 256) }
    for index in 0..<knownWords.count where knownWords[index].offset == offset {
      retain(knownWords[index].value)
      return push(knownWords[index].value)
    }
    pushResult(.wload, address, bits: 256)
    learn(entries[height &- 1], at: offset)
  }

  mutating func store() {
    let (address, value) = emitStore(.wstore)
    if let offset = knownOffset(address) {
      forgetMemory(from: offset, byteCount: 32)
      learn(value, at: offset)
    } else {
      forgetMemory()
    }
    release(value)
  }

  mutating func storeByte() {
    let (address, value) = emitStore(.wstore8)
    if let offset = knownOffset(address) {
      forgetMemory(from: offset, byteCount: 1)
    } else {
      forgetMemory()
    }
    release(value)
  }

  /// The address, released, and the value, which is not.
  private mutating func emitStore(_ opcode: Opcode) -> (address: VirtualValue, value: VirtualValue) {
    let (a, b) = (pop(), pop())
    let (numberA, narrowA) = operand(a)
    let (numberB, narrowB) = operand(b)
    release(a)
    emit(
      opcode, flags: (narrowA ? WideWord.narrowA : 0) | (narrowB ? WideWord.narrowB : 0), a: numberA,
      b: numberB)
    return (a, b)
  }

  private mutating func learn(_ value: VirtualValue, at offset: Int) {
    retain(value)
    let known = KnownWord(offset: offset, value: value)
    if knownWords.count < Translation.maxKnownWords { return knownWords.append(known) }
    release(knownWords[oldestKnownWord].value)
    knownWords[oldestKnownWord] = known
    oldestKnownWord = (oldestKnownWord &+ 1) % Translation.maxKnownWords
  }

  /// Forgets what overlaps [offset, offset + byteCount).
  private mutating func forgetMemory(from offset: Int, byteCount: Int) {
    var index = knownWords.count
    while index > 0 {
      index &-= 1
      let start = knownWords[index].offset
      if start < offset &+ byteCount, offset < start &+ 32 { forget(index) }
    }
  }

  mutating func forgetMemory() {
    while let known = knownWords.popLast() { release(known.value) }
  }

  /// Forgets words for whose sake one of `places` is not free.
  mutating func forgetMemory(in places: Range<Int>) {
    var index = knownWords.count
    while index > 0 {
      index &-= 1
      let value = knownWords[index].value
      if !value.isConstant, places.contains(value.position) { forget(index) }
    }
  }

  private mutating func forget(_ index: Int) {
    release(knownWords[index].value)
    knownWords[index] = knownWords[knownWords.count &- 1]
    knownWords.truncate(to: knownWords.count &- 1)
  }
}

extension EVMOpcode {
  /// Whether the host may write to the frame's memory.
  var mayWriteMemory: Bool {
    switch self {
    case .calldatacopy, .codecopy, .extcodecopy, .returndatacopy, .mcopy, .call, .callcode, .delegatecall,
      .staticcall:
      true
    default: false
    }
  }
}
