// Flags that several verbs share, spelled as the solana CLI spells them.

import ArgumentParser
import Estuary
import Foundation
import Ledger
import Primitives
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

/// A ledger directory and who pays.
struct LedgerOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Ledger directory.", valueName: "directory"))
  var ledger = "estuary-ledger"

  @Option(
    name: [.customShort("k"), .long],
    help: ArgumentHelp(
      "Key pair of the payer (default: \(Paths.defaultKeypair)).", valueName: "file"))
  var keypair: String?

  func payer() throws -> Ed25519.KeyPair {
    try KeyPairFile.read(keypair ?? Paths.expand(Paths.defaultKeypair))
  }

  /// A key in base58, or a key pair file whose public key is meant.
  static func key(_ text: String) throws -> Pubkey {
    if let bytes = Base58.decode(text), let key = Pubkey(bytes) { return key }
    if FileManager.default.fileExists(atPath: text) { return try KeyPairFile.read(text).pubkey }
    throw CLIError.noKey(text)
  }

  /// Opens the ledger; `create` makes a fresh one where the directory is empty or missing.
  func open(create: Bool = false) throws -> Chain {
    try Chain.open(directory: ledger, creating: create)
  }
}

enum Paths {
  static let defaultKeypair = "~/.config/solana/id.json"

  static func expand(_ path: String) -> String { NSString(string: path).expandingTildeInPath }

  static func makeParent(of path: String) throws {
    let parent = NSString(string: path).deletingLastPathComponent
    if parent.isEmpty { return }
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
  }
}
