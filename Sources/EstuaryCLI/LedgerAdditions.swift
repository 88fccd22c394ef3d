// Programs and accounts that a new ledger begins with, as options name them.

import ArgumentParser
import Estuary
import FoundationEssentials
import Glibc
import Ledger
import Primitives
import Runtime

/// What the options name, in their order.
struct LedgerAdditions {
  private(set) var accounts: [(key: Pubkey, account: Account)] = []
  private var keys: Set<Pubkey> = []

  private mutating func add(_ key: Pubkey, _ account: Account) throws {
    if let role = BuiltinAccounts.role(of: key) { throw CLIError.reserved(key, role: role) }
    guard keys.insert(key).inserted else { throw CLIError.givenTwice(key) }
    accounts.append((key, account))
  }

  /// Leaves an address as it is that is taken already.
  mutating func addIfVacant(_ key: Pubkey, _ account: Account) {
    if keys.insert(key).inserted { accounts.append((key, account)) }
  }

  mutating func addProgram(_ id: String, file: String, authority: Pubkey?) throws {
    for (key, account) in try Self.program(id, file: file, authority: authority) { try add(key, account) }
  }

  private static func program(
    _ id: String, file: String, authority: Pubkey?
  ) throws -> [(key: Pubkey, account: Account)] {
    let key = try LedgerOptions.key(id)
    let elf = try ProgramFile.executable(at: file)
    try ProgramFile.checkRuns(elf, from: file)
    guard elf.count <= ProgramDeployment.byteCountLimit else {
      throw CLIError.program(path: file, detail: DeploymentError.tooLarge(byteCount: elf.count).description)
    }
    let (program, programData) = UpgradeableProgram.accounts(
      programID: key, elf: elf, rent: Rent(), authority: authority)
    return [(key, program), programData]
  }

  /// The programs of mainnet that have been fetched, but for those that are named already.
  mutating func addSetUpPrograms() throws {
    for (id, path) in SetUpPrograms.all where !keys.contains(try LedgerOptions.key(id)) {
      for (key, account) in try Self.program(id, file: path, authority: nil) { addIfVacant(key, account) }
    }
  }

  // MARK: What solana-test-validator gives

  /// SOL of the mint and of the faucet.
  static let mintSOL = Chain.faucetLamports / 1_000_000_000

  mutating func addMint(_ key: Pubkey) throws {
    try add(key, Account(lamports: Chain.faucetLamports, owner: ProgramID.system))
  }

  mutating func setFaucet(lamports: UInt64) throws {
    try add(Chain.faucet.pubkey, Account(lamports: lamports, owner: ProgramID.system))
  }

  /// Slots of an epoch where nothing else is said.
  static let usualSlotsPerEpoch = EpochSchedule().slotsPerEpoch

  /// All epochs of one length, as solana-test-validator has them.
  mutating func setEpochs(slotsPerEpoch: UInt64) {
    let schedule = EpochSchedule(
      slotsPerEpoch: slotsPerEpoch, leaderScheduleSlotOffset: slotsPerEpoch, hasWarmup: false,
      firstNormalEpoch: 0,
      firstNormalSlot: 0)
    let data = SysvarWriter.epochSchedule(schedule)
    addIfVacant(
      SysvarID.epochSchedule, Account(lamports: 1, data: data, owner: ProgramID.sysvar, rentEpoch: 0))
  }

  private static let nativeMint = Pubkey(base58: "So11111111111111111111111111111111111111112") ?? .zero

  /// The mint of wrapped SOL, as Agave gives it to a cluster for development (`Bank::reconfigure_token2_native_mint`), where the
  /// token program is. That of Token-2022 no cluster begins with: its program makes it when it is asked to.
  mutating func addNativeMint() {
    guard keys.contains(SetUpPrograms.token) else { return }
    // authority u32, 32 bytes · supply u64 · decimals u8 · is initialized u8 · freeze authority u32, 32 bytes
    var mint = [UInt8](repeating: 0, count: 82)
    (mint[44], mint[45]) = (9, 1)
    addIfVacant(
      Self.nativeMint, Account(lamports: 1_000_000_000, data: mint, owner: SetUpPrograms.token, rentEpoch: 1))
  }

  // MARK: Files

  /// Every account of a folder, `*.json` files each as `estuary account --output json` prints it.
  mutating func addAccounts(folder: String) throws {
    guard let directory = opendir(folder) else {
      throw CLIError.unreadable(
        path: folder, detail: "as a folder of accounts: \(String(cString: strerror(errno)))")
    }
    closedir(directory)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    where name.hasSuffix(".json") {
      try addAccount(file: folder + "/" + name, at: nil)
    }
  }

  mutating func addAccount(file: String, at address: Pubkey?) throws {
    let read: (key: Pubkey, account: Account)
    do throws(GenesisError) {
      let (key, account) = try Genesis.readAccount(file)
      read = (address ?? key, account)
    } catch {
      switch error {
      case .unreadable: throw error
      case .json(let path, let error):
        throw CLIError.unreadable(path: path, detail: "as an account: it is no JSON: \(error)")
      case .invalid(let path, let location, let problem):
        throw CLIError.unreadable(
          path: path,
          detail: "as an account, at \(location.isEmpty ? "top level" : location): \(problem.text)")
      }
    }
    try add(read.key, read.account)
  }

  /// - Parameter words: files, some of them behind the address where the account is to be (- for its own).
  mutating func addAccounts(_ words: [String]) throws {
    var words = words[...]
    while let word = words.popFirst() {
      let isAddress = word == "-" || Base58.decode(word).flatMap { Pubkey($0) } != nil
      guard isAddress else {
        try addAccount(file: word, at: nil)
        continue
      }
      guard let file = words.popFirst() else {
        throw ValidationError("--account \(word): a file has to follow the address")
      }
      try addAccount(file: file, at: word == "-" ? nil : try LedgerOptions.key(word))
    }
  }
}
