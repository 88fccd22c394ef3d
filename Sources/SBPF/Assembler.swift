// SBPF assembly text to a program. One statement a line; `#`, `//` and `;` start comments. The dialect is
// that of uBPF and bpf_conformance with Solana's additions:
//
//   entrypoint:                a label; the program starts at `entrypoint`, else at its first slot
//     mov64 r1, 0x10           registers r0–r10, also %r0; `mov` and `mov64` are the same
//     ldxdw r2, [r1+8]         jumps name a label or +slots
//     jeq r2, 0, done
//     call helper              a label: a function; another name: a syscall; `call local x` too
//     call 0x207559bd          the immediate itself
//   done:
//     exit
//   .slot 0x95               eight bytes as a number, for what has no spelling
//   .function 0x71e3cf81 helper   a call key for a label, where it is not the usual one
//
// The wide family's statements: Wide/Assembler+Wide.swift.

package enum AssemblerError: Error, Equatable, Sendable, CustomStringConvertible {
  case unknownInstruction(String, line: Int)
  case notInVersion(String, SBPFVersion, line: Int)
  case invalidOperandCount(String, line: Int)
  case invalidRegister(String, line: Int)
  case invalidImmediate(String, line: Int)
  case invalidOffset(String, line: Int)
  case invalidLabel(String, line: Int)
  case duplicateLabel(String, line: Int)
  case unknownLabel(String, line: Int)
  case jumpTooFar(String, line: Int)

  package var description: String {
    switch self {
    case .unknownInstruction(let name, let line): "line \(line): unknown instruction \(name)"
    case .notInVersion(let name, let version, let line): "line \(line): SBPF \(version) has no \(name)"
    case .invalidOperandCount(let name, let line): "line \(line): wrong number of operands for \(name)"
    case .invalidRegister(let text, let line): "line \(line): invalid register \(text)"
    case .invalidImmediate(let text, let line): "line \(line): invalid immediate \(text)"
    case .invalidOffset(let text, let line): "line \(line): invalid offset \(text)"
    case .invalidLabel(let text, let line): "line \(line): invalid label \(text)"
    case .duplicateLabel(let text, let line): "line \(line): label \(text) is defined twice"
    case .unknownLabel(let text, let line): "line \(line): no label \(text)"
    case .jumpTooFar(let text, let line): "line \(line): \(text) is out of a jump's reach"
    }
  }
}

package struct Assembler {
  let version: SBPFVersion
  var slots: [EncodedInsn] = []
  var labels: [String: Int] = [:]
  var functions: FunctionTable = [:]
  var functionNames: [Int: String] = [:]
  var importNames: [UInt32: String] = [:]
  var wide = WideTables()

  /// Assembles `text` for `version`.
  package static func assemble(_ text: String, version: SBPFVersion) throws(AssemblerError) -> ProgramImage {
    var assembler = Assembler(version: version)
    let statements = try assembler.statements(text)
    for statement in statements { try assembler.encode(statement) }
    return assembler.image()
  }

  private init(version: SBPFVersion) { self.version = version }

  private func image() -> ProgramImage {
    let entryPC = labels["entrypoint"] ?? 0
    let text = EncodedInsn.bytes(of: slots)
    return ProgramImage(
      version: version, text: text, rodata: version.hasLowRodata ? [] : text,
      rodataAddress: version.hasLowRodata ? GuestMemory.rodataStart : GuestMemory.programStart,
      entryPC: entryPC,
      functions: functions, functionNames: functionNames, importNames: importNames,
      wide: version.hasWideInstructions ? wide : nil)
  }
}

// MARK: - Statements

extension Assembler {
  struct Statement {
    var mnemonic: String
    var operands: [String]
    var line: Int
  }

  /// Splits the text and places the labels.
  private mutating func statements(_ text: String) throws(AssemblerError) -> [Statement] {
    var statements: [Statement] = []
    var pc = 0
    for (index, rawLine) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = index + 1
      var rest = Assembler.trimmed(Assembler.withoutComment(rawLine))
      while let colon = rest.firstIndex(of: ":") {
        let name = String(Assembler.trimmed(rest[..<colon]))
        guard Assembler.isName(name) else { throw .invalidLabel(name, line: line) }
        guard labels.updateValue(pc, forKey: name) == nil else { throw .duplicateLabel(name, line: line) }
        rest = Assembler.trimmed(rest[rest.index(after: colon)...])
      }
      guard !rest.isEmpty else { continue }
      let statement = Assembler.statement(rest, line: line)
      statements.append(statement)
      if !Assembler.directives.contains(statement.mnemonic) { pc += statement.mnemonic == "lddw" ? 2 : 1 }
    }
    return statements
  }

  private static func statement(_ text: Substring, line: Int) -> Statement {
    let end = text.firstIndex { $0 == " " || $0 == "\t" } ?? text.endIndex
    let mnemonic = text[..<end].lowercased()
    let rest = trimmed(text[end...])
    guard !rest.isEmpty else { return Statement(mnemonic: mnemonic, operands: [], line: line) }
    let operands = rest.split(separator: ",", omittingEmptySubsequences: false).map { String(trimmed($0)) }
    return Statement(mnemonic: mnemonic, operands: operands, line: line)
  }

  private static func withoutComment(_ line: Substring) -> Substring {
    var end = line.endIndex
    if let mark = line.firstIndex(where: { $0 == "#" || $0 == ";" }) { end = mark }
    if let slash = line[..<end].firstIndex(of: "/"), line[slash...].hasPrefix("//") { end = slash }
    return line[..<end]
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return text
  }

  /// A label: letters, digits, `_`, `.`, `$` and what mangled symbols hold, not starting with a digit or a
  /// sign.
  static func isName(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, !("0"..."9").contains(first), first != "+", first != "-"
    else {
      return false
    }
    return text.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
        || "_.$@<>".unicodeScalars.contains(scalar)
    }
  }
}

// MARK: - Instructions

extension Assembler {
  private mutating func encode(_ statement: Statement) throws(AssemblerError) {
    switch statement.mnemonic {
    case ".slot":
      try expect(1, statement)
      slots.append(EncodedInsn(word: try Assembler.number(statement.operands[0], line: statement.line)))
    case ".function": try addFunction(statement)
    case _ where Assembler.directives.contains(statement.mnemonic): try encodeWideDirective(statement)
    case "call" where !version.hasWideInstructions: try encodeCall(statement)
    default: try encodeOperation(statement)
    }
  }

  private func expect(_ count: Int, _ statement: Statement) throws(AssemblerError) {
    guard statement.operands.count == count else {
      throw .invalidOperandCount(statement.mnemonic, line: statement.line)
    }
  }

  private mutating func addFunction(_ statement: Statement) throws(AssemblerError) {
    try expect(1, statement)
    let words = statement.operands[0].split(separator: " ").map(String.init)
    guard words.count == 2 else { throw .invalidOperandCount(".function", line: statement.line) }
    guard let target = labels[words[1]] else { throw .unknownLabel(words[1], line: statement.line) }
    let key = try Assembler.number(words[0], line: statement.line)
    functions[UInt32(truncatingIfNeeded: key)] = target
    functionNames[target] = words[1]
  }

  private mutating func encodeOperation(_ statement: Statement) throws(AssemblerError) {
    let facts = try operation(statement)
    guard let byte = facts.encoding(in: version) else {
      throw .notInVersion(statement.mnemonic, version, line: statement.line)
    }
    if facts.opcodeClass == .wide { return try encodeWide(facts, statement) }
    var slot = EncodedInsn(opcode: byte)
    let operands = statement.operands
    let line = statement.line
    switch facts.form {
    case .register: slot.destination = try register(operands[0], line)
    case .registerImmediate:
      slot.destination = try register(operands[0], line)
      slot.immediate = try immediate32(operands[1], line)
    case .registers:
      slot.destination = try register(operands[0], line)
      slot.source = try register(operands[1], line)
    case .byteOrder:
      slot.destination = try register(operands[0], line)
      slot.immediate = try immediate32(String(statement.mnemonic.dropFirst(2)), line)
    case .wideImmediate:
      slot.destination = try register(operands[0], line)
      let value = try Assembler.number(operands[1], line: line)
      slot.immediate = Int32(truncatingIfNeeded: value)
      slots.append(slot)
      slot = EncodedInsn(opcode: 0, immediate: Int32(truncatingIfNeeded: value >> 32))
    case .load:
      slot.destination = try register(operands[0], line)
      (slot.source, slot.offset) = try address(operands[1], line)
    case .storeImmediate:
      (slot.destination, slot.offset) = try address(operands[0], line)
      slot.immediate = try immediate32(operands[1], line)
    case .storeRegister:
      (slot.destination, slot.offset) = try address(operands[0], line)
      slot.source = try register(operands[1], line)
    case .jump: slot.offset = try jumpOffset(operands[0], line)
    case .jumpImmediate:
      slot.destination = try register(operands[0], line)
      slot.immediate = try immediate32(operands[1], line)
      slot.offset = try jumpOffset(operands[2], line)
    case .jumpRegisters:
      slot.destination = try register(operands[0], line)
      slot.source = try register(operands[1], line)
      slot.offset = try jumpOffset(operands[2], line)
    case .callRegister: setCallRegister(&slot, try register(operands[0], line))
    default: break
    }
    slots.append(slot)
  }

  private func setCallRegister(_ slot: inout EncodedInsn, _ register: UInt8) {
    if version.callxUsesSourceField {
      slot.source = register
    } else if version.callxUsesDestinationField {
      slot.destination = register
    } else {
      slot.immediate = Int32(register)
    }
  }

  private mutating func encodeCall(_ statement: Statement) throws(AssemblerError) {
    try expect(1, statement)
    var name = statement.operands[0]
    let isLocal = name.hasPrefix("local ")
    if isLocal { name = String(name.dropFirst(6)) }
    if name.hasPrefix("%r") {
      return try encodeOperation(Statement(mnemonic: "callx", operands: [name], line: statement.line))
    }
    var slot = EncodedInsn(opcode: Opcode.call.facts.encoding(in: version) ?? 0)
    if let target = labels[name] {
      if version.hasStaticSyscalls {
        slot.source = 1
        slot.immediate = Int32(truncatingIfNeeded: target - slots.count - 1)
      } else {
        let key = Assembler.functionKey(name: name, pc: target)
        slot.immediate = Int32(bitPattern: key)
        functions[key] = target
      }
      functionNames[target] = name
    } else if isLocal {
      throw .unknownLabel(name, line: statement.line)
    } else if Assembler.isName(name) {
      let key = Murmur3.hash(Array(name.utf8))
      slot.immediate = Int32(bitPattern: key)
      importNames[key] = name
    } else {
      slot.immediate = try immediate32(name, statement.line)
    }
    slots.append(slot)
  }

  /// What `call` names a function by in versions without static calls.
  static func functionKey(name: String, pc: Int) -> UInt32 {
    name == "entrypoint" ? Murmur3.hash(Array(name.utf8)) : Murmur3.key(ofPC: pc)
  }
}

// MARK: - Operands

extension Assembler {
  /// The row of the table that a statement means: its mnemonic, its number of operands, register or
  /// immediate.
  private func operation(_ statement: Statement) throws(AssemblerError) -> OpcodeFacts {
    var mnemonic = statement.mnemonic
    if ["le16", "le32", "le64", "be16", "be32", "be64"].contains(mnemonic) {
      mnemonic = String(mnemonic.prefix(2))
    }
    let rows = Assembler.rowsByMnemonic[mnemonic] ?? []
    guard !rows.isEmpty else { throw .unknownInstruction(statement.mnemonic, line: statement.line) }
    let matching = rows.filter { Assembler.accepts($0.form, statement.operands) }
    guard let any = matching.first else {
      throw .invalidOperandCount(statement.mnemonic, line: statement.line)
    }
    return matching.first { $0.encoding(in: version) != nil } ?? any
  }

  private static let rowsByMnemonic: [String: [OpcodeFacts]] = {
    var rows: [String: [OpcodeFacts]] = [:]
    for facts in Opcode.table where facts.form != .none {
      rows[facts.mnemonic, default: []].append(facts)
      // uBPF's short names: `add` is `add64`.
      if facts.opcodeClass == .alu, facts.mnemonic.hasSuffix("64") {
        rows[String(facts.mnemonic.dropLast(2)), default: []].append(facts)
      }
    }
    return rows
  }()

  private static func accepts(_ form: OperandForm, _ operands: [String]) -> Bool {
    let hasSourceRegister = operands.count > 1 && isRegisterLike(operands[1])
    return switch form {
    case .bare: operands.isEmpty
    case .register, .byteOrder, .jump, .call, .callRegister: operands.count == 1
    case .registerImmediate: operands.count == 2 && !hasSourceRegister
    case .registers: operands.count == 2 && hasSourceRegister
    case .wideImmediate, .load, .storeImmediate, .storeRegister: operands.count == 2
    case .jumpImmediate: operands.count == 3 && !hasSourceRegister
    case .jumpRegisters: operands.count == 3 && hasSourceRegister
    case .none: false
    default: operands.count == form.wideOperandCount
    }
  }

  private static func isRegisterLike(_ text: String) -> Bool { text.hasPrefix("r") || text.hasPrefix("%") }

  private func register(_ text: String, _ line: Int) throws(AssemblerError) -> UInt8 {
    let name = text.hasPrefix("%") ? text.dropFirst() : text[...]
    guard name.first == "r", let number = UInt8(name.dropFirst()), number <= 10 else {
      throw .invalidRegister(text, line: line)
    }
    return number
  }

  private func immediate32(_ text: String, _ line: Int) throws(AssemblerError) -> Int32 {
    let value = try Assembler.number(text, line: line)
    // Hexadecimal is a bit pattern, decimal a signed number.
    if let signed = Int32(exactly: Int64(bitPattern: value)) { return signed }
    guard text.lowercased().hasPrefix("0x"), let pattern = UInt32(exactly: value) else {
      throw .invalidImmediate(text, line: line)
    }
    return Int32(bitPattern: pattern)
  }

  /// A decimal or 0x-hexadecimal number, its sign included, as 64 bits.
  static func number(_ text: String, line: Int) throws(AssemblerError) -> UInt64 {
    let isNegative = text.hasPrefix("-")
    let digits = (isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]).lowercased()
    let magnitude = digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    guard let magnitude, digits.first != "+", digits.first != "-", !digits.hasPrefix("0x+"),
      !isNegative || magnitude <= 1 << 63
    else { throw .invalidImmediate(text, line: line) }
    return isNegative ? 0 &- magnitude : magnitude
  }

  /// `[register+offset]`
  private func address(_ text: String, _ line: Int) throws(AssemblerError) -> (UInt8, Int16) {
    guard text.hasPrefix("["), text.hasSuffix("]") else { throw .invalidOffset(text, line: line) }
    let inner = text.dropFirst().dropLast().filter { !$0.isWhitespace }
    let sign = inner.firstIndex { $0 == "+" || $0 == "-" } ?? inner.endIndex
    let base = try register(String(inner[..<sign]), line)
    guard sign < inner.endIndex else { return (base, 0) }
    return (base, try offset(String(inner[sign...]), line))
  }

  private func offset(_ text: String, _ line: Int) throws(AssemblerError) -> Int16 {
    let value = try Assembler.number(text, line: line)
    guard let offset = Int16(exactly: Int64(bitPattern: value)) else {
      throw .invalidOffset(text, line: line)
    }
    return offset
  }

  func jumpOffset(_ text: String, _ line: Int) throws(AssemblerError) -> Int16 {
    guard Assembler.isName(text) else { return try offset(text, line) }
    guard let target = labels[text] else { throw .unknownLabel(text, line: line) }
    guard let distance = Int16(exactly: target - slots.count - 1) else { throw .jumpTooFar(text, line: line) }
    return distance
  }
}
