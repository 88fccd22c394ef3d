// Wide instructions and tables as the text that Assembler+Wide.swift reads.
import WideIntegers

enum WideSpelling {
  /// The instruction in `slot`, or nil where the text would not assemble to it.
  static func text(_ insn: Insn, _ slot: EncodedInsn, label: (Int) -> String?) -> String? {
    let facts = insn.opcode.facts
    guard slot == slot.canonicalWide(facts.form) else { return nil }
    var allowed: WideFlags = []
    if facts.form.hasWideA, insn.wideA < Int(WideOperand.firstConstant) { allowed.insert(.narrowA) }
    if facts.form.hasWideB, insn.wideB < Int(WideOperand.firstConstant) { allowed.insert(.narrowB) }
    if facts.form.hasWideD { allowed.insert(.narrowD) }
    guard allowed.isSuperset(of: insn.wideFlags) else { return nil }
    guard let operands = operands(insn, facts, label: label) else { return nil }
    return operands.isEmpty ? facts.mnemonic : "\(facts.mnemonic) \(operands.joined(separator: ", "))"
  }

  private static func operands(_ insn: Insn, _ facts: OpcodeFacts, label: (Int) -> String?) -> [String]? {
    let d = operand(insn.wideD, insn.wideFlags.contains(.narrowD), mayBeConstant: false)
    let a = operand(insn.wideA, insn.wideFlags.contains(.narrowA))
    let b = operand(insn.wideB, insn.wideFlags.contains(.narrowB))
    func target(_ distance: Int) -> String {
      label(distance) ?? (distance < 0 ? "\(distance)" : "+\(distance)")
    }
    let texts: [String?] =
      switch facts.form {
      case .bare: []
      case .wideResult: [d]
      case .wideUnary: [d, a]
      case .wideBinary: [d, a, b]
      case .wideStore: [a, b]
      case .wideJumpUnary: [a, target(insn.wideD)]
      case .wideJumpBinary: [a, b, target(insn.wideD)]
      case .wideJumpLong: [target(Int(insn.immediate))]
      case .wideJumpDynamic: [a]
      case .wideNumber: ["\(insn.immediate)"]
      case .wideStack: ["\(insn.wideD)", "\(insn.wideA)"]
      case .wideHook:
        [d, a, insn.wideB < 0 ? "\(insn.wideB)" : "0x\(String(insn.wideB, radix: 16))"]
      default: [nil]
      }
    let spelled = texts.compactMap { $0 }
    return spelled.count == texts.count ? spelled : nil
  }

  private static func operand(_ number: Int, _ isNarrow: Bool, mayBeConstant: Bool = true) -> String? {
    let first = Int(WideOperand.firstConstant)
    if number >= first { return mayBeConstant ? "c\(number - first)" : nil }
    guard WideOperand.slots.contains(Int16(number)) else { return nil }
    return "\(isNarrow ? "n" : "w")\(number)"
  }

  /// The directives before the code.
  static func directives(_ tables: WideTables, labels: [Int: String]) -> [String] {
    var lines = tables.constants.map { ".constant \($0)" }
    if !tables.bytecode.isEmpty {
      let digits = tables.bytecode.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      lines.append(".bytecode 0x\(digits.joined())")
    }
    if !tables.rules.isEmpty { lines.append(".rules \(tables.rules)") }
    for target in tables.jumpTargets {
      guard let label = labels[Int(target.slot)] else { continue }
      lines.append(".target \(target.sourceOffset) \(label)")
    }
    for start in stride(from: 0, to: tables.pcMap.count, by: 16) {
      let row = tables.pcMap[start..<min(start + 16, tables.pcMap.count)]
      lines.append(".evmpcs \(row.map(String.init).joined(separator: " "))")
    }
    return lines
  }
}
