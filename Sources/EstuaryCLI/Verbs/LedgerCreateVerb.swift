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
      authority can never be changed. Without --genesis there is a funded faucet, for `airdrop`.
      """)

  @Argument(help: "Directory of the new ledger.")
  var directory: String

  @Option(
    name: [.customLong("program"), .customLong("bpf-program")], parsing: .upToNextOption,
    help: ArgumentHelp(
      "A program (.so, or an object of clang) at an address: a base58 key or a key pair file.",
      valueName: "id> <file"))
  var programs: [String] = []

  @Option(
    name: .customLong("upgradeable-program"), parsing: .upToNextOption,
    help: ArgumentHelp(
      "The same with an upgrade authority, or none.", valueName: "id> <file> <authority"))
  var upgradeablePrograms: [String] = []

  @Option(
    name: .customLong("account"), parsing: .upToNextOption,
    help: ArgumentHelp(
      "An account as `estuary account --output json` prints it, at another address if one is given (- for its own).",
      valueName: "address>? <file"))
  var accounts: [String] = []

  @Option(
    name: .customLong("account-dir"),
    help: ArgumentHelp("A folder of such files, every *.json of it.", valueName: "folder"))
  var accountFolders: [String] = []

  @Flag(
    name: .customLong("no-mainnet-programs"),
    help: "Leave out what `estuary setup programs` has fetched, which is in it unless there is --genesis.")
  var leavesProgramsOut = false

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
    if programs.count % 2 != 0 {
      throw ValidationError("--program takes an address and a file, and the directory comes first")
    }
    if upgradeablePrograms.count % 3 != 0 {
      throw ValidationError(
        "--upgradeable-program takes an address, a file and an authority, and the directory comes first")
    }
  }

  func run() throws {
    var added = LedgerAdditions()
    try added.addPrograms(programs)
    for start in stride(from: 0, to: upgradeablePrograms.count, by: 3) {
      let authority = upgradeablePrograms[start + 2]
      try added.addProgram(
        upgradeablePrograms[start], file: upgradeablePrograms[start + 1],
        authority: authority == "none" ? nil : try LedgerOptions.key(authority))
    }
    try added.addAccounts(accounts)
    for folder in accountFolders { try added.addAccounts(folder: folder) }
    if genesis == nil && !leavesProgramsOut { try added.addSetUpPrograms() }
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
