// What a call sees in place of what the ledger has, spelled as cast spells it: `--override-balance ADDRESS:VALUE` and its
// like, several of them apart or with commas between, and `--block.time`, `--block.number`.

import ArgumentParser
import EVM
import Estuary
import Primitives
import WideIntegers

struct OverrideOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Another balance of an account.", valueName: "address:amount"))
  var overrideBalance: [String] = []

  @Option(help: ArgumentHelp("Another nonce of an account.", valueName: "address:number"))
  var overrideNonce: [String] = []

  @Option(help: ArgumentHelp("Other code of an account.", valueName: "address:hex"))
  var overrideCode: [String] = []

  @Option(
    help: ArgumentHelp("A value of a storage slot; all others are 0.", valueName: "address:slot:value"))
  var overrideState: [String] = []

  @Option(
    help: ArgumentHelp(
      "A value of a storage slot; all others stay as they are.", valueName: "address:slot:value"))
  var overrideStateDiff: [String] = []

  @Option(
    name: .customLong("block.number"), help: ArgumentHelp("Another block number.", valueName: "number"))
  var number: String?

  @Option(
    name: .customLong("block.time"), help: ArgumentHelp("Another time of the block.", valueName: "seconds"))
  var time: String?

  @Option(
    name: .customLong("block.gas-limit"),
    help: ArgumentHelp("Another gas limit of the block.", valueName: "gas"))
  var gasLimit: String?

  @Option(
    name: .customLong("block.coinbase"), help: ArgumentHelp("Another fee recipient.", valueName: "address"))
  var coinbase: String?

  @Option(
    name: .customLong("block.base-fee"), help: ArgumentHelp("Another base fee.", valueName: "amount"))
  var baseFee: String?

  @Option(
    name: .customLong("block.prevrandao"),
    help: ArgumentHelp("Other randomness of the beacon chain.", valueName: "word"))
  var prevRandao: String?

  func read() throws -> EmulationOverrides {
    var overrides = EmulationOverrides()
    overrides.block = try block()
    for (account, value) in try pairs(overrideBalance, "--override-balance") {
      overrides.accounts[account, default: .init()].balance =
        try EthereumText.amount(value, option: "--override-balance")
    }
    for (account, value) in try pairs(overrideNonce, "--override-nonce") {
      overrides.accounts[account, default: .init()].nonce = try number(value, "--override-nonce")
    }
    for (account, value) in try pairs(overrideCode, "--override-code") {
      overrides.accounts[account, default: .init()].code =
        try EthereumText.bytes(value, option: "--override-code")
    }
    for (account, slot, value) in try slots(overrideState, "--override-state") {
      overrides.accounts[account, default: .init()].slots[slot] = value
      overrides.accounts[account]?.replacesStorage = true
    }
    for (account, slot, value) in try slots(overrideStateDiff, "--override-state-diff") {
      if overrides.accounts[account]?.replacesStorage == true {
        throw ValidationError(
          "give one of --override-state and --override-state-diff for \(account.checksummed)")
      }
      overrides.accounts[account, default: .init()].slots[slot] = value
    }
    return overrides
  }

  private func block() throws -> BlockOverrides {
    var block = BlockOverrides()
    block.number = try number.map { try number($0, "--block.number") }
    block.timestamp = try time.map { try number($0, "--block.time") }
    block.gasLimit = try gasLimit.map { try number($0, "--block.gas-limit") }
    block.coinbase = try coinbase.map { try EthereumText.address($0, what: "--block.coinbase") }
    block.baseFeePerGas = try baseFee.map { try EthereumText.amount($0, option: "--block.base-fee") }
    block.prevRandao = try prevRandao.map { text in
      Hash(try EthereumText.amount(text, option: "--block.prevrandao"))
    }
    return block
  }

  private func number(_ text: String, _ option: String) throws -> UInt64 {
    let number = try EthereumText.amount(text, option: option)
    guard number.fitsUInt64 else { throw ValidationError("\(option) '\(text.prefix(80))' is not below 2^64") }
    return number.limb0
  }

  private func pairs(_ texts: [String], _ option: String) throws -> [(Address, String)] {
    try parts(of: texts, count: 2, option, form: "address:value").map { parts in
      (try EthereumText.address(parts[0], what: option), parts[1])
    }
  }

  private func slots(_ texts: [String], _ option: String) throws -> [(Address, UInt256, UInt256)] {
    try parts(of: texts, count: 3, option, form: "address:slot:value").map { parts in
      (
        try EthereumText.address(parts[0], what: option), try EthereumText.amount(parts[1], option: option),
        try EthereumText.amount(parts[2], option: option)
      )
    }
  }

  private func parts(of texts: [String], count: Int, _ option: String, form: String) throws -> [[String]] {
    try texts.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map { text in
      let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == count else {
        throw ValidationError("\(option) '\(text.prefix(80))' is not of the form \(form)")
      }
      return parts
    }
  }
}
