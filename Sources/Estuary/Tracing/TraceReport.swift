// A transaction of Solana's that was executed again, as text and as JSON: instructions with their units, logs, what changed,
// and where a program stopped, with registers and the instructions around it.

import Ledger
import Primitives
import Runtime
import SBPF

/// A retraced transaction as text and as JSON.
package struct TraceReport {
  private let retraced: RetracedTransaction
  private let trace: InstructionTrace
  private let failure: Failure?

  /// Where a program stopped, with the instructions around it.
  private struct Failure {
    let program: Pubkey
    let stop: InstructionTrace.Stop
    let function: String
    let lines: [Disassembler.Line]
  }

  package init(_ retraced: RetracedTransaction, _ trace: InstructionTrace) {
    (self.retraced, self.trace) = (retraced, trace)
    failure = trace.failed.flatMap { call in
      guard let stop = call.stop, let elf = try? retraced.chain.programFile(at: call.program),
        let image = try? ELFLoader.load(elf, syscalls: SyscallTable.registry(.all), options: .inspection)
      else { return nil }
      let excerpt = Disassembler.excerpt(image, around: stop.pc, count: 4, syscalls: SyscallTable.registry(.all))
      return Failure(program: call.program, stop: stop, function: excerpt.function, lines: excerpt.lines)
    }
  }

  // MARK: For people

  package var text: String {
    let (record, result) = (retraced.record, retraced.result)
    var lines = [
      "block \(record.height), slot \(record.slot), time \(record.unixTimestamp)",
      result.error.map { "failed: \($0.text)" } ?? "success",
      "\(result.computeUnits) compute units, fee \(result.fee) lamports",
    ]
    for root in trace.roots { write(root, margin: "", &lines) }
    if !retraced.changes.isEmpty {
      lines.append("accounts changed:")
      lines += retraced.changes.flatMap { change in
        ["  \(change.key)"] + Self.differences(change).map { "    " + $0 }
      }
    }
    if let failure { lines += Self.text(of: failure) }
    return lines.joined(separator: "\n")
  }

  private func write(_ position: Int, margin: String, _ lines: inout [String]) {
    let call = trace.calls[position]
    let data = Hex.encode(Array(call.data.prefix(32))) + (call.data.count > 32 ? "…" : "")
    let name = call.contract.map { "\($0.kind.name) \($0.code.checksummed)" } ?? call.program.description
    lines.append("\(margin)├─ [\(call.units)] \(name) \(data.isEmpty ? "" : "data \(data)")")
    for event in call.events {
      switch event {
      case .call(let inner): write(inner, margin: margin + "│  ", &lines)
      case .log(let line):
        // What begins and ends a call, and what it used, the tree says.
        if !line.hasPrefix("Program \(call.program) ") { lines.append("\(margin)│  \(line)") }
      }
    }
    let error = call.error?.description ?? call.contract?.halt?.description
    lines.append("\(margin)│  └─ \(error.map { "failed: \($0)" } ?? "success")")
  }

  private static func differences(_ change: AccountChange) -> [String] {
    guard let before = change.old else {
      return change.new.map { ["new: \($0.lamports) lamports, \($0.data.count) bytes, owner \($0.owner)"] }
        ?? []
    }
    guard let after = change.new else { return ["gone: it had \(before.lamports) lamports"] }
    var lines: [String] = []
    if before.lamports != after.lamports { lines.append("lamports \(before.lamports) → \(after.lamports)") }
    if before.owner != after.owner { lines.append("owner \(before.owner) → \(after.owner)") }
    if before.executable != after.executable { lines.append("executable → \(after.executable)") }
    if before.data.count != after.data.count {
      lines.append("data \(before.data.count) → \(after.data.count) bytes")
    }
    if let range = Self.difference(before.data, after.data) {
      let part = range.prefix(32)
      let more = range.count > part.count ? "…" : ""
      lines.append(
        "data [\(range.lowerBound), \(range.upperBound)): \(Hex.encode(Array(before.data[part])))\(more) → "
          + "\(Hex.encode(Array(after.data[part])))\(more)")
    }
    return lines
  }

  /// From the first to the last byte that differs, as far as both have bytes.
  private static func difference(_ before: [UInt8], _ after: [UInt8]) -> Range<Int>? {
    let places = (0..<min(before.count, after.count)).filter { before[$0] != after[$0] }
    guard let first = places.first, let last = places.last else { return nil }
    return first..<last + 1
  }

  private static func text(of failure: Failure) -> [String] {
    let stop = failure.stop
    var lines = [
      "program \(failure.program) stopped at instruction \(stop.pc)"
        + (failure.function.isEmpty ? "" : ", in \(failure.function)")
        + (stop.fault.map { ": \($0)" } ?? ": it returned \(stop.registers[0])")
    ]
    for start in stride(from: 0, to: stop.registers.count, by: 4) {
      let registers = (start..<min(start + 4, stop.registers.count)).map { index in
        "r\(index)".padding(3) + "0x" + String(stop.registers[index], radix: 16).padding(17)
      }
      lines.append("  " + registers.joined().trimmedEnd)
    }
    for line in failure.lines {
      if let label = line.label { lines.append("  \(label):") }
      lines.append("  \(line.pc == stop.pc ? "→" : " ") \(String(line.pc).padding(6)) \(line.text)")
    }
    return lines
  }

  // MARK: JSON

  package func write(to writer: inout JSONWriter) {
    let (record, result) = (retraced.record, retraced.result)
    writer.beginObject()
    writer.member("signature", orNull: result.signature?.description)
    writer.member("height", record.height)
    writer.member("slot", record.slot)
    writer.member("unixTimestamp", record.unixTimestamp)
    writer.member("error", orNull: result.error?.text)
    writer.member("computeUnits", result.computeUnits)
    writer.member("fee", result.fee)
    writer.key("logs")
    writer.array { for line in result.logLines { $0.value(line) } }
    writer.key("instructions")
    writer.array { writer in for root in trace.roots { write(root, to: &writer) } }
    writer.key("accounts")
    writer.array { writer in
      for change in retraced.changes {
        writer.object { writer in
          writer.member("pubkey", change.key.description)
          Self.write("before", change.old, to: &writer)
          Self.write("after", change.new, to: &writer)
        }
      }
    }
    writer.key("failure")
    if let failure {
      writer.object { writer in
        writer.member("program", failure.program.description)
        writer.member("pc", failure.stop.pc)
        writer.member("function", failure.function)
        writer.member("fault", orNull: failure.stop.fault)
        writer.key("registers")
        writer.array {
          for register in failure.stop.registers { $0.value("0x" + String(register, radix: 16)) }
        }
        writer.key("instructions")
        writer.array { writer in
          for line in failure.lines {
            writer.object { writer in
              writer.member("pc", line.pc)
              writer.member("text", line.text)
            }
          }
        }
      }
    } else {
      writer.null()
    }
    writer.endObject()
  }

  private func write(_ position: Int, to writer: inout JSONWriter) {
    let call = trace.calls[position]
    writer.object { writer in
      writer.member("program", call.program.description)
      if let contract = call.contract {
        writer.member("contract", contract.code.checksummed)
        writer.member("type", contract.kind.name)
      }
      writer.member("data", Hex.encode(call.data))
      writer.key("accounts")
      writer.array { writer in
        for account in call.accounts {
          writer.object { writer in
            writer.member("pubkey", account.key.description)
            writer.member("isSigner", account.isSigner)
            writer.member("isWritable", account.isWritable)
          }
        }
      }
      writer.member("computeUnits", call.units)
      writer.member("error", orNull: call.error?.description ?? call.contract?.halt?.description)
      writer.key("inner")
      writer.array { writer in for case .call(let inner) in call.events { write(inner, to: &writer) } }
    }
  }

  private static func write(_ name: String, _ account: Account?, to writer: inout JSONWriter) {
    guard let account else { return writer.memberNull(name) }
    writer.key(name)
    writer.object { writer in
      writer.member("lamports", account.lamports)
      writer.member("owner", account.owner.description)
      writer.member("executable", account.executable)
      writer.member("data", Base64.encode(account.data))
    }
  }
}

extension String {
  /// Blanks behind it up to a width.
  fileprivate func padding(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  fileprivate var trimmedEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
