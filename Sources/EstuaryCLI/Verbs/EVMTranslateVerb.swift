import ArgumentParser
import EVM
import Linking
import Primitives

struct EVMTranslateVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "translate", abstract: "Translate EVM bytecode into an executable file.",
    discussion: """
      The file can be run by 'evm run' and read by 'inspect' and 'disassemble'. A ledger takes bytecode only: loaders \
      and 'deploy' refuse translated files.
      """)

  @OptionGroup var program: EVMProgramOptions

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The executable.", valueName: "program.so"))
  var outputPath: String

  @Option(help: "Whose rules hold (default: \(Fork.latest.name)).")
  var fork: Fork?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let bytecode = try program.read().bytecode
    let fork = fork ?? .latest
    let watch = Stopwatch()
    let image = Translator.translate(code: bytecode, fork: fork, mode: .fast)
    let nanoseconds = watch.nanoseconds
    let file = try ObjectLinker.executable(image)
    try WholeFile.write(file, to: outputPath)
    let slots = image.text.count / 8
    output.print(
      text:
        "wrote \(outputPath): \(file.count) bytes, \(slots) instructions of \(bytecode.count) bytes of code",
      json: { writer in
        writer.object {
          $0.member("path", outputPath)
          $0.member("byteCount", file.count)
          $0.member("instructions", slots)
          $0.member("bytecodeByteCount", bytecode.count)
          $0.member("fork", fork.name)
          $0.member("translateNanoseconds", nanoseconds)
        }
      })
  }
}
