import ArgumentParser
import CrossCalls
import Primitives

struct EVMAddressVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "address", abstract: "Show the address that a signer of Solana's has for contracts.",
    discussion: """
      It is the last 20 bytes of keccak256 of the key. Tokens that are sent there, the signer moves through the EVM program, \
      as a program may for it.
      """)

  @Argument(help: "A base58 key or a key pair file.")
  var key: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let key = try LedgerOptions.key(key)
    let address = SignerIdentity.address(of: key)
    output.print(text: address.checksummed) { writer in
      writer.object { writer in
        writer.member("pubkey", key.description)
        writer.member("address", address.checksummed)
      }
    }
  }
}
