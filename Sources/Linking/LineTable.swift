// Source lines of an object that was compiled with -g: BTF's line records, which clang writes for every eBPF object
// beside DWARF (https://docs.kernel.org/bpf/btf.html). For error messages alone: what cannot be read is left out.

struct LineTable {
  private let types: [UInt8]
  private let extensions: [UInt8]
  private let strings: Range<Int>
  private let records: Range<Int>

  init?(types: [UInt8]?, extensions: [UInt8]?) {
    guard let types, let extensions else { return nil }
    self.types = types
    self.extensions = extensions
    guard LineTable.magic(types), LineTable.magic(extensions),
      let strings = LineTable.part(of: types, field: 16),
      let records = LineTable.part(of: extensions, field: 16)
    else { return nil }
    self.strings = strings
    self.records = records
  }

  private static func magic(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x9f, 0xeb]) }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - 4 else { return nil }
    return (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  /// The part whose offset from the header's end and size stand at `field`.
  private static func part(of bytes: [UInt8], field: Int) -> Range<Int>? {
    guard let header = word(bytes, 4), let offset = word(bytes, field), let count = word(bytes, field + 4),
      header + offset + count <= bytes.count
    else { return nil }
    return (header + offset)..<(header + offset + count)
  }

  private func string(_ offset: Int) -> String? {
    guard offset < strings.count else { return nil }
    let text = types[strings][(strings.lowerBound + offset)...].prefix(512)
    guard let end = text.firstIndex(of: 0) else { return nil }
    return String(decoding: text[..<end], as: UTF8.self)
  }

  /// `file:line` of the instruction at a byte offset of a code section.
  func line(section: String, offset: UInt64) -> String? {
    guard let recordByteCount = LineTable.word(extensions, records.lowerBound), recordByteCount >= 16 else {
      return nil
    }
    var cursor = records.lowerBound + 4
    while cursor + 8 <= records.upperBound {
      guard let name = LineTable.word(extensions, cursor), let count = LineTable.word(extensions, cursor + 4),
        count <= (records.upperBound - cursor - 8) / recordByteCount
      else { return nil }
      let first = cursor + 8
      cursor = first + count * recordByteCount
      guard string(name) == section else { continue }
      var best: Int?
      var bestOffset = -1
      for start in stride(from: first, to: cursor, by: recordByteCount) {
        guard let place = LineTable.word(extensions, start), UInt64(place) <= offset, place > bestOffset,
          let position = LineTable.word(extensions, start + 12), position >> 10 > 0
        else { continue }
        (best, bestOffset) = (start, place)
      }
      guard let best, let file = LineTable.word(extensions, best + 4).flatMap(string), !file.isEmpty,
        let position = LineTable.word(extensions, best + 12)
      else { return nil }
      return "\(file):\(position >> 10)"
    }
    return nil
  }
}
