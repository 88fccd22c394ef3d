import ArgumentParser
import EVM
import Estuary
import Ledger
import Primitives

struct EVMImportVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Execute a chain of Ethereum's blocks onto a ledger.",
    discussion: """
      The genesis is geth's, the blocks are RLP, one behind the other, as `geth export` writes them. Each is judged as a \
      client judges it, executed and committed; blocks that the ledger has are passed over, so an import that was \
      stopped goes on. The ledger is made where there is none.
      """)

  @Argument(help: ArgumentHelp("geth's genesis file.", valueName: "genesis.json"))
  var genesis: String

  @Argument(help: ArgumentHelp("Blocks, one behind the other.", valueName: "chain.rlp"))
  var chain: String

  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @Option(help: "Threads that execute a block's transactions (1: one transaction after the other).")
  var workers = 1

  @Flag(name: .shortAndLong, help: "Report each block on standard error once it is committed.")
  var verbose = false

  @OptionGroup var cache: CacheOptions

  @OptionGroup var output: OutputOptions

  func validate() throws {
    _ = try Settings.current.get()
    if !(1...256).contains(workers) { throw ValidationError("--workers must be between 1 and 256") }
  }

  func run() throws {
    let beginning = try GethGenesis.read(genesis)
    let blocks: MappedFile
    do throws(FileError) { blocks = try MappedFile(chain) } catch {
      throw CLIError.unreadable(path: chain, detail: error.detail)
    }
    let target = try Chain.open(
      geth: beginning, directory: ledger, workers: workers, patience: .telling,
      cacheByteCount: cache.byteCount)
    let added = try blocks.withUnsafeBytes { try add($0, to: target) }
    guard let head = target.ethereumHead else { return }
    output.print(
      text:
        "\(added) blocks added; the head is block \(head.header.number), \(Self.hex(head.hash)), state root \(Self.hex(head.header.stateRoot))",
      json: {
        $0.object {
          $0.member("number", head.header.number)
          $0.member("hash", Self.hex(head.hash))
          $0.member("stateRoot", Self.hex(head.header.stateRoot))
          $0.member("blocks", added)
        }
      })
  }

  /// - Returns: how many blocks were not there before.
  private func add(_ bytes: UnsafeRawBufferPointer, to target: Chain) throws -> Int {
    defer { Terminal.progress("") }
    var reader = RLPReader(bytes)
    var (place, added) = (0, 0)
    var malformed: (place: Int, start: Int, error: BlockDecodingError)?
    func committed(_ number: UInt64) {
      added += 1
      if verbose { Terminal.note("committed block \(number)") }
      Terminal.progress("block \(number)")
    }
    do throws(EthereumImportError) {
      while !reader.isAtEnd {
        place += 1
        let start = reader.offset
        let block: EthereumBlock
        do throws(BlockDecodingError) { block = try EthereumBlock(reading: &reader) } catch {
          malformed = (place, start, error)
          break
        }
        // The genesis may be there, as `geth export` writes it.
        try target.importEthereum(block, byteCount: reader.offset - start, committed: committed)
      }
      try target.finishEthereumImport(committed: committed)
    } catch {
      if case .chain(let error) = error.reason { throw error }
      throw CLIError.badBlock(
        path: chain, block: "block \(error.number) (\(Self.hex(error.hash)))", error.reason.description)
    }
    if let malformed {
      throw CLIError.badBlock(
        path: chain, block: "block \(malformed.place) of the file, at byte \(malformed.start)",
        malformed.error.description)
    }
    return added
  }

  private static func hex(_ hash: Hash) -> String { "0x" + Hex.encode(hash.bytes) }
}
