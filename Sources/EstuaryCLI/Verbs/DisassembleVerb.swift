import ArgumentParser
import Primitives
import Runtime
import SBPF

struct DisassembleVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disassemble", abstract: "Print a program's instructions.",
    discussion: "PROGRAM is an SBPF executable, or an object of stock clang, which is linked first.")

  @Argument(help: "The program's file.")
  var program: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let elf = try ProgramFile.executable(at: program)
    let image: ProgramImage
    do throws(ELFError) {
      image = try ELFLoader.load(elf, syscalls: SyscallTable.registry(.all), options: .inspection)
    } catch {
      throw CLIError.program(path: program, detail: error.diagnosis)
    }
    let text = Disassembler.disassemble(image, syscalls: SyscallTable.registry(.all))
    output.print(
      text: text,
      json: { writer in
        writer.object {
          $0.member("version", image.version.description)
          $0.member("entryPc", image.entryPC)
          $0.member("text", text)
        }
      })
  }
}
