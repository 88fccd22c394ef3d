// A block explorer of the terminal: what a block did, transaction by transaction and call by call.
//
//   swift run Explorer [LEDGER]
//
// Without a directory it makes a ledger in memory, puts something into it and shows that; with one it shows the accounts
// that it is asked for on standard input, a key or an address a line.

import Estuary

/// Prints a tree of calls while they happen.
final class Printer: ExecutionObserver {
  private func line(_ depth: Int, _ text: String) {
    print(String(repeating: "   ", count: depth + 1) + text)
  }

  private var depth = 0

  func willExecute(_ index: Int) { print("transaction \(index)") }

  func didExecute(_ index: Int, _ receipt: Receipt) {
    switch receipt {
    case .solana(let result):
      for text in result.logLines where text.hasPrefix("Program log") { line(0, text) }
      line(0, "\(result.computeUnits) compute units, fee \(result.fee) lamports")
    case .ethereum(let result):
      line(
        0, "\(result.gasUsed) gas, \(result.isSuccess ? "success" : result.halt ?? result.errorText ?? "")")
    case .malformed(let error): line(0, "\(error)")
    }
  }

  func didBegin(_ call: ObservedCall) {
    depth = call.depth + 1
    line(call.depth, "▸ \(call.callee) with \(call.input.count) bytes")
  }

  func didEnd(_ call: ObservedCall, _ outcome: ObservedCall.Outcome) {
    depth = call.depth
    line(call.depth, "◂ \(outcome.used) used\(outcome.failure.map { ", failed: \($0)" } ?? "")")
  }

  func didStore(_ value: UInt256, at slot: UInt256, of address: Address, replacing old: UInt256) {
    line(depth, "slot \(slot.decimal): \(old.decimal) → \(value.decimal)")
  }

  func didLog(_ log: EthereumTransactionResult.Log) {
    line(depth, "event \(log.topics.first.map { $0.description } ?? "") with \(log.data.count) bytes")
  }
}

func show(_ name: String, on chain: Chain) throws {
  if let address = Address(hex: name) {
    print(
      "\(address.checksummed): \(try chain.balance(of: address).decimal) wei, nonce \(try chain.nonce(of: address))"
    )
    let code = try chain.code(at: address)
    if !code.isEmpty { print("   \(code.count) bytes of code") }
  } else if let key = Pubkey(base58: name) {
    guard let account = try chain.account(key) else { return print("\(key): no account") }
    print("\(key): \(account.lamports) lamports, \(account.data.count) bytes, owner \(account.owner)")
  } else {
    print("'\(name)' is neither an address nor a key")
  }
}

func demonstrate() throws {
  let chain = try Chain(workers: 2)
  let (payer, owner) = (KeyPair.random(), PrivateKey.development(0))
  try chain.airdrop(Chain.lamportsPerSOL, to: payer.pubkey)
  // PUSH1 1, PUSH1 0, SLOAD, ADD, PUSH1 0, SSTORE: counts its calls; the eleven bytes before return that as code.
  let counter = try chain.deploy(
    ContractArtefact(
      initcode: [0x60, 9, 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xf3]
        + [0x60, 1, 0x60, 0, 0x54, 0x01, 0x60, 0, 0x55]), from: owner)
  let block = try chain.execute(
    [
      chain.transaction(
        [.transfer(from: payer.pubkey, to: KeyPair.random().pubkey, lamports: 2_000_000)], signedBy: [payer]),
      chain.transaction(EthereumMessage(to: counter.address), signedBy: owner),
    ], observer: Printer())
  print("block \(block.height), state \(block.stateHash)")
  try show(owner.address.description, on: chain)
  try show(counter.address.description, on: chain)
  try show(payer.pubkey.description, on: chain)
}

if CommandLine.arguments.count > 1 {
  let chain = try Chain(directory: CommandLine.arguments[1])
  print("slot \(chain.slot), state \(chain.stateHash)")
  while let name = readLine() { try show(name, on: chain) }
} else {
  try demonstrate()
}
