// sol_alt_bn128_group_op and sol_alt_bn128_compression: the curve BN254 with the encodings of EIP-196 and
// EIP-197, or with each coordinate in little-endian order where the operation has the bit 0x80 (SIMD-0284;
// SIMD-0302 added G2). A result of 1 means that the input is refused; numbers that name no operation stop
// the program. Unlike Ethereum's precompiles these take points with flags (BN254+Flags.swift). The order of
// the checks and the prices are those of Agave 4.1 (syscalls/src/lib.rs) and its crate solana-bn254.

import Curves
import SBPF

enum PairingSyscalls {
  private static let littleEndianBit: UInt64 = 0x80

  private enum GroupOperation: UInt64 {
    case addG1 = 0
    case multiplyG1 = 2
    case pairing = 3
    case addG2 = 4
    case multiplyG2 = 6

    /// The lengths of the parts of the input: 64 and 128 for points of G1 and G2, 32 for a scalar. A
    /// pairing's repeat.
    var parts: [Int] {
      switch self {
      case .addG1: [64, 64]
      case .multiplyG1: [64, 32]
      case .pairing: [64, 128]
      case .addG2: [128, 128]
      case .multiplyG2: [128, 32]
      }
    }

    var resultByteCount: Int {
      switch self {
      case .addG1, .multiplyG1: 64
      case .pairing: 32
      case .addG2, .multiplyG2: 128
      }
    }

    func units(_ byteCount: UInt64) -> UInt64 {
      let costs = ComputeCosts.BN254.self
      switch self {
      case .addG1: return costs.addG1
      case .multiplyG1: return costs.multiplyG1
      case .addG2: return costs.addG2
      case .multiplyG2: return costs.multiplyG2
      case .pairing:
        let furtherPairs = max(byteCount / 192, 1) - 1
        let (further, overflow) = costs.furtherPair.multipliedReportingOverflow(by: furtherPairs)
        let pairs = saturatingSum(costs.firstPair, overflow ? .max : further)
        return saturatingSum(pairs, saturatingSum(byteCount, ComputeCosts.hashBase + 32))
      }
    }
  }

  // MARK: Group operations

  static let operate: SyscallFunction = { vm, number, address, byteCount, result, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      guard let operation = GroupOperation(rawValue: number & ~littleEndianBit) else {
        throw .invalidAttribute
      }
      let isLittleEndian = number & littleEndianBit > 0
      try machine.consume(operation.units(byteCount))
      let target = try machine.map(result, UInt64(operation.resultByteCount), .store)
      let input = try machine.slice(address, count: byteCount)
      return write(to: target) { () throws(CurveError) in
        try apply(operation, UnsafeRawBufferPointer(input), isLittleEndian)
      }
    }
  }

  private static func apply(
    _ operation: GroupOperation, _ input: UnsafeRawBufferPointer, _ isLittleEndian: Bool
  ) throws(CurveError) -> [UInt8] {
    let parts = operation.parts
    let wholeByteCount = parts.reduce(0, +)
    var bytes = Array(input)
    switch operation {
    case .pairing:
      guard bytes.count % wholeByteCount == 0 else { throw .invalidLength }
    case .addG1, .multiplyG1:
      // In big-endian order missing bytes are zeros.
      guard bytes.count == wholeByteCount || bytes.count < wholeByteCount && !isLittleEndian else {
        throw .invalidLength
      }
      bytes += [UInt8](repeating: 0, count: wholeByteCount - bytes.count)
    case .addG2, .multiplyG2:
      guard bytes.count == wholeByteCount else { throw .invalidLength }
    }
    try normalize(&bytes, parts, isLittleEndian)
    var result = try bytes.borrowed { (bytes) throws(CurveError) in
      switch operation {
      case .addG1: try BN254.add(bytes)
      case .multiplyG1: try BN254.multiply(bytes)
      case .addG2: try BN254.addG2(bytes)
      case .multiplyG2: try BN254.multiplyG2(bytes)
      case .pairing: [UInt8](repeating: 0, count: 31) + [try BN254.pairingProductIsOne(bytes) ? 1 : 0]
      }
    }
    if isLittleEndian { reverse(&result, 0..<result.count, stride: result.count == 128 ? 64 : 32) }
    return result
  }

  /// Brings the input into big-endian order, without flags.
  private static func normalize(
    _ bytes: inout [UInt8], _ parts: [Int], _ isLittleEndian: Bool
  ) throws(CurveError) {
    var (start, index) = (0, 0)
    while start < bytes.count {
      let part = start..<(start + parts[index])
      if isLittleEndian { reverse(&bytes, part, stride: part.count == 128 ? 64 : 32) }
      if part.count > 32 {
        try bytes.edited { (bytes) throws(CurveError) in
          try BN254.clearFlags(UnsafeMutableRawBufferPointer(rebasing: bytes[part]))
        }
      }
      (start, index) = (part.upperBound, (index + 1) % parts.count)
    }
  }

  // MARK: Compression

  /// Operations 0 to 3: compress a point of G1, decompress one, the same for G2.
  static let compress: SyscallFunction = { vm, number, address, byteCount, result, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      let operation = number & ~littleEndianBit
      guard operation <= 3 else { throw .invalidAttribute }
      let (isCompression, isG2) = (operation & 1 == 0, operation & 2 > 0)
      let pointByteCount = isG2 ? BN254.g2ByteCount : BN254.g1ByteCount
      let resultByteCount = isCompression ? pointByteCount / 2 : pointByteCount
      let costs = ComputeCosts.BN254.self
      let units =
        switch operation {
        case 0: costs.compressG1
        case 1: costs.decompressG1
        case 2: costs.compressG2
        default: costs.decompressG2
        }
      try machine.consume(ComputeCosts.syscallBase + units)
      let target = try machine.map(result, UInt64(resultByteCount), .store)
      let input = try machine.slice(address, count: byteCount)
      let stride = number & littleEndianBit == 0 ? nil : (isG2 ? 64 : 32)
      return write(to: target) { () throws(CurveError) in
        guard input.count == (isCompression ? pointByteCount : pointByteCount / 2) else {
          throw .invalidLength
        }
        var bytes = Array(input)
        if let stride { reverse(&bytes, 0..<bytes.count, stride: stride) }
        var result = try bytes.borrowed { (bytes) throws(CurveError) in
          isCompression ? try BN254.compress(bytes) : try BN254.decompress(bytes)
        }
        if let stride { reverse(&result, 0..<result.count, stride: stride) }
        return result
      }
    }
  }

  // MARK: Bytes

  /// Writes what `body` computes and returns 0; where it throws, writes nothing and returns 1.
  private static func write(
    to target: UnsafeMutableRawPointer, _ body: () throws(CurveError) -> [UInt8]
  ) -> UInt64 {
    guard let bytes = try? body() else { return 1 }
    bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: target, count: $0.count).copyMemory(from: $0)
    }
    return 0
  }

  /// Turns round each `stride` bytes of `range`, whose length is a multiple of it.
  private static func reverse(_ bytes: inout [UInt8], _ range: Range<Int>, stride: Int) {
    for start in Swift.stride(from: range.lowerBound, to: range.upperBound, by: stride) {
      bytes[start..<start + stride].reverse()
    }
  }

  private static func saturatingSum(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
  }
}

extension [UInt8] {
  /// `withUnsafeBytes` for bodies that throw a curve's error.
  fileprivate func borrowed<Value>(
    _ body: (UnsafeRawBufferPointer) throws(CurveError) -> Value
  ) throws(CurveError) -> Value {
    let result = withUnsafeBytes { bytes -> Result<Value, CurveError> in
      do throws(CurveError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  fileprivate mutating func edited(
    _ body: (UnsafeMutableRawBufferPointer) throws(CurveError) -> Void
  ) throws(CurveError) {
    let result = withUnsafeMutableBytes { bytes -> Result<Void, CurveError> in
      do throws(CurveError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }
}
