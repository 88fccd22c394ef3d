// Instructions of a relocatable object, each with what it refers to, so that they can be rewritten and moved.
// What eBPF has and no SBPF version knows (atomics, signed division, sign-extending moves and loads, byte
// swaps, kernel helpers by number; https://www.rfc-editor.org/rfc/rfc9669) is refused with its name and
// place.
import SBPF

/// One instruction; `lddw` is one, with both halves.
struct ObjectInstruction {
  enum Reference: Equatable {
    case none
    /// A slot of the same section.
    case jump(slot: Int)
    /// A function's first slot.
    case function(section: Int, slot: Int)
    case syscall(name: String)
    case data(section: Int, byteOffset: UInt64)
  }

  var opcode: UInt8
  var destination: UInt8
  var source: UInt8
  var offset: Int16
  var immediate: Int32
  /// Upper half of `lddw`.
  var highImmediate: Int32 = 0
  var reference = Reference.none
  /// Slot index in the object's section.
  var slot: Int

  var isWide: Bool { opcode == 0x18 }
}

enum ObjectCode {
  /// The instructions of code section `ordinal`.
  static func decode(_ objects: LinkedObjects, section ordinal: Int) throws(LinkError)
    -> [ObjectInstruction]
  {
    let section = objects.code[ordinal]
    if section.bytes.count % 8 != 0 {
      throw objects.error(
        .malformed(.invalidSize(what: section.name, byteCount: UInt64(section.bytes.count))), code: ordinal,
        offset: 0)
    }
    var instructions: [ObjectInstruction] = []
    let slotCount = section.bytes.count / 8
    var relocations = section.relocations[...]
    var slot = 0
    var hasSignatures = false
    while slot < slotCount {
      var instruction = read(section.bytes, slot: slot)
      if isSignature(section.bytes, slot: slot),
        !objects.hasFunction(code: ordinal, byteOffset: UInt64(slot) * 8)
      {
        hasSignatures = true
        slot += 1
        continue
      }
      let wide = instruction.isWide
      if wide {
        guard slot + 1 < slotCount, section.bytes[slot * 8 + 8] == 0 else {
          throw objects.error(.instruction("half of a 64-bit load"), code: ordinal, offset: UInt64(slot) * 8)
        }
        instruction.highImmediate = read(section.bytes, slot: slot + 1).immediate
      }
      if let problem = problem(of: instruction) {
        throw objects.error(.instruction(problem), code: ordinal, offset: UInt64(slot) * 8)
      }
      var relocation: RelocatableObject.Relocation?
      if let next = relocations.first, next.offset < UInt64(slot * 8 + (wide ? 16 : 8)) {
        guard next.offset == UInt64(slot * 8) else {
          throw objects.error(.relocation(why: "not at an instruction"), code: ordinal, offset: next.offset)
        }
        relocation = relocations.popFirst()
      }
      instruction.reference = try reference(
        of: &instruction, relocation, objects, section: ordinal, slotCount: slotCount)
      instructions.append(instruction)
      slot += wide ? 2 : 1
    }
    if let rest = relocations.first {
      throw objects.error(.relocation(why: "outside the section"), code: ordinal, offset: rest.offset)
    }
    if hasSignatures, let check = instructions.first(where: { $0.immediate == signature }) {
      throw objects.error(
        .instruction(
          "-fsanitize=function looks at the code before a function, which no program can read: add "
            + "-fno-sanitize=function"), code: ordinal, offset: UInt64(check.slot) * 8)
    }
    return instructions
  }

  /// With -fsanitize=undefined clang writes 8 bytes in front of each function, for checks of calls by pointer: this
  /// number and a hash of the function's type. They are no instructions, so they are left out.
  private static let signature = Int32(bitPattern: 0xc105_cafe)

  private static func isSignature(_ bytes: [UInt8], slot: Int) -> Bool {
    bytes[(slot * 8)..<(slot * 8 + 4)].elementsEqual([0xfe, 0xca, 0x05, 0xc1])
  }

  private static func read(_ bytes: [UInt8], slot: Int) -> ObjectInstruction {
    let base = slot * 8
    var immediate: UInt32 = 0
    for index in 0..<4 { immediate |= UInt32(bytes[base + 4 + index]) << UInt32(8 * index) }
    let offset = UInt16(bytes[base + 2]) | UInt16(bytes[base + 3]) << 8
    return ObjectInstruction(
      opcode: bytes[base], destination: bytes[base + 1] & 0xf, source: bytes[base + 1] >> 4,
      offset: Int16(bitPattern: offset), immediate: Int32(bitPattern: immediate), slot: slot)
  }

  // MARK: What SBPF knows

  /// Why SBPF cannot take the instruction; nil if it can.
  private static func problem(of instruction: ObjectInstruction) -> String? {
    let opcode = instruction.opcode
    if instruction.destination > 10 || instruction.source > 10 { return "register above r10" }
    let problem: String? =
      switch opcode & 7 {
      case 0: opcode == 0x18 ? (instruction.source == 0 ? nil : "64-bit load of a map") : "packet load"
      case 1: loadProblem(opcode)
      case 2: opcode & 0xe0 == 0x60 ? nil : "unknown store"
      case 3: opcode & 0xe0 == 0x60 ? nil : opcode & 0xe0 == 0xc0 ? "atomic operation" : "unknown store"
      case 4, 7: arithmeticProblem(instruction)
      case 5: jumpProblem(instruction)
      default:
        opcode == 0x06 ? "32-bit-offset jump" : opcode >> 4 > 0xd ? "unknown jump" : wordJumpProblem(opcode)
      }
    return problem.map { "\($0) (opcode \(ELFError.hex(UInt64(opcode)))), which SBPF lacks" }
  }

  private static func loadProblem(_ opcode: UInt8) -> String? {
    switch opcode & 0xe0 {
    case 0x60: nil
    case 0x80: "sign-extending load"
    default: "unknown load"
    }
  }

  private static func arithmeticProblem(_ instruction: ObjectInstruction) -> String? {
    let operation = instruction.opcode >> 4
    switch operation {
    case 0x3, 0x9:
      return instruction.offset == 0 ? nil : operation == 3 ? "signed division" : "signed remainder"
    case 0xb:
      if instruction.offset == 0 { return nil }
      return instruction.offset == 1 ? "address-space cast" : "sign-extending move"
    case 0xd:
      if instruction.opcode & 7 == 7 { return "byte swap" }
      return [16, 32, 64].contains(instruction.immediate) ? nil : "byte-order change of an odd width"
    case 0xe, 0xf: return "unknown arithmetic"
    default: return nil
    }
  }

  private static func jumpProblem(_ instruction: ObjectInstruction) -> String? {
    switch instruction.opcode {
    case 0x05, 0x85, 0x8d, 0x95: nil
    case 0x0d: "jump to a register"
    case 0x9d: "unknown jump"
    default: instruction.opcode >> 4 <= 0xd && instruction.opcode >> 4 != 0 ? nil : "unknown jump"
    }
  }

  private static func wordJumpProblem(_ opcode: UInt8) -> String? {
    [0x0, 0x8, 0x9].contains(opcode >> 4) ? "unknown 32-bit jump" : nil
  }

  // MARK: References

  private static func reference(
    of instruction: inout ObjectInstruction, _ relocation: RelocatableObject.Relocation?,
    _ objects: LinkedObjects, section ordinal: Int, slotCount: Int
  ) throws(LinkError) -> ObjectInstruction.Reference {
    let place = UInt64(instruction.slot) * 8
    if let relocation {
      do throws(ReferenceError) {
        switch (relocation.type, instruction.opcode) {
        case (ELFRelocation.wideLoad, 0x18): return try address(instruction, relocation, objects)
        case (ELFRelocation.call, 0x85): return try call(instruction, relocation, objects)
        default: throw ReferenceError(.relocationType(relocation.type))
        }
      } catch {
        throw objects.error(error.reason, code: ordinal, offset: relocation.offset)
      }
    }
    if instruction.opcode == 0x85 {
      if instruction.source != 1 {
        let what =
          "call of kernel helper \(instruction.immediate): a program calls Solana's syscalls, by name"
        throw objects.error(.instruction(what), code: ordinal, offset: place)
      }
      let target = instruction.slot + 1 + Int(instruction.immediate)
      guard (0..<slotCount).contains(target) else {
        throw objects.error(.jumpOutOfRange, code: ordinal, offset: place)
      }
      return .function(section: ordinal, slot: target)
    }
    let isJump = [5, 6].contains(instruction.opcode & 7) && ![0x85, 0x8d, 0x95].contains(instruction.opcode)
    if !isJump { return .none }
    let target = instruction.slot + 1 + Int(instruction.offset)
    guard (0..<slotCount).contains(target) else {
      throw objects.error(.jumpOutOfRange, code: ordinal, offset: place)
    }
    return .jump(slot: target)
  }

  /// What is wrong with a reference; the caller knows where it stands.
  struct ReferenceError: Error {
    var reason: LinkError.Reason

    init(_ reason: LinkError.Reason) { self.reason = reason }
  }

  /// `lddw` of a symbol; the addend is the immediate.
  private static func address(
    _ instruction: ObjectInstruction, _ relocation: RelocatableObject.Relocation, _ objects: LinkedObjects
  ) throws(ReferenceError) -> ObjectInstruction.Reference {
    let low = UInt64(UInt32(bitPattern: instruction.immediate))
    let addend = UInt64(UInt32(bitPattern: instruction.highImmediate)) << 32 | low
    return try reference(relocation.target, addend: addend, objects)
  }

  /// The place `addend` bytes after `target`, which must exist (or be the end of a data section).
  static func reference(
    _ target: RelocatableObject.Target, addend: UInt64, _ objects: LinkedObjects
  ) throws(ReferenceError) -> ObjectInstruction.Reference {
    switch target {
    case .named(let name): throw ReferenceError(.undefinedData(name))
    case .data(let ordinal, let base):
      let place = base &+ addend  // a negative addend wraps back
      guard place <= UInt64(objects.data[ordinal].bytes.count) else {
        throw ReferenceError(.relocation(why: "points outside its section"))
      }
      return .data(section: ordinal, byteOffset: place)
    case .code(let ordinal, let base):
      let place = base &+ addend
      guard place < UInt64(objects.code[ordinal].bytes.count), place % 8 == 0 else {
        throw ReferenceError(.relocation(why: "points outside the code"))
      }
      return .function(section: ordinal, slot: Int(place / 8))
    }
  }

  private static func call(
    _ instruction: ObjectInstruction, _ relocation: RelocatableObject.Relocation, _ objects: LinkedObjects
  ) throws(ReferenceError) -> ObjectInstruction.Reference {
    switch relocation.target {
    case .named(let name): return .syscall(name: name)
    case .data: throw ReferenceError(.relocation(why: "call of data"))
    case .code(let ordinal, let base):
      // The immediate counts slots from the symbol, less one: -1 is the symbol itself.
      let slot = Int64(base / 8) + Int64(instruction.immediate) + 1
      guard base % 8 == 0, slot >= 0, slot < Int64(objects.code[ordinal].bytes.count / 8) else {
        throw ReferenceError(.relocation(why: "calls outside the code"))
      }
      return .function(section: ordinal, slot: Int(slot))
    }
  }
}
