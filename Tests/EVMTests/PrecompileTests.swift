import Foundation
import Primitives
import Testing

@testable import EVM

/// The precompiles against Ethereum's executable specification, whose results
/// Tools/oracle/precompile_cases.py writes to the file that ESTUARY_PRECOMPILE_CASES names, and against the
/// examples of their EIPs.
@Suite struct PrecompileTests {
  private static let cases: [Substring] = {
    guard let path = ProcessInfo.processInfo.environment["ESTUARY_PRECOMPILE_CASES"],
      let text = try? String(contentsOfFile: path, encoding: .utf8)
    else {
      print("PrecompileTests: ESTUARY_PRECOMPILE_CASES names no file; the specification's cases are skipped")
      return []
    }
    return text.split(separator: "\n")
  }()

  private func bytes(_ text: some StringProtocol) -> [UInt8] { text == "-" ? [] : Hex.decode(String(text))! }

  private func run(_ precompile: Precompile, _ input: [UInt8]) -> [UInt8]? {
    var output: [UInt8] = [1, 2, 3]
    let isDone = input.withUnsafeBytes { precompile.run(input: $0, output: &output) }
    if !isDone { #expect(output == []) }
    return isDone ? output : nil
  }

  private func gas(_ precompile: Precompile, _ input: [UInt8]) -> UInt64 {
    input.withUnsafeBytes { precompile.gasCost(input: $0) }
  }

  @Test(.enabled(if: !cases.isEmpty)) func agreeWithTheSpecification() {
    var (succeeded, failed) = (0, 0)
    for line in Self.cases {
      let fields = line.split(separator: " ")
      let fork = Fork.allCases.first { "\($0)" == fields[0] }!
      if fields[1] == "addresses" {
        let addresses = Precompile.addresses(fork: fork).map { String($0, radix: 16) }
        #expect(addresses.joined(separator: ",") == fields[2])
        continue
      }
      let precompile = Precompile.active(address: UInt16(fields[1], radix: 16)!, fork: fork)!
      let input = bytes(fields[4])
      let expected = fields[3] == "!" ? nil : bytes(fields[3])
      if fields[2] != "-" { #expect(String(gas(precompile, input)) == fields[2], "\(line.prefix(400))") }
      #expect(run(precompile, input) == expected, "\(line.prefix(400))")
      if expected == nil { failed += 1 } else { succeeded += 1 }
    }
    #expect(succeeded > 500 && failed > 300)
  }

  @Test func activation() {
    for fork in Fork.allCases {
      let count =
        switch fork {
        case ..<Fork.byzantium: 4
        case ..<Fork.istanbul: 8
        case ..<Fork.cancun: 9
        case .cancun: 10
        case .prague: 17
        default: 18
        }
      #expect(Precompile.addresses(fork: fork).count == count)
      for address in [0, 0x12, 0x13, 0xff, 0x101, 0x201, 0xffff] as [UInt16] {
        #expect(Precompile.active(address: address, fork: fork) == nil)
      }
    }
    let active = Precompile.addresses(fork: .osaka).compactMap {
      Precompile.active(address: $0, fork: .osaka)
    }
    #expect(Set(active.map(\.function)) == Set(Precompile.Function.allCases))
  }

  /// BLAKE2b of "abc" (EIP-152, test vector 5) and its neighbours that are refused.
  @Test func blake2f() {
    let precompile = Precompile.active(address: 9, fork: .istanbul)!
    let state =
      "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
      + "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
    let good = bytes(
      "0000000c" + state + "616263" + String(repeating: "0", count: 250) + "03"
        + String(repeating: "0", count: 30) + "01")
    let expected = bytes(
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923")
    #expect(run(precompile, good) == expected && gas(precompile, good) == 12)
    #expect(run(precompile, Array(good.dropLast())) == nil && run(precompile, good + [0]) == nil)
    #expect(run(precompile, good.dropLast() + [2]) == nil && run(precompile, []) == nil)
    #expect(run(precompile, good.dropLast() + [0]) != expected)
  }

  /// The pairing of EIP-197's generators with opposite signs, and of BLS12-381's.
  @Test func pairings() {
    let (p, q) = (
      "0000000000000000000000000000000000000000000000000000000000000001"
        + "0000000000000000000000000000000000000000000000000000000000000002",
      "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        + "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        + "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        + "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    )
    let negative =
      "0000000000000000000000000000000000000000000000000000000000000001"
      + "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45"
    let pairing = Precompile.active(address: 8, fork: .byzantium)!
    #expect(run(pairing, bytes(p + q + negative + q)) == Precompile.truth(true))
    #expect(run(pairing, bytes(p + q + p + q)) == Precompile.truth(false))
    #expect(run(pairing, []) == Precompile.truth(true))
    #expect(run(pairing, bytes(p + q + p)) == nil && run(pairing, bytes(q + p)) == nil)
    #expect(gas(pairing, bytes(p + q + p + q)) == 260_000)
    #expect(gas(Precompile.active(address: 8, fork: .istanbul)!, bytes(p + q + p + q)) == 113_000)
    let add = Precompile.active(address: 6, fork: .osaka)!
    #expect(run(add, bytes(p + negative)) == [UInt8](repeating: 0, count: 64))
    #expect(
      run(add, bytes(p)) == bytes(p)
        && run(add, bytes(p + p))
          == run(
            Precompile.active(address: 7, fork: .osaka)!, bytes(p + String(repeating: "0", count: 63) + "2"))
    )
  }

  /// No input of any length or content stops the process.
  @Test func anyBytes() {
    var generator = SplitMix64(seed: 0x5eed)
    for address in Precompile.addresses(fork: .osaka) {
      for length in [0, 1, 31, 32, 64, 96, 128, 160, 192, 213, 256, 288, 384, 512, 768] {
        for fork in [Fork.byzantium, .berlin, .prague, .osaka] {
          guard let precompile = Precompile.active(address: address, fork: fork) else { continue }
          var input = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
          if address == 9, length > 1 { (input[0], input[1]) = (0, 0) }
          _ = gas(precompile, input)
          _ = run(precompile, input)
          _ = run(precompile, [UInt8](repeating: 0, count: length))
        }
      }
    }
  }
}
