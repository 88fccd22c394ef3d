import ArgumentParser
import Estuary
import FoundationEssentials
import Ledger
import Primitives
import RPCClient

struct SetupVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "setup", abstract: "Fetch what does not come with Estuary.",
    subcommands: [SetupProgramsVerb.self])
}

struct SetupProgramsVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "programs",
    abstract:
      "Fetch the programs of Solana's mainnet, which new ledgers of `node` and `ledger create` then begin with.",
    discussion: """
      SOURCE is a folder with their executables (ID.so or NAME.so), one executable together with --id, the URL of a node \
      that has them, or 'pypi': the package solders carries them, which is installed in a temporary folder (python3 and a \
      network are needed). Without SOURCE those that are there are listed. They lie in \
      \(SetUpPrograms.defaultFolder), or $ESTUARY_MAINNET_PROGRAMS.
      """)

  @Argument(help: "A folder, a file, a node's URL, or 'pypi'.")
  var source: String?

  @Option(help: ArgumentHelp("The id of the program in the file.", valueName: "key"))
  var id: String?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let taken = try take()
    let all = SetUpPrograms.all
    let names = Dictionary(
      SetUpPrograms.known.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    var lines = all.map { "\($0.id)  \(names[$0.id] ?? "")" }
    if let taken { lines.append("\(taken.count) fetched, \(all.count) in \(SetUpPrograms.folder)") }
    if all.isEmpty {
      lines.append("none in \(SetUpPrograms.folder): give a folder, a file, a node's URL, or 'pypi'")
    }
    output.print(text: lines.joined(separator: "\n")) { writer in
      writer.object { writer in
        writer.member("folder", SetUpPrograms.folder)
        writer.key("fetched")
        writer.array { for id in taken ?? [] { $0.value(id) } }
        writer.key("programs")
        writer.array { for program in all { $0.value(program.id) } }
      }
    }
  }

  private func take() throws -> [String]? {
    guard let source else { return nil }
    if source == "pypi" { return try SetUpPrograms.takeFromPyPI() }
    if source.contains("://") || source == "localhost" || source == "l" {
      return try SetUpPrograms.take(from: RemoteLedger(try NodeOptions.client(of: source)))
    }
    let path = Paths.expand(source)
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw CLIError.unreadable(path: source, detail: "there is no such file or folder, and it is no URL")
    }
    if isFolder {
      let taken = try SetUpPrograms.take(fromFolder: path)
      if taken.isEmpty {
        throw CLIError.unreadable(
          path: source,
          detail:
            "the folder has none of the programs: they are looked for as ID.so and NAME.so, where NAME is "
            + SetUpPrograms.known.map(\.name).joined(separator: ", "))
      }
      return taken
    }
    guard let id else { throw ValidationError("whose program is it? Give --id with a file") }
    try SetUpPrograms.take(file: path, id: id)
    return [id]
  }
}
