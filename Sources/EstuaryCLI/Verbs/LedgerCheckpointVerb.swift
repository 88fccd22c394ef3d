import ArgumentParser
import Estuary
import Ledger

struct LedgerCheckpointVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint", abstract: "Copy a ledger as it is now into a new directory.",
    discussion: """
      The copy is a ledger like any other. On the same file system it shares the files that do not change, so that it \
      costs next to nothing.
      """)

  @Argument(help: ArgumentHelp("The copy: a directory that does not exist.", valueName: "copy"))
  var copy: String

  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @OptionGroup var output: OutputOptions

  func validate() throws { _ = try Settings.current.get() }

  func run() throws {
    let store = try RocksDBStore(path: ledger, .existing, patience: .telling)
    guard let head = store.head else { throw StoreError.missing(path: ledger) }
    try store.checkpoint(to: copy)
    output.print(
      text: "copied the ledger at height \(head.height) to \(copy)",
      json: {
        $0.object {
          $0.member("directory", copy)
          $0.member("height", head.height)
          $0.member("stateHash", head.stateHash.description)
        }
      })
  }
}
