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

  /// A call of what `subject` names.
  func request(_ subject: CallOptions, _ interface: InterfaceOptions) throws -> ContractRequest {
    let abi = try interface.read()
    return try request(to: try subject.call.address(), data: try subject.call.input(abi).data, abi: abi)
  }

  /// Reads every option, so that what is wrong with one shows before there is a ledger.
  func request(to: Address?, data: [UInt8], abi: ContractABI) throws -> ContractRequest {
    let gasLimit = try message.gas()
    if sending.force && gasLimit == nil { throw ValidationError("--force needs --gas-limit") }
    return ContractRequest(
      key: try sender.key(), to: to, data: data, value: try message.wei(), gasLimit: gasLimit,
      price: try message.price(), tip: try sending.tip(), nonce: try sending.givenNonce(), abi: abi)
  }

  /// The transaction with its gas limit, and what it does; one that fails is an error unless it is forced.
  ///
  /// - Parameter failed: the error of one that fails, from its reason.
  private func tryOut(
    _ request: ContractRequest, on host: any ContractHost, failed: (String) -> ContractError
  ) throws -> ContractTrial {
    let trial = try host.tryOut(request)
    if trial.execution.failure != nil && !sending.force {
      var execution = trial.execution
      if output.json { execution.gasUsed = try host.gasUsed(by: trial) }
      let outcome = ContractOutcome(execution, of: trial.transaction, from: trial.sender, abi: request.abi)
      if output.json { Terminal.write(outcome.json) }
      throw failed(outcome.failure ?? "")
    }
    return trial
  }

  /// Prints the gas limit and sends nothing.
  func estimate(_ request: ContractRequest, on host: any ContractHost) throws {
    let trial = try tryOut(request, on: host) { .reverted(reason: "it would fail: \($0)") }
    let gasUsed = output.json ? try host.gasUsed(by: trial) : nil
    output.print(text: "\(trial.transaction.gasLimit)") { writer in
      writer.object { writer in
        writer.member("gas", trial.transaction.gasLimit)
        if let gasUsed { writer.member("gasUsed", gasUsed) } else { writer.memberNull("gasUsed") }
      }
    }
  }

  func send(_ request: ContractRequest, on host: any ContractHost) throws {
    let trial = try tryOut(request, on: host) { .notSent(reason: $0) }
    let signed = trial.transaction.signed(by: request.key)
    let sent = try host.send(signed, from: trial.sender, patience: try sending.patience())
    let outcome = ContractOutcome(
      sent.execution, of: signed, from: trial.sender, blockNumber: sent.blockNumber, abi: request.abi)
    if output.json { Terminal.write(outcome.json) } else { print(outcome.text) }
    if let reason = outcome.failure {
      throw ContractError.reverted(reason: "the transaction failed: \(reason)")
    }
  }
}
