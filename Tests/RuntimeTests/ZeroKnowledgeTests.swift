// Proofs against what LiteSVM says of them, and against damage of every kind. Tools/oracle/proof_cases.py writes the file.

import Foundation
import Ledger
import Primitives
import Testing

@testable import Runtime

struct ProofCase: CustomTestStringConvertible, Sendable {
  let name: String
  let kind: ProofKind
  let data: [UInt8]
  /// Why it is refused, as the log says; `nil` for a proof that holds.
  let refusal: String?

  var testDescription: String { name }

  static let all: [ProofCase] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Cases/proofs.jsonl")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").compactMap { line in
      guard let json = try? JSONValue.parse(String(line)), let name = json["name"]?.string,
        let kind = json["kind"]?.uint64.flatMap({ ProofKind(rawValue: UInt8($0)) }),
        let data = json["data"]?.string.flatMap({ Hex.decode($0) }), let refused = json["refused"]
      else { return nil }
      return ProofCase(name: name, kind: kind, data: data, refusal: refused.string)
    }
  }()

  /// One that holds.
  static func sound(_ kind: ProofKind) throws -> ProofCase {
    try #require(all.first { $0.kind == kind && $0.refusal == nil })
  }
}

@Suite struct ZeroKnowledgeTests {
  /// The reason for refusing a proof; `nil` where it holds.
  private static func refusal(_ data: [UInt8], _ kind: ProofKind) -> String? {
    data.withUnsafeBytes { data in
      do throws(ProofError) {
        try kind.verify(data)
        return nil
      } catch {
        return error.description
      }
    }
  }

  @Test func theTableIsRead() {
    #expect(ProofCase.all.count > 140)
    #expect(Set(ProofCase.all.compactMap(\.refusal)).count >= 28)
    for kind in ProofKind.allCases {
      #expect(ProofCase.all.contains { $0.kind == kind && $0.refusal == nil })
    }
  }

  @Test(arguments: ProofCase.all)
  func proof(_ test: ProofCase) {
    #expect(test.data.count == test.kind.byteCount)
    #expect(Self.refusal(test.data, test.kind) == test.refusal)
  }

  @Test func generators() {
    #expect(
      Hex.encode(Pedersen.h.compressed.bytes)
        == "8c9240b456a9e6dc65c377a1048d745f94a08cdb7f44cbcd7b46f34048871134")
    let vectors = [
      ("G", 0, "e4d549716460013e71c032240c93ea1b1969cbc9e89c5d6b43adbf6c1df10724"),
      ("G", 255, "c040474b2018614f0c0346484aa4c6efc4ff357d836038632c8a31c03fc9184b"),
      ("H", 0, "5a85e8485fcd463d97c976bcfdbf269206e49565b3ffc872defbea4f50b61b5c"),
      ("H", 255, "e64f97b05a0bc7f42cf3a05ddf10be509995d228b60f8531ed56cd553a0b3e20"),
    ]
    for (label, index, encoding) in vectors {
      let generators = RangeGenerators.generators(label)
      #expect(generators.count == 256)
      #expect(Hex.encode(generators[index].compressed.bytes) == encoding)
    }
  }

  /// Every bit of a statement and its proof counts.
  @Test(arguments: ProofKind.allCases)
  func flippedBits(_ kind: ProofKind) throws {
    let sound = try ProofCase.sound(kind).data
    var random = SplitMix64(seed: UInt64(kind.rawValue))
    let isRange = kind.rawValue >= 6 && kind.rawValue <= 8
    for _ in 0..<(isRange ? 40 : 200) {
      var data = sound
      let bit = Int(random.next() % UInt64(8 * data.count))
      data[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(Self.refusal(data, kind) != nil, "bit \(bit)")
    }
  }

  /// Words that are no points, points, scalars, small, large, the identity, or those of other proofs: refused, and no trap.
  @Test(arguments: ProofKind.allCases)
  func exchangedWords(_ kind: ProofKind) throws {
    let sound = try ProofCase.sound(kind).data
    let others = ProofCase.all.filter { $0.refusal == nil }.map(\.data)
    var random = SplitMix64(seed: 99 + UInt64(kind.rawValue))
    for _ in 0..<400 {
      var data = sound
      for _ in 0...random.next() % 4 {
        let place = Int(random.next() % UInt64(data.count / 8)) * 8
        let word: [UInt8] =
          switch random.next() % 5 {
          case 0: [UInt8](repeating: 0, count: 32)
          case 1: [UInt8](repeating: 255, count: 32)
          case 2: random.bytes(32)
          case 3: RistrettoPoint(uniform: random.bytes(64)).compressed.bytes
          default: Array(others[Int(random.next() % UInt64(others.count))].prefix(32))
          }
        for (index, byte) in word.enumerated() where place + index < data.count { data[place + index] = byte }
      }
      if data != sound { #expect(Self.refusal(data, kind) != nil) }
    }
  }

  @Test(arguments: ProofKind.allCases)
  func randomBytes(_ kind: ProofKind) {
    var random = SplitMix64(seed: 777 + UInt64(kind.rawValue))
    for count in 0..<300 {
      var data = random.bytes(kind.byteCount)
      // Points here and there, so that decoding gets further.
      for place in stride(from: 0, to: data.count - 31, by: 32) where random.next() % 300 < count {
        data.replaceSubrange(
          place..<place + 32, with: RistrettoPoint(uniform: random.bytes(64)).compressed.bytes)
      }
      #expect(Self.refusal(data, kind) != nil)
    }
  }

  /// Instructions of every length up to a little more than the proof's: an error, and the units are taken.
  @Test(arguments: ProofKind.allCases)
  func lengths(_ kind: ProofKind) throws {
    let template = try #require(BuiltinCase.all.first { $0.name == "proof close" })
    let sound = [kind.rawValue] + (try ProofCase.sound(kind)).data
    for count in [1, 2, 3, 4, 5, 6, 33, sound.count - 1, sound.count + 1, sound.count + 32] {
      let data = Array((sound + [UInt8](repeating: 0, count: 32)).prefix(count))
      let stage = try BuiltinStage(template, data: data)
      // Five bytes are an offset, into an account that is too short.
      #expect(stage.run() == (count == 5 ? .invalidAccountData : .invalidInstructionData))
      #expect(
        BuiltinStage.units - stage.invoke.remainingUnits
          == ProofProgram.instructions[Int(kind.rawValue)].units)
      #expect(stage.invoke.logs.lines.contains("invalid proof data") == (count != 5))
    }
  }

  /// Proofs that lie in an account, at every border; the statement goes to another account.
  @Test(arguments: ProofKind.allCases)
  func offsets(_ kind: ProofKind) throws {
    let template = try #require(BuiltinCase.all.first { $0.name == "proof kept, from an account" })
    let sound = try ProofCase.sound(kind).data
    for (before, after) in [(0, 0), (0, 7), (13, 0), (5, 9)] {
      let held = [UInt8](repeating: 1, count: before) + sound + [UInt8](repeating: 2, count: after)
      for delta in [-1, 0, 1, after + 1, Int(Int32.max), Int(UInt32.max) - before] where before + delta >= 0 {
        let offset = UInt32(before + delta)
        let data = [kind.rawValue] + withUnsafeBytes(of: offset.littleEndian) { Array($0) }
        let stage = try BuiltinStage(template, data: data)
        stage.invoke.transaction.accounts[1].data = held
        stage.invoke.transaction.accounts[2].data = [UInt8](repeating: 0, count: 33 + kind.contextByteCount)
        let error = stage.run()
        let fits = Int(offset) + sound.count <= held.count
        if delta == 0 {
          #expect(error == nil)
          let kept = stage.invoke.transaction.accounts[2].data
          #expect(
            kept == stage.invoke.transaction.keys[3].bytes + [kind.rawValue]
              + sound.prefix(kind.contextByteCount))
        } else {
          #expect(error == (fits ? .invalidInstructionData : .invalidAccountData))
        }
      }
    }
  }
}

extension SplitMix64 {
  fileprivate mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}
