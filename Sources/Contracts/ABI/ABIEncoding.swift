// Values to bytes (https://docs.soliditylang.org/en/latest/abi-spec.html#formal-specification-of-the-encoding): a
// sequence is its heads one after another and then the tails of its dynamic parts; offsets count from the sequence's
// start.

import Primitives
import WideIntegers

/// Writes one encoding; `bytes` is complete when `append` returns.
struct ABIEncoder {
  private(set) var bytes: [UInt8] = []

  /// Appends a sequence: heads, then tails.
  mutating func append(_ values: [ABIValue], _ sequence: ABISequence) throws(ABIError) {
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: sequence.headWordCount * 32))
    var head = start
    for index in 0..<sequence.count {
      let type = sequence.type(at: index)
      do throws(ABIError) {
        if type.isDynamic {
          write(UInt256(UInt64(bytes.count - start)), at: head)
          try appendTail(values[index], type)
        } else {
          try write(values[index], type, at: head)
        }
      } catch { throw error.inside(sequence.component(at: index)) }
      head += type.headWordCount * 32
    }
  }

  private mutating func appendTail(_ value: ABIValue, _ type: ABIType) throws(ABIError) {
    switch (type, value) {
    case (.bytes, .bytes(let content)): appendCounted(content)
    case (.string, .string(let text)): appendCounted(Array(text.utf8))
    case (.array(let element), .list(let values)):
      appendWord(UInt256(UInt64(values.count)))
      try append(values, .elements(element, count: values.count))
    case (.fixedArray, .list(let values)), (.tuple, .list(let values)):
      try append(values, try type.sequence(holding: values.count))
    default: throw .value(ABIPath(), type: type.name, .mismatch)
    }
  }

  /// Writes a value without a tail over the zeros of its head.
  private mutating func write(_ value: ABIValue, _ type: ABIType, at head: Int) throws(ABIError) {
    switch (type, value) {
    case (.uint, .uint(let number)), (.fixed(_, _, false), .uint(let number)),
      (.int, .int(let number)), (.fixed(_, _, true), .int(let number)):
      guard let range = type.range, range.contains(number) else {
        throw .value(ABIPath(), type: type.name, type.outOfRange(number))
      }
      write(number, at: head)
    case (.address, .address(let address)): write(UInt256(address), at: head)
    case (.bool, .bool(let flag)): write(flag ? .one : .zero, at: head)
    case (.fixedBytes(let count), .bytes(let content)): try write(content, count, type, at: head)
    case (.function, .bytes(let content)): try write(content, 24, type, at: head)
    case (.fixedArray, .list(let values)), (.tuple, .list(let values)):
      var head = head
      let sequence = try type.sequence(holding: values.count)
      for (index, value) in values.enumerated() {
        let element = sequence.type(at: index)
        do throws(ABIError) { try write(value, element, at: head) } catch {
          throw error.inside(sequence.component(at: index))
        }
        head += element.headWordCount * 32
      }
    default: throw .value(ABIPath(), type: type.name, .mismatch)
    }
  }

  private mutating func write(
    _ content: [UInt8], _ count: Int, _ type: ABIType, at head: Int
  ) throws(ABIError) {
    guard content.count == count else {
      throw .value(ABIPath(), type: type.name, .byteCount(found: content.count, expected: count))
    }
    bytes.replaceSubrange(head..<head + count, with: content)
  }

  private mutating func write(_ word: UInt256, at offset: Int) {
    bytes.replaceSubrange(offset..<offset + 32, with: word.bigEndianBytes)
  }

  private mutating func appendWord(_ word: UInt256) { bytes.append(contentsOf: word.bigEndianBytes) }

  /// The length, the bytes, zeros up to a whole word.
  private mutating func appendCounted(_ content: [UInt8]) {
    appendWord(UInt256(UInt64(content.count)))
    bytes.append(contentsOf: content)
    bytes.append(contentsOf: repeatElement(0, count: (32 - content.count % 32) % 32))
  }
}

extension ABIType {
  /// The parts of a fixed array or a tuple, of which `count` are given.
  func sequence(holding count: Int) throws(ABIError) -> ABISequence {
    let sequence: ABISequence
    switch self {
    case .fixedArray(let element, let expected): sequence = .elements(element, count: expected)
    case .tuple(let members): sequence = .members(members, root: nil)
    default: throw .value(ABIPath(), type: name, .mismatch)
    }
    guard sequence.count == count else {
      throw .value(ABIPath(), type: name, .elementCount(found: count, expected: sequence.count))
    }
    return sequence
  }
}

extension [ABIParameter] {
  /// The encoding of as many values as there are parameters.
  ///
  /// - Parameter signature: what an error calls them.
  package func encode(_ values: [ABIValue], signature: String? = nil) throws(ABIError) -> [UInt8] {
    guard values.count == count else {
      throw .count(signature: signature ?? ABIParameter.list(self), expected: count, found: values.count)
    }
    var encoder = ABIEncoder()
    try encoder.append(values, .members(self, root: .argument))
    return encoder.bytes
  }
}
