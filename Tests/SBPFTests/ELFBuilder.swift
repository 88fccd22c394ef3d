// Builds ELF files for tests, field by field, so that each field can be wrong on its own. Nothing here is shared with
// the code under test.
@testable import SBPF

/// Little-endian bytes of a word.
func bytes<T: FixedWidthInteger>(_ word: T) -> [UInt8] {
  withUnsafeBytes(of: word.littleEndian) { Array($0) }
}

/// One instruction slot.
func slot(_ opcode: UInt8, dst: UInt8 = 0, src: UInt8 = 0, off: Int16 = 0, imm: Int32 = 0) -> [UInt8] {
  [opcode, dst | src << 4] + bytes(off) + bytes(imm)
}

let exitSlot = slot(0x95)

struct TestSection {
  var name: String
  var type: UInt32
  var flags: UInt64 = 0
  var address: UInt64?
  var contents: [UInt8] = []
  var link: UInt32 = 0
  var info: UInt32 = 0
  var alignment: UInt64 = 8
  var entrySize: UInt64 = 0
}

struct TestSegment {
  var type: UInt32
  var flags: UInt32
  var offset: UInt64
  var address: UInt64
  var byteCount: UInt64
}

/// Sections in file order behind the program headers; a loaded one's address is its offset unless it says otherwise.
struct TestELF {
  var type: UInt16 = 3
  var machine: UInt16 = 247
  var flags: UInt32 = 0
  var entry: UInt64?
  var sections: [TestSection] = []
  var segmentCount = 0
  /// Given each section's file offset, by name.
  var segments: ([String: UInt64]) -> [TestSegment] = { _ in [] }
  private(set) var offsets: [String: UInt64] = [:]

  mutating func build() -> [UInt8] {
    var names: [UInt8] = [0]
    var file = [UInt8](repeating: 0, count: 64 + 56 * segmentCount)
    var headers = [UInt8](repeating: 0, count: 64)
    for section in sections + [TestSection(name: ".shstrtab", type: 3, alignment: 1)] {
      let name = UInt32(names.count)
      names += Array(section.name.utf8) + [0]
      while UInt64(file.count) % section.alignment != 0 { file.append(0) }
      let contents = section.name == ".shstrtab" ? names : section.contents
      let offset = UInt64(file.count)
      offsets[section.name] = offset
      headers += bytes(name) + bytes(section.type) + bytes(section.flags)
      headers += bytes(section.address ?? (section.flags & 2 != 0 ? offset : 0)) + bytes(offset)
      headers += bytes(UInt64(contents.count)) + bytes(section.link) + bytes(section.info)
      headers += bytes(section.alignment) + bytes(section.entrySize)
      if section.type != 8 { file += contents }
    }
    while file.count % 8 != 0 { file.append(0) }
    let table = UInt64(file.count)
    file += headers
    var start: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    start += bytes(type) + bytes(machine) + bytes(UInt32(1)) + bytes(entry ?? offsets[".text"] ?? 0)
    start += bytes(UInt64(segmentCount == 0 ? 0 : 64)) + bytes(table) + bytes(flags) + bytes(UInt16(64))
    start += bytes(UInt16(56)) + bytes(UInt16(segmentCount)) + bytes(UInt16(64))
    start += bytes(UInt16(sections.count + 2)) + bytes(UInt16(sections.count + 1))
    for segment in segments(offsets) {
      start += bytes(segment.type) + bytes(segment.flags) + bytes(segment.offset) + bytes(segment.address)
      start += bytes(segment.address) + bytes(segment.byteCount) + bytes(segment.byteCount) + bytes(UInt64(8))
    }
    file.replaceSubrange(0..<start.count, with: start)
    return file
  }

  /// A lenient program: .text and .rodata.
  static func lenient(_ text: [UInt8] = slot(0xb7) + exitSlot, rodata: [UInt8] = Array("constant".utf8))
    -> TestELF
  {
    TestELF(sections: [
      TestSection(name: ".text", type: 1, flags: 6, contents: text),
      TestSection(name: ".rodata", type: 1, flags: 2, contents: rodata),
    ])
  }

  /// A lenient program whose dynamic relocations are `(offset in .text, type, symbol)`; symbol 1 is undefined and
  /// called `name`, symbol 2 the function at slot 0, symbol 3 the start of .rodata.
  static func dynamic(
    _ text: [UInt8], _ relocations: [(offset: UInt64, type: UInt32, symbol: UInt32)],
    name: String = "sol_log_"
  ) -> [UInt8] {
    var elf = lenient(text)
    let textOffset: UInt64 = 64 + 56
    let rodataOffset = (textOffset + UInt64(text.count) + 7) & ~7
    let strings: [UInt8] = [0] + Array(name.utf8) + [0] + Array("first".utf8) + [0]
    var symbols = [UInt8](repeating: 0, count: 24)
    symbols += symbol(name: 1, info: 0x10, section: 0, value: 0)
    symbols += symbol(name: UInt32(name.utf8.count + 2), info: 0x12, section: 1, value: textOffset)
    symbols += symbol(name: 0, info: 0x11, section: 2, value: rodataOffset)
    let dynamicOffset = rodataOffset + 8
    let symbolsOffset = dynamicOffset + 16 * 6
    let stringsOffset = symbolsOffset + UInt64(symbols.count)
    let relocationsOffset = (stringsOffset + UInt64(strings.count) + 7) & ~7
    var table: [UInt8] = []
    for (tag, value) in [
      (17, relocationsOffset), (18, UInt64(relocations.count * 16)), (19, 16), (6, symbolsOffset),
      (5, stringsOffset),
      (0, 0),
    ] as [(UInt64, UInt64)] { table += bytes(tag) + bytes(value) }
    let entries = relocations.flatMap {
      bytes(textOffset + $0.offset) + bytes(UInt64($0.symbol) << 32 | UInt64($0.type))
    }
    elf.sections += [
      TestSection(name: ".dynamic", type: 6, flags: 2, contents: table, link: 5),
      TestSection(name: ".dynsym", type: 11, flags: 2, contents: symbols, link: 5),
      TestSection(name: ".dynstr", type: 3, flags: 2, contents: strings, alignment: 1),
      TestSection(name: ".rel.dyn", type: 9, flags: 2, contents: entries, link: 4),
    ]
    elf.segmentCount = 1
    elf.segments = { offsets in
      let start = offsets[".dynamic"] ?? 0
      return [TestSegment(type: 2, flags: 4, offset: start, address: start, byteCount: UInt64(table.count))]
    }
    return elf.build()
  }

  static func symbol(name: UInt32, info: UInt8, section: UInt16, value: UInt64, size: UInt64 = 0) -> [UInt8] {
    bytes(name) + [info, 0] + bytes(section) + bytes(value) + bytes(size)
  }

  /// A strict program without section headers.
  static func strict(_ text: [UInt8] = slot(0xb7) + exitSlot, rodata: [UInt8] = Array("constant".utf8))
    -> [UInt8]
  {
    let count: UInt64 = rodata.isEmpty ? 1 : 2
    let start = 64 + 56 * count
    var elf = TestELF(flags: 3, entry: 0x1_0000_0000, segmentCount: Int(count))
    elf.segments = { _ in
      let code = TestSegment(
        type: 1, flags: 1, offset: start + UInt64(rodata.count), address: 0x1_0000_0000,
        byteCount: UInt64(text.count))
      let data = TestSegment(type: 1, flags: 4, offset: start, address: 0, byteCount: UInt64(rodata.count))
      return rodata.isEmpty ? [code] : [data, code]
    }
    var file = Array(elf.build()[0..<Int(start)])
    file.replaceSubrange(40..<48, with: bytes(UInt64(0)))
    file.replaceSubrange(60..<64, with: bytes(UInt32(0)))
    return file + rodata + text
  }
}

/// `file` with the word at `offset` replaced.
func patched<T: FixedWidthInteger>(_ file: [UInt8], _ offset: Int, _ word: T) -> [UInt8] {
  var file = file
  file.replaceSubrange(offset..<(offset + MemoryLayout<T>.size), with: bytes(word))
  return file
}
