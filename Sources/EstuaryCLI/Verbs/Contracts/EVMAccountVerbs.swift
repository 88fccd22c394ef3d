// Verbs that read one thing of an Ethereum account.

import ArgumentParser
import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

struct EVMBalanceVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "balance", abstract: "Show an account's balance, in wei.")

  @Argument(help: "The account.")
  var address: String

  @Flag(name: [.long, .customShort("e")], help: "In ether.")
  var ether = false

  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let address = try EthereumText.address(address, what: "the account")
    let balance = try ledger.hostForReading().balance(of: address)
    output.print(text: ether ? Ether.point(balance.decimalText, 18) : balance.decimalText) { writer in
      writer.object { writer in
        writer.member("address", address.checksummed)
        writer.member("balance", EthereumText.quantity(balance))
      }
    }
  }
}

struct EVMNonceVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "nonce",
    abstract: "Show an account's nonce: how many transactions it sent, or contracts it made.")

  @Argument(help: "The account.")
  var address: String

  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let address = try EthereumText.address(address, what: "the account")
    let nonce = try ledger.hostForReading().nonce(of: address)
    output.print(text: "\(nonce)") { writer in
      writer.object { writer in
        writer.member("address", address.checksummed)
        writer.member("nonce", nonce)
      }
    }
  }
}

struct EVMCodeVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "code", abstract: "Show a contract's code.")

  @Argument(help: "The contract.")
  var address: String

  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let address = try EthereumText.address(address, what: "the contract")
    let code = try ledger.hostForReading().code(at: address)
    output.print(text: EthereumText.hex(code)) { writer in
      writer.object { writer in
        writer.member("address", address.checksummed)
        writer.member("code", EthereumText.hex(code))
      }
    }
  }
}

struct EVMStorageVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "storage", abstract: "Show a slot of a contract's storage.")

  @Argument(help: "The contract.")
  var address: String

  @Argument(help: "The slot: a number, decimal or 0x and hexadecimal digits.")
  var slot: String

  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let address = try EthereumText.address(address, what: "the contract")
    guard let slot = try? DecimalAmount.wei(slot) else { throw ContractError.noWord(slot) }
    let value = try ledger.hostForReading().storage(of: address, slot: slot)
    output.print(text: EthereumText.word(value)) { writer in
      writer.object { writer in
        writer.member("address", address.checksummed)
        writer.member("slot", EthereumText.word(slot))
        writer.member("value", EthereumText.word(value))
      }
    }
  }
}

struct EVMAccountsVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "accounts",
    abstract: "List the development accounts with their keys; creates the ledger if need be.",
    discussion: """
      They are those of the mnemonic "\(DevelopmentAccounts.mnemonic)" at m/44'/60'/0'/0/i, which everybody knows: never \
      send anything of value to them.
      """)

  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let host = try ledger.host(create: true)
    let accounts = try DevelopmentAccounts.keys.map { key in
      (key: key, balance: try host.balance(of: key.address))
    }
    let lines = accounts.enumerated().map { index, account in
      "(\(index)) \(account.key.address.checksummed)  \(Ether.text(account.balance))  key \(account.key.exposedHex)"
    }
    output.print(text: lines.joined(separator: "\n")) { writer in
      writer.array { writer in
        for account in accounts {
          writer.object { writer in
            writer.member("address", account.key.address.checksummed)
            writer.member("privateKey", account.key.exposedHex)
            writer.member("balance", EthereumText.quantity(account.balance))
          }
        }
      }
    }
  }
}
