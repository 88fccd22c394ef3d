// The layout of the EVM program's instructions, byte by byte, and what is refused.

import EVM
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import CrossCalls

@Suite struct EthereumInstructionTests {
  private static let address = [UInt8](1...20).withUnsafeBytes { bytes in
    bytes.baseAddress.map { Address(reading: $0) } ?? .zero
  }
  private static let gas: [UInt8] = [0x40, 0xe2, 1, 0, 0, 0, 0, 0]
  private static let seven = [UInt8](repeating: 0, count: 31) + [7]
  private static let nine = [UInt8](repeating: 0, count: 31) + [9]

  private static let layouts: [(EthereumInstruction, [UInt8])] = [
    (
      .run(.init(.call(address), value: 7, gas: 123_456, input: [8, 9]), catches: true),
      [0, 1] + gas + seven + Array(1...20) + [8, 9]
    ),
    (
      .run(.init(.staticCall(address), gas: 123_456, input: [8]), catches: false),
      [1, 0] + gas + Array(1...20) + [8]
    ),
    (.run(.init(.create, value: 7, gas: 123_456, input: [8]), catches: false), [2, 0] + gas + seven + [8]),
    (
      .run(.init(.create2(salt: 9), value: 7, gas: 123_456, input: [8]), catches: true),
      [3, 1] + gas + seven + nine + [8]
    ),
    (.deposit(lamports: 123_456, to: address), [4, 0] + gas + Array(1...20)),
    (.withdraw(lamports: 123_456), [5, 0] + gas),
  ]

  private static func decode(_ bytes: [UInt8]) throws -> EthereumInstruction {
    try bytes.withUnsafeBytes { bytes in try EthereumInstruction(decoding: bytes) }
  }

  @Test func bytesAreTheDocumentedOnes() throws {
    for (instruction, bytes) in Self.layouts {
      #expect(instruction.encode() == bytes)
      #expect(try Self.decode(bytes) == instruction)
    }
  }

  @Test func refusesWhatIsShortOrLong() throws {
    for (instruction, bytes) in Self.layouts {
      var least = bytes.count
      if case .run(let run, _) = instruction { least -= run.input.count }
      for count in 0..<least {
        #expect(throws: EthereumInstructionError.self, "\(count) bytes") {
          try Self.decode(Array(bytes.prefix(count)))
        }
      }
      if least == bytes.count {
        #expect(throws: EthereumInstructionError.self) { try Self.decode(bytes + [0]) }
      }
    }
    #expect(throws: EthereumInstructionError.unknownTag(6)) { try Self.decode([6, 0]) }
    for tag in 0...3 as ClosedRange<UInt8> {
      #expect(throws: EthereumInstructionError.unknownFlags(2)) {
        try Self.decode([tag, 2] + [UInt8](repeating: 0, count: 99))
      }
    }
    #expect(throws: EthereumInstructionError.unknownFlags(1)) {
      try Self.decode([4, 1] + Self.gas + Array(1...20))
    }
    #expect(throws: EthereumInstructionError.unknownFlags(1)) { try Self.decode([5, 1] + Self.gas) }
  }
}
