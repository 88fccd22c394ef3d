import Foundation
import Primitives
import RandomPrograms
import SBPF
import Testing
import WideIntegers

@testable import EVM

/// The same code by the naive interpreter and by the VM, in both modes and on every engine.
enum Comparison {
  static let engines: [Engine] = [.interpreter] + (Engine.available.contains(.jit) ? [.jit] : [])

  static func check(
    _ code: [UInt8], fork: Fork = .latest, input: [UInt8] = [], gas: Int64 = 3_000_000, _ name: String = "",
    location: SourceLocation = #_sourceLocation
  ) throws {
    var naive = NaiveEVM(code: code, fork: fork, input: input, gas: gas)
    naive.trace = []
    let expected = naive.run()
    for engine in engines {
      // With branches that do not go far, islands take most of them on.
      for reach in [Translation.maxReach, 256] {
        let fast = try TranslatorRig.run(
          code: code, fork: fork, mode: .fast, engine: engine, input: input, gas: gas, reach: reach)
        let agreed = agree(fast, expected)
        #expect(
          agreed, "\(name) fast \(engine) \(fork) \(reach): \(difference(fast, expected))",
          sourceLocation: location)
      }
      var trace: [TraceStep] = []
      let traced = try withUnsafeMutablePointer(to: &trace) {
        try TranslatorRig.run(
          code: code, fork: fork, mode: .tracing, engine: engine, input: input, gas: gas, trace: $0)
      }
      let sameResult = traced == expected
      #expect(
        sameResult, "\(name) tracing \(engine) \(fork): \(difference(traced, expected))",
        sourceLocation: location)
      let sameTrace = trace == naive.trace
      #expect(sameTrace, "\(name) trace \(engine) \(fork)", sourceLocation: location)
    }
  }

  private static func difference(_ result: FrameResult, _ expected: FrameResult) -> String {
    "\(result.ending) not \(expected.ending), gas \(result.gasLeft) not \(expected.gasLeft)"
      + (result.output == expected.output ? "" : ", output")
      + (result.world == expected.world ? "" : ", world")
  }

  /// A line's checks come at its start, so another one of its faults may be found, or one of its line's shortages.
  static func agree(_ result: FrameResult, _ expected: FrameResult) -> Bool {
    guard case .faulted(let fault) = expected.ending else { return result == expected }
    guard case .faulted(let found) = result.ending else { return false }
    return found == fault || [.outOfGas, .stackUnderflow, .stackOverflow].contains(found)
  }
}

@Suite(.serialized) struct TranslatorTests {
  static let forks: [Fork] = [
    .frontier, .tangerineWhistle, .byzantium, .istanbul, .london, .shanghai, .osaka,
  ]

  @Test(arguments: forks) func randomProgramsAsTheNaiveInterpreter(fork: Fork) throws {
    let count = Int(ProcessInfo.processInfo.environment["ESTUARY_EVM_PROGRAMS"] ?? "") ?? 60
    var random = SplitMix64(seed: 0x7261_6e64 &+ UInt64(fork.rawValue))
    for _ in 0..<count {
      let seed = random.next()
      let code = RandomProgram.code(seed: seed, fork: fork, size: 4 + Int(seed % 60))
      let input = (0..<Int(seed >> 8 % 70)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ Int(seed & 7)) }
      // Now and then the gas does not suffice.
      let gas: Int64 = seed >> 20 % 5 == 0 ? Int64(seed >> 24 % 4000) : 3_000_000
      #expect(throws: Never.self, "seed \(seed)") {
        try Comparison.check(code, fork: fork, input: input, gas: gas, "seed \(seed)")
      }
    }
  }

  /// Bytes that mean nothing: they have a translation that the verifier accepts, and end as they should.
  @Test func randomBytes() throws {
    var random = SplitMix64(seed: 0xb17e5)
    for round in 0..<3000 {
      let code = (0..<Int(random.next() % 80)).map { _ in Self.byte(&random, round % 3) }
      try Comparison.check(code, fork: round % 2 == 0 ? .osaka : .byzantium, gas: 30_000, "bytes \(code)")
    }
  }

  private static func byte(_ random: inout SplitMix64, _ kind: Int) -> UInt8 {
    let byte = UInt8(truncatingIfNeeded: random.next())
    if kind == 0 { return byte }
    // Mostly what moves the stack and jumps.
    let common: [UInt8] = [
      0x5b, 0x5b, 0x56, 0x57, 0x60, 0x60, 0x58, 0x80, 0x81, 0x82, 0x90, 0x91, 0x92, 0x50, 0x01, 0x03, 0x10,
      0x14,
      0x15, 0x16, 0x5a, 0x36, 0x52, 0x51, 0x54, 0x55, 0x20, 0x3d, 0x5f, 0x09, 0x0a,
    ]
    return common[Int(byte) % common.count]
  }

  static let cases: [(String, String)] = [
    ("empty", ""),
    ("stop", "00"),
    ("only a destination", "5b"),
    ("falls off the end", "6001"),
    ("push without its data", "61"),
    ("push32 cut short", "7f0102"),
    ("destination in push data", "6003565b6156005b00"),
    ("jump into push data", "6004565b605b00"),
    ("jump to itself forever", "5b600056"),
    ("bad constant jump", "60ff56"),
    ("bad constant branch taken", "600160ff57"),
    ("bad constant branch not taken", "600060ff5700"),
    ("bad dynamic branch not taken", "3660ff0136600057"),
    ("huge target", "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff56"),
    ("target 2^64 + 3", "6800000000000000010356005b"),
    ("swap circle kept over a branch", "600160026003919091365f146013575b60005260206000f35b"),
    ("revert", "60205f5ffd"),
    ("undefined", "0c"),
    ("invalid", "fe"),
    ("underflow", "01"),
    ("underflow deep", "60016002600303505050"),
    ("exp by constants", "60056003600a0a0a5f5260205ff3"),
    ("mulmod with the modulus below", "6007600836600909600052596000f3"),
    ("addmod of constants by calldatasize", "36600836600909086000525960005ff3"),
    ("sstore at the sentry", "5a6001556001600255"),
    ("selfdestruct", "6001ff"),
    ("jumpi with everything constant", "6001600757fe005b60005260206000f3"),
    ("gas in a loop", "60055b5a506001900380600257005a5a"),
  ]

  @Test(arguments: cases) func smallCodes(name: String, hex: String) throws {
    let code = Hex.decode(hex)!
    for gas: Int64 in [0, 1, 5, 20, 2300, 2310, 2500, 100_000] {
      for fork in Self.forks {
        try Comparison.check(code, fork: fork, input: [1, 2, 3], gas: gas, name)
      }
    }
  }

  /// Lines that no stack is large enough for: what faults is the first operation that finds too few or too many words.
  @Test func linesOfMoreThanAWholeStack() throws {
    for height in [0, 1, 100, 500, 600, 1000, 1023, 1024] {
      for (first, then) in [
        (1025, 0), (-1025, 0), (-1000, 1100), (600, -1100), (-500, 1025), (1024, -1025), (-1, 1025),
      ] {
        var code = [UInt8](repeating: 0x58, count: height) + [0x5b]
        for count in [first, then] {
          code += [UInt8](repeating: count < 0 ? 0x50 : 0x58, count: abs(count))
        }
        var naive = NaiveEVM(code: code, fork: .osaka, input: [], gas: 100_000)
        let expected = naive.run()
        for engine in Comparison.engines {
          let result = try TranslatorRig.run(
            code: code, fork: .osaka, mode: .fast, engine: engine, input: [], gas: 100_000)
          #expect(result.ending == expected.ending, "\(first) and \(then) from \(height) words, \(engine)")
        }
      }
    }
  }

  /// Every operation on every pair of values that is interesting, with the operands as constants, as words of the stack,
  /// and one of each.
  @Test func edgeOperandsOfEveryOperation() throws {
    let values: [UInt256] = [
      .zero, .one, 2, 3, 8, 31, 32, 255, 256, 257, UInt256(.max), UInt256.one << 64,
      (UInt256.one << 160) &- .one,
      UInt256.one << 255, UInt256.max, UInt256.max &- .one, UInt256.one << 192, (UInt256.one << 255) &- .one,
    ]
    let operations: [UInt8] =
      Array(0x01...0x07) + [0x0a, 0x0b] + Array(0x10...0x14) + [0x15, 0x16, 0x17, 0x18, 0x19]
      + Array(0x1a...0x1e)
    for operation in operations {
      for kinds in 0..<4 {
        var code: [UInt8] = []
        var input: [UInt8] = []
        var offset = 0
        for a in values {
          for b in values {
            for (value, isConstant) in [(b, kinds & 1 != 0), (a, kinds & 2 != 0)] {
              if isConstant {
                code += [0x7f] + value.bigEndianBytes
              } else {
                code += [0x61, UInt8(input.count >> 8), UInt8(input.count & 255), 0x35]
                input += value.bigEndianBytes
              }
            }
            code += [operation, 0x61, UInt8(offset >> 8), UInt8(offset & 255), 0x52]
            if operation == 0x15 || operation == 0x19 || operation == 0x1e { code += [0x50] }
            offset += 32
          }
          // Short lines: a constant's slot would otherwise be the place of the next.
          code += [0x5b]
        }
        code += [0x61, UInt8(offset >> 8), UInt8(offset & 255), 0x5f, 0xf3]
        var naive = NaiveEVM(code: code, fork: .osaka, input: input, gas: 10_000_000)
        let expected = naive.run()
        #expect(expected.ending == .returned)
        for engine in Comparison.engines {
          let result = try TranslatorRig.run(
            code: code, fork: .osaka, mode: .fast, engine: engine, input: input, gas: 10_000_000)
          #expect(result == expected, "operation \(operation) kinds \(kinds) \(engine)")
        }
      }
    }
  }
}
