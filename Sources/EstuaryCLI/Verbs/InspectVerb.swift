import ArgumentParser
import Linking
import Primitives
import Runtime
import SBPF

struct InspectVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a program's ELF file holds and whether it would be deployed.",
    discussion: """
      Exit code: 0 if the program would be deployed or the object can be linked (translated EVM code: if it loads), 2 \
      if it would be refused, 3 if the file is no SBPF program and no eBPF object, 1 if it cannot be read.
      """)

  private enum Exit {
    static let refused = ExitCode(2)
    static let foreign = ExitCode(3)
  }

  @Argument(help: "An SBPF executable or an object of stock clang.")
  var program: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let bytes = try WholeFile.read(program)
    let summary = ELFSummary(bytes, syscalls: SyscallTable.registry(.all))
    let isProgram = summary.file.family == .program
    let objection = isProgram ? ProgramEntry.objection(toDeploying: bytes)?.diagnosis : summary.objection
    output.print(text: text(summary, objection), json: { json(summary, objection, to: &$0) })
    Terminal.flush()
    // Translated EVM code is refused by every ledger and fit for what it is for, if it loads.
    guard let objection, summary.wide == nil else { return }
    Terminal.note(
      "Error: '\(program)': \(isProgram || summary.kind == .object ? "would be refused: " : "")\(objection)")
    throw isProgram || summary.kind == .object ? Exit.refused : Exit.foreign
  }

  private func text(_ summary: ELFSummary, _ objection: String?) -> String {
    let isForeign = summary.kind == .other
    var lines = [
      "\(program): \(isForeign ? summary.file.description : summary.kind.description), "
        + "\(summary.byteCount) bytes, e_flags \(summary.flags)"
    ]
    if summary.file.family == .other || summary.file.family == .foreignELF {
      lines[0] = "\(program): \(summary.file), \(summary.byteCount) bytes"
      lines.append("no program for SBPF" + (summary.file.advice.map { ": \($0)" } ?? ""))
      return lines.joined(separator: "\n")
    }
    if let pc = summary.entryPC {
      lines.append("entry: instruction \(pc) (address 0x\(hex(summary.entryAddress)))")
    }
    lines.append("\(summary.slotCount) instruction slots, \(summary.functions.count) functions")
    lines.append(
      objection.map { "would be refused: \($0)" }
        ?? (summary.kind == .object
          ? "can be linked: estuary link \(program) -o PROGRAM.so" : "would be deployed"))
    lines.append("sections:")
    for section in summary.sections where !section.name.isEmpty {
      lines.append(
        "  \(section.name)  \(section.type) \(section.flags)  0x\(hex(section.address)) +\(section.byteCount)"
      )
    }
    if !summary.segments.isEmpty { lines.append("segments:") }
    for segment in summary.segments {
      lines.append(
        "  \(segment.type) \(segment.flags)  0x\(hex(segment.address)) +\(segment.memoryByteCount)")
    }
    lines.append("syscalls: \(summary.syscalls.isEmpty ? "none" : summary.syscalls.joined(separator: " "))")
    if let wide = summary.wide {
      lines.append(
        "translated from \(wide.bytecode.count) bytes of EVM code"
          + (wide.rules.isEmpty ? "" : " for \(wide.rules)") + ": \(wide.constants.count) constants, "
          + "\(wide.jumpTargets.count) jump targets")
    }
    for relocation in summary.relocations {
      lines.append("relocations: \(relocation.count) × \(relocation.kind)")
    }
    if !summary.functions.isEmpty { lines.append("functions:") }
    for function in summary.functions.prefix(200) {
      lines.append("  \(function.pc)  \(function.section.map { $0 + " " } ?? "")\(function.name)")
    }
    if summary.functions.count > 200 {
      lines.append("  … \(summary.functions.count - 200) more: --json shows them")
    }
    return lines.joined(separator: "\n")
  }

  private func hex(_ value: UInt64) -> String { String(value, radix: 16) }

  private func json(_ summary: ELFSummary, _ objection: String?, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("kind", summary.kind.description)
    writer.member("file", summary.file.description)
    writer.member("byteCount", summary.byteCount)
    writer.member("flags", UInt64(summary.flags))
    if let pc = summary.entryPC { writer.member("entryPc", pc) } else { writer.memberNull("entryPc") }
    writer.member("slots", summary.slotCount)
    if let objection {
      writer.member("objection", objection)
    } else {
      writer.memberNull("objection")
    }
    if let wide = summary.wide {
      writer.key("wide")
      writer.object {
        $0.member("bytecode", "0x" + Hex.encode(wide.bytecode))
        $0.member("rules", wide.rules)
        $0.member("constants", wide.constants.count)
        $0.member("jumpTargets", wide.jumpTargets.count)
      }
    }
    writer.key("sections")
    writer.array { writer in
      for section in summary.sections {
        writer.object {
          $0.member("name", section.name)
          $0.member("type", section.type)
          $0.member("flags", section.flags)
          $0.member("address", section.address)
          $0.member("offset", section.offset)
          $0.member("byteCount", section.byteCount)
        }
      }
    }
    writer.key("segments")
    writer.array { writer in
      for segment in summary.segments {
        writer.object {
          $0.member("type", segment.type)
          $0.member("flags", segment.flags)
          $0.member("address", segment.address)
          $0.member("offset", segment.offset)
          $0.member("fileByteCount", segment.fileByteCount)
          $0.member("memoryByteCount", segment.memoryByteCount)
        }
      }
    }
    writer.key("syscalls")
    writer.array { for name in summary.syscalls { $0.value(name) } }
    writer.key("relocations")
    writer.object { for relocation in summary.relocations { $0.member(relocation.kind, relocation.count) } }
    writer.key("functions")
    writer.array { writer in
      for function in summary.functions {
        writer.object {
          $0.member("name", function.name)
          $0.member("pc", function.pc)
          if let section = function.section { $0.member("section", section) }
        }
      }
    }
    writer.endObject()
  }
}
