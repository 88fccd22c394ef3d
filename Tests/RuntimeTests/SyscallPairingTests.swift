// sol_alt_bn128_group_op and sol_alt_bn128_compression: results, units and refusals as LiteSVM (Agave 4.1) shows them.

import Testing

@testable import Runtime
@testable import SBPF

struct SyscallPairingTests {
  private static let field = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"
  /// G1's generator (1, 2), its negative and its double.
  private static let g1 = word(1) + word(2)
  private static let negative =
    word(1) + hex("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45")
  private static let double =
    hex("030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3")
    + hex("15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4")
  private static let g2 = hex(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
      + "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
      + "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
      + "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa")
  private static let untouched = [UInt8](repeating: 0xaa, count: 128)

  private static func word(_ value: UInt8) -> [UInt8] { [UInt8](repeating: 0, count: 31) + [value] }

  private static func flagged(_ bytes: [UInt8], _ offset: Int, _ bits: UInt8) -> [UInt8] {
    var bytes = bytes
    bytes[offset] |= bits
    return bytes
  }

  private static func reversed(_ bytes: [UInt8], by stride: Int) -> [UInt8] {
    Swift.stride(from: 0, to: bytes.count, by: stride).flatMap { bytes[$0..<$0 + stride].reversed() }
  }

  private struct Check {
    var operation: UInt64
    var input: [UInt8]
    /// nil where the call returns 1 and writes nothing.
    var result: [UInt8]?
    var units: Int64
  }

  private func run(_ syscall: String, _ checks: [Check]) throws {
    let rig = try SyscallRig()
    for (index, check) in checks.enumerated() {
      rig.write(check.input, at: heap)
      rig.write(Self.untouched, at: heap + 4096)
      let count = UInt64(check.input.count)
      let outcome = try rig.call(syscall, check.operation, heap, count, heap + 4096, 0)
      #expect(outcome == .ok(check.result == nil ? 1 : 0, units: check.units), "check \(index)")
      let expected = (check.result ?? []) + Self.untouched[(check.result?.count ?? 0)...]
      #expect(rig.read(heap + 4096, 128) == expected, "check \(index)")
      let short = try rig.call(
        syscall, check.operation, heap, count, heap + 4096, 0, units: check.units - 1)
      #expect(short == .failed(.outOfUnits, units: check.units - 1), "check \(index)")
    }
    for operation in [1, 5, 7, 8, 0x81, 0x88, 0x100, 0x180, UInt64.max] as [UInt64]
    where syscall.contains("group") || operation > 7 && operation != 0x81 {
      let outcome = try rig.call(syscall, operation, heap, 64, heap + 4096, 0)
      #expect(outcome == .failed(.invalidAttribute, units: 0))
    }
  }

  @Test func groupOperations() throws {
    let zero = [UInt8](repeating: 0, count: 64)
    let little = { (bytes: [UInt8]) in Self.reversed(bytes, by: 32) }
    let (g1, g2, double) = (Self.g1, Self.g2, Self.double)
    let pair = g1 + g2
    let pairs = pair + Self.negative + g2
    let littlePairs =
      little(g1) + Self.reversed(g2, by: 64) + little(Self.negative) + Self.reversed(g2, by: 64)
    try run(
      "sol_alt_bn128_group_op",
      [
        Check(operation: 0, input: g1 + g1, result: double, units: 334),
        Check(operation: 0, input: g1, result: g1, units: 334),
        Check(operation: 0, input: [], result: zero, units: 334),
        Check(operation: 0, input: g1 + Self.negative, result: zero, units: 334),
        Check(operation: 0, input: g1 + g1 + [0], result: nil, units: 334),
        Check(operation: 0, input: g1 + Self.word(1) + Self.word(3), result: nil, units: 334),
        Check(operation: 0, input: g1 + hex(Self.field) + Self.word(0), result: nil, units: 334),
        // A flag for the sign of y means nothing, one for infinity rules, both are refused.
        Check(operation: 0, input: Self.flagged(g1 + g1, 32, 0x80), result: double, units: 334),
        Check(operation: 0, input: Self.flagged(g1 + g1, 32, 0x40), result: g1, units: 334),
        Check(operation: 0, input: Self.flagged(g1 + g1, 32, 0xc0), result: nil, units: 334),
        Check(operation: 0, input: Self.flagged(g1 + g1, 0, 0x80), result: nil, units: 334),
        Check(operation: 0, input: Self.flagged(zero, 32, 0x80), result: nil, units: 334),
        Check(operation: 0x80, input: little(g1 + g1), result: little(double), units: 334),
        Check(operation: 0x80, input: little(g1), result: nil, units: 334),
        Check(operation: 2, input: g1 + Self.word(2), result: double, units: 3840),
        Check(operation: 2, input: g1, result: zero, units: 3840),
        Check(operation: 2, input: g1 + Self.word(2) + [0], result: nil, units: 3840),
        Check(operation: 0x82, input: little(g1 + Self.word(2)), result: little(double), units: 3840),
        Check(operation: 0x82, input: little(g1), result: nil, units: 3840),
        Check(operation: 3, input: pairs, result: Self.word(1), units: 36_481 + 12_121 + 384),
        Check(operation: 3, input: pair, result: Self.word(0), units: 36_481 + 192),
        Check(operation: 3, input: [], result: Self.word(1), units: 36_481),
        Check(operation: 3, input: pair + [0], result: nil, units: 36_481 + 193),
        Check(
          operation: 0x83, input: littlePairs, result: little(Self.word(1)), units: 36_481 + 12_121 + 384),
        Check(operation: 4, input: g2 + [UInt8](repeating: 0, count: 128), result: g2, units: 535),
        Check(operation: 4, input: g2, result: nil, units: 535),
        Check(operation: 6, input: g2 + Self.word(1), result: g2, units: 15_670),
        Check(operation: 6, input: g2, result: nil, units: 15_670),
        Check(
          operation: 0x86, input: Self.reversed(g2, by: 64) + little(Self.word(1)),
          result: Self.reversed(g2, by: 64), units: 15_670),
      ])
  }

  @Test func compression() throws {
    let (g1, g2) = (Self.g1, Self.g2)
    let infinity = [0x40] + [UInt8](repeating: 0, count: 31)
    let zero = [UInt8](repeating: 0, count: 64)
    let sign: UInt8 = 0x80
    try run(
      "sol_alt_bn128_compression",
      [
        Check(operation: 0, input: g1, result: Self.word(1), units: 130),
        Check(operation: 0, input: Self.negative, result: Self.flagged(Self.word(1), 0, sign), units: 130),
        Check(operation: 0, input: zero, result: Self.word(0), units: 130),
        Check(operation: 0, input: Self.flagged(g1, 32, 0x40), result: infinity, units: 130),
        Check(operation: 0, input: Self.flagged(g1, 32, 0xc0), result: nil, units: 130),
        Check(operation: 0, input: Self.word(1) + Self.word(3), result: Self.word(1), units: 130),
        Check(operation: 0, input: hex(Self.field) + Self.word(2), result: nil, units: 130),
        Check(operation: 0, input: g1 + [0], result: nil, units: 130),
        Check(operation: 1, input: Self.word(1), result: g1, units: 498),
        Check(operation: 1, input: Self.flagged(Self.word(1), 0, sign), result: Self.negative, units: 498),
        Check(operation: 1, input: Self.word(0), result: zero, units: 498),
        Check(operation: 1, input: infinity, result: zero, units: 498),
        Check(operation: 1, input: Self.flagged(Self.word(1), 0, 0xc0), result: nil, units: 498),
        Check(operation: 1, input: Self.word(4), result: nil, units: 498),
        Check(operation: 1, input: hex(Self.field), result: nil, units: 498),
        Check(operation: 1, input: g1, result: nil, units: 498),
        Check(operation: 2, input: g2, result: Array(g2[..<64]), units: 186),
        Check(operation: 2, input: g1, result: nil, units: 186),
        Check(operation: 3, input: Array(g2[..<64]), result: g2, units: 13_710),
        Check(operation: 3, input: g2, result: nil, units: 13_710),
        Check(
          operation: 0x80, input: Self.reversed(g1, by: 32), result: Self.reversed(Self.word(1), by: 32),
          units: 130),
        Check(
          operation: 0x83, input: Array(Self.reversed(g2, by: 64)[..<64]), result: Self.reversed(g2, by: 64),
          units: 13_710),
      ])
  }
}
