// Random EVM programs that mean something: nested conditions and loops, subroutines called at different stack heights,
// jumps through computed targets, memory, storage, gas looked at in between. They end (loops count down) and return
// the whole stack, so that whatever was computed shows.

import EVM
import Primitives
import WideIntegers

package struct RandomProgram {
  private var random: SplitMix64
  private let fork: Fork
  private var code: [UInt8] = []
  /// Words that the code so far leaves on the stack, below which a part may not reach.
  private var height = 0
  private var floor = 0
  /// Where a label's two bytes stand in the code, and the labels' places.
  private var uses: [(position: Int, label: Int)] = []
  private var places: [Int?] = []
  private var functions: [(label: Int, arguments: Int, results: Int)] = []
  private let failure: Int
  private var depth = 0
  private var loopDepth = 0

  package static func code(seed: UInt64, fork: Fork, size: Int) -> [UInt8] {
    var program = RandomProgram(seed: seed, fork: fork)
    return program.make(size: size)
  }

  private init(seed: UInt64, fork: Fork) {
    random = SplitMix64(seed: seed)
    self.fork = fork
    places = [nil]
    failure = 0
  }

  private mutating func make(size: Int) -> [UInt8] {
    for _ in 0..<choose(3) {
      functions.append((label: newLabel(), arguments: choose(4), results: choose(3)))
    }
    for _ in 0..<size { statement() }
    epilogue()
    for function in functions { define(function) }
    place(failure)
    emit([0x60, 0x00, 0x80])
    emit(fork >= .byzantium ? [0xfd] : [0xfe])
    for use in uses {
      let target = places[use.label] ?? 0
      code[use.position] = UInt8(target >> 8)
      code[use.position + 1] = UInt8(target & 255)
    }
    return code
  }

  // MARK: Pieces

  private mutating func choose(_ bound: Int) -> Int { Int(random.next() % UInt64(max(bound, 1))) }
  private mutating func chance(_ outOf: Int) -> Bool { choose(outOf) == 0 }
  private mutating func emit(_ bytes: [UInt8]) { code += bytes }

  private mutating func newLabel() -> Int {
    places.append(nil)
    return places.count - 1
  }

  private mutating func place(_ label: Int) {
    places[label] = code.count
    emit([0x5b])
  }

  private mutating func pushLabel(_ label: Int) {
    emit([0x61])
    uses.append((code.count, label))
    emit([0, 0])
    height += 1
  }

  private mutating func push(_ word: UInt256) {
    let bytes = word.minimalBigEndianBytes
    if bytes.isEmpty, fork >= .shanghai, chance(2) {
      emit([0x5f])
    } else {
      emit([0x5f + UInt8(max(bytes.count, 1))] + (bytes.isEmpty ? [0] : bytes))
    }
    height += 1
  }

  private mutating func pushInteresting() {
    switch choose(10) {
    case 0: push(.zero)
    case 1: push(.one)
    case 2: push(.max)
    case 3: push(UInt256.one << UInt64(choose(256)))
    case 4: push((UInt256.one << UInt64(choose(256))) &- .one)
    case 5: push(UInt256(random.next(), random.next(), random.next(), random.next()))
    case 6: push(UInt256(random.next()))
    case 7: push(UInt256(UInt64(choose(300))))
    case 8: push((UInt256.one << 255) &+ UInt256(UInt64(choose(3))))
    default: push(UInt256(UInt64(choose(32))))
    }
  }

  private mutating func ensure(_ count: Int) {
    while height - floor < count { pushInteresting() }
  }

  // MARK: Statements

  private mutating func statement() {
    switch choose(30) {
    case 0...3: pushInteresting()
    case 4...12: arithmetic()
    case 13...16: shuffle()
    case 17, 18: memory()
    case 19, 20: host()
    case 21, 22: condition()
    case 23: loop()
    case 24, 25: callFunction()
    case 26: jumpOver()
    case 27: observe()
    case 28: check()
    default: rarity()
    }
  }

  private mutating func arithmetic() {
    let operations: [(UInt8, Int)] =
      (0x01...0x07).map { ($0, 2) } + [
        (0x08, 3), (0x09, 3), (0x0a, 2), (0x0b, 2), (0x15, 1), (0x19, 1), (0x1a, 2),
      ]
      + (0x10...0x14).map { ($0, 2) } + (0x16...0x18).map { ($0, 2) }
      + (fork >= .constantinople ? (0x1b...0x1d).map { ($0, 2) } : []) + (fork >= .osaka ? [(0x1e, 1)] : [])
    let (byte, count) = operations[choose(operations.count)]
    if chance(2) { pushInteresting() }
    ensure(count)
    emit([byte])
    height += 1 - count
    if chance(6) {
      ensure(1)
      emit([0x15])
    }
  }

  private mutating func shuffle() {
    ensure(1)
    let reach = min(height - floor, 16)
    switch choose(5) {
    case 0, 1:
      emit([0x80 + UInt8(choose(reach))])
      height += 1
    case 2, 3:
      if reach >= 2 { emit([0x90 + UInt8(choose(reach - 1))]) }
    default:
      emit([0x50])
      height -= 1
    }
  }

  private mutating func memory() {
    switch choose(5) {
    case 0, 1:
      ensure(1)
      push(UInt256(UInt64(choose(256))))
      emit([chance(3) ? 0x53 : 0x52])
      height -= 2
    case 2:
      push(UInt256(UInt64(choose(256))))
      emit([0x51])
    case 3:
      // An offset that was computed.
      ensure(1)
      push(UInt256(0xff))
      emit([0x16, 0x51])
      height -= 1
    default:
      push(UInt256(UInt64(choose(64))))
      push(UInt256(UInt64(choose(64))))
      push(UInt256(UInt64(choose(200))))
      emit([[0x37, 0x39, fork >= .cancun ? 0x5e : 0x37][choose(3)]])
      height -= 3
    }
  }

  private mutating func host() {
    switch choose(8) {
    case 0:
      push(UInt256(UInt64(choose(90))))
      push(UInt256(UInt64(choose(90))))
      emit([0x20])
      height -= 1
    case 1:
      let topics = choose(5)
      for _ in 0..<topics where chance(2) { pushInteresting() }
      ensure(topics)
      push(UInt256(UInt64(choose(64))))
      push(UInt256(UInt64(choose(64))))
      emit([0xa0 + UInt8(topics)])
      height -= 2 + topics
    case 2:
      ensure(2)
      emit([0x55])
      height -= 2
    case 3:
      if chance(2) { push(UInt256(UInt64(choose(3)))) }
      ensure(1)
      emit([0x54])
    case 4:
      let calls: [(UInt8, Int)] =
        [(0xf0, 3), (0xf1, 7), (0xf2, 7)]
        + (fork >= .homestead ? [(0xf4, 6)] : []) + (fork >= .byzantium ? [(0xfa, 6)] : [])
      let (byte, count) = calls[choose(calls.count)]
      for _ in 0..<count where chance(2) { pushInteresting() }
      ensure(count)
      emit([byte])
      height += 1 - count
    case 5:
      emit([[0x30, 0x32, 0x33, 0x34, 0x3a, 0x41, 0x42, 0x43][choose(8)]])
      height += 1
    case 6:
      ensure(1)
      emit([[0x31, 0x3b, 0x40][choose(3)]])
    default:
      ensure(1)
      emit([0x35])
    }
  }

  private mutating func observe() {
    emit([[0x5a, 0x59, 0x58, 0x36, 0x38][choose(5)]])
    height += 1
  }

  /// A part that leaves the stack as high as it was and does not look below `words` of it.
  private mutating func part(_ count: Int) {
    let (before, oldFloor) = (height, floor)
    floor = max(floor, height - choose(6))
    depth += 1
    for _ in 0..<count { statement() }
    depth -= 1
    while height > before {
      if chance(3), height - floor >= 2 {
        emit([0x90])
      }
      emit([0x50])
      height -= 1
    }
    while height < before { pushInteresting() }
    floor = oldFloor
  }

  /// Leaves something to decide on.
  private mutating func decision() {
    ensure(2)
    switch choose(6) {
    case 0: emit([0x80])
    case 1:
      emit([0x81, 0x81, 0x18])
    case 2:
      emit([0x81, 0x81, [0x10, 0x11, 0x12, 0x13, 0x14, 0x03][choose(6)]])
    case 3: emit([0x81, 0x81, [0x10, 0x11, 0x12, 0x13, 0x14][choose(5)], 0x15])
    case 4: emit([0x81, 0x81, [0x10, 0x11, 0x14][choose(3)], 0x15, 0x15])
    default:
      emit([0x80])
      height += 1
      pushInteresting()
      emit([[0x10, 0x11, 0x14, 0x03, 0x16][choose(5)]])
      height -= 2
    }
    height += 1
  }

  private mutating func condition() {
    guard depth < 4 else { return arithmetic() }
    decision()
    let otherwise = newLabel()
    pushLabel(otherwise)
    emit([0x57])
    height -= 2
    part(choose(5))
    if chance(2) {
      let end = newLabel()
      pushLabel(end)
      emit([0x56])
      height -= 1
      place(otherwise)
      part(choose(5))
      place(end)
    } else {
      place(otherwise)
    }
  }

  private mutating func loop() {
    guard depth < 4, loopDepth < 2 else { return shuffle() }
    let start = newLabel()
    push(UInt256(UInt64(1 + choose(4))))
    place(start)
    loopDepth += 1
    let oldFloor = floor
    floor = height
    part(choose(6))
    floor = oldFloor
    loopDepth -= 1
    if chance(2) {
      emit([0x60, 0x01, 0x90, 0x03, 0x80])
    } else {
      push(.max)
      height -= 1
      emit([0x01, 0x80, 0x15, 0x15])
    }
    height += 1
    pushLabel(start)
    emit([0x57])
    height -= 2
    if chance(2) {
      emit([0x50])
      height -= 1
    }
  }

  private mutating func callFunction() {
    guard !functions.isEmpty else { return arithmetic() }
    let function = functions[choose(functions.count)]
    ensure(function.arguments)
    let back = newLabel()
    // The return address goes below the arguments.
    pushLabel(back)
    if function.arguments > 0 { emit([0x8f + UInt8(function.arguments)]) }
    pushLabel(function.label)
    if chance(4) {
      push(.zero)
      emit([0x01])
      height -= 1
    }
    emit([0x56])
    height -= 2 + function.arguments
    place(back)
    height += function.results
  }

  /// Entered with its arguments above a return address.
  private mutating func define(_ function: (label: Int, arguments: Int, results: Int)) {
    place(function.label)
    let count = function.arguments
    if count > 0 { emit([0x8f + UInt8(count)]) }
    // Now the address lies on top.
    (height, floor, depth) = (count + 1, count + 1, 2)
    for _ in 0..<count where chance(2) {
      emit([0x80 + UInt8(height - count)])
      height += 1
    }
    for _ in 0..<choose(6) { statement() }
    while height > count + 1 {
      emit([0x50])
      height -= 1
    }
    for _ in 0..<count { emit([0x90, 0x50]) }
    for _ in 0..<function.results { emit([0x60, UInt8(choose(256)), 0x90]) }
    emit([0x56])
  }

  /// Through a target that is no constant.
  private mutating func jumpOver() {
    let label = newLabel()
    switch choose(3) {
    case 0:
      pushLabel(label)
      push(UInt256(UInt64(512)))
      emit([0x52])
      push(UInt256(UInt64(512)))
      emit([0x51])
      height -= 2
    case 1:
      // Added to something that is zero and not known to be.
      emit([0x59, 0x80, 0x03])
      height += 1
      emit([0x36, 0x60, 0xff, 0x1a, 0x01])
      pushLabel(label)
      emit([0x01])
      height -= 1
    default: pushLabel(label)
    }
    if chance(2) {
      emit([0x56])
      height -= 1
      if chance(2) { emit([0xfe, 0x60, 0x5b]) }
    } else {
      decision()
      emit([0x90, 0x57])
      height -= 2
      part(choose(3))
    }
    place(label)
  }

  /// Goes to the failing end, seldom.
  private mutating func check() {
    ensure(1)
    emit([0x80])
    height += 1
    push(UInt256(UInt64(choose(50))))
    emit([chance(8) ? 0x10 : 0x14])
    height -= 1
    pushLabel(failure)
    emit([0x57])
    height -= 2
  }

  /// What ends a frame badly, or stretches a limit.
  private mutating func rarity() {
    guard chance(12) else { return shuffle() }
    switch choose(5) {
    case 0: emit([0x0c])
    case 1: emit([UInt8](repeating: 0x50, count: height + 1))
    case 2: emit([0x60, 0x01, 0x56])
    case 3: emit([0x5b] + [UInt8](repeating: 0x58, count: 1025))
    default: emit([0x00])
    }
  }

  private mutating func epilogue() {
    let count = height
    for index in 0..<count {
      push(UInt256(UInt64(index * 32)))
      emit([0x52])
      height -= 2
    }
    push(UInt256(UInt64(count * 32)))
    push(.zero)
    emit([0xf3])
    height = 0
  }
}
