// Random programs that pass the verifier and mostly touch memory that exists: loops, calls of every kind, computed
// calls into the middle of blocks, accesses around the edges of regions, a syscall that spends units.
import Primitives

@testable import SBPF

struct RandomProgram {
  let version: SBPFVersion
  /// Instructions of the body, at most.
  var maxBodyCount = 40
  /// Constants of 32 bits, not only small ones.
  var hasWideConstants = false

  static let syscalls: SyscallRegistry = {
    var registry = SyscallRegistry()
    registry.register("spend") { context, amount, address, value, _, _ in
      let state = context.assumingMemoryBound(to: VMContext.self)
      let cost = Int64(amount & 63)
      guard state.pointee.remainingUnits >= cost else {
        state.pointee.remainingUnits = 0
        state.pointee.fault = .exceededMaxInstructions
        return 0
      }
      state.pointee.remainingUnits -= cost
      if let pointer = state.pointee.translate(address: address, byteCount: 8, access: .store) {
        pointer.storeBytes(of: value, as: UInt64.self)
      }
      return address ^ value
    }
    return registry
  }()

  /// A program with small constants, for `version`.
  static func image(_ version: SBPFVersion, _ random: inout SplitMix64) -> ProgramImage {
    RandomProgram(version: version).image(&random)
  }

  func image(_ random: inout SplitMix64) -> ProgramImage {
    var slots: [EncodedInsn] = []
    let pointers: [UInt64] = [
      0x2_0000_0000 + UInt64.random(in: 0...12_000, using: &random),
      0x3_0000_0000 + UInt64.random(in: 0...4090, using: &random),
      0x1_0000_0000 + UInt64.random(in: 0...(hasWideConstants ? 1000 : 100), using: &random),
      0x4_0000_0000 + UInt64.random(in: 0...255, using: &random),
    ]
    for (index, pointer) in pointers.enumerated() { load(&slots, UInt8(6 + index), pointer) }
    let start = slots.count
    let bodyCount = Int.random(in: 4...maxBodyCount, using: &random)
    while slots.count < start + bodyCount {
      let facts = kinds.randomElement(using: &random)!
      slots.append(insn(facts, &random))
      if facts.opcode == .lddw { slots.append(EncodedInsn(opcode: 0, immediate: 7)) }
    }
    slots.append(EncodedInsn(opcode: 0x95))
    for pc in start..<slots.count { aim(&slots, at: pc, start: start, &random) }
    let text = EncodedInsn.bytes(of: slots)
    return ProgramImage(
      version: version, text: text, rodata: text, rodataAddress: version.hasLowRodata ? 0 : 0x1_0000_0000,
      functions: [77: start, 78: slots.count - 1, 79: start + bodyCount / 2])
  }

  private var kinds: [OpcodeFacts] {
    let all = Opcode.table.filter { $0.encoding(in: version) != nil }
    // More exits than chance gives, so that calls return.
    return all + all.filter { $0.opcodeClass == .load || $0.opcodeClass == .store }
      + (hasWideConstants ? all.filter { $0.opcodeClass == .call } : [])
  }

  private func load(_ slots: inout [EncodedInsn], _ register: UInt8, _ value: UInt64) {
    let (low, high) = (Int32(truncatingIfNeeded: value), Int32(truncatingIfNeeded: value >> 32))
    let opcodes: (UInt8, UInt8) = version.hasWideLoad ? (0x18, 0) : (0xb4, 0xf7)
    slots.append(EncodedInsn(opcode: opcodes.0, destination: register, immediate: low))
    slots.append(
      EncodedInsn(opcode: opcodes.1, destination: version.hasWideLoad ? 0 : register, immediate: high))
  }

  private func insn(_ facts: OpcodeFacts, _ random: inout SplitMix64) -> EncodedInsn {
    var slot = EncodedInsn(
      opcode: facts.encoding(in: version)!, destination: .random(in: 0...5, using: &random),
      source: .random(in: 0...10, using: &random), offset: .random(in: -16...64, using: &random),
      immediate: Int32.random(in: 1...31, using: &random)
        &* (facts.rule == .shift ? 1 : [-1, 1][Int(random.next() & 1)]))
    if hasWideConstants, facts.rule != .shift, random.next() & 1 == 0 {
      slot.immediate = [Int32.max, .min, 0xff, 0xffff, 256, .random(in: .min ... .max, using: &random)]
        .randomElement(using: &random)!
      if slot.immediate == 0 { slot.immediate = 1 }
    }
    if facts.opcodeClass == .load { slot.source = .random(in: 6...10, using: &random) }
    if facts.opcodeClass == .store { slot.destination = .random(in: 6...10, using: &random) }
    if hasWideConstants, facts.opcodeClass == .load || facts.opcodeClass == .store, random.next() & 7 == 0 {
      slot.offset = .random(in: -4200...4200, using: &random)
    }
    if facts.rule == .byteOrder { slot.immediate = [16, 32, 64].randomElement(using: &random)! }
    if facts.opcode == .callx {
      let register = hasWideConstants && random.next() & 3 != 0 ? 8 : Int.random(in: 0...9, using: &random)
      (slot.destination, slot.source, slot.immediate) = (UInt8(register), UInt8(register), Int32(register))
    }
    if facts.opcode == .add64Imm {
      if version.hasManualStackFrames, random.next() & 1 == 0 {
        (slot.destination, slot.immediate) = (10, [-128, -64, 64].randomElement(using: &random)!)
      } else if slot.destination == 10 {
        slot.destination = 0
      }
    }
    if facts.opcode == .call {
      let spend = Int32(bitPattern: Murmur3.hash(Array("spend".utf8)))
      slot.immediate = [spend, spend, 77, 78, 79, 5].randomElement(using: &random)!
      slot.source = version.hasStaticSyscalls ? UInt8.random(in: 0...2, using: &random) : 0
    }
    return slot
  }

  /// Gives a jump or a static call a target where an instruction starts.
  private func aim(
    _ slots: inout [EncodedInsn], at pc: Int, start: Int, _ random: inout SplitMix64
  ) {
    guard let facts = Opcode.decoding(slots[pc].opcode, in: version)?.facts else { return }
    let isStaticCall = facts.opcode == .call && version.hasStaticSyscalls && slots[pc].source == 1
    guard facts.opcodeClass == .jump || isStaticCall else { return }
    let targets = (start..<slots.count).filter { slots[$0].opcode != 0 }
    let distance = targets.randomElement(using: &random)! - pc - 1
    if isStaticCall { slots[pc].immediate = Int32(distance) } else { slots[pc].offset = Int16(distance) }
  }
}
