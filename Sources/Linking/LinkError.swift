// Why an object does not become a program: what is wrong, where (function, source line where debug information has
// it, section and offset), and what helps.
import SBPF

package struct LinkError: Error, Equatable, Sendable {
  /// Where in an object.
  package struct Place: Equatable, Sendable {
    package var section: String
    package var offset: UInt64
    /// The function that holds the offset.
    package var function: String?
    /// `file:line`
    package var line: String?
  }

  package enum Reason: Equatable, Sendable {
    /// The file's structure.
    case malformed(ELFError)
    case noObjects

    // What a program must have.
    case noEntrypoint(functions: [String])
    case staticEntrypoint
    case entrypointNotFunction
    case duplicateSymbol(String, first: String?, second: String?)
    case undefinedFunction(String, near: String?)
    case undefinedData(String)

    // What it cannot have.
    case writableGlobal(symbol: String, section: String)
    case kernelMap(symbol: String, section: String)
    case kernelMark(symbol: String, section: String)
    case constructor(function: String?, section: String)
    case threadLocal(symbol: String)
    case commonSymbol(String)
    case instruction(String)

    // What cannot be laid out.
    case invalidSymbol(name: String, why: String)
    case relocationType(UInt32)
    case relocation(why: String)
    case jumpOutOfRange
    case tooLarge(byteCount: UInt64)
    case unsupportedVersion(SBPFVersion)
    case refusedByLoader(ELFError)
    case refusedByVerifier(VerifierError)
    case writing(detail: String)
  }

  package var reason: Reason
  package var place: Place?
  /// The object's file, where several are linked.
  package var object: String?

  init(_ reason: Reason, at place: Place? = nil, in object: String? = nil) {
    self.reason = reason
    self.place = place
    self.object = object
  }
}

extension LinkError: CustomStringConvertible {
  package var description: String {
    var text = reason.description
    if let place {
      let spot = "\(place.section)+\(ELFError.hex(place.offset))"
      text = place.function.map { "in \($0) (\(spot)): \(text)" } ?? "at \(spot): \(text)"
      if let line = place.line { text = "\(line): \(text)" }
    }
    return object.map { "\($0): \(text)" } ?? text
  }
}

extension LinkError.Reason: CustomStringConvertible {
  package var description: String {
    switch self {
    case .malformed(let error): error.diagnosis
    case .noObjects: "no object to link"
    case .noEntrypoint(let functions): LinkError.noEntrypoint(functions)
    case .staticEntrypoint: "entrypoint is static, so that no loader finds it: drop `static`"
    case .entrypointNotFunction: "entrypoint is not a function in an executable section"
    case .duplicateSymbol(let name, let first, let second):
      "symbol \(name) is defined twice" + LinkError.both(first, second)
    case .undefinedFunction(let name, let near): LinkError.undefined(name, near)
    case .undefinedData(let name):
      "undefined symbol \(name) is used as data: link the object that defines it"
    case .writableGlobal(let symbol, let section):
      "writable global \(symbol) in section \(section): a program has no writable data; make it const, or keep "
        + "its value in an account"
    case .kernelMap(let symbol, let section):
      "map \(symbol) in section \(section): BPF maps are the Linux kernel's; a program keeps its state in accounts"
    case .kernelMark(let symbol, let section):
      "\(symbol) in section \(section): that tells the Linux kernel under which terms to load a program; Solana "
        + "has no use for it, remove it"
    case .constructor(let function, let section):
      "constructor or destructor \(function ?? "?") in section \(section): nothing runs before or after "
        + "entrypoint; call it from there"
    case .threadLocal(let symbol): "thread-local \(symbol): a program has no threads"
    case .commonSymbol(let symbol): "common symbol \(symbol): a program has no writable data"
    case .instruction(let what): what
    case .invalidSymbol(let name, let why): "symbol \(name): \(why)"
    case .relocationType(let type): "relocation type \(type) is not supported"
    case .relocation(let why): "relocation: \(why)"
    case .jumpOutOfRange: "jump leaves its section or its 16-bit range"
    case .tooLarge(let byteCount):
      "program of \(byteCount) bytes is too large: an account holds \(ObjectLinker.byteCountLimit)"
    case .unsupportedVersion(let version): "objects are not linked for SBPF \(version)"
    case .refusedByLoader(let error): "the linked program would be refused: \(error.diagnosis)"
    case .refusedByVerifier(let error): "the linked program would be refused: \(error)"
    case .writing(let detail): "the executable cannot be put together: \(detail)"
    }
  }
}

extension LinkError {
  private static func noEntrypoint(_ functions: [String]) -> String {
    let start = "no function named entrypoint in the object"
    if functions.isEmpty { return "\(start), which has no functions" }
    let names = functions.prefix(8).joined(separator: ", ") + (functions.count > 8 ? ", …" : "")
    return "\(start) (it has \(names)): that is where a program starts, "
      + "uint64_t entrypoint(const uint8_t *input)"
  }

  private static func both(_ first: String?, _ second: String?) -> String {
    guard let first, let second else { return "" }
    return first == second ? ": \(first) is given twice" : ": in \(first) and in \(second)"
  }

  private static func undefined(_ name: String, _ near: String?) -> String {
    let start = "undefined function \(name): it is no syscall, and no object that is linked defines it"
    if let near { return "\(start); did you mean \(near)?" }
    if name.hasPrefix("__") {
      return
        "\(start). clang calls it for an operation that eBPF lacks: write it another way, or define \(name)"
    }
    return
      "\(start). There is no C library: link the object that defines it; where clang made the call of a loop "
      + "or an idiom, -fno-builtin stops that"
  }
}
