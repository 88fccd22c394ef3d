import ArgumentParser
import Estuary
import FoundationEssentials
import Ledger
import Primitives
import Runtime

struct DeployVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deploy",
    abstract: "Deploy an ELF program through the upgradeable loader, or upgrade the one that is there.",
    discussion: """
      PROGRAM is an SBPF executable (.so), or an object of stock clang, which is linked first. Its bytes go into a \
      buffer account first; a deployment that stopped half way goes on where it stopped when the same command is \
      given again. The payer's balance is checked before anything is sent. To a node (--url) the pieces go over many \
      connections at once.
      """)

  @Argument(help: "The program's file; left out where --buffer names a buffer that is written already.")
  var program: String?

  @Option(
    name: .customLong("program-id"),
    help: ArgumentHelp(
      "Key pair of the program's address (default: PROGRAM-keypair.json beside the file); for an upgrade the address.",
      valueName: "keypair"))
  var programID: String?

  @Option(
    help: ArgumentHelp(
      "A new buffer's key pair, or the address of one (default: from authority, program and file).",
      valueName: "keypair"))
  var buffer: String?

  @Option(
    name: .customLong("upgrade-authority"),
    help: ArgumentHelp("Key pair that may upgrade the program (default: the payer's).", valueName: "keypair"))
  var upgradeAuthority: String?

  @Option(
    name: .customLong("max-len"),
    help: ArgumentHelp(
      "Bytes of code that the program's account has room for, at least (default: the file's).",
      valueName: "bytes"))
  var maximumByteCount: Int?

  @Flag(name: .customLong("use-rpc"), help: "As is always done: the pieces go to a node's JSON-RPC.")
  var usesRPC = false

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if program == nil && (buffer == nil || programID == nil) {
      throw ValidationError("name the program's file, or a written --buffer and --program-id")
    }
  }

  func run() throws {
    let given = try program.map(Self.file)
    let payer = try ledger.payer()
    let authority = try upgradeAuthority.map { try KeyPairFile.read($0) } ?? payer
    let chain = try ledger.host()
    let elf = try given ?? written(on: chain)
    try Self.check(elf, from: program ?? buffer ?? "", on: chain)
    let deployment = ProgramDeployment(
      elf: elf, program: try programParty(), payer: payer, authority: authority,
      buffer: try buffer.map(Self.party), room: maximumByteCount, budget: budget.requested)
    let plan = try deployment.plan(on: chain)
    let outcome = try Self.perform(deployment, plan, on: chain, output)
    report(deployment, plan, outcome, slot: try chain.currentSlot())
  }

  /// Does what the plan says, and shows how far it is.
  static func perform(
    _ deployment: ProgramDeployment, _ plan: ProgramDeployment.Plan, on host: any ProgramHost,
    _ output: OutputOptions
  ) throws -> ProgramDeployment.Outcome {
    if !output.json {
      print("Buffer: \(plan.buffer)")
      Terminal.flush()  // known even if the deployment is cut off
    }
    defer { Terminal.progress("") }
    return try deployment.run(plan, on: host) { count in
      Terminal.progress("\(count) of \(deployment.elf.count) bytes written")
    }
  }

  private func report(
    _ deployment: ProgramDeployment, _ plan: ProgramDeployment.Plan, _ outcome: ProgramDeployment.Outcome,
    slot: UInt64
  ) {
    let program = deployment.program?.key ?? plan.programData
    let cost = outcome.costLamports
    let costText =
      cost < 0 ? "\(SOL.text(cost.magnitude)) came back" : "it cost \(SOL.text(cost.magnitude))"
    output.print(
      text: """
        Program Id: \(program)
        \(plan.action.rawValue): \(deployment.elf.count) bytes in \(outcome.transactionCount) transactions, slot \
        \(slot); \(costText), \(SOL.text(outcome.feeLamports)) of it fees
        """,
      json: { writer in
        writer.object {
          $0.member("programId", program.description)
          $0.member("signature", outcome.signature?.description ?? "")
          $0.member("slot", slot)
          $0.member("action", plan.action.rawValue)
          $0.member("programData", plan.programData.description)
          $0.member("buffer", plan.buffer.description)
          $0.member("byteCount", deployment.elf.count)
          $0.member("extendedBy", UInt64(plan.extensionByteCount))
          $0.member("transactions", outcome.transactionCount)
          $0.member("feeLamports", outcome.feeLamports)
          $0.member("costLamports", outcome.costLamports)
        }
      })
  }

  // MARK: What is deployed

  static func file(_ path: String) throws -> [UInt8] {
    let elf = try ProgramFile.executable(at: path)
    if elf.count > ProgramDeployment.byteCountLimit {
      throw CLIError.program(path: path, detail: DeploymentError.tooLarge(byteCount: elf.count).description)
    }
    if let objection = ProgramEntry.objection(toDeploying: elf, .all) {
      throw CLIError.program(path: path, detail: objection.diagnosis)
    }
    return elf
  }

  /// What a file may import depends on the ledger's features as well.
  static func check(_ elf: [UInt8], from path: String, on host: any ProgramHost) throws {
    let features = try Features { key in try host.account(key) ?? .empty }
    if let objection = ProgramEntry.objection(toDeploying: elf, features) {
      throw CLIError.program(path: path, detail: objection.diagnosis)
    }
  }

  private func written(on chain: any ProgramHost) throws -> [UInt8] {
    let key = try Self.party(buffer ?? "").key
    let state = try chain.programState(at: key)
    guard case .buffer = state, let elf = try chain.programFile(at: key) else {
      throw DeploymentError.notBuffer(key, state)
    }
    if let objection = ProgramEntry.objection(toDeploying: elf, .all) {
      throw CLIError.program(
        path: key.description, detail: "the buffer holds no program: \(objection.diagnosis)")
    }
    return elf
  }

  /// As the solana CLI: a fresh key pair is kept beside the program, so that the next deployment is an upgrade.
  private func programParty() throws -> ProgramDeployment.Party {
    if let programID { return try Self.party(programID) }
    let path = Paths.withoutExtension(program ?? "") + "-keypair.json"
    if FileManager.default.fileExists(atPath: path) {
      return ProgramDeployment.Party(try KeyPairFile.read(path))
    }
    let pair = Ed25519.KeyPair.random()
    try KeyPairFile.write(pair, to: path)
    return ProgramDeployment.Party(pair)
  }

  /// A key pair file, or an address.
  static func party(_ text: String) throws -> ProgramDeployment.Party {
    if let bytes = Base58.decode(text), let key = Pubkey(bytes) { return ProgramDeployment.Party(key) }
    return ProgramDeployment.Party(try KeyPairFile.read(text))
  }
}
