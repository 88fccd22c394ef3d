// Flags that the verbs for contracts share, spelled as Foundry's cast spells them.

import ArgumentParser
import Contracts
import EVM
import Estuary
import Glibc
import Ledger
import Primitives
import RPCClient
import WideIntegers

/// A ledger with an Ethereum side, or a node of any chain of Ethereum's kind.
struct EthereumLedgerOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @Option(
    name: [.customShort("u"), .long],
    help: ArgumentHelp(
      "A node's JSON-RPC in place of a ledger directory, --ledger is then not looked at: http://HOST:PORT "
        + "(Anvil's: http://127.0.0.1:8545), or localhost (port 8899, Estuary's).", valueName: "url"))
  var url: String?

  @OptionGroup var cache: CacheOptions

  func validate() throws {
    _ = try Settings.current.get()
    if let url { _ = try NodeOptions.address(url) }
  }

  /// The node that --url names, or the ledger in the directory.
  func host(create: Bool = false) throws -> any ContractHost {
    try remote() ?? LedgerContracts(try open(create: create), name: ledger)
  }

  func hostForReading() throws -> any ContractHost {
    try remote() ?? LedgerContracts(try openForReading(), name: ledger)
  }

  private func remote() throws -> (any ContractHost)? {
    try url.map { RemoteContracts(RPCClient(try NodeOptions.address($0))) }
  }

  private func open(create: Bool = false) throws -> Chain {
    let chain = try Chain.open(
      directory: ledger, create ? .creatingIfMissing : .existing, patience: .telling,
      cacheByteCount: cache.byteCount, ethereum: .funded())
    if try chain.addEthereum(.funded()) {
      Terminal.note(
        "the ledger '\(ledger)' had no Ethereum side: it has one now, chain \(EthereumGenesis.defaultChainID)"
      )
    }
    return chain
  }

  /// As it is now, beside whoever writes it; one without an Ethereum side gets it first.
  private func openForReading() throws -> Chain {
    let chain = try Chain.open(directory: ledger, .reading, cacheByteCount: cache.byteCount)
    return chain.ethereumSettings == nil ? try open() : chain
  }
}

/// Whose transaction or call it is.
struct SenderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The sender: of a call anybody, of a transaction a development account or the key's.",
      valueName: "address"))
  var from: String?

  @Option(help: ArgumentHelp("The sender's private key, 64 hex digits.", valueName: "hex"))
  var privateKey: String?

  @Option(
    help: ArgumentHelp(
      "The sender's key in a Web3 keystore; the password is asked for.", valueName: "file"))
  var keyfile: String?

  @Option(help: ArgumentHelp("The keystore's password, the file's first line.", valueName: "file"))
  var passwordFile: String?

  @Option(help: ArgumentHelp("A development account, see 'evm accounts' (default: 0).", valueName: "number"))
  var account: String?

  func validate() throws {
    let given = [privateKey, keyfile, account].compactMap { $0 }.count
    if given > 1 { throw ValidationError("give one of --private-key, --keyfile and --account") }
    if passwordFile != nil && keyfile == nil { throw ValidationError("--password-file needs --keyfile") }
  }

  /// The key that signs.
  func key() throws -> PrivateKey {
    let wanted = try from.map { try EthereumText.address($0, what: "--from") }
    if let key = try givenKey() {
      if let wanted, wanted != key.address { throw ContractError.otherKey(from: wanted, key: key.address) }
      return key
    }
    guard let wanted else { return DevelopmentAccounts.key(0) }
    guard let key = DevelopmentAccounts.keys.first(where: { $0.address == wanted }) else {
      throw ContractError.noKey(for: wanted)
    }
    return key
  }

  /// Who calls; no key is needed for that.
  func address() throws -> Address {
    if let from { return try EthereumText.address(from, what: "--from") }
    return try givenKey()?.address ?? DevelopmentAccounts.key(0).address
  }

  private func givenKey() throws -> PrivateKey? {
    if let privateKey {
      do throws(KeyError) { return try PrivateKey(hex: privateKey) } catch {
        throw ContractError.key(source: "--private-key", error)
      }
    }
    if let keyfile { return try open(keyfile) }
    guard let account else { return nil }
    guard let number = UInt32(account), number < DevelopmentAccounts.count else {
      throw ContractError.noDevelopmentAccount(account)
    }
    return DevelopmentAccounts.key(number)
  }

  private func open(_ path: String) throws -> PrivateKey {
    let bytes = try WholeFile.read(path)
    do throws(KeyError) {
      let file = try Keyfile(reading: bytes)
      return try file.open(password: try password(for: path))
    } catch {
      throw ContractError.key(source: "'\(path)'", error)
    }
  }

  private func password(for path: String) throws(KeyError) -> [UInt8] {
    if let passwordFile {
      let bytes: [UInt8]
      do { bytes = try WholeFile.read(passwordFile) } catch { throw .noPassword(error.localizedText) }
      return Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }
    guard isatty(STDIN_FILENO) == 1 else {
      throw .noPassword("there is no terminal to ask for the password: give --password-file")
    }
    guard let text = getpass("Password of '\(path)': ") else { throw .noPassword("no password was given") }
    return Array(String(cString: text).utf8)
  }
}

extension Error {
  fileprivate var localizedText: String { "\(self)" }
}

/// What a transaction or a call takes along.
struct MessageOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Ether sent along: 7 (wei), 5gwei, 1.5ether (default: 0).", valueName: "amount"))
  var value: String?

  @Option(help: ArgumentHelp("Gas that it may use at most.", valueName: "gas"))
  var gasLimit: String?

  @Option(
    help: ArgumentHelp(
      "The most to pay for a unit of gas (default: twice the base fee and the tip).", valueName: "amount"))
  var gasPrice: String?

  func wei() throws -> UInt256 { try value.map { try EthereumText.amount($0, option: "--value") } ?? .zero }

  func gas() throws -> UInt64? {
    guard let gasLimit else { return nil }
    let gas = try EthereumText.amount(gasLimit, option: "--gas-limit")
    guard gas.fitsUInt64, gas.limb0 <= Emulator.gasCap else {
      throw ValidationError(
        "--gas-limit '\(gasLimit.prefix(80))' is too high, at most \(Emulator.gasCap) are tried out")
    }
    return gas.limb0
  }

  func price() throws -> UInt256? { try gasPrice.map { try EthereumText.amount($0, option: "--gas-price") } }
}

/// What only a transaction that is sent needs.
struct SendingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The tip for a unit of gas, part of the price (default: 1gwei).", valueName: "amount"))
  var priorityGasPrice: String?

  @Option(help: ArgumentHelp("The sender's nonce; it must be the next one.", valueName: "number"))
  var nonce: String?

  @Flag(help: "Send it even if it fails; needs --gas-limit.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "How long to wait until a block of the node's holds it, with --url (default: \(usualPatience)).",
      valueName: "seconds"))
  var timeout: String?

  private static let usualPatience: UInt64 = 90

  func validate() throws { _ = try patience() }

  /// Seconds.
  func patience() throws -> UInt64 {
    guard let timeout else { return Self.usualPatience }
    guard let seconds = UInt64(timeout), seconds <= 86_400 else {
      throw ValidationError("--timeout '\(timeout.prefix(80))' is no number of seconds up to 86400")
    }
    return seconds
  }

  func tip() throws -> UInt256? {
    try priorityGasPrice.map { try EthereumText.amount($0, option: "--priority-gas-price") }
  }

  func givenNonce() throws -> UInt64? {
    guard let nonce else { return nil }
    let number = try EthereumText.amount(nonce, option: "--nonce")
    guard number.fitsUInt64 else { throw ValidationError("--nonce '\(nonce.prefix(80))' is not below 2^64") }
    return number.limb0
  }
}

/// Values of the EVM from words of the command line.
enum EthereumText {
  static func address(_ text: String, what: String) throws -> Address {
    guard text.hasPrefix("0x") || text.hasPrefix("0X") || text.count == 40, let address = Address(hex: text)
    else {
      throw ContractError.noAddress(what: what, text)
    }
    guard address.hasChecksum(of: text) else {
      throw ContractError.refused(
        "\(what) \(text): the letters' case is not the address's checksum: mistyped? (\(address.checksummed), or all in "
          + "lower case)")
    }
    return address
  }

  static func amount(_ text: String, option: String) throws -> UInt256 {
    do throws(AmountError) { return try DecimalAmount.wei(text) } catch {
      throw ContractError.noAmount(option: option, text, error)
    }
  }

  static func bytes(_ text: String, option: String) throws -> [UInt8] {
    guard let bytes = Hex.decode(text) else { throw ContractError.notHex(option: option, text) }
    return bytes
  }

  static func hash(_ text: String) throws -> Hash {
    guard let bytes = Hex.decode(text), let hash = Hash(bytes) else { throw ContractError.noHash(text) }
    return hash
  }

  /// `0x` and digits without leading zeros.
  static func quantity(_ number: UInt256) -> String { number.description }

  static func hex(_ bytes: [UInt8]) -> String { "0x" + Hex.encode(bytes) }

  /// 32 bytes.
  static func word(_ number: UInt256) -> String { hex(number.bigEndianBytes) }
}
