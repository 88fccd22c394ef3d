// Why a file was refused. `description` is spelled as the validators print it into a transaction's logs (the
// ElfError of https://github.com/anza-xyz/sbpf); `diagnosis` adds what and where, for people.

package enum ELFError: Error, Equatable, Sendable {
  // The file's own structure.
  case invalidFileHeader(field: String)
  case invalidProgramHeader(index: Int, field: String)
  case invalidSectionHeader(index: Int)
  case outOfBounds(what: String, value: UInt64)
  case invalidSize(what: String, byteCount: UInt64)
  case invalidAlignment(what: String, offset: UInt64)
  case overlap(String, String)
  case sectionsNotInOrder(index: Int)
  case nameTooLong(String, limit: Int)
  case noSectionNames
  case noDynamicNames
  case invalidDynamicTable(field: String)

  // What an executable must be.
  case unsupportedVersion(flags: UInt32)
  case wrongABI(UInt8)
  case wrongMachine(UInt16)
  case wrongType(UInt16)
  case notOneTextSection(count: Int)
  case writableSection(String)
  case sectionNotFound(String)
  case entrypointOutOfBounds(address: UInt64)
  case invalidEntrypoint(address: UInt64)
  case relativeJumpOutOfBounds(instruction: Int)
  case symbolHashCollision(key: UInt32)
  case unresolvedSymbol(name: String, instruction: UInt64, fileOffset: UInt64)
  case unknownSymbol(index: UInt64)
  case unknownRelocation(type: UInt32, fileOffset: UInt64)
  case invalidVirtualAddress(UInt64)
  case invalidWideTables(field: String)
}

extension ELFError: CustomStringConvertible {
  /// The validators' words, without the place.
  package var description: String {
    switch self {
    case .invalidFileHeader: "Failed to parse ELF file: invalid file header"
    case .invalidProgramHeader: "Invalid ELF program header"
    case .invalidSectionHeader: "Failed to parse ELF file: invalid section header"
    case .outOfBounds: "Offset or value is out of bounds"
    case .invalidSize: "Failed to parse ELF file: invalid size"
    case .invalidAlignment: "Failed to parse ELF file: invalid alignment"
    case .overlap: "Failed to parse ELF file: values overlap"
    case .sectionsNotInOrder: "Failed to parse ELF file: sections not in ascending order"
    case .nameTooLong(let name, let limit):
      "Failed to parse ELF file: Section or symbol name `\(name)` is longer than `\(limit)` bytes"
    case .noSectionNames: "Failed to parse ELF file: no section name string table found"
    case .noDynamicNames: "Failed to parse ELF file: no dynamic string table"
    case .invalidDynamicTable: "Failed to parse ELF file: invalid dynamic section table"
    case .unsupportedVersion:
      "Detected sbpf_version required by the executable which are not enabled"
    case .wrongABI: "Incompatible ELF: wrong ABI"
    case .wrongMachine: "Incompatible ELF: wrong machine"
    case .wrongType: "Incompatible ELF: wrong type"
    case .notOneTextSection:
      "Multiple or no text sections, consider removing llc option: -function-sections"
    case .writableSection(let name):
      "Found writable section (\(name)) in ELF, read-write data not supported"
    case .sectionNotFound(let name): "Section not found: \(name)"
    case .entrypointOutOfBounds: "Entrypoint out of bounds"
    case .invalidEntrypoint: "Invalid entrypoint"
    case .relativeJumpOutOfBounds(let instruction):
      "Relative jump out of bounds at instruction #\(instruction)"
    case .symbolHashCollision(let key): "Symbol hash collision \(ELFError.hex(UInt64(key)))"
    case .unresolvedSymbol(let name, let instruction, let offset):
      "Unresolved symbol (\(name)) at instruction #\(instruction) (ELF file offset \(ELFError.hex(offset)))"
    case .unknownSymbol(let index): "Unknown symbol with index \(index)"
    case .unknownRelocation(let type, _): "Relocation failed, unknown type \(type)"
    case .invalidVirtualAddress(let address):
      "Relocation failed, invalid referenced virtual address \(ELFError.hex(address))"
    case .invalidWideTables(let field): "invalid tables of wide code: \(field)"
    }
  }

  /// `description` and, where it does not say it already, what was wrong and where.
  package var diagnosis: String {
    guard let place else { return description }
    return "\(description) (\(place))"
  }

  private var place: String? {
    switch self {
    case .invalidFileHeader(let field): field
    case .invalidProgramHeader(let index, let field): "program header \(index): \(field)"
    case .invalidSectionHeader(let index): "section header \(index)"
    case .outOfBounds(let what, let value): "\(what): \(ELFError.hex(value))"
    case .invalidSize(let what, let byteCount): "\(what): \(byteCount) bytes"
    case .invalidAlignment(let what, let offset): "\(what) at file offset \(ELFError.hex(offset))"
    case .overlap(let first, let second): "\(first) and \(second)"
    case .sectionsNotInOrder(let index): "section \(index)"
    case .invalidDynamicTable(let field): field
    case .unsupportedVersion(SBPFVersion.wide.rawValue):
      "translated EVM code, which no ledger holds and only the EVM runs"
    case .unsupportedVersion(let flags): "e_flags \(ELFError.hex(UInt64(flags)))"
    case .wrongABI(let abi): "EI_OSABI \(abi)"
    case .wrongMachine(let machine): "e_machine \(machine)"
    case .wrongType(let type): "e_type \(type)"
    case .notOneTextSection(let count): "\(count) sections named .text"
    case .entrypointOutOfBounds(let address), .invalidEntrypoint(let address):
      "e_entry \(ELFError.hex(address))"
    case .unknownRelocation(_, let offset): "file offset \(ELFError.hex(offset))"
    default: nil
    }
  }

  package static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
