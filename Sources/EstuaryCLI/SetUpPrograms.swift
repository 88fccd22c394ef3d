// The programs of Solana's mainnet that new ledgers begin with, once `estuary setup programs` has fetched them: executables in
// one folder, each under its program's id. None of them comes with Estuary.

import Estuary
import FoundationEssentials
import Glibc
import Ledger
import Primitives
import RPCClient
import Runtime

enum SetUpPrograms {
  /// Those that are fetched, with the names that files of them have.
  static let known: [(name: String, id: String)] = [
    ("token", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
    ("token-2022", "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"),
    ("associated-token-account", "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"),
    ("memo", "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
    ("memo-v1", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo"),
    ("stake", "Stake11111111111111111111111111111111111111"),
    ("address-lookup-table", "AddressLookupTab1e1111111111111111111111111"),
    ("config", "Config1111111111111111111111111111111111111"),
    ("feature-gate", "Feature111111111111111111111111111111111111"),
  ]

  static let token = Pubkey(base58: "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA") ?? .zero

  static let defaultFolder = "~/.config/estuary/programs"

  /// `$ESTUARY_MAINNET_PROGRAMS`, or the default.
  static var folder: String {
    let named = ProcessInfo.processInfo.environment["ESTUARY_MAINNET_PROGRAMS"] ?? ""
    return Paths.expand(named.isEmpty ? defaultFolder : named)
  }

  static func path(of id: String) -> String { folder + "/" + id + ".so" }

  /// Those that have been fetched, in the order of `known` and then of their ids.
  static var all: [(id: String, path: String)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let ids = names.filter { $0.hasSuffix(".so") }.map { String($0.dropLast(3)) }.filter {
      Base58.decode($0).flatMap { Pubkey($0) } != nil
    }
    let order = known.map(\.id)
    return ids.sorted {
      ((order.firstIndex(of: $0) ?? order.count), $0) < ((order.firstIndex(of: $1) ?? order.count), $1)
    }
    .map { ($0, path(of: $0)) }
  }

  /// Keeps a program's bytes; they have to be one.
  static func keep(_ elf: [UInt8], as id: String, from source: String) throws {
    try ProgramFile.checkRuns(elf, from: source)
    try Paths.makeFolder(folder)
    try WholeFile.write(elf, to: path(of: id))
  }

  // MARK: From files

  /// - Returns: the ids of those that a folder has, as `ID.so`, `NAME.so`, or with something before the name.
  static func take(fromFolder source: String) throws -> [String] {
    let files = try FileManager.default.contentsOfDirectory(atPath: source).filter { $0.hasSuffix(".so") }
      .sorted()
    var taken: [String] = []
    for (name, id) in known {
      guard
        let file = files.first(where: { $0 == id + ".so" }) ?? files.first(where: { $0 == name + ".so" })
          ?? files.first(where: {
            $0.hasSuffix("-" + name + ".so") && !$0.hasSuffix("-" + longer(name) + ".so")
          })
      else { continue }
      let path = source + "/" + file
      try keep(try ProgramFile.read(path), as: id, from: path)
      taken.append(id)
    }
    return taken
  }

  /// "address-lookup-token" is no file of "token": a name that another one ends with.
  private static func longer(_ name: String) -> String {
    known.first { $0.name.hasSuffix("-" + name) }?.name ?? "\u{0}"
  }

  static func take(file: String, id: String) throws {
    guard Base58.decode(id).flatMap({ Pubkey($0) }) != nil else { throw CLIError.noKey(id) }
    try keep(try ProgramFile.read(file), as: id, from: file)
  }

  // MARK: From a node

  /// - Returns: the ids of those that the node has as programs with code.
  static func take(from ledger: RemoteLedger) throws -> [String] {
    var taken: [String] = []
    for (_, id) in known {
      guard let key = Base58.decode(id).flatMap({ Pubkey($0) }), let elf = try ledger.programFile(at: key),
        elf.starts(with: [0x7f, 0x45, 0x4c, 0x46])
      else { continue }
      try keep(elf, as: id, from: "\(ledger.client.address), \(id)")
      taken.append(id)
    }
    return taken
  }

  // MARK: From PyPI

  /// The package that carries LiteSVM, and with it the programs.
  private static let package = "solders==0.29.0"

  private static let script = """
    import sys
    from solders.litesvm import LiteSVM
    from solders.pubkey import Pubkey
    svm = LiteSVM()
    for name in sys.argv[2:]:
        account = svm.get_account(Pubkey.from_string(name))
        if account is None or not account.executable:
            continue
        data = bytes(account.data)
        if len(data) == 36 and data[0] == 2:
            data = bytes(svm.get_account(Pubkey.from_bytes(data[4:36])).data)[45:]
        if data[:4] == b"\\x7fELF":
            open(sys.argv[1] + "/" + name + ".so", "wb").write(data)
    """

  /// Installs the package in a folder that goes again, and takes the programs out of it.
  static func takeFromPyPI() throws -> [String] {
    var template = Array("/tmp/estuary-setup-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CLIError.noFolder(path: "/tmp/estuary-setup-XXXXXX", detail: String(cString: strerror(errno)))
    }
    let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress.unsafelyUnwrapped) }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try run(["python3", "-m", "venv", folder + "/venv"])
    try run([folder + "/venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", package])
    try run([folder + "/venv/bin/python", "-c", script, folder] + known.map(\.id))
    return try take(fromFolder: folder)
  }

  private static func run(_ words: [String]) throws {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let code = posix_spawnp(&process, words[0], nil, nil, arguments, environ)
    guard code == 0 else {
      throw CLIError.program(path: words[0], detail: "it cannot be run: \(String(cString: strerror(code)))")
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else {
      throw CLIError.program(
        path: words[0], detail: "it failed (see above); programs can be had from a node or a folder as well")
    }
  }
}
