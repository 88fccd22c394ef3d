// Which slots hold something. The verifier bounds where slots lie; machine code relies on one convention more, which
// decides what a program computes but nothing that is unsafe: where control comes by a jump backwards, a computed one or
// from outside, slots at and above the window hold nothing, and after a hook neither do those from its `free` on.
// Machine code need not have written them, so engines could differ. This looks for code that reads such a slot.

import SBPF

package enum WideContents {
  /// The first instruction of verified code that reads a slot which holds nothing on some way there; nil where there
  /// is none. Two things are not looked at: arguments of hooks, for how many there are is the host's to know, and
  /// what the window moves over, for it may never be read.
  package static func firstEmptyRead(in image: ProgramImage) -> Int? {
    let slots = EncodedInsn.slots(of: image.text)
    let startsEmpty = emptyArrivals(of: image, slots)
    /// By pc: what jumps forwards bring along, as slots.
    var arriving: [Int: [Int]] = [:]
    var line = Line()
    var goesOn = false
    for (pc, slot) in slots.enumerated() {
      guard let insn = Insn(decoding: slot, next: nil, version: .wide) else { return pc }
      if startsEmpty[pc] {
        line.restart(with: [])
      } else if let brought = arriving[pc] {
        line.restart(with: goesOn ? brought.filter { line.holdsSomething($0) } : brought)
      } else if !goesOn {
        line.restart(with: [])
      }
      if !line.run(insn) { return pc }
      if let target = target(of: insn, at: pc), target > pc {
        let held = line.heldSlots
        arriving[target] = arriving[target].map { Set(held).intersection($0).sorted() } ?? held
      }
      goesOn = !insn.opcode.endsStraightLine
    }
    return nil
  }

  private static func target(of insn: Insn, at pc: Int) -> Int? {
    switch insn.opcode.facts.form {
    case .jump, .wideJumpUnary, .wideJumpBinary: pc + 1 + Int(insn.offset)
    case .wideJumpLong: pc + 1 + Int(insn.immediate)
    default: nil
    }
  }

  private static func emptyArrivals(of image: ProgramImage, _ slots: [EncodedInsn]) -> [Bool] {
    var arrivals = [Bool](repeating: false, count: slots.count)
    func mark(_ pc: Int) { if arrivals.indices.contains(pc) { arrivals[pc] = true } }
    mark(image.entryPC)
    for target in image.wide?.jumpTargets ?? [] { mark(Int(target.slot)) }
    for (pc, slot) in slots.enumerated() {
      guard let insn = Insn(decoding: slot, next: nil, version: .wide) else { continue }
      if let target = target(of: insn, at: pc), target <= pc { mark(target) }
    }
    return arrivals
  }
}

/// A straight line of code. Places are counted from the window where it began.
private struct Line {
  /// Beyond this the window cannot have moved: the stack has as many words.
  private static let maxShift = WideLimits.maxStackHeight
  private static let firstPlace = -4096

  /// By place: the line that last knew about it, doubled, plus 1 if the slot holds something.
  private var known = [UInt32](repeating: 0, count: 8192)
  private var line: UInt32 = 1
  private var shift = 0
  /// Above this nothing has been written.
  private var top = 0

  /// Starts a line where, besides what lies below the window, `held` hold something.
  mutating func restart(with held: [Int]) {
    line &+= 1
    (shift, top) = (0, 0)
    for slot in held { write(slot) }
  }

  /// Slots at and above the window that hold something.
  var heldSlots: [Int] { (0..<max(0, top - shift)).filter { holdsSomething($0) } }

  func holdsSomething(_ slot: Int) -> Bool {
    let place = slot + shift
    let entry = known[place - Line.firstPlace]
    return entry >> 1 == line ? entry & 1 != 0 : place < 0
  }

  private mutating func write(_ slot: Int) {
    known[slot + shift - Line.firstPlace] = line << 1 | 1
    top = max(top, slot + shift + 1)
  }

  /// Nothing from `slot` on holds anything.
  private mutating func empty(from slot: Int) {
    let start = slot + shift
    for place in start..<max(start, top) { known[place - Line.firstPlace] = line << 1 }
    top = min(top, max(start, 0))
  }

  /// False if `insn` reads what is not there.
  mutating func run(_ insn: Insn) -> Bool {
    // Code that no run reaches.
    guard abs(shift) <= Line.maxShift else { return true }
    let form = insn.opcode.facts.form
    if form.hasWideA, insn.wideA < 0x4000, !holdsSomething(insn.wideA) { return false }
    if form.hasWideB, insn.wideB < 0x4000, !holdsSomething(insn.wideB) { return false }
    switch insn.opcode {
    case .waddmod, .wmulmod: if !holdsSomething(insn.wideD) { return false }
    case .wadjust: shift += Int(insn.immediate)
    case .wsys:
      empty(from: insn.wideA)
      if insn.wideD < insn.wideA { write(insn.wideD) }
    default: break
    }
    if form.hasWideD { write(insn.wideD) }
    return true
  }
}
