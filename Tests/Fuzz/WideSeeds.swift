// Writes what the fuzzing of wide images starts from into the folder that its argument names: a file of each kind.
import Foundation
import Linking

@testable import SBPF

@main struct WideSeeds {
  private static let texts = [
    "exit",
    """
    .constant 0x5
    .constant 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
    .bytecode 0x5b5b600056
    .target 0 first
    .target 1 second
      wcharge 20
      wstack 0, 8
      wmov w0, c0
      wmov w1, c1
      wadd w2, w0, w1
      wmul w3, n2, c0
      wmulmod w3, w1, w0
      wadjust 3
      wjump c0
    first:
      wcharge 3
      wstack 2, 2
      wsub w-2, w-1, c0
      wjz w-2, second
      wjlt w-2, c1, first
      winvalid
    second:
      wcharge 9
      wstack 1, 4
      wstore c0, w-1
      wload w0, c0
      wstore8 n0, w-1
      winput w1, c0
      wgas n2
      wmemsize w3
      wsys w0, w4, 0x54
      wshl w0, c0, w1
      wsar w1, c0, w0
      wbyte w2, c0, w1
      wsignext w3, c0, w2
      wja first
    """,
  ]

  static func main() throws {
    guard CommandLine.arguments.count == 2 else { fatalError("usage: wide-seeds FOLDER") }
    let folder = URL(fileURLWithPath: CommandLine.arguments[1])
    for (index, text) in texts.enumerated() {
      let image = try Assembler.assemble(text, version: .wide)
      try Data(try ObjectLinker.executable(image)).write(to: folder.appendingPathComponent("\(index).elf"))
      try Data(image.text).write(to: folder.appendingPathComponent("\(index).code"))
    }
  }
}
