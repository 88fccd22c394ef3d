import ArgumentParser
import EVM
import Primitives

struct EVMDisassembleVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disassemble", abstract: "Print the operations of EVM bytecode.")

  @OptionGroup var program: EVMProgramOptions

  @Option(help: "Whose operations (default: \(Fork.latest.name)).")
  var fork: Fork?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let bytecode = try program.read().bytecode
    let fork = fork ?? .latest
    if !output.json {
      print(EVMDisassembler.text(of: bytecode, fork: fork), terminator: "")
      return
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("fork", fork.name)
    writer.key("operations")
    writer.beginArray()
    for line in EVMDisassembler.lines(of: bytecode, fork: fork) {
      writer.beginObject()
      writer.member("pc", line.pc)
      if let name = line.name { writer.member("name", name) } else { writer.memberNull("name") }
      writer.member("byte", UInt64(line.byte))
      writer.member("immediate", "0x" + Hex.encode(line.immediate))
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    writer.newline()
    Terminal.write(writer.bytes)
  }
}
