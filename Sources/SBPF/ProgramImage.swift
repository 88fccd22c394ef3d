// What every loader produces and the only thing `Executable` is built from: instruction bytes with all
// relocations applied, the read-only memory the program sees, and its function table. The ELF loaders
// (lenient, strict, stock clang objects) write it; the decoder and verifier read it.

package struct ProgramImage: Sendable {
  package var version: SBPFVersion
  /// Instruction slots, 8 bytes each, little-endian, relocated.
  package var text: [UInt8]
  /// Guest address of `text[0]`.
  package var textAddress: UInt64
  /// Read-only bytes mapped at `rodataAddress`; in the lenient versions they hold the text too.
  package var rodata: [UInt8]
  package var rodataAddress: UInt64
  /// Program counter (slot index) of the first instruction run.
  package var entryPC: Int
  /// Versions without static calls: `call imm` key (murmur3 hash) → pc. Versions with them: function starts,
  /// key = pc.
  package var functions: [UInt32: Int]
  /// Names known from the symbol table, by pc; for people only.
  package var functionNames: [Int: String]
  /// Names of imported symbols, by `call imm` key, so that an unknown syscall can be refused by its name.
  package var importNames: [UInt32: String]
  /// What wide instructions refer to; nil in the other versions.
  package var wide: WideTables?

  package init(
    version: SBPFVersion, text: [UInt8], textAddress: UInt64 = 0x1_0000_0000, rodata: [UInt8] = [],
    rodataAddress: UInt64 = 0x1_0000_0000, entryPC: Int = 0, functions: [UInt32: Int] = [:],
    functionNames: [Int: String] = [:], importNames: [UInt32: String] = [:],
    wide: WideTables? = nil
  ) {
    self.version = version
    self.text = text
    self.textAddress = textAddress
    self.rodata = rodata
    self.rodataAddress = rodataAddress
    self.entryPC = entryPC
    self.functions = functions
    self.functionNames = functionNames
    self.importNames = importNames
    self.wide = wide
  }
}
