// The verbs for contracts on a ledger in a directory: the emulator of the block that comes next, and blocks of one
// transaction.

import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

final class LedgerContracts: ContractHost {
  private let chain: Chain
  /// The directory or file, for errors.
  private let name: String
  /// Of the block that a transaction is tried out in, which is the one that it is sent in.
  private var nextBlock: Emulator?

  init(_ chain: Chain, name: String) { (self.chain, self.name) = (chain, name) }

  var place: String { "this ledger" }

  // MARK: After the last block

  func balance(of address: Address) throws -> UInt256 {
    try chain.ethereumAccount(address)?.balance ?? .zero
  }

  func nonce(of address: Address) throws -> UInt64 { try chain.ethereumAccount(address)?.nonce ?? 0 }
  func code(at address: Address) throws -> [UInt8] { try chain.ethereumCode(at: address) }

  func storage(of address: Address, slot: UInt256) throws -> UInt256 {
    try chain.ethereumStorage(of: address, slot: slot)
  }

  func receipt(of hash: Hash) throws -> ContractReceipt? {
    guard let record = try chain.ethereumArchive.transaction(hash) else { return nil }
    let blobBaseFee = try EthereumLedger(chain.store)?.environment(of: record.block).blobBaseFee
    return ContractReceipt(record, blobBaseFee: blobBaseFee)
  }

  // MARK: In the block that comes next

  private func emulator(
    tracer: EVMTracer? = nil, overrides: EmulationOverrides = EmulationOverrides()
  ) throws -> Emulator {
    guard let emulator = try chain.emulator(tracer: tracer, overrides: overrides) else {
      throw ContractError.noEthereum(ledger: name)
    }
    return emulator
  }

  /// Runs a transaction that a block may refuse.
  ///
  /// - Parameter what: begins the refusal.
  private func run(
    _ transaction: EthereumTransaction, from sender: Address, in emulator: Emulator,
    checks: EVMTransactionProcessor.Checks, _ what: String
  ) throws -> Emulation {
    do throws(EmulationError) { return try emulator.run(transaction, from: sender, checks: checks) } catch {
      guard case .refused(let reason) = error else { throw error }
      throw ContractError.refused(what + reason.explained(transaction, from: sender))
    }
  }

  /// The gas price is the base fee unless one is named.
  private func transaction(_ message: ContractMessage, in emulator: Emulator) -> EthereumTransaction {
    let price = message.price ?? emulator.block.baseFeePerGas
    return EthereumTransaction(
      kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: price, maxFeePerGas: price,
      gasLimit: message.gasLimit ?? emulator.gasLimit, to: message.target, value: message.value,
      data: message.data)
  }

  private func run(_ message: ContractMessage, in emulator: Emulator) throws -> ContractExecution {
    let transaction = transaction(message, in: emulator)
    return ContractExecution(
      try run(transaction, from: message.sender, in: emulator, checks: .none, "the call: ").receipt)
  }

  func call(_ message: ContractMessage, _ overrides: EmulationOverrides) throws -> ContractExecution {
    try run(message, in: emulator(overrides: overrides))
  }

  /// A call is executed as `send` would send it where the sender can pay for that, else as `call` calls.
  func accesses(
    of subject: ContractAccess.Subject, _ overrides: EmulationOverrides
  ) throws -> ContractAccess.Use {
    let emulator = try emulator(overrides: overrides)
    let (transaction, sender): (EthereumTransaction, Address)
    var checks = EVMTransactionProcessor.Checks.all
    switch subject {
    case .signed(let signed):
      (transaction, sender) = (signed, try signed.recoverSender(fork: emulator.block.fork))
    case .call(let message):
      var call = self.transaction(message, in: emulator)
      let account = try emulator.account(message.sender)
      call.nonce = account?.nonce ?? 0
      if !(call.maximumCost.map { $0 <= account?.balance ?? .zero } ?? false) { checks = .none }
      (transaction, sender) = (call, message.sender)
    }
    let emulation = try run(transaction, from: sender, in: emulator, checks: checks, "")
    return ContractAccess.Use(
      of: ContractExecution(emulation.receipt), from: sender, to: transaction.to, set: emulation.accessSet)
  }

  // MARK: Sending

  func tryOut(_ request: ContractRequest) throws -> ContractTrial {
    let emulator = try nextBlock ?? emulator()
    nextBlock = emulator
    let draft = try emulator.draft(
      to: request.to, value: request.value, data: request.data, from: request.sender,
      nonce: request.nonce, gasLimit: request.gasLimit, price: request.price, tip: request.tip)
    guard var transaction = draft else {
      throw ContractRequest.noTip(on: "in \(emulator.block.fork.name)")
    }
    let emulation: Emulation
    do throws(EmulationError) {
      if request.gasLimit != nil {
        emulation = try emulator.run(transaction, from: request.sender, checks: .all)
      } else {
        switch try emulator.smallestGasLimit(transaction, from: request.sender, checks: .all) {
        case .found(let gasLimit, let found): (transaction.gasLimit, emulation) = (gasLimit, found)
        case .fails(let gasLimit, let failed): (transaction.gasLimit, emulation) = (gasLimit, failed)
        }
      }
    } catch {
      guard case .refused(let reason) = error else { throw error }
      throw ContractError.refused("not sent: " + reason.explained(transaction, from: request.sender))
    }
    return ContractTrial(
      transaction: transaction, sender: request.sender, execution: ContractExecution(emulation.receipt))
  }

  func gasUsed(by trial: ContractTrial) -> UInt64? { trial.execution.gasUsed }

  func send(
    _ signed: EthereumTransaction, from sender: Address, patience: UInt64
  ) throws -> (execution: ContractExecution, blockNumber: UInt64) {
    let block = try nextBlock?.block ?? emulator().block
    nextBlock = nil
    let result = try chain.send(signed, unixTimestamp: block.timestamp)
    guard case .success(let receipt) = result.outcome else {
      throw ContractError.refused("not sent: \(result.errorText ?? "")")
    }
    return (ContractExecution(receipt), block.number)
  }

  // MARK: Looking on

  func trace(_ subject: ContractTrace.Subject, _ watch: ContractTrace.Watch) throws -> ContractTrace {
    let tracer =
      switch watch {
      case .calls: EVMTracer(recordingCallsAnd: nil)
      case .opcodes: EVMTracer { Terminal.write($0) }
      case .functions(let profiler): EVMTracer(observer: profiler)
      }
    let execution: ContractExecution
    let fork: Fork
    switch subject {
    case .transaction(let hash):
      guard let (rules, emulation) = try chain.retrace(hash, tracer: tracer) else {
        throw ContractError.noReceipt(hash, place: place)
      }
      (fork, execution) = (rules, ContractExecution(emulation.receipt))
    case .call(let message, let overrides):
      let emulator = try emulator(tracer: tracer, overrides: overrides)
      (fork, execution) = (emulator.block.fork, try run(message, in: emulator))
    }
    if case .opcodes = watch {
      tracer.finish(
        EVMTracer.Summary(
          output: execution.output, gasUsed: execution.gasUsed ?? 0, error: execution.failure?.text,
          fork: fork))
    }
    return ContractTrace(calls: tracer.takeCalls(), execution: execution)
  }
}
