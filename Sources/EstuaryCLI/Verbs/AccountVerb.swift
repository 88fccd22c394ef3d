import ArgumentParser
import Contracts
import EVM
import Estuary
import Ledger
import Primitives

struct AccountVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "account", abstract: "Show an account.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case display, json }

  @Argument(
    help:
      "A key in base58 or as contracts print it (0x and 64 digits), a key pair file, or an Ethereum address.")
  var key: String

  @Option(help: "Format, as `solana account` has it.")
  var output: Format = .display

  @Flag(help: "The same as --output json.")
  var json = false

  @OptionGroup var ledger: LedgerOptions

  func run() throws {
    if key.hasPrefix("0x"), key.utf8.count != 2 + 2 * 32 {
      try showEthereum(try EthereumText.address(key, what: "the account"))
      return
    }
    let key = try LedgerOptions.key(key)
    guard let account = try ledger.hostForReading().account(key) else { throw CLIError.noAccount(key) }
    if json || output == .json {
      Terminal.write(Self.json(account, at: key) + [UInt8(ascii: "\n")])
      return
    }
    print(
      """
      Public Key: \(key)
      Balance: \(SOL.text(account.lamports))
      Owner: \(account.owner)
      Executable: \(account.executable)
      Rent Epoch: \(account.rentEpoch)
      """)
    if !account.data.isEmpty {
      print("Length: \(account.data.count) (0x\(String(account.data.count, radix: 16))) bytes")
      print(HexDump.text(account.data, limit: 4096))
    }
  }

  private func showEthereum(_ address: Address) throws {
    let host = try ledger.contractsForReading()
    let (balance, nonce) = (try host.balance(of: address), try host.nonce(of: address))
    let code = try host.code(at: address)
    // An account without all of these is none (EIP-161).
    if balance.isZero && nonce == 0 && code.isEmpty {
      throw ContractError.refused("there is no account at \(address.checksummed)")
    }
    let codeHash = EthereumText.hex(Keccak256.hash(code).bytes)
    if json || output == .json {
      var writer = JSONWriter(pretty: true)
      writer.object { writer in
        writer.member("address", address.checksummed)
        writer.member("balance", EthereumText.quantity(balance))
        writer.member("nonce", nonce)
        writer.member("codeHash", codeHash)
        writer.member("code", EthereumText.hex(code))
      }
      writer.newline()
      Terminal.write(writer.bytes)
      return
    }
    print(
      """
      Address: \(address.checksummed)
      Balance: \(Ether.text(balance))
      Nonce: \(nonce)
      """)
    if code.isEmpty { return }
    print("Code Hash: \(codeHash)")
    print("Length: \(code.count) (0x\(String(code.count, radix: 16))) bytes")
    print(HexDump.text(code, limit: 4096))
  }

  /// As `solana account --output json` prints it.
  private static func json(_ account: Account, at key: Pubkey) -> [UInt8] {
    var writer = JSONWriter(pretty: true)
    writer.beginObject()
    writer.member("pubkey", key.description)
    writer.key("account")
    writer.beginObject()
    writer.member("lamports", account.lamports)
    writer.key("data")
    writer.array { writer in
      writer.value(Base64.encode(account.data))
      writer.value("base64")
    }
    writer.member("owner", account.owner.description)
    writer.member("executable", account.executable)
    writer.member("rentEpoch", account.rentEpoch)
    writer.member("space", account.data.count)
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }
}
