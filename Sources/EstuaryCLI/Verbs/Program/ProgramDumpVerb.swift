import ArgumentParser
import Estuary
import Ledger
import Primitives

struct ProgramDumpVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump", abstract: "Write the code of a program or a buffer to a file.",
    discussion: "The file ends with the zero bytes that its account has room for.")

  @Argument(help: ArgumentHelp("A program's or buffer's address or key pair file.", valueName: "account"))
  var account: String

  @Argument(help: ArgumentHelp("The file to write.", valueName: "program.so"))
  var path: String

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let key = try LedgerOptions.key(account)
    let chain = try ledger.hostForReading()
    guard let file = try chain.programFile(at: key) else {
      let state = try chain.programState(at: key)
      if case .closed = state { throw DeploymentError.closed(key) }
      throw CLIError.noProgram(key, detail: state.text)
    }
    try WholeFile.write(file, to: path)
    output.print(
      text: "Wrote program to \(path): \(file.count) bytes",
      json: {
        $0.object {
          $0.member("programId", key.description)
          $0.member("path", path)
          $0.member("byteCount", file.count)
        }
      })
  }
}
