// `estuary ledger`: what concerns a ledger's directory as a whole.

import ArgumentParser

struct LedgerVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Make and look after ledgers on disk.",
    subcommands: [LedgerCreateVerb.self])
}
