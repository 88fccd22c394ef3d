import Primitives
import SBPF
import Testing
import WideIntegers

@testable import EVM

/// How large translations may become, whatever the code, and that they are verified.
@Suite struct TranslatorBoundsTests {
  /// Slots a byte of code, and for any code at all.
  static let maxSlotsPerByte = 12
  static let constantSlots = 16

  static func check(
    _ code: [UInt8], _ name: String, fork: Fork = .osaka, location: SourceLocation = #_sourceLocation
  ) throws -> ProgramImage {
    let image = Translator.translate(code: code, fork: fork, mode: .fast)
    #expect(throws: Never.self, "\(name)", sourceLocation: location) { try Verifier.verify(image) }
    let slotCount = image.text.count / 8
    #expect(
      slotCount <= maxSlotsPerByte * code.count + constantSlots, "\(name): \(slotCount) of \(code.count)",
      sourceLocation: location)
    #expect((image.wide?.constants.count ?? 0) <= WideOperand.maxConstantCount)
    // Branches that do not go far: how much comes before the next island has to be reckoned right all the time.
    for reach in [256, 1000, 4000] {
      let image = Translator.translate(code: code, fork: fork, mode: .fast, reach: reach)
      #expect(throws: Never.self, "\(name), reach \(reach)", sourceLocation: location) {
        try Verifier.verify(image)
      }
    }
    return image
  }

  static let patterns: [[UInt8]] = [
    [0x8f], [0x9f], [0x5b], [0x90], [0x5b, 0x90], [0x5b, 0x9f], [0x5b, 0x8f], [0x8f, 0x57], [0x9f, 0x57],
    [0x57], [0x56, 0x5b], [0x58, 0x58, 0x55], [0x58, 0x58, 0x57], [0x5f, 0x57], [0x9f, 0x55],
    [0x8f, 0x8e, 0x55],
    [0x9f, 0x9e, 0x9d, 0xf1], [0x9f, 0x9e, 0x5b], [0x9f, 0x80, 0x5f, 0x57], [0x91, 0x60, 0x00, 0x57], [0x5a],
    [0x5a, 0x50], [0x5a, 0x90, 0x55], [0x09], [0x80, 0x91, 0x09], [0x92, 0x08], [0x0a], [0x00], [0xfe],
    [0x0c],
    [0x58, 0x19, 0x52], [0x80, 0x02], [0x80, 0x19, 0x52], [0x58, 0x50], [0x60, 0x00, 0x57, 0x5b], [0xa4],
    [0x3e],
    [0x36, 0x90, 0x61, 0xff, 0xff, 0x57], [0x9f, 0x9e, 0x9d, 0x9c, 0x9b, 0x60, 0x00, 0x57],
    [0x15, 0x15, 0x57],
    [0x36, 0x5f, 0x57], [0x36, 0x91, 0x5f, 0x57],
  ]

  @Test(arguments: patterns) func repeatedPatterns(pattern: [UInt8]) throws {
    for (prefix, name) in [
      ([UInt8](), "bare"), ([0x5b], "after a destination"), (stacked, "on a high stack"),
    ] {
      for count in [1, 3, 40, 1500, 24_576 / pattern.count] {
        let code = prefix + (0..<count).flatMap { _ in pattern }
        _ = try Self.check(code, "\(pattern) × \(count) \(name)")
      }
    }
  }

  /// 40 words that are no constants.
  private var stacked: [UInt8] { [0x5b] + [UInt8](repeating: 0x36, count: 40) }

  @Test func randomBytesOfAnySize() throws {
    var random = SplitMix64(seed: 0x512e)
    for round in 0..<400 {
      let count = Int(random.next() % (round % 20 == 0 ? 60_000 : 3000))
      var code = [UInt8](repeating: 0, count: count)
      // Uniform bytes, bytes from a few, and repetitions of a short run.
      let few = (0..<(2 + round % 12)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      for index in 0..<count {
        code[index] =
          switch round % 3 {
          case 0: UInt8(truncatingIfNeeded: random.next())
          case 1: few[Int(random.next() % UInt64(few.count))]
          default: few[index % few.count]
          }
      }
      _ = try Self.check(code, "round \(round)", fork: Fork.allCases[round % Fork.allCases.count])
      let traced = Translator.translate(code: Array(code.prefix(2000)), fork: .osaka, mode: .tracing)
      #expect(throws: Never.self) { try Verifier.verify(traced) }
      #expect(traced.wide?.pcMap.count == traced.text.count / 8)
    }
  }

  @Test func randomOperationsWithRoomOnTheStack() throws {
    var random = SplitMix64(seed: 0x0bbf)
    for round in 0..<200 {
      var code = stacked
      while code.count < 6000 {
        let byte = UInt8(truncatingIfNeeded: random.next())
        // Terminators and what is undefined would end most lines at once.
        let operation = EVMOpcodeTable.operation(byte, in: .osaka)
        if operation.kind == .undefined || operation.kind == .end || byte == 0xfe || byte == 0x56 { continue }
        if (0x62...0x7f).contains(byte) && random.next() % 8 != 0 { continue }
        code.append(byte)
      }
      _ = try Self.check(code, "round \(round)")
    }
  }

  /// More distinct constants than the pool takes.
  @Test(arguments: [49_152, 150_000]) func manyConstants(byteCount: Int) throws {
    // Every constant is stored, then all of memory hashed.
    var code: [UInt8] = []
    var number = 0
    while code.count < byteCount - 10 {
      code += [0x62, UInt8(1 + number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255), 0x58, 0x52]
      code += [0x58, 0x19, 0x80, 0x19, 0x55]
      if number % 100 == 99 { code += [0x5b] }
      number += 1
    }
    code += [0x59, 0x5f, 0x20, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]
    let image = try Self.check(code, "many constants")
    var naive = NaiveEVM(code: code, fork: .osaka, input: [], gas: 1_000_000_000)
    let expected = naive.run()
    #expect(expected.ending == .returned)
    let result = try TranslatorRig.run(
      image, fork: .osaka, engine: .interpreter, input: [], gas: 1_000_000_000)
    #expect(result == expected)
  }

  /// Branches that reach farther than their 16 bits, both ways, over one long line and over many.
  @Test(arguments: [true, false]) func farJumps(hasDestinations: Bool) throws {
    var filler: [UInt8] = []
    while filler.count < 44_000 {
      // Costs slots: stores of gas to a computed place; no line is left.
      filler += [0x5a, 0x36, 0x52]
      if hasDestinations, filler.count % 30 == 0 { filler += [0x5b] }
    }
    // if (input) goto end; filler; goto out; end: filler2: if (input byte) goto start...
    let end = 8 + filler.count + 12
    let code: [UInt8] =
      [0x36, 0x62, 0, UInt8(end >> 8), UInt8(end & 255), 0x57, 0x36, 0x50] + filler
      + [0x5a, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3, 0, 0, 0, 0, 0] + [
        0x5b, 0x36, 0x60, 0x20, 0x10, 0x5f, 0x52,
      ]
      + [0x60, 0x20, 0x5f, 0xf3]
    let image = try Self.check(code, "far")
    for input in [[UInt8](), [1, 2]] {
      var naive = NaiveEVM(code: code, fork: .osaka, input: input, gas: 10_000_000)
      let expected = naive.run()
      #expect(expected.ending == .returned)
      #expect(
        try TranslatorRig.run(image, fork: .osaka, engine: .interpreter, input: input, gas: 10_000_000)
          == expected)
    }
  }

  /// `JUMPI`s to code that ends the frame.
  private struct FarBranches {
    var code: [UInt8] = []
    private var places: [(offset: Int, name: String)] = []
    private var targets: [String: Int] = [:]

    mutating func push(_ name: String) {
      places.append((code.count + 1, name))
      code += [0x61, 0, 0]
    }

    mutating func place(_ name: String) {
      targets[name] = code.count
      code.append(0x5b)
    }

    /// JUMPDEST; the first word of storage is read, `result` returned.
    mutating func place(_ name: String, returning result: UInt8) {
      place(name)
      code += [0x5f, 0x54, 0x50, 0x60, result, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]
    }

    var linked: [UInt8] {
      var linked = code
      for (offset, name) in places {
        linked[offset] = UInt8(targets[name]! >> 8)
        linked[offset + 1] = UInt8(targets[name]! & 255)
      }
      return linked
    }
  }

  private func checkEnding(_ code: [UInt8], _ name: String) throws {
    let image = try Self.check(code, name)
    var naive = NaiveEVM(code: code, fork: .osaka, input: [0], gas: 1_000_000)
    let expected = naive.run()
    #expect(expected.ending == .returned)
    for engine in Comparison.engines {
      let result = try TranslatorRig.run(image, fork: .osaka, engine: engine, input: [0], gas: 1_000_000)
      #expect(result == expected, "\(name) \(engine)")
    }
  }

  /// A branch that waits for its target behind thousands of stubs, each as long as one gets: four moves in two circles
  /// and a way of the window.
  @Test(arguments: [2500, 2900, 3000, 3100, 3400]) func farBranchOverLongStubs(stubCount: Int) throws {
    var branches = FarBranches()
    branches.code = [0x36]
    branches.push("end")
    branches.code += [0x57] + [UInt8](repeating: 0x36, count: 6) + [0x5b, 0x50, 0x90, 0x91, 0x92, 0x91]
    for _ in 0..<stubCount {
      branches.code.append(0x36)
      branches.push("middle")
      branches.code.append(0x57)
    }
    branches.code += [0x5f, 0x5f, 0xf3]
    branches.place("middle", returning: 0x22)
    branches.place("end", returning: 0x11)
    try checkEnding(branches.linked, "\(stubCount) stubs")
  }

  /// A thousand entries that many branches leave out of their places, until one has to move them all.
  @Test(arguments: [400, 440, 448, 460, 500]) func farBranchOverManyMoves(units: Int) throws {
    var branches = FarBranches()
    branches.code = [0x36]
    branches.push("end")
    branches.code += [0x57] + [UInt8](repeating: 0x5f, count: 1000) + [0x5a]
    for _ in 0..<units {
      branches.code += (0..<14).flatMap { _ in [0x5a, 0x5a, 0x55] as [UInt8] } + [0x5f, 0x5f, 0x57]
    }
    branches.code.append(0x36)
    branches.push("middle")
    branches.code += [0x57, 0x5f, 0x5f, 0x57, 0x5f, 0x5f, 0x57, 0x5f, 0x5f, 0x57, 0x5f, 0x5f, 0xf3]
    branches.place("middle", returning: 0x22)
    branches.place("end", returning: 0x11)
    try checkEnding(branches.linked, "\(units) units")
  }

  /// A branch whose distance would end up in code of another line if it were cut to 16 bits.
  @Test func farBranchBesideALandingPlace() throws {
    var branches = FarBranches()
    func stubs(_ count: Int) {
      branches.push("middle")
      branches.code += [0x5a, 0x5a, 0x5a, 0x5a, 0x90, 0x91, 0x92, 0x91]
      for _ in 0..<count { branches.code += [0x80, 0x85, 0x57] }
      branches.code += [0x5f, 0x5f, 0xf3]
    }
    branches.push("main")
    branches.code +=
      [0x56] + [UInt8](repeating: 0x5b, count: 1500) + [0x60, 0x66, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]
    branches.code.append(0x5b)
    stubs(2690)
    branches.place("main")
    branches.code.append(0x36)
    branches.push("end")
    branches.code.append(0x57)
    stubs(3230)
    branches.place("middle")
    branches.code += [0x52, 0xf3]
    branches.place("end", returning: 0x11)
    try checkEnding(branches.linked, "landing place")
  }

  /// A line that is left right behind a branch, with hundreds of entries to move.
  @Test(arguments: [100, 240, 600, 1000]) func manyMovesBehindABranch(entryCount: Int) throws {
    let entries = [UInt8](repeating: 0x58, count: entryCount)
    for condition in [[0x5f], [0x36], [0x36, 0x15]] as [[UInt8]] {
      for destination in [[0x61, 0xff, 0xff], [0x36], [0x5f]] as [[UInt8]] {
        let code =
          entries + [0x36] + condition + destination + [0x57, 0x5b, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]
        _ = try Self.check(code, "\(entryCount) entries")
        try Comparison.check(code, input: [], "\(entryCount) entries")
        try Comparison.check(code, input: [1, 2, 3], "\(entryCount) entries")
      }
    }
  }

  /// A branch back to code that ends the frame, farther than it reaches, with entries out of their places below those
  /// that the code looks at; then the line is left.
  @Test func farBranchBackBeforeALineIsLeft() throws {
    for count in [60, 300, 1500, 7000] {
      for condition in [[0x36], [0x36, 0x15]] as [[UInt8]] {
        let code: [UInt8] =
          [0x60, 0x05, 0x56, 0x5b, 0x00, 0x5b] + (0..<count).flatMap { _ in [0x5a, 0x36, 0x52] as [UInt8] }
          + [0x58, 0x36, 0x5b, 0x90] + condition + [
            0x60, 0x03, 0x57, 0x5b, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3,
          ]
        _ = try Self.check(code, "\(count)")
        try Comparison.check(code, input: [], "\(count)")
        try Comparison.check(code, input: [1, 2, 3], "\(count)")
      }
    }
  }

  /// More constants than the pool takes, each the target of a jump that is not taken.
  @Test func manyTargetsOfATrace() throws {
    var code: [UInt8] = []
    for number in 0..<12_288 { code += [0x61, UInt8(number >> 8), UInt8(number & 255), 0x50] }
    for number in 12_288..<16_800 { code += [0x5f, 0x61, UInt8(number >> 8), UInt8(number & 255), 0x57] }
    let traced = Translator.translate(code: code, fork: .osaka, mode: .tracing)
    #expect(throws: Never.self) { try Verifier.verify(traced) }
  }

  @Test func farLoop() throws {
    // A loop whose body is longer than a branch reaches.
    var body: [UInt8] = []
    while body.count < 40_000 { body += [0x5a, 0x36, 0x52] }
    let code: [UInt8] =
      [0x60, 0x03, 0x5b] + body
      + [0x60, 0x01, 0x90, 0x03, 0x80, 0x60, 0x02, 0x57, 0x5a, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]
    let image = try Self.check(code, "far loop")
    var naive = NaiveEVM(code: code, fork: .osaka, input: [], gas: 10_000_000)
    let expected = naive.run()
    #expect(expected.ending == .returned)
    #expect(
      try TranslatorRig.run(image, fork: .osaka, engine: .interpreter, input: [], gas: 10_000_000) == expected
    )
  }

  @Test func theJumpTableListsWhatIsNoPushData() {
    let code: [UInt8] = [0x5b, 0x60, 0x5b, 0x00, 0x5b, 0x7f, 0x5b, 0x5b]
    for mode in TranslationMode.allCases {
      let image = Translator.translate(code: code, fork: .osaka, mode: mode)
      #expect(image.wide?.jumpTargets.map(\.sourceOffset) == [0, 4])
      #expect(image.wide?.bytecode == code)
    }
  }

  @Test func constantsAreThereOnce() {
    let code = (0..<50).flatMap { _ in [0x64, 1, 2, 3, 4, 5, 0x36, 0x52] as [UInt8] }
    let image = Translator.translate(code: code, fork: .osaka, mode: .fast)
    #expect(image.wide?.constants == [UInt256(0x01_0203_0405)])
  }
}
