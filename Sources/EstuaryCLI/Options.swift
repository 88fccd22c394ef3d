// Flags that several verbs share, spelled as the solana CLI spells them.

import ArgumentParser
import Estuary
import FoundationEssentials
import Glibc
import Ledger
import Primitives
import RPCClient
import SBPF

/// How results are printed.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print JSON instead of text.")
  var json = false

  func print(text: @autoclosure () -> String, json write: (inout JSONWriter) -> Void) {
    if json {
      var writer = JSONWriter()
      write(&writer)
      Terminal.write(writer.bytes + [UInt8(ascii: "\n")])
    } else {
      Swift.print(text())
    }
  }
}

enum EngineName: String, ExpressibleByArgument, CaseIterable {
  case jit, interpreter

  var engine: Engine {
    switch self {
    case .jit: .fastest
    case .interpreter: .interpreter
    }
  }
}

enum ExecutorName: String, ExpressibleByArgument, CaseIterable {
  case serial, locks, waves

  init?(argument: String) {
    // As it was spelled before.
    self.init(rawValue: argument == "overlay" ? "waves" : argument)
  }
}

/// How much of a ledger is held in memory; without the flag, what `Settings` say.
struct CacheOptions: ParsableArguments {
  @Option(
    name: .customLong("cache-mb"),
    help: ArgumentHelp(
      "Memory for what is read of the ledger, in MiB ($ESTUARY_CACHE_MB; default: a quarter of the memory).",
      valueName: "MiB"))
  var cacheMB: Int?

  static let range = 1...(1 << 20)
  static var rangeText: String { "\(range.lowerBound) to \(range.upperBound)" }

  func validate() throws {
    if let cacheMB, !Self.range.contains(cacheMB) {
      throw ValidationError("--cache-mb must be from \(Self.rangeText)")
    }
    _ = try Settings.current.get()
  }

  var byteCount: Int {
    (cacheMB ?? Settings.shown.cacheMB).map { $0 << 20 } ?? RocksDBStore.defaultCacheByteCount
  }
}

/// The node that a verb asks in place of a ledger directory.
struct NodeOptions: ParsableArguments {
  static let forms =
    "https://HOST, http://HOST:PORT, localhost (port 8899), or one of Solana's clusters (mainnet-beta, testnet, devnet)"

  @Option(
    name: [.customShort("u"), .long],
    help: ArgumentHelp(
      "A node's JSON-RPC in place of a ledger directory, --ledger is then not looked at: \(forms).",
      valueName: "url"))
  var url: String?

  func validate() throws {
    if let url { _ = try Self.address(url) }
  }

  static func address(_ text: String) throws -> NodeAddress {
    do throws(NodeAddressError) { return try NodeAddress(text) } catch { throw ValidationError("\(error)") }
  }

  static func client(of url: String) throws -> RPCClient { RPCClient(try address(url)) }

  /// `nil` where no node is named.
  func client() throws -> RPCClient? { try url.map(Self.client) }
}

/// The node that a verb asks that asks nothing else.
struct AskedNodeOptions: ParsableArguments {
  @Option(
    name: [.customShort("u"), .long],
    help: ArgumentHelp("The node's JSON-RPC: \(NodeOptions.forms).", valueName: "url"))
  var url = "localhost"

  func validate() throws { _ = try NodeOptions.address(url) }

  func client() throws -> RPCClient { try NodeOptions.client(of: url) }
}

/// A ledger directory or a node, and who pays; without flags, what `Settings` say.
struct LedgerOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @OptionGroup var node: NodeOptions

  @Option(
    name: [.customShort("k"), .long],
    help: ArgumentHelp(
      "Key pair of the payer ($ESTUARY_KEYPAIR; default: \(Settings.shown.keypair)).", valueName: "file"))
  var keypair: String?

  @OptionGroup var cache: CacheOptions

  func validate() throws { _ = try Settings.current.get() }

  func payer() throws -> Ed25519.KeyPair {
    let path = Paths.expand(keypair ?? Settings.shown.keypair)
    do throws(KeyPairFileError) { return try KeyPairFile.read(path) } catch {
      if keypair == nil, case .inaccessible = error { throw CLIError.noPayer(path: path, error.description) }
      throw error
    }
  }

  /// A key in base58 or as contracts print it (0x and 64 digits), or a key pair file whose public key is meant.
  static func key(_ text: String) throws -> Pubkey {
    if text.hasPrefix("0x"), let bytes = Hex.decode(text), let key = Pubkey(bytes) { return key }
    if let bytes = Base58.decode(text), let key = Pubkey(bytes) { return key }
    if FileManager.default.fileExists(atPath: text) { return try KeyPairFile.read(text).pubkey }
    throw CLIError.noKey(text)
  }

  /// Opens the ledger; `create` makes a fresh one where the directory is empty or missing.
  func open(create: Bool = false) throws -> Chain {
    try Chain.open(
      directory: ledger, create ? .creatingIfMissing : .existing, patience: .telling,
      cacheByteCount: cache.byteCount, ethereum: .funded())
  }

  /// Opens the ledger as it is now, beside whoever writes it.
  func openForReading() throws -> Chain {
    try Chain.open(directory: ledger, .reading, cacheByteCount: cache.byteCount)
  }

  /// The node that --url names, or the ledger in the directory.
  func host(create: Bool = false) throws -> any ProgramHost {
    if let client = try node.client() { return RemoteLedger(client) }
    return try open(create: create)
  }

  func hostForReading() throws -> any ProgramHost {
    if let client = try node.client() { return RemoteLedger(client) }
    return try openForReading()
  }

  /// The same for accounts of Ethereum's.
  func contractsForReading() throws -> any ContractHost {
    if let client = try node.client() { return RemoteContracts(client) }
    return LedgerContracts(try openForReading(), name: ledger)
  }
}

extension LockPatience {
  /// Says on standard error whom a command waits for.
  static let telling = LockPatience { path, holder in
    Terminal.note(
      "waiting for the ledger '\(path)', in use by \(holder.map { "process \($0)" } ?? "another process")")
  }
}

enum Paths {
  static let defaultKeypair = "~/.config/solana/id.json"

  /// `~` is $HOME, as for a shell, else what the system knows of the user; `~name` is that user's.
  static func expand(_ path: String) -> String {
    guard path.hasPrefix("~") else { return path }
    let name = path.dropFirst().prefix { $0 != "/" }
    return (home(of: String(name)) ?? "~\(name)") + path.dropFirst(1 + name.count)
  }

  private static func home(of name: String) -> String? {
    if name.isEmpty, let home = ProcessInfo.processInfo.environment["HOME"], !home.isEmpty { return home }
    let user = name.isEmpty ? getpwuid(getuid()) : getpwnam(name)
    return user.map { String(cString: $0.pointee.pw_dir) }
  }

  /// Without what follows the last dot of the file's name.
  static func withoutExtension(_ path: String) -> String {
    let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return path }
    return String(path[..<dot])
  }

  static func makeParent(of path: String) throws {
    var parent = path[...]
    while parent.last == "/" { parent.removeLast() }
    parent = parent[..<(parent.lastIndex(of: "/") ?? parent.startIndex)]
    if !parent.isEmpty { try makeFolder(String(parent)) }
  }

  /// Makes a folder and those above it that are missing.
  static func makeFolder(_ path: String) throws {
    if mkdir(path, 0o777) == 0 { return }
    if errno == ENOENT {
      try makeParent(of: path)
      if mkdir(path, 0o777) == 0 { return }
    }
    let code = errno
    var status = stat()
    if code == EEXIST && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR { return }
    throw CLIError.noFolder(path: path, detail: String(cString: strerror(code == EEXIST ? ENOTDIR : code)))
  }
}
