// `estuary ledger`: what concerns a ledger's directory as a whole; one file a subcommand.

import ArgumentParser
import Ledger

struct LedgerVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Make and look after ledgers on disk.",
    subcommands: [
      LedgerCreateVerb.self, LedgerInfoVerb.self, LedgerBlocksVerb.self, LedgerBlockVerb.self,
      LedgerVerifyVerb.self, LedgerCheckpointVerb.self,
    ])
}

/// The ledger of verbs that read it and nothing else.
struct LedgerDirectory: ParsableArguments {
  @Argument(help: ArgumentHelp("Ledger directory (default: --ledger's).", valueName: "directory"))
  var directory: String?

  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @OptionGroup var cache: CacheOptions

  var path: String { directory ?? ledger }

  func openForReading() throws -> RocksDBStore {
    try RocksDBStore(path: path, .reading, cacheByteCount: cache.byteCount)
  }
}
