// Assembly text of the wide family:
//
//   .constant 0xff             constant 0, the next one constant 1, …
//   .bytecode 0x5b00           the EVM code that this was translated from
//   .rules Osaka               what it was translated for
//   .target 0 start            EVM pc 0 is the label start
//   .evmpcs 0 0 1              by slot: the EVM pc that it was translated from
//   start:
//     wstack 2, 1              need, growth
//     wadd w-2, w-1, c0        D, A, B: wN a slot, nN a narrow slot, cN a constant
//     wjlt n0, c0, start       jumps name a label or +slots
//     wsys w-1, w1, 0x54       first argument and result, first free slot, id
import WideIntegers

extension Assembler {
  /// Statements that take no slot.
  static let directives: Set<String> = [
    ".function", ".constant", ".bytecode", ".rules", ".target", ".evmpcs",
  ]

  mutating func encodeWideDirective(_ statement: Statement) throws(AssemblerError) {
    guard version.hasWideInstructions else {
      throw .notInVersion(statement.mnemonic, version, line: statement.line)
    }
    guard statement.operands.count == 1 else {
      throw .invalidOperandCount(statement.mnemonic, line: statement.line)
    }
    let operand = statement.operands[0]
    let line = statement.line
    switch statement.mnemonic {
    case ".constant": wide.constants.append(try Assembler.word(operand, line))
    case ".bytecode": wide.bytecode += try Assembler.bytes(operand, line)
    case ".rules":
      guard WideTables.isRules(operand.utf8) else { throw .invalidImmediate(operand, line: line) }
      wide.rules = operand
    case ".evmpcs":
      for text in operand.split(separator: " ") {
        wide.pcMap.append(try Assembler.number32(String(text), line))
      }
    default:
      let words = operand.split(separator: " ").map(String.init)
      guard words.count == 2 else { throw .invalidOperandCount(statement.mnemonic, line: line) }
      guard let slot = labels[words[1]] else { throw .unknownLabel(words[1], line: line) }
      wide.jumpTargets.append(
        WideJumpTarget(sourceOffset: try Assembler.number32(words[0], line), slot: UInt32(clamping: slot)))
    }
  }

  mutating func encodeWide(_ facts: OpcodeFacts, _ statement: Statement) throws(AssemblerError) {
    var slot = EncodedInsn(opcode: facts.encoding(in: version) ?? 0)
    let operands = statement.operands
    let line = statement.line
    switch facts.form {
    case .wideResult: try setD(&slot, operands[0], line)
    case .wideUnary:
      try setD(&slot, operands[0], line)
      try setSources(&slot, operands[1...], line)
    case .wideBinary:
      try setD(&slot, operands[0], line)
      try setSources(&slot, operands[1...], line)
    case .wideStore, .wideJumpDynamic: try setSources(&slot, operands[...], line)
    case .wideJumpUnary, .wideJumpBinary:
      try setSources(&slot, operands.dropLast(), line)
      slot.offset = try jumpOffset(operands[operands.count - 1], line)
    case .wideJumpLong: slot.immediate = try longJumpOffset(operands[0], line)
    case .wideNumber: slot.immediate = try wideNumber(operands[0], facts, line)
    case .wideStack:
      slot.offset = try number16(operands[0], line)
      slot.immediate = Int32(UInt16(bitPattern: try number16(operands[1], line)))
    case .wideHook:
      try setD(&slot, operands[0], line)
      try setSources(&slot, operands[1...1], line)
      slot.immediate |= Int32(try number16(operands[2], line)) << 16
    default: break
    }
    slots.append(slot)
  }

  // MARK: Operands

  private func setD(_ slot: inout EncodedInsn, _ text: String, _ line: Int) throws(AssemblerError) {
    let (operand, isNarrow) = try operand(text, line)
    guard operand.constantIndex == nil else { throw .invalidRegister(text, line: line) }
    slot.offset = operand.rawValue
    if isNarrow { slot.destination |= WideFlags.narrowD.rawValue }
  }

  /// A and, if there are two, B.
  private func setSources(
    _ slot: inout EncodedInsn, _ texts: ArraySlice<String>, _ line: Int
  ) throws(AssemblerError) {
    for (index, text) in texts.enumerated() {
      let (operand, isNarrow) = try operand(text, line)
      let bits = UInt32(UInt16(bitPattern: operand.rawValue)) << UInt32(16 * index)
      slot.immediate |= Int32(bitPattern: bits)
      if isNarrow { slot.destination |= index == 0 ? WideFlags.narrowA.rawValue : WideFlags.narrowB.rawValue }
    }
  }

  private func operand(_ text: String, _ line: Int) throws(AssemblerError) -> (WideOperand, isNarrow: Bool) {
    guard let kind = text.first, let number = Int(text.dropFirst()) else {
      throw .invalidRegister(text, line: line)
    }
    switch kind {
    case "c" where (0..<WideOperand.maxConstantCount).contains(number): return (.constant(number), false)
    case "w" where (Int(WideOperand.slots.lowerBound)...Int(WideOperand.slots.upperBound)).contains(number),
      "n" where (Int(WideOperand.slots.lowerBound)...Int(WideOperand.slots.upperBound)).contains(number):
      return (.slot(number), kind == "n")
    default: throw .invalidRegister(text, line: line)
    }
  }

  private func longJumpOffset(_ text: String, _ line: Int) throws(AssemblerError) -> Int32 {
    guard Assembler.isName(text) else {
      let value = Int64(bitPattern: try Assembler.number(text, line: line))
      guard let offset = Int32(exactly: value) else { throw .invalidOffset(text, line: line) }
      return offset
    }
    guard let target = labels[text] else { throw .unknownLabel(text, line: line) }
    guard let distance = Int32(exactly: target - slots.count - 1) else { throw .jumpTooFar(text, line: line) }
    return distance
  }

  /// Unsigned for a charge, signed for an adjustment.
  private func wideNumber(_ text: String, _ facts: OpcodeFacts, _ line: Int) throws(AssemblerError) -> Int32 {
    let value = Int64(bitPattern: try Assembler.number(text, line: line))
    if facts.immediate == .zeroExtended, let number = UInt32(exactly: value) {
      return Int32(bitPattern: number)
    }
    if facts.immediate == .signExtended, let number = Int32(exactly: value) { return number }
    throw .invalidImmediate(text, line: line)
  }

  private func number16(_ text: String, _ line: Int) throws(AssemblerError) -> Int16 {
    let value = Int64(bitPattern: try Assembler.number(text, line: line))
    guard let number = Int16(exactly: value) else { throw .invalidImmediate(text, line: line) }
    return number
  }

  private static func number32(_ text: String, _ line: Int) throws(AssemblerError) -> UInt32 {
    guard let number = UInt32(exactly: try number(text, line: line)) else {
      throw .invalidImmediate(text, line: line)
    }
    return number
  }

  private static func word(_ text: String, _ line: Int) throws(AssemblerError) -> UInt256 {
    if text.hasPrefix("0x"), let word = UInt256(hex: text) { return word }
    guard let number = UInt64(text) else { throw .invalidImmediate(text, line: line) }
    return UInt256(number)
  }

  private static func bytes(_ text: String, _ line: Int) throws(AssemblerError) -> [UInt8] {
    let digits = Array(text.hasPrefix("0x") ? text.dropFirst(2) : text[...])
    guard digits.count % 2 == 0, digits.allSatisfy(\.isHexDigit) else {
      throw .invalidImmediate(text, line: line)
    }
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
  }
}

extension OperandForm {
  /// Operands in the assembly text; nil for what is not of the wide family.
  var wideOperandCount: Int? {
    switch self {
    case .wideResult, .wideJumpLong, .wideJumpDynamic, .wideNumber: 1
    case .wideUnary, .wideStore, .wideJumpUnary, .wideStack: 2
    case .wideBinary, .wideJumpBinary, .wideHook: 3
    default: nil
    }
  }
}
