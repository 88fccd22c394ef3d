// A program that does what its instruction's data says, step after step, as ScriptContract does among contracts. Its steps
// hold the tables of calls ready made, with the addresses that things will have in the program's memory: it copies them into
// its heap and makes the calls.
//
//   data    address of the script (u64) · its length (u64) · the script, if it lies here
//   script  steps of 7 words, then what they point to; it is copied to the start of the heap
//
// Its return data are a hash over what its calls returned, as far as each step says.

import Ledger
import Linking
import Primitives
import SBPF

struct ScriptProgram {
  /// The account as the program's instruction names it.
  struct Slot {
    var meta: AccountMeta
    var dataByteCount: Int

    init(_ key: Pubkey, signer: Bool = false, writable: Bool = false, dataByteCount: Int = 0) {
      meta = AccountMeta(key: key, isSigner: signer, isWritable: writable)
      self.dataByteCount = dataByteCount
    }

    /// The system program, whose account holds its name.
    static var system: Slot { Slot(ProgramID.system, dataByteCount: "system_program".utf8.count) }
    /// A program's.
    static func program(_ key: Pubkey) -> Slot {
      Slot(key, dataByteCount: UpgradeableProgram.programByteCount)
    }
  }

  enum Step {
    /// - Parameter take: bytes of the return data that count for the hash, at most 1,024.
    case invoke(Instruction, seeds: [[UInt8]]? = nil, take: Int = 0)
    case fail(UInt64)
    case burn
    /// Stores a word at the start of an account's data.
    case store(slot: Int, UInt64)
  }

  static func elf() throws -> [UInt8] {
    try ObjectLinker.executable(try Assembler.assemble(text, version: .v3))
  }

  /// Accounts of a program with this code.
  static func accounts(_ id: Pubkey) throws -> [(key: Pubkey, account: Account)] {
    let made = UpgradeableProgram.accounts(programID: id, elf: try elf(), rent: Rent())
    return [(id, made.program), made.programData]
  }

  private static let text = """
    entrypoint:
      mov64 r6, 3
      lsh64 r6, 32
      mov64 r1, r6
      ldxdw r3, [r2+8]
      ldxdw r2, [r2+0]
      call sol_memcpy_
      mov64 r8, r6
      mov64 r9, r6
      add64 r9, 24576
    loop:
      ldxdw r1, [r8+0]
      jeq r1, 1, invoke
      jeq r1, 2, fail
      jeq r1, 3, burn
      jeq r1, 4, store
      mov64 r1, r9
      mov64 r2, 32
      call sol_set_return_data
      mov64 r0, 0
      exit
    invoke:
      ldxdw r1, [r8+8]
      ldxdw r2, [r8+16]
      ldxdw r3, [r8+24]
      ldxdw r4, [r8+32]
      ldxdw r5, [r8+40]
      call sol_invoke_signed_c
      mov64 r1, r9
      add64 r1, 96
      ldxdw r2, [r8+48]
      mov64 r3, r9
      add64 r3, 32
      call sol_get_return_data
      ldxdw r7, [r8+48]
      jgt r0, r7, hash
      mov64 r7, r0
    hash:
      stxdw [r9+64], r9
      mov64 r1, 32
      stxdw [r9+72], r1
      mov64 r1, r9
      add64 r1, 96
      stxdw [r9+80], r1
      stxdw [r9+88], r7
      mov64 r1, r9
      add64 r1, 64
      mov64 r2, 2
      mov64 r3, r9
      call sol_keccak256
      add64 r8, 56
      ja loop
    fail:
      ldxdw r0, [r8+8]
      exit
    burn:
      ja burn
    store:
      ldxdw r1, [r8+8]
      ldxdw r2, [r8+16]
      stxdw [r1+0], r2
      add64 r8, 56
      ja loop
    """

  // MARK: Instructions

  private static let input: UInt64 = 0x4_0000_0000
  private static let heap: UInt64 = 0x3_0000_0000

  /// Where each slot begins in the program's memory, and where the instruction's data lie.
  private static func places(_ slots: [Slot]) -> (slots: [UInt64], data: UInt64) {
    var place = input + 8
    var places: [UInt64] = []
    for slot in slots {
      places.append(place)
      let end = place + 88 + UInt64(slot.dataByteCount) + 10_240
      place = (end + 7) & ~7 + 8
    }
    return (places, place + 8)
  }

  /// An instruction of the program at `id` that does `steps`.
  static func instruction(_ id: Pubkey, _ slots: [Slot], _ steps: [Step]) -> Instruction {
    let places = places(slots)
    let script = script(slots, places.slots, steps)
    return Instruction(
      programID: id, accounts: slots.map(\.meta),
      data: words([places.data + 16, UInt64(script.count)]) + script)
  }

  /// As above, where the script lies in the data of the slot at `index`, whose length that of the script is.
  static func instruction(
    _ id: Pubkey, _ slots: [Slot], scriptIn index: Int, _ steps: [Step]
  ) -> (instruction: Instruction, script: [UInt8]) {
    var slots = slots
    // The script holds addresses behind itself, and its length depends on nothing that they are.
    slots[index].dataByteCount = script(slots, places(slots).slots, steps).count
    let places = places(slots)
    let script = script(slots, places.slots, steps)
    let data = words([places.slots[index] + 88, UInt64(script.count)])
    return (Instruction(programID: id, accounts: slots.map(\.meta), data: data), script)
  }

  private static func words(_ words: [UInt64]) -> [UInt8] {
    words.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
  }

  /// A word whose first two bytes are flags.
  private static func flags(_ first: Bool, _ second: Bool) -> [UInt8] {
    [first ? 1 : 0, second ? 1 : 0, 0, 0, 0, 0, 0, 0]
  }

  private static func script(_ slots: [Slot], _ places: [UInt64], _ steps: [Step]) -> [UInt8] {
    var table: [UInt8] = []
    let tableStart = heap + UInt64(steps.count + 1) * 56
    /// Puts bytes into the table and says where they lie.
    func put(_ bytes: [UInt8]) -> UInt64 {
      while table.count % 8 != 0 { table.append(0) }
      defer { table += bytes }
      return tableStart + UInt64(table.count)
    }
    var list: [UInt8] = []
    for (slot, place) in zip(slots, places) {
      list += words([place + 8, place + 72, UInt64(slot.dataByteCount), place + 88, place + 40, 0])
      list += flags(slot.meta.isSigner, slot.meta.isWritable)
    }
    let infos = put(list)
    var records: [UInt8] = []
    for step in steps {
      switch step {
      case .invoke(let instruction, let seeds, let take):
        var metas: [UInt8] = []
        for meta in instruction.accounts {
          metas += words([put(meta.key.bytes)]) + flags(meta.isWritable, meta.isSigner)
        }
        let (program, list, data) = (put(instruction.programID.bytes), put(metas), put(instruction.data))
        let call = put(
          words([program, list, UInt64(instruction.accounts.count), data, UInt64(instruction.data.count)]))
        var (signers, signerCount): (UInt64, UInt64) = (0, 0)
        if let seeds {
          var parts: [UInt8] = []
          for seed in seeds { parts += words([put(seed), UInt64(seed.count)]) }
          signers = put(words([put(parts), UInt64(seeds.count)]))
          signerCount = 1
        }
        records += words([1, call, infos, UInt64(slots.count), signers, signerCount, UInt64(take)])
      case .fail(let error): records += words([2, error, 0, 0, 0, 0, 0])
      case .burn: records += words([3, 0, 0, 0, 0, 0, 0])
      case .store(let slot, let value): records += words([4, places[slot] + 88, value, 0, 0, 0, 0])
      }
    }
    return records + words([0, 0, 0, 0, 0, 0, 0]) + table
  }

  /// The program's return data where its calls returned `parts`.
  static func hash(_ parts: [[UInt8]]) -> [UInt8] {
    parts.reduce([UInt8](repeating: 0, count: 32)) { Keccak256.hash($0 + $1).bytes }
  }
}
