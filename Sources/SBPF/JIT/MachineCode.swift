// An executable's machine code and the two tables that lead from it back to the program: which slot each
// block's code belongs to, and which instruction each return address in the code stands for.

/// A return address in the code, as an offset from its start, and the slot of the instruction it belongs to.
struct CodeSite {
  var offset: UInt32
  var pc: UInt32
}

/// Immutable after `init`; its pages are freed with it, so whoever runs it keeps it alive.
final class MachineCode: @unchecked Sendable {
  // Unchecked: all memory below is written before `init` ends and given back in `deinit`.
  private let block: CodePages.Block
  private let entriesBlock: CodePages.Block
  private let sitesBlock: CodePages.Block?
  /// By slot: offset of the code of the block that starts there, or 0. `entryCount` of them. Wide code: by EVM
  /// pc, offset or `WideProgram.noJump`.
  let entries: UnsafePointer<UInt32>
  /// Ascending by offset.
  private let sites: UnsafeBufferPointer<CodeSite>
  /// Bytes of instructions, without the rest of the last page.
  let codeByteCount: Int

  /// What running the code takes.
  struct Entry {
    let start: UnsafeMutableRawPointer
    let entries: UnsafePointer<UInt32>
  }

  /// Takes over the blocks, of which the last two hold that many entries and sites.
  init(
    block: CodePages.Block, codeByteCount: Int, entries: CodePages.Block, entryCount: Int, siteCount: Int,
    sites: CodePages.Block
  ) {
    self.block = block
    self.codeByteCount = codeByteCount
    entriesBlock = entries
    sitesBlock = sites
    self.entries = UnsafePointer(entries.start.bindMemory(to: UInt32.self, capacity: entryCount))
    self.sites = UnsafeBufferPointer(
      start: sites.start.bindMemory(to: CodeSite.self, capacity: siteCount), count: siteCount)
  }

  /// Takes over the blocks; nothing in the code leads back to the program.
  init(block: CodePages.Block, codeByteCount: Int, entries: CodePages.Block, entryCount: Int) {
    self.block = block
    self.codeByteCount = codeByteCount
    entriesBlock = entries
    sitesBlock = nil
    self.entries = UnsafePointer(entries.start.bindMemory(to: UInt32.self, capacity: entryCount))
    sites = UnsafeBufferPointer(start: nil, count: 0)
  }

  deinit {
    CodePages.free(block)
    CodePages.giveBack(entriesBlock)
    if let sitesBlock { CodePages.giveBack(sitesBlock) }
  }

  var start: UnsafeMutableRawPointer { block.start }
  var entry: Entry { Entry(start: block.start, entries: entries) }

  /// All memory that the code and its tables take.
  var byteCount: Int {
    block.byteCount + entriesBlock.byteCount + (sitesBlock?.byteCount ?? 0)
  }

  /// The slot of the instruction whose code `returnAddress` follows.
  func pc(returningTo returnAddress: UInt) -> Int? {
    let offset = returnAddress &- UInt(bitPattern: block.start)
    var low = 0
    var high = sites.count
    while low < high {
      let middle = (low + high) / 2
      if UInt(sites[middle].offset) < offset { low = middle + 1 } else { high = middle }
    }
    guard low < sites.count, UInt(sites[low].offset) == offset else { return nil }
    return Int(sites[low].pc)
  }

  /// Units that the block charged when it was entered for the instructions from `pc` on.
  func unitsCharged(from pc: Int, in insns: UnsafePointer<Insn>) -> Int64 {
    var units: Int64 = 0
    var pc = pc
    while true {
      units += 1
      let opcode = insns[pc].opcode
      if opcode.endsBlock { return units }
      pc += opcode == .lddw ? 2 : 1
      if entries[pc] != 0 { return units }
    }
  }
}

extension Opcode {
  /// Whether the instruction after this one always starts a block: jumps, calls, exits, and slots that are no
  /// instruction.
  var endsBlock: Bool { rawValue >= Opcode.ja.rawValue }
}
