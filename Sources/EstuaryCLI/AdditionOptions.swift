// What a new ledger begins with besides what every one has, spelled as solana-test-validator spells it.

import ArgumentParser
import Ledger
import Primitives

struct AdditionOptions: ParsableArguments {
  @Option(
    name: [.customLong("program"), .customLong("bpf-program")], parsing: .upToNextOption,
    help: ArgumentHelp(
      "A program (.so, or an object of clang) that a new ledger begins with, at an address: a base58 key or a key pair file.",
      valueName: "id> <file"))
  var programs: [String] = []

  @Option(
    name: .customLong("upgradeable-program"), parsing: .upToNextOption,
    help: ArgumentHelp("The same with an upgrade authority, or none.", valueName: "id> <file> <authority"))
  var upgradeablePrograms: [String] = []

  @Option(
    name: .customLong("account"), parsing: .upToNextOption,
    help: ArgumentHelp(
      """
      An account that a new ledger begins with, as `estuary account --output json` prints it, at another address if one is \
      given (- for its own).
      """, valueName: "address>? <file"))
  var accounts: [String] = []

  @Option(
    name: .customLong("account-dir"),
    help: ArgumentHelp(
      "A folder of such files, every *.json of which a new ledger begins with.", valueName: "folder"))
  var accountFolders: [String] = []

  @Option(
    name: [.customShort("u"), .long],
    help: ArgumentHelp(
      "The cluster that --clone and its like copy from: the URL of its JSON-RPC.", valueName: "url"))
  var url: String?

  @Option(
    name: [.customShort("c"), .customLong("clone")], parsing: .upToNextOption,
    help: ArgumentHelp(
      "Accounts of the cluster at --url that a new ledger begins with; of an upgradeable program the code as well.",
      valueName: "address"))
  var clones: [String] = []

  @Option(
    name: .customLong("maybe-clone"), parsing: .upToNextOption,
    help: ArgumentHelp("The same, where the cluster has them.", valueName: "address"))
  var possibleClones: [String] = []

  @Option(
    name: .customLong("clone-upgradeable-program"), parsing: .upToNextOption,
    help: ArgumentHelp("Upgradeable programs of the cluster at --url, with their code.", valueName: "id"))
  var programClones: [String] = []

  @Option(
    name: .customLong("mint"),
    help: ArgumentHelp(
      "Who has \(LedgerAdditions.mintSOL) SOL in a new ledger, besides the faucet.", valueName: "address"))
  var mint: String?

  @Option(
    name: .customLong("faucet-sol"),
    help: ArgumentHelp(
      "What a new ledger's faucet has (default: \(LedgerAdditions.mintSOL)).", valueName: "SOL"))
  var faucetSOL: String?

  @Option(
    name: .customLong("slots-per-epoch"),
    help: ArgumentHelp(
      """
      Slots of an epoch in a new ledger, at least 32, without shorter ones before them (default: of `estuary node` \
      \(LedgerAdditions.usualSlotsPerEpoch), of `ledger create` what mainnet began with, shorter ones first).
      """,
      valueName: "slots"))
  var slotsPerEpoch: UInt64?

  @Flag(
    name: .customLong("no-mainnet-programs"),
    help: "A new ledger begins without what `estuary setup programs` has fetched.")
  var leavesProgramsOut = false

  private var hasClones: Bool { !clones.isEmpty || !possibleClones.isEmpty || !programClones.isEmpty }

  /// Whether an option names something that is put into a new ledger only.
  var addsSomething: Bool {
    !programs.isEmpty || !upgradeablePrograms.isEmpty || !accounts.isEmpty || !accountFolders.isEmpty
      || hasClones
      || mint != nil || faucetSOL != nil || slotsPerEpoch != nil
  }

  /// Slots that an epoch has at least (Agave's MINIMUM_SLOTS_PER_EPOCH), and as many at most as counts go to.
  private static let slotsPerEpochRange: ClosedRange<UInt64> = 32...(1 << 40)

  func validate() throws {
    if programs.count % 2 != 0 {
      throw ValidationError("--program takes an address and a file; a verb's own argument comes first")
    }
    if upgradeablePrograms.count % 3 != 0 {
      throw ValidationError(
        "--upgradeable-program takes an address, a file and an authority; a verb's own argument comes first")
    }
    if hasClones && url == nil {
      throw ValidationError("--clone and its like copy from another cluster: name it with --url")
    }
    if let url { _ = try NodeOptions.address(url) }
    if !hasClones && url != nil {
      throw ValidationError(
        "--url names the cluster that --clone and its like copy from, of which none is given")
    }
    if let faucetSOL, try SOL.lamports(faucetSOL) == 0 {
      throw ValidationError("--faucet-sol must be more than 0")
    }
    if let slotsPerEpoch, !Self.slotsPerEpochRange.contains(slotsPerEpoch) {
      throw ValidationError(
        "--slots-per-epoch must be from \(Self.slotsPerEpochRange.lowerBound) to \(Self.slotsPerEpochRange.upperBound)"
      )
    }
  }

  /// All that the options name. Files come before copies at the same address, and those before fetched programs.
  ///
  /// - Parameters:
  ///   - addsSetUpPrograms: whether the programs of mainnet belong to it, and what comes with them.
  ///   - usualSlotsPerEpoch: of all epochs, where no option says otherwise; `nil`: as on mainnet.
  func additions(addsSetUpPrograms: Bool, usualSlotsPerEpoch: UInt64? = nil) throws -> LedgerAdditions {
    var added = LedgerAdditions()
    for start in stride(from: 0, to: programs.count, by: 2) {
      try added.addProgram(programs[start], file: programs[start + 1], authority: nil)
    }
    for start in stride(from: 0, to: upgradeablePrograms.count, by: 3) {
      let authority = upgradeablePrograms[start + 2]
      try added.addProgram(
        upgradeablePrograms[start], file: upgradeablePrograms[start + 1],
        authority: authority == "none" ? nil : try LedgerOptions.key(authority))
    }
    try added.addAccounts(accounts)
    for folder in accountFolders { try added.addAccounts(folder: folder) }
    if let mint { try added.addMint(try LedgerOptions.key(mint)) }
    if let faucetSOL { try added.setFaucet(lamports: try SOL.lamports(faucetSOL)) }
    if let slotsPerEpoch = slotsPerEpoch ?? usualSlotsPerEpoch {
      added.setEpochs(slotsPerEpoch: slotsPerEpoch)
    }
    if hasClones, let url {
      let cluster = RemoteLedger(try NodeOptions.client(of: url))
      try added.clone(try clones.map(LedgerOptions.key), from: cluster, .required)
      try added.clone(try possibleClones.map(LedgerOptions.key), from: cluster, .optional)
      try added.clone(try programClones.map(LedgerOptions.key), from: cluster, .program)
    }
    if addsSetUpPrograms && !leavesProgramsOut { try added.addSetUpPrograms() }
    if addsSetUpPrograms { added.addNativeMint() }
    return added
  }
}
