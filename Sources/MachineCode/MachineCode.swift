// An executable's machine code and the two tables that lead from it back to the program: which slot each
// block's code belongs to, and which instruction each return address in the code stands for.

/// A return address in the code, as an offset from its start, and the slot of the instruction it belongs to.
@frozen @usableFromInline package struct CodeSite: BitwiseCopyable {
  @usableFromInline package var offset: UInt32
  @usableFromInline package var pc: UInt32

  @inlinable package init(offset: UInt32, pc: UInt32) { (self.offset, self.pc) = (offset, pc) }
}

/// Immutable after `init`; its pages are freed with it, so whoever runs it keeps it alive.
package final class MachineCode: @unchecked Sendable {
  // Unchecked: all memory below is written before `init` ends and given back in `deinit`.
  private let block: CodePages.Block
  private let entriesBlock: CodePages.Block
  private let sitesBlock: CodePages.Block?
  /// By slot: offset of the code of the block that starts there, or 0. `entryCount` of them. Wide code: by
  /// label, offset or `WideProgram.noJump`.
  package let entries: UnsafePointer<UInt32>
  /// Ascending by offset.
  private let sites: UnsafeBufferPointer<CodeSite>
  /// Bytes of instructions, without the rest of the last page.
  package let codeByteCount: Int

  /// What running the code takes.
  package struct Entry {
    package let start: UnsafeMutableRawPointer
    package let entries: UnsafePointer<UInt32>
  }

  /// Takes over the blocks, of which the last two hold that many entries and sites.
  package init(
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
  package init(block: CodePages.Block, codeByteCount: Int, entries: CodePages.Block, entryCount: Int) {
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

  package var start: UnsafeMutableRawPointer { block.start }
  package var entry: Entry { Entry(start: block.start, entries: entries) }

  /// All memory that the code and its tables take.
  package var byteCount: Int {
    block.byteCount + entriesBlock.byteCount + (sitesBlock?.byteCount ?? 0)
  }

  /// The slot of the instruction whose code `returnAddress` follows.
  package func pc(returningTo returnAddress: UInt) -> Int? {
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
}
