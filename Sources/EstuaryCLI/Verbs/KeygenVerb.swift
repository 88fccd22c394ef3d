import ArgumentParser
import Ledger
import Primitives

struct KeygenVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keygen", abstract: "Make a key pair file, as solana-keygen writes it.")

  @Option(name: [.short, .long], help: "Where to write it (default: \(Settings.shown.keypair)).")
  var outfile: String?

  @Flag(help: "Replace a file that is there.")
  var force = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let path = try outfile ?? Paths.expand(Settings.current.get().keypair)
    try Paths.makeParent(of: path)
    let pair = Ed25519.KeyPair.random()
    try KeyPairFile.write(pair, to: path, replacing: force)
    output.print(
      text: "wrote \(path)\npubkey: \(pair.pubkey)",
      json: {
        $0.object {
          $0.member("pubkey", pair.pubkey.description)
          $0.member("path", path)
        }
      })
  }
}
