// EVM bytecode as text for people, one operation a line: where it lies, its name, its immediate. The last PUSH
// of a code may lack bytes, which count as zeros; bytes that are no operation in the fork are listed as such, and
// so is data, since nothing tells the two apart.

import Primitives

package enum EVMDisassembler {
  /// One operation of a code.
  package struct Line: Sendable, Equatable {
    /// Where the operation lies in the code.
    package var pc: Int
    package var byte: UInt8
    /// Bytes present after it, fewer than its name says at the code's end.
    package var immediate: [UInt8]
    /// `nil` where the byte is no operation in the fork.
    package var name: String?
  }

  package static func lines(of code: [UInt8], fork: Fork) -> [Line] {
    var lines: [Line] = []
    var pc = 0
    while pc < code.count {
      let operation = EVMOpcodeTable.operation(code[pc], in: fork)
      let next = pc + 1 + Int(operation.immediateByteCount)
      lines.append(
        Line(
          pc: pc, byte: code[pc], immediate: Array(code[pc + 1..<min(next, code.count)]),
          name: EVMOpcodeTable.name(code[pc], in: fork)))
      pc = next
    }
    return lines
  }

  /// The listing: `0004  PUSH2 0x0040`, positions in hex; `00ff  0xc1 (undefined)` for other bytes.
  package static func text(of code: [UInt8], fork: Fork) -> String {
    let width = max(4, String(max(code.count, 1) - 1, radix: 16).utf8.count)
    var text = ""
    for line in lines(of: code, fork: fork) {
      let position = String(line.pc, radix: 16)
      text += String(repeating: "0", count: width - position.utf8.count) + position + "  "
      if let name = line.name {
        text += name
        if !line.immediate.isEmpty { text += " 0x" + Hex.encode(line.immediate) }
      } else {
        text += "0x" + Hex.encode([line.byte]) + " (undefined)"
      }
      text += "\n"
    }
    return text
  }
}
