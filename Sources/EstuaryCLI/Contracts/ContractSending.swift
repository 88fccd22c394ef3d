// How `deploy` and `send` send: tried out first, with the smallest gas limit that does, and then signed and executed as
// the next block. Nothing is written where a block would refuse the transaction, or where it would fail.

import ArgumentParser
import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

struct ContractSending: ParsableArguments {
  @OptionGroup var sender: SenderOptions
  @OptionGroup var message: MessageOptions
  @OptionGroup var sending: SendingOptions
  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  /// Reads every option, so that what is wrong with one shows before there is a ledger.
  struct Request {
    let key: PrivateKey
    let to: Address?
    let data: [UInt8]
    let value: UInt256
    let gasLimit: UInt64?
    let price: UInt256?
    let tip: UInt256?
    let nonce: UInt64?
    /// What reasons and events are read by.
    let abi: ContractABI
  }

  /// A call of what `subject` names.
  func request(_ subject: CallOptions, _ interface: InterfaceOptions) throws -> Request {
    let abi = try interface.read()
    return try request(to: try subject.call.address(), data: try subject.call.input(abi).data, abi: abi)
  }

  func request(to: Address?, data: [UInt8], abi: ContractABI) throws -> Request {
    let gasLimit = try message.gas()
    if sending.force && gasLimit == nil { throw ValidationError("--force needs --gas-limit") }
    return Request(
      key: try sender.key(), to: to, data: data, value: try message.wei(), gasLimit: gasLimit,
      price: try message.price(), tip: try sending.tip(), nonce: try sending.givenNonce(), abi: abi)
  }

  /// The transaction with its gas limit, and what it does; one that fails is an error unless it is forced.
  private func tryOut(_ request: Request, in emulator: Emulator) throws -> (EthereumTransaction, Emulation) {
    var transaction = try transaction(request, emulator)
    let sender = request.key.address
    let emulation: Emulation
    do throws(EmulationError) {
      if request.gasLimit != nil {
        emulation = try emulator.run(transaction, from: sender, checks: .all)
      } else {
        switch try emulator.smallestGasLimit(transaction, from: sender, checks: .all) {
        case .found(let gasLimit, let found): (transaction.gasLimit, emulation) = (gasLimit, found)
        case .fails(let gasLimit, let failed): (transaction.gasLimit, emulation) = (gasLimit, failed)
        }
      }
    } catch {
      guard case .refused(let reason) = error else { throw error }
      throw ContractError.refused(
        "not sent: " + reason.explained(transaction, from: sender, in: emulator.block))
    }
    if !emulation.receipt.isSuccess && !sending.force {
      let outcome = ContractOutcome(emulation.receipt, of: transaction, from: sender, abi: request.abi)
      if output.json { Terminal.write(outcome.json) }
      throw ContractError.notSent(reason: outcome.failure ?? "")
    }
    return (transaction, emulation)
  }

  /// Prints the gas limit and sends nothing.
  func estimate(_ request: Request, on chain: Chain) throws {
    let (transaction, emulation) = try tryOut(request, in: try ledger.emulator(of: chain))
    output.print(text: "\(transaction.gasLimit)") { writer in
      writer.object { writer in
        writer.member("gas", transaction.gasLimit)
        writer.member("gasUsed", emulation.receipt.gasUsed)
      }
    }
  }

  func send(_ request: Request, on chain: Chain) throws {
    let emulator = try ledger.emulator(of: chain)
    let sender = request.key.address
    let (transaction, _) = try tryOut(request, in: emulator)
    let signed = transaction.signed(by: request.key)
    let result = try chain.send(signed, unixTimestamp: emulator.block.timestamp)
    guard case .success(let receipt) = result.outcome else {
      throw ContractError.refused("not sent: \(result.errorText ?? "")")
    }
    let outcome = ContractOutcome(
      receipt, of: signed, from: sender, blockNumber: emulator.block.number, abi: request.abi)
    if output.json { Terminal.write(outcome.json) } else { print(outcome.text) }
    if let reason = outcome.failure {
      throw ContractError.reverted(reason: "the transaction failed: \(reason)")
    }
  }

  private func transaction(_ request: Request, _ emulator: Emulator) throws -> EthereumTransaction {
    let draft = try emulator.draft(
      to: request.to, value: request.value, data: request.data, from: request.key.address,
      nonce: request.nonce, gasLimit: request.gasLimit, price: request.price, tip: request.tip)
    guard let draft else {
      throw ContractError.refused(
        "--priority-gas-price: there is none in \(emulator.block.fork.name), give --gas-price")
    }
    return draft
  }
}
