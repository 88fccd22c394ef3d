// What a block's compiler knows of slots and memory words, and which host registers hold limbs.
//
// A slot is tracked while it is known to hold a value of the table. The memory of a slot is relied on by the value
// that the slot is tracked with, and by no other: so a tracked slot's memory may always be written with its value,
// and a value whose limbs are not all in registers has a tracked slot whose memory has them (`level` > 0). When such
// a slot is bound to another value, its old value first moves to the memory of another of its slots.

import SBPF

/// Where an operand's limbs are while one instruction is compiled.
struct WideSource {
  /// In the table, or 0.
  var value = 0
  /// Limbs from here on are zero.
  var limbCount = 4
  /// A byte each; 0xff: at `home`.
  var registers: UInt32 = .max
  /// Byte offset from the window.
  var home: Int32 = 0
  /// Index in the pool, or −1.
  var constant = -1
  /// Some limb has to be read from the pool.
  var needsPool = false
  /// The slot, relative to the window at the block's start.
  var place = 0
  /// The slot is not read after this instruction.
  var isLastUse = false

  @inline(__always) func register(_ limb: Int) -> UInt8 { UInt8(truncatingIfNeeded: registers >> (8 * limb)) }

  /// Limbs in registers.
  var registerCount: Int {
    var count = 0
    for limb in 0..<limbCount where register(limb) != 0xff { count += 1 }
    return count
  }
}

extension WideCompiler {
  var slotMask: Int { WideScratch.slotMask }
  var values: UnsafeMutablePointer<WideValue> { scratch.values }
  var tracked: UnsafeMutablePointer<WideTracked> { scratch.tracked }

  // MARK: Reading

  @inline(__always) func limb(_ constant: Int, _ limb: Int) -> UInt64 { constants[constant &* 4 &+ limb] }

  /// Whether a limb may stand in the code: one byte of the program's choice.
  @inline(__always) static func isHarmless(_ limb: UInt64) -> Bool {
    Int64(bitPattern: limb) == Int64(Int8(truncatingIfNeeded: Int64(bitPattern: limb)))
  }

  /// Operand `number` of the instruction; `endNote` is its bit in the notes of `pc`.
  @inline(__always)
  func source(_ number: Int, isNarrow: Bool, _ pc: Int, _ endNote: UInt8) -> WideSource {
    if number >= 0x4000 { return constantSource(number - 0x4000) }
    var source = WideSource()
    source.place = number &+ shift
    source.isLastUse = notes[pc] & endNote != 0
    let index = Int(scratch.index[source.place & slotMask])
    if index == 0 {
      source.home = Int32(truncatingIfNeeded: number &* 32)
      if isNarrow { source.limbCount = 1 }
      return source
    }
    let entry = tracked[index - 1]
    let value = Int(entry.value)
    values[value].stamp = clock
    if values[value].constant >= 0 {
      var constant = constantSource(Int(values[value].constant))
      constant.value = value
      constant.place = source.place
      constant.isLastUse = source.isLastUse
      // The other limbs do not count, and what is left may be nothing.
      if isNarrow { constant.limbCount = limb(constant.constant, 0) == 0 ? 0 : 1 }
      return constant
    }
    source.value = value
    source.registers = values[value].registers
    source.limbCount = Int(values[value].limbCount)
    if isNarrow { source.limbCount = min(source.limbCount, 1) }
    source.home = home(entry.level > 0 ? Int(entry.place) : homePlace(value))
    return source
  }

  @inline(__always) func constantSource(_ constant: Int) -> WideSource {
    var source = WideSource()
    source.constant = constant
    let note = constantNotes[constant]
    source.limbCount = Int(note & 7)
    source.needsPool = note & Self.needsPool != 0
    return source
  }

  /// Byte offset from the window of the slot at `place`.
  @inline(__always) func home(_ place: Int) -> Int32 { Int32(truncatingIfNeeded: (place &- shift) &* 32) }

  /// A place whose memory has the limbs of `value`; any if there is none.
  private func homePlace(_ value: Int) -> Int {
    for index in 0..<trackedCount where Int(tracked[index].value) == value && tracked[index].level > 0 {
      return Int(tracked[index].place)
    }
    return 0
  }

  // MARK: Registers

  @inline(__always) mutating func allocate() -> UInt8 {
    let register = UInt8(truncatingIfNeeded: freeRegisters.trailingZeroBitCount)
    freeRegisters &= freeRegisters &- 1
    freeRegisterCount &-= 1
    return register
  }

  @inline(__always) mutating func free(_ register: UInt8) {
    freeRegisters |= 1 << UInt16(register)
    freeRegisterCount &+= 1
    scratch.owners[Int(register)] = 0
  }

  @inline(__always) mutating func freeRegisters(of registers: UInt32) {
    var rest = registers
    while rest != .max {
      let register = UInt8(truncatingIfNeeded: rest)
      if register != 0xff { free(register) }
      rest = rest >> 8 | 0xff00_0000
    }
  }

  /// Frees the registers of the value that was used longest ago. Only between instructions' reads: the sources that
  /// were taken before do not hold any more.
  @inline(never) mutating func evict() {
    var oldest = 0
    var stamp = UInt32.max
    for register in 6..<16 {
      let owner = Int(scratch.owners[register])
      if owner != 0, values[owner].stamp < stamp { (oldest, stamp) = (owner, values[owner].stamp) }
    }
    guard oldest != 0 else { return }
    unload(oldest)
  }

  /// Frees the registers of `value`, which afterwards is in memory.
  private mutating func unload(_ value: Int) {
    if values[value].slotCount == 0 { return forgetWords(of: value) }
    var first = -1
    for index in 0..<trackedCount where Int(tracked[index].value) == value {
      if tracked[index].level > 0 {
        first = -1
        break
      }
      if first < 0 { first = index }
    }
    if first >= 0 {
      let place = home(Int(tracked[first].place))
      for limb in 0..<Int(values[value].limbCount) {
        let register = UInt8(truncatingIfNeeded: values[value].registers >> (8 * limb))
        if register != 0xff { assembler.memory(0x89, register, Host.window, place + Int32(limb) * 8) }
      }
      tracked[first].level = 1
    }
    freeRegisters(of: values[value].registers)
    values[value].registers = .max
  }

  // MARK: Binding

  /// A value of `registers`, which now are its; it has no slot yet.
  mutating func makeValue(_ registers: UInt32, limbCount: Int, constant: Int = -1) -> Int {
    let value = freeValues.trailingZeroBitCount
    freeValues &= freeValues &- 1
    values[value] = WideValue(
      registers: registers, stamp: clock, constant: Int16(truncatingIfNeeded: constant),
      limbCount: UInt8(truncatingIfNeeded: limbCount))
    var rest = registers
    while rest != .max {
      let register = UInt8(truncatingIfNeeded: rest)
      if register != 0xff { scratch.owners[Int(register)] = UInt8(truncatingIfNeeded: value) }
      rest = rest >> 8 | 0xff00_0000
    }
    return value
  }

  /// Makes the slot at `place` hold `value`; its memory has of it what `level` says.
  mutating func bind(_ place: Int, _ value: Int, level: UInt8 = 0) {
    let index = Int(scratch.index[place & slotMask])
    if index != 0, Int(tracked[index - 1].value) == value { return }
    values[value].slotCount &+= 1
    unbind(place)
    if trackedCount == WideScratch.maxTrackedCount { forgetSlot(sparing: value) }
    tracked[trackedCount] = WideTracked(
      place: Int16(truncatingIfNeeded: place), value: UInt8(truncatingIfNeeded: value), level: level)
    trackedCount &+= 1
    scratch.index[place & slotMask] = UInt8(truncatingIfNeeded: trackedCount)
  }

  /// Stops tracking the slot at `place`, whose content is of no use any more.
  @inline(__always) mutating func unbind(_ place: Int) {
    let index = Int(scratch.index[place & slotMask])
    if index != 0 { remove(index - 1) }
  }

  private mutating func remove(_ index: Int) {
    let entry = tracked[index]
    let value = Int(entry.value)
    scratch.index[Int(entry.place) & slotMask] = 0
    trackedCount &-= 1
    if index != trackedCount {
      tracked[index] = tracked[trackedCount]
      scratch.index[Int(tracked[index].place) & slotMask] = UInt8(truncatingIfNeeded: index + 1)
    }
    values[value].slotCount &-= 1
    if values[value].slotCount == 0 {
      if values[value].wordCount == 0 {
        release(value)
      } else if values[value].constant < 0, !isInRegisters(value) {
        forgetWords(of: value)
      }
    } else if entry.level > 0, values[value].constant < 0, !isInRegisters(value) {
      moveHome(of: value, from: Int(entry.place))
    }
  }

  private func isInRegisters(_ value: Int) -> Bool {
    for limb in 0..<Int(values[value].limbCount) where values[value].registers >> (8 * limb) & 0xff == 0xff {
      return false
    }
    return true
  }

  /// Stops tracking the slot of `source`, whose registers now belong to nobody: the instruction writes into them.
  mutating func claim(_ source: WideSource) {
    let value = source.value
    if values[value].wordCount != 0 { forgetWords(of: value) }
    for limb in 0..<4 where source.register(limb) != 0xff { scratch.owners[Int(source.register(limb))] = 0 }
    values[value].registers = .max
    unbind(source.place)
  }

  private mutating func release(_ value: Int) {
    freeRegisters(of: values[value].registers)
    freeValues |= 1 << UInt64(value)
  }

  /// The slot at `place` has the only copy of limbs of `value`, maybe: another slot of the value gets them.
  private mutating func moveHome(of value: Int, from place: Int) {
    var target = -1
    for index in 0..<trackedCount where Int(tracked[index].value) == value {
      if tracked[index].level > 0 { return }
      target = index
    }
    guard target >= 0 else { return }
    let (old, new) = (home(place), home(Int(tracked[target].place)))
    for limb in 0..<Int(values[value].limbCount) {
      var register = UInt8(truncatingIfNeeded: values[value].registers >> (8 * limb))
      if register == 0xff {
        register = Host.rdx
        assembler.memory(0x8b, register, Host.window, old + Int32(limb) * 8)
      }
      assembler.memory(0x89, register, Host.window, new + Int32(limb) * 8)
    }
    tracked[target].level = 1
  }

  /// Makes room in the table of tracked slots: writes one and reads it from memory from now on.
  private mutating func forgetSlot(sparing value: Int) {
    var index = 0
    while index < trackedCount - 1, Int(tracked[index].value) == value { index += 1 }
    writeHome(index)
    remove(index)
  }

  // MARK: Words of the frame's memory

  func wordValue(at address: Int) -> Int {
    for index in 0..<wordCount where Int(scratch.words[index].address) == address {
      return Int(scratch.words[index].value)
    }
    return 0
  }

  /// Notes that the 32 bytes at `address` are those of `value`.
  mutating func rememberWord(_ address: Int, _ value: Int) {
    if wordCount == WideScratch.maxWordCount { forgetWord(Int(clock) & (WideScratch.maxWordCount - 1)) }
    scratch.words[wordCount] = WideWord(
      address: Int32(truncatingIfNeeded: address), value: UInt8(truncatingIfNeeded: value))
    wordCount &+= 1
    values[value].wordCount &+= 1
  }

  private mutating func forgetWord(_ index: Int) {
    let value = Int(scratch.words[index].value)
    wordCount &-= 1
    scratch.words[index] = scratch.words[wordCount]
    values[value].wordCount &-= 1
    if values[value].wordCount == 0, values[value].slotCount == 0 { release(value) }
  }

  /// Forgets what overlaps [address, address + byteCount).
  mutating func forgetWords(at address: Int, byteCount: Int) {
    var index = 0
    while index < wordCount {
      let start = Int(scratch.words[index].address)
      if start < address + byteCount, address < start + 32 { forgetWord(index) } else { index += 1 }
    }
  }

  mutating func forgetWords() {
    while wordCount > 0 { forgetWord(wordCount - 1) }
  }

  mutating func forgetWords(of value: Int) {
    var index = 0
    while index < wordCount {
      if Int(scratch.words[index].value) == value { forgetWord(index) } else { index += 1 }
    }
  }

  // MARK: Writing back

  /// Writes the memory of all tracked slots below `limit` (a place) that has not got their values; changes neither
  /// flags nor what is tracked.
  mutating func flush(below limit: Int) {
    for index in 0..<trackedCount where Int(tracked[index].place) < limit && tracked[index].level < 2 {
      assembler.reserve(128)
      writeHome(index)
    }
    // For what the instruction itself becomes.
    assembler.reserve(Self.maxByteCountPerSlot)
  }

  /// Uses rdx.
  private mutating func writeHome(_ index: Int) {
    let entry = tracked[index]
    if entry.level == 2 { return }  // all of it is there
    let value = Int(entry.value)
    let target = home(Int(entry.place))
    var source: WideSource
    if values[value].constant >= 0 {
      source = constantSource(Int(values[value].constant))
    } else {
      source = WideSource()
      source.registers = values[value].registers
      source.limbCount = Int(values[value].limbCount)
      if entry.level == 0 { source.home = home(homePlace(value)) }
    }
    for limb in (entry.level == 1 ? source.limbCount : 0)..<4 {
      storeLimb(source, limb, Host.window, target + Int32(limb) * 8)
    }
    tracked[index].level = 2
  }

  /// `[base + displacement] = limb`, through rdx; flags stay.
  @inline(__always)
  mutating func storeLimb(_ source: WideSource, _ limb: Int, _ base: UInt8, _ displacement: Int32) {
    if limb >= source.limbCount {
      assembler.storeImmediate(base, displacement, 0)
    } else if source.constant >= 0, Self.isHarmless(self.limb(source.constant, limb)) {
      let value = self.limb(source.constant, limb)
      assembler.storeImmediate(base, displacement, Int32(truncatingIfNeeded: value))
    } else {
      var register = source.constant >= 0 ? 0xff : source.register(limb)
      if register == 0xff {
        register = Host.rdx
        load(register, source, limb)
      }
      assembler.memory(0x89, register, base, displacement)
    }
  }

  /// `register = limb`; flags stay.
  @inline(__always) mutating func load(_ register: UInt8, _ source: WideSource, _ limb: Int) {
    if limb >= source.limbCount { return assembler.moveWord(register, 0) }
    if source.constant >= 0 { return loadConstant(register, source.constant, limb) }
    let held = source.register(limb)
    if held == 0xff {
      assembler.memory(0x8b, register, Host.window, source.home + Int32(limb) * 8)
    } else if held != register {
      assembler.registers(0x89, held, register)
    }
  }

  private mutating func loadConstant(_ register: UInt8, _ constant: Int, _ index: Int) {
    let value = limb(constant, index)
    if Self.isHarmless(value) {
      if Int64(bitPattern: value) < 0 {
        assembler.moveSigned(register, Int32(truncatingIfNeeded: Int64(bitPattern: value)))
      } else {
        assembler.moveWord(register, UInt32(truncatingIfNeeded: value))
      }
    } else {
      assembler.memory(0x8b, register, Host.context, WideContext.Offset.constants)
      assembler.memory(0x8b, register, register, poolOffset(constant, index))
    }
  }

  @inline(__always) func poolOffset(_ constant: Int, _ limb: Int) -> Int32 {
    Int32(truncatingIfNeeded: constant &* 32 &+ limb &* 8)
  }

  /// Forgets everything; nothing is written.
  mutating func forgetAll() {
    for index in 0..<trackedCount { scratch.index[Int(tracked[index].place) & slotMask] = 0 }
    for register in 6..<16 { scratch.owners[register] = 0 }
    trackedCount = 0
    wordCount = 0
    freeValues = ~1
    freeRegisters = Self.pool
    freeRegisterCount = 8
  }
}
