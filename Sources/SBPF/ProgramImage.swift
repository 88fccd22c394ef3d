// What every loader produces and the only thing `Executable` is built from: instruction bytes with all
// relocations applied, the read-only memory the program sees, and its function table. The ELF loaders
// (lenient, strict, stock clang objects) write it; the decoder and verifier read it.

package struct ProgramImage: Sendable {
  package var version: SBPFVersion
  /// What holds the text: the read-only data, where that includes it.
  private(set) var textBytes: ProgramBytes
  private(set) var textRange: Range<Int>
  /// Guest address of `text[0]`.
  package var textAddress: UInt64
  private(set) var rodataBytes: ProgramBytes
  package var rodataAddress: UInt64
  /// Program counter (slot index) of the first instruction run.
  package var entryPC: Int
  /// Versions without static calls: `call imm` key (murmur3 hash) → pc. Versions with them: function starts,
  /// key = pc.
  package var functions: FunctionTable
  /// Names known from the symbol table, by pc; for people only.
  package var functionNames: [Int: String]
  /// Names of imported symbols, by `call imm` key, so that an unknown syscall can be refused by its name.
  package var importNames: [UInt32: String]
  /// What wide instructions refer to; nil in the other versions.
  package var wide: WideTables?

  package init(
    version: SBPFVersion, text: [UInt8], textAddress: UInt64 = 0x1_0000_0000, rodata: [UInt8] = [],
    rodataAddress: UInt64 = 0x1_0000_0000, entryPC: Int = 0, functions: FunctionTable = [:],
    functionNames: [Int: String] = [:], importNames: [UInt32: String] = [:],
    wide: WideTables? = nil
  ) {
    self.version = version
    textBytes = ProgramBytes(text)
    textRange = 0..<text.count
    self.textAddress = textAddress
    rodataBytes = ProgramBytes(rodata)
    self.rodataAddress = rodataAddress
    self.entryPC = entryPC
    self.functions = functions
    self.functionNames = functionNames
    self.importNames = importNames
    self.wide = wide
  }

  /// An image whose text lies at `textRange` of its read-only data.
  init(
    version: SBPFVersion, textIn textRange: Range<Int>, textAddress: UInt64, rodata: ProgramBytes,
    rodataAddress: UInt64, entryPC: Int, functions: FunctionTable, functionNames: [Int: String]
  ) {
    precondition(textRange.lowerBound >= 0 && textRange.upperBound <= rodata.count, "text outside the data")
    self.version = version
    textBytes = rodata
    self.textRange = textRange
    self.textAddress = textAddress
    rodataBytes = rodata
    self.rodataAddress = rodataAddress
    self.entryPC = entryPC
    self.functions = functions
    self.functionNames = functionNames
    importNames = [:]
    wide = nil
  }

  /// Instruction slots, 8 bytes each, little-endian, relocated. A copy.
  package var text: [UInt8] { Array(UnsafeRawBufferPointer(start: textStart, count: textRange.count)) }
  /// Read-only bytes mapped at `rodataAddress`; in the lenient versions they hold the text too. A copy.
  package var rodata: [UInt8] { rodataBytes.array }
  package var slotCount: Int { textRange.count / EncodedInsn.byteCount }

  private var textStart: UnsafeRawPointer { UnsafeRawPointer(textBytes.start + textRange.lowerBound) }

  /// Valid as long as `textBytes` lives.
  var encodedText: EncodedText { EncodedText(start: textStart, byteCount: textRange.count) }
}
