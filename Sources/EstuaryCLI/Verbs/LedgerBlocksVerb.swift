import ArgumentParser
import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct LedgerBlocksVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blocks", abstract: "List a ledger's last blocks, the newest first.",
    discussion:
      "A block that holds transactions of Ethereum's is a block of Ethereum's chain as well: its number stands beside it."
  )

  @OptionGroup var directory: LedgerDirectory

  @Option(help: "How many blocks.")
  var limit: UInt64 = 20

  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try directory.openForReading()
    guard let head = store.head else { throw StoreError.missing(path: directory.path) }
    let archive = EthereumArchive(store: store)
    var blocks: [(record: BlockRecord, ethereum: EthereumArchive.StoredHeader?)] = []
    for height in (0...head.height).reversed().prefix(Int(clamping: limit)) {
      guard let record = try store.block(height) else { throw CLIError.noBlock("\(height)") }
      blocks.append((record, try archive.number(ofHeight: height).flatMap { try archive.header($0) }))
    }
    output.print(
      text: blocks.map { Self.line($0.record, $0.ethereum) }.joined(separator: "\n"),
      json: { writer in
        writer.array { writer in
          for block in blocks {
            writer.object { writer in
              LedgerBlockVerb.write(block.record, to: &writer)
              if let ethereum = block.ethereum {
                writer.key("ethereum")
                writer.object { writer in
                  writer.member("number", ethereum.header.number)
                  writer.member("hash", LedgerBlockVerb.hex(ethereum.hash))
                }
              } else {
                writer.memberNull("ethereum")
              }
            }
          }
        }
      })
  }

  private static func line(_ record: BlockRecord, _ ethereum: EthereumArchive.StoredHeader?) -> String {
    "\(record.height): slot \(record.slot), time \(record.unixTimestamp), state \(record.stateHash)"
      + (ethereum.map { ", Ethereum's block \($0.header.number) \(LedgerBlockVerb.hex($0.hash))" } ?? "")
  }
}

struct LedgerBlockVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "block", abstract: "Show one block.",
    discussion:
      "Named by its height, or by the hash of Ethereum's block that it is as well; --ethereum: by that block's number."
  )

  @Argument(
    help: ArgumentHelp("Height, Ethereum's block hash, or with --ethereum its number.", valueName: "block"))
  var block: String

  @Flag(help: "The number is Ethereum's.")
  var ethereum = false

  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @OptionGroup var output: OutputOptions

  func validate() throws { _ = try Settings.current.get() }

  func run() throws {
    let store = try RocksDBStore(path: ledger, .reading)
    let archive = EthereumArchive(store: store)
    var record: BlockRecord?
    var number: UInt64?
    if block.hasPrefix("0x") {
      guard let hash = Hex.decode(block).flatMap({ Hash($0) }) else { throw CLIError.notHex(block) }
      number = try archive.number(of: hash)
    } else {
      guard let given = UInt64(block) else {
        throw CLIError.noBlock("'\(block)': give a height or a hash of 32 bytes")
      }
      if ethereum {
        number = given
      } else {
        record = try store.block(given)
        number = try archive.number(ofHeight: given)
      }
    }
    let header = try number.flatMap { try archive.header($0) }
    if record == nil && header == nil { throw CLIError.noBlock(block) }
    let transactions = try header.flatMap { try archive.transactions($0.header.number) } ?? []
    output.print(
      text: Self.text(record, header, transactions),
      json: { writer in
        writer.object { writer in
          if let record { Self.write(record, to: &writer) }
          guard let header else { return writer.memberNull("ethereum") }
          writer.key("ethereum")
          writer.object { EthereumBlockJSON.write(header, transactions, to: &$0) }
        }
      })
  }

  static func hex(_ hash: Hash) -> String { "0x" + Hex.encode(hash.bytes) }

  static func write(_ record: BlockRecord, to writer: inout JSONWriter) {
    writer.member("height", record.height)
    writer.member("slot", record.slot)
    writer.member("unixTimestamp", record.unixTimestamp)
    writer.member("blockhash", record.blockhash.description)
    writer.member("stateHash", record.stateHash.description)
    writer.member("transactionCount", record.transactionCount)
    writer.key("signatures")
    writer.array { writer in for signature in record.signatures { writer.value(signature.description) } }
  }

  private static func text(
    _ record: BlockRecord?, _ ethereum: EthereumArchive.StoredHeader?,
    _ transactions: [EthereumTransactionRecord]
  ) -> String {
    var lines: [String] = []
    if let record {
      lines += [
        "Height: \(record.height)", "Slot: \(record.slot)", "Unix Time: \(record.unixTimestamp)",
        "Blockhash: \(record.blockhash)", "State Hash: \(record.stateHash)",
      ]
      lines += record.signatures.map { "Transaction: \($0)" }
    }
    guard let ethereum else { return lines.joined(separator: "\n") }
    let header = ethereum.header
    lines += [
      "Ethereum's Block: \(header.number)", "Hash: \(hex(ethereum.hash))",
      "Parent: \(hex(header.parentHash))",
      "Timestamp: \(header.timestamp)", "Gas Used: \(header.gasUsed) of \(header.gasLimit)",
      "State Root: \(hex(header.stateRoot))",
    ]
    if let fee = header.baseFeePerGas { lines.append("Base Fee: \(fee.decimalText) wei") }
    lines += transactions.map { record in
      let outcome = record.isSuccess.map { $0 ? "succeeded" : "failed" } ?? "executed"
      return "Transaction: \(hex(record.hash)) from \(record.sender), \(outcome), \(record.gasUsed) gas"
    }
    return lines.joined(separator: "\n")
  }
}
