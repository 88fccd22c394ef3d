import ArgumentParser
import Estuary
import Ledger
import Primitives

struct LedgerInfoVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Show where a ledger stands and how much room it takes.")

  @OptionGroup var directory: LedgerDirectory
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try RocksDBStore(path: directory.path, .reading)
    guard let head = store.head else { throw StoreError.missing(path: directory.path) }
    let figures = try store.figures()
    output.print(
      text: """
        Ledger: \(directory.path)
        Height: \(head.height)
        Slot: \(head.slot)
        Unix Time: \(head.unixTimestamp)
        Blockhash: \(head.blockhash)
        State Hash: \(head.stateHash)
        Genesis: \(head.genesisHash)
        Accounts: about \(figures.accountCount)
        Size: \(figures.byteCount) bytes in \(figures.fileCount) files
        """,
      json: {
        $0.object {
          $0.member("ledger", directory.path)
          $0.member("height", head.height)
          $0.member("slot", head.slot)
          $0.member("unixTimestamp", head.unixTimestamp)
          $0.member("blockhash", head.blockhash.description)
          $0.member("stateHash", head.stateHash.description)
          $0.member("genesisHash", head.genesisHash.description)
          $0.member("estimatedAccounts", figures.accountCount)
          $0.member("bytes", figures.byteCount)
          $0.member("files", figures.fileCount)
        }
      })
  }
}
