import ArgumentParser
import Estuary
import Ledger
import Primitives
import Runtime

struct LedgerCreateVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a ledger that begins with programs and accounts at their known addresses.",
    discussion: """
      Options are spelled as solana-test-validator has them, the directory comes first:
      estuary ledger create DIR --program ID FILE --account FILE --account ADDRESS FILE. A program without an upgrade \
      authority can never be changed. Without --genesis there is a funded faucet, for `airdrop`, and there are the programs \
      that `estuary setup programs` has fetched. --clone copies accounts of another cluster.
      """)

  @Argument(help: "Directory of the new ledger.")
  var directory: String

  @OptionGroup var additions: AdditionOptions

  @Option(help: ArgumentHelp("What else it begins with (docs/ledger.md).", valueName: "genesis.json"))
  var genesis: String?

  @Option(
    name: .customLong("chain-id"),
    help: "Ethereum's chain id (default: \(EthereumGenesis.defaultChainID), or the genesis').")
  var chainID: UInt64?

  @OptionGroup var cache: CacheOptions

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if chainID == 0 { throw ValidationError("--chain-id must be at least 1") }
    if chainID != nil && genesis != nil {
      throw ValidationError(
        "--chain-id is for ledgers without --genesis, whose own 'ethereum' section names it")
    }
    if genesis != nil && additions.faucetSOL != nil {
      throw ValidationError("--faucet-sol is for ledgers without --genesis, which have a faucet")
    }
  }

  func run() throws {
    let added = try additions.additions(addsSetUpPrograms: genesis == nil)
    let first = try genesis.map { try Genesis.read($0) }
    let chain = try Chain.create(
      directory: directory, genesis: first, adding: added.accounts,
      ethereum: .funded(chainID: chainID ?? EthereumGenesis.defaultChainID),
      cacheByteCount: cache.byteCount)
    output.print(
      text:
        "created \(directory): \(added.accounts.count) accounts added, slot \(chain.slot), state \(chain.stateHash)",
      json: {
        $0.object {
          $0.member("directory", directory)
          $0.member("slot", chain.slot)
          $0.member("stateHash", chain.stateHash.description)
          $0.member("accountsAdded", added.accounts.count)
        }
      })
  }
}
