// Wide tables as the read-only data of an ELF file of the strict layout. All numbers are little-endian.
//
//   0   u32 constants, u32 jump targets, u32 source offsets (by slot), u32 bytes of source code
//   16  rules, zero bytes up to 16
//   32  constants, 32 bytes each
//       jump targets: u32 source offset, u32 slot
//       source offsets: u32
//       source code, zero bytes up to a multiple of 8
//
// Nothing may follow; the counts have to account for every byte. What the entries mean is the verifier's to judge.
import WideIntegers

extension WideTables {
  private static let headerByteCount = 32

  /// The bytes of the file's read-only data.
  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    func append(_ word: UInt32) { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
    for count in [constants.count, jumpTargets.count, pcMap.count, bytecode.count] {
      append(UInt32(clamping: count))
    }
    let name = rules.utf8.prefix(WideTables.maxRulesByteCount)
    bytes += name + [UInt8](repeating: 0, count: WideTables.maxRulesByteCount - name.count)
    for constant in constants {
      for limb in [constant.limb0, constant.limb1, constant.limb2, constant.limb3] {
        withUnsafeBytes(of: limb.littleEndian) { bytes += $0 }
      }
    }
    for target in jumpTargets {
      append(target.sourceOffset)
      append(target.slot)
    }
    for pc in pcMap { append(pc) }
    bytes += bytecode
    bytes += [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
    return bytes
  }

  /// Reads what `encoded` writes, and nothing else.
  init(decoding bytes: UnsafeRawBufferPointer) throws(ELFError) {
    func word(_ offset: Int) -> UInt32 {
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    func limb(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    let header = WideTables.headerByteCount
    guard bytes.count >= header else { throw .invalidWideTables(field: "header") }
    let name = bytes[16..<header].prefix { $0 != 0 }
    guard WideTables.isRules(name), bytes[(16 + name.count)..<header].allSatisfy({ $0 == 0 }) else {
      throw .invalidWideTables(field: "rules")
    }
    let counts = (0..<4).map { Int(word(4 * $0)) }
    // Each count is below 2^32, so the sum is far below 2^63.
    let targetsStart = header + counts[0] * 32
    let pcMapStart = targetsStart + counts[1] * 8
    let codeStart = pcMapStart + counts[2] * 4
    let codeEnd = codeStart + counts[3]
    guard (codeEnd + 7) & ~7 == bytes.count else { throw .invalidWideTables(field: "size") }
    guard bytes[codeEnd...].allSatisfy({ $0 == 0 }) else { throw .invalidWideTables(field: "padding") }
    self.init(
      constants: (0..<counts[0]).map { index in
        let start = header + index * 32
        return UInt256(limb(start), limb(start + 8), limb(start + 16), limb(start + 24))
      },
      jumpTargets: (0..<counts[1]).map { index in
        WideJumpTarget(sourceOffset: word(targetsStart + index * 8), slot: word(targetsStart + index * 8 + 4))
      },
      bytecode: Array(bytes[codeStart..<codeEnd]),
      pcMap: (0..<counts[2]).map { word(pcMapStart + $0 * 4) },
      rules: String(decoding: name, as: UTF8.self))
  }
}
