// The instructions sysvar: a transaction's own instructions, serialised for programs to look at
// (https://docs.rs/solana-instructions-sysvar). Made for each transaction that names the key; never stored.
//
//   u16 count · count × u16 offset · instructions · u16 index of the current one
//   instruction = u16 account count · accounts (u8 flags: 1 signer, 2 writable · key) · program key ·
//   u16 length · data

import Primitives

package enum InstructionsSysvar {
  /// The account data before any instruction ran; all integers little-endian.
  package static func data(for resolved: ResolvedTransaction) -> [UInt8] {
    let message = resolved.message
    let instructions = message.instructions
    var data: [UInt8] = []
    append(instructions.count, to: &data)
    data += [UInt8](repeating: 0, count: instructions.count * 2)
    for (index, instruction) in instructions.enumerated() {
      let offset = UInt16(truncatingIfNeeded: data.count)
      data[2 + index * 2] = UInt8(truncatingIfNeeded: offset)
      data[3 + index * 2] = UInt8(truncatingIfNeeded: offset >> 8)
      append(instruction.accountIndices.count, to: &data)
      for account in message.accountIndices(of: instruction).lazy.map(Int.init) {
        data.append((resolved.isSigner(account) ? 1 : 0) | (resolved.isWritable(account) ? 2 : 0))
        data += resolved.keys[account].bytes
      }
      data += message.programID(of: instruction).bytes
      append(instruction.data.count, to: &data)
      data += message.data(of: instruction)
    }
    append(0, to: &data)
    return data
  }

  /// Records that the top-level instruction at `index` runs now.
  package static func setCurrentIndex(_ index: Int, in data: inout [UInt8]) {
    guard data.count >= 2 else { return }
    data[data.count - 2] = UInt8(truncatingIfNeeded: index)
    data[data.count - 1] = UInt8(truncatingIfNeeded: index >> 8)
  }

  private static func append(_ value: Int, to data: inout [UInt8]) {
    data.append(UInt8(truncatingIfNeeded: value))
    data.append(UInt8(truncatingIfNeeded: value >> 8))
  }
}
