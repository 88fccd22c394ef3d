// What the verbs for contracts fail with when it is nobody else's error. No text holds any part of a key.

import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

enum ContractError: Error, CustomStringConvertible {
  case noAddress(what: String, String)
  case noAmount(option: String, String, AmountError)
  case noArtefact(String)
  case artefact(path: String, ArtefactError)
  case abi(ABIError)
  case abiFile(path: String, detail: String)
  case noConstructor(String)
  case output(String, ABIError)
  case noFunction(String)
  case severalFunctions(String, [ABIItem])
  case key(source: String, KeyError)
  case noDevelopmentAccount(String)
  case noKey(for: Address)
  case otherKey(from: Address, key: Address)
  case noEthereum(ledger: String)
  case notSent(reason: String)
  case reverted(reason: String)
  case refused(String)
  case notHex(option: String, String)
  case noHash(String)
  case noReceipt(Hash, place: String)
  /// No block holds it yet.
  case waits(Hash, url: String)
  /// Sent, and nothing was seen of it.
  case notSeen(Hash, url: String, detail: String)
  /// What an option asks for that a node cannot be asked.
  case notAsked(option: String, url: String, detail: String)
  case noWord(String)

  var description: String {
    switch self {
    case .noAddress(let what, let text):
      "\(what) '\(text.prefix(80))' is no address: 0x and 40 hexadecimal digits"
    case .noAmount(let option, let text, let error): "\(option) '\(text.prefix(80))': \(error)"
    case .noArtefact(let text):
      "'\(text.prefix(80))' is neither a file nor the hexadecimal text of a contract's code"
    case .artefact(let path, let error): "'\(path.prefix(80))' \(error)"
    case .abi(let error): error.description
    case .abiFile(let path, let detail): "--abi '\(path.prefix(80))': \(detail)"
    case .noConstructor(let artefact):
      "'\(artefact.prefix(80))' does not say which arguments its constructor takes: give --constructor, as in "
        + "--constructor \"constructor(uint256)\""
    case .output(let output, let error): "the output \(output) is not of the types asked for: \(error)"
    case .noFunction(let text):
      "there is no function '\(text.prefix(80))' in the interface given with --abi; or write the signature out, as in "
        + "transfer(address,uint256)"
    case .severalFunctions(let name, let items):
      "'\(name)' is several functions, write out which: \(items.map(\.signature).joined(separator: ", "))"
    case .key(let source, let error): "\(source): \(error)"
    case .noDevelopmentAccount(let text):
      "--account '\(text.prefix(40))' is none of the development accounts, 0 to \(DevelopmentAccounts.count - 1)"
    case .noKey(let address):
      "there is no key for \(address.checksummed): give --private-key, --keyfile or a development account's address"
    case .otherKey(let from, let key):
      "--from is \(from.checksummed), but the key is that of \(key.checksummed)"
    case .noEthereum(let ledger):
      "the ledger in '\(ledger)' has no Ethereum side: its genesis has no ethereum section"
    case .notSent(let reason):
      "not sent, because it would fail: \(reason) (--force with --gas-limit sends it all the same)"
    case .reverted(let reason): reason
    case .refused(let text): text
    case .notHex(let option, let text):
      "\(option) '\(text.prefix(80))' is no hexadecimal text of whole bytes"
    case .noHash(let text): "'\(text.prefix(80))' is no hash of a transaction: 0x and 64 hexadecimal digits"
    case .noReceipt(let hash, let place):
      "there is no transaction \(EthereumText.hex(hash.bytes)) on \(place)"
    case .waits(let hash, let url):
      "\(url) has the transaction \(EthereumText.hex(hash.bytes)) waiting: no block holds it yet"
    case .notSeen(let hash, let url, let detail):
      "\(url) took the transaction \(EthereumText.hex(hash.bytes)), and \(detail); ask later what became of it: "
        + "estuary evm receipt \(EthereumText.hex(hash.bytes)) --url \(url)"
    case .notAsked(let option, let url, let detail): "\(option): \(url) cannot be asked for it: \(detail)"
    case .noWord(let text):
      "'\(text.prefix(80))' is no storage slot: a number in [0, 2^256), decimal or 0x and hexadecimal digits"
    }
  }
}

extension TransactionValidityError {
  /// What it means for a sender, and what would help.
  func explained(_ transaction: EthereumTransaction, from sender: Address) -> String {
    let who = sender.checksummed
    switch self {
    case .nonceTooLow(let nonce, let account):
      return "nonce \(nonce) of \(who) is used already, the next one is \(account)"
    case .nonceTooHigh(let nonce, let account):
      return "nonce \(nonce) is ahead of \(who), whose next one is \(account)"
    case .insufficientFunds(let balance):
      let cost = transaction.maximumCost.map { Ether.text($0) } ?? "2^256 wei or more"
      return "\(who) has \(Ether.text(balance)), too little for the value and \(transaction.gasLimit) gas at "
        + "\(Ether.text(transaction.maxFeePerGas)): \(cost)"
    case .maxFeeBelowBaseFee(let fee, let base):
      return "a gas price of \(Ether.text(fee)) is below the block's base fee of \(Ether.text(base))"
    case .priorityFeeAboveMaxFee:
      return
        "a priority gas price of \(Ether.text(transaction.maxPriorityFeePerGas)) is above the gas price of "
        + Ether.text(transaction.maxFeePerGas)
    case .intrinsicGasTooLow(let limit, let needed), .gasBelowFloor(let limit, let needed):
      return "a gas limit of \(limit) is too low, the transaction alone takes \(needed)"
    case .gasLimitAboveCap(let limit, let cap):
      return "a gas limit of \(limit) is too high, a transaction may have \(cap) from \(Fork.osaka.name) on"
    case .gasLimitAboveBlock(let limit, let available):
      return "a gas limit of \(limit) is too high, the block has \(available)"
    case .senderIsContract: return "\(who) is a contract, which signs nothing"
    case .unsupportedType(let kind, let fork):
      return "transactions of type \(kind.rawValue) are not in \(fork.name)"
    default: return description
    }
  }
}

/// Amounts of ether for people.
enum Ether {
  /// Ether, gwei or wei, whichever has the fewest digits.
  static func text(_ wei: UInt256) -> String {
    let digits = wei.decimalText
    let zeros = digits.reversed().prefix { $0 == "0" }.count
    if wei.isZero { return "0 wei" }
    if digits.count > 15 { return "\(point(digits, 18)) ether" }
    if digits.count > 6 || (digits.count > 3 && zeros > 2) { return "\(point(digits, 9)) gwei" }
    return "\(digits) wei"
  }

  /// Digits with a point before the last `count`, without zeros at the end.
  static func point(_ digits: String, _ count: Int) -> String {
    let padded =
      digits.count <= count ? String(repeating: "0", count: count + 1 - digits.count) + digits : digits
    let whole = padded.dropLast(count)
    var fraction = padded.suffix(count)
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
  }
}
