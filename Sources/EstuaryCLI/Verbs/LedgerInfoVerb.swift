import ArgumentParser
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct LedgerInfoVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Show where a ledger stands and how much room it takes.")

  @OptionGroup var directory: LedgerDirectory
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try directory.openForReading()
    guard let head = store.head else { throw StoreError.missing(path: directory.path) }
    let figures = try store.figures()
    let ethereum = try EthereumFigures(store)
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
        \(ethereum?.text ?? "Ethereum: none")
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
          if let ethereum { ethereum.write(to: &$0) } else { $0.memberNull("ethereum") }
        }
      })
  }
}

/// What `ledger info` tells of a ledger's Ethereum side.
private struct EthereumFigures {
  private let chainID: UInt64
  /// Of the head, or of the first block where there is none yet.
  private let fork: Fork
  private let head: EthereumArchive.StoredHeader?

  init?(_ store: RocksDBStore) throws {
    guard let (settings, configuration) = try Chain.storedEthereum(store) else { return nil }
    chainID = settings.chainID
    head = try EthereumArchive(store: store).head()
    fork = configuration.fork(
      number: head?.header.number ?? 0, timestamp: head?.header.timestamp ?? 0,
      totalDifficulty: head?.totalDifficulty ?? .zero)
  }

  var text: String {
    let first = "Ethereum: chain \(chainID), \(fork.name)"
    guard let head else { return first + ", no block yet" }
    return """
      \(first)
      Ethereum's Block: \(head.header.number) \(LedgerBlockVerb.hex(head.hash))
      Ethereum's State Root: \(LedgerBlockVerb.hex(head.header.stateRoot))
      """
  }

  func write(to writer: inout JSONWriter) {
    writer.key("ethereum")
    writer.object { writer in
      writer.member("chainId", chainID)
      writer.member("fork", fork.name)
      guard let head else { return writer.memberNull("number") }
      writer.member("number", head.header.number)
      writer.member("hash", LedgerBlockVerb.hex(head.hash))
      writer.member("stateRoot", LedgerBlockVerb.hex(head.header.stateRoot))
      writer.member("timestamp", head.header.timestamp)
      writer.member("gasLimit", head.header.gasLimit)
      if let fee = head.header.baseFeePerGas { writer.member("baseFeePerGas", fee.description) }
    }
  }
}
