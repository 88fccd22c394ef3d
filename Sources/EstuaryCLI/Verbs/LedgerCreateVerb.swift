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
    var added = Added()
    for start in stride(from: 0, to: programs.count, by: 2) {
      try added.addProgram(programs[start], file: programs[start + 1], authority: nil)
    }
    for start in stride(from: 0, to: upgradeablePrograms.count, by: 3) {
      let authority = upgradeablePrograms[start + 2]
      try added.addProgram(
        upgradeablePrograms[start], file: upgradeablePrograms[start + 1],
        authority: authority == "none" ? nil : try LedgerOptions.key(authority))
    }
    var words = accounts[...]
    while let word = words.popFirst() {
      let isAddress = word == "-" || Base58.decode(word).flatMap { Pubkey($0) } != nil
      guard isAddress else {
        try added.addAccount(file: word, at: nil)
        continue
      }
      guard let file = words.popFirst() else {
        throw ValidationError("--account \(word): a file has to follow the address")
      }
      try added.addAccount(file: file, at: word == "-" ? nil : try LedgerOptions.key(word))
    }
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

  /// What the options name, in their order.
  private struct Added {
    private(set) var accounts: [(key: Pubkey, account: Account)] = []
    private var keys: Set<Pubkey> = []

    private mutating func add(_ key: Pubkey, _ account: Account) throws {
      guard keys.insert(key).inserted else { throw CLIError.givenTwice(key) }
      accounts.append((key, account))
    }

    mutating func addProgram(_ id: String, file: String, authority: Pubkey?) throws {
      let key = try LedgerOptions.key(id)
      let elf = try ProgramFile.executable(at: file)
      if let objection = ProgramEntry.objection(toDeploying: elf) {
        throw CLIError.program(path: file, detail: objection.diagnosis)
      }
      guard elf.count <= ProgramDeployment.byteCountLimit else {
        throw CLIError.program(path: file, detail: DeploymentError.tooLarge(byteCount: elf.count).description)
      }
      let (program, programData) = UpgradeableProgram.accounts(
        programID: key, elf: elf, rent: Rent(), authority: authority)
      try add(key, program)
      try add(programData.key, programData.account)
    }

    mutating func addAccount(file: String, at address: Pubkey?) throws {
      let read: (key: Pubkey, account: Account)
      do throws(GenesisError) {
        let (key, account) = try Genesis.readAccount(file)
        read = (address ?? key, account)
      } catch {
        guard case .invalid(let path, let location, let problem) = error else { throw error }
        throw CLIError.unreadable(
          path: path,
          detail: "as an account, at \(location.isEmpty ? "top level" : location): \(problem.text)")
      }
      try add(read.key, read.account)
    }
  }
}
