// Writing bytes back into a shared array without copying what has not changed.

extension [UInt8] {
  /// Becomes equal to `bytes`; an array that already equals them stays shared.
  mutating func replace(with bytes: UnsafeRawBufferPointer) {
    let isEqual = count == bytes.count && withUnsafeBytes { $0.elementsEqual(bytes) }
    if isEqual { return }
    self = Array(bytes)
  }
}
