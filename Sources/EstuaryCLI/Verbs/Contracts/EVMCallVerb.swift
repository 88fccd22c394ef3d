import ArgumentParser
import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

struct EVMCallVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "Call a contract without sending anything.",
    discussion: """
      Spelled as cast spells it: estuary evm call 0x… "balanceOf(address)(uint256)" 0x…. With result types behind the \
      arguments the results are decoded, else the output is printed as it is. The caller pays no gas and signs nothing.
      """)

  @OptionGroup var subject: CallOptions
  @OptionGroup var sender: SenderOptions
  @OptionGroup var message: MessageOptions
  @OptionGroup var overrides: OverrideOptions
  @OptionGroup var interface: InterfaceOptions
  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let abi = try interface.read()
    let target = try subject.call.address()
    let (input, function) = try subject.call.input(abi)
    let message = try ContractMessage(message, from: try sender.address(), to: target, data: input)
    let overrides = try overrides.read()
    let emulator = try ledger.emulator(of: try ledger.openForReading(), overrides: overrides)
    let receipt = try message.run(in: emulator).receipt
    if let reason = abi.failure(of: receipt) {
      if output.json { Terminal.write(Self.json(receipt.output, values: [], reason: reason)) }
      throw ContractError.reverted(reason: "the call failed: \(reason)")
    }
    var values: [String] = []
    if let outputs = function?.outputs, !outputs.isEmpty {
      do throws(ABIError) { values = outputs.texts(try outputs.decode(receipt.output)) } catch {
        if output.json { Terminal.write(Self.json(receipt.output, values: [], reason: nil)) }
        throw ContractError.output(EthereumText.hex(receipt.output), error)
      }
    }
    if output.json {
      Terminal.write(Self.json(receipt.output, values: values, reason: nil))
    } else {
      print(values.isEmpty ? EthereumText.hex(receipt.output) : values.joined(separator: "\n"))
    }
  }

  private static func json(_ output: [UInt8], values: [String], reason: String?) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("output", EthereumText.hex(output))
    writer.key("values")
    writer.array { writer in for value in values { writer.value(value) } }
    writer.member("revertReason", orNull: reason)
    writer.endObject()
    writer.newline()
    return writer.bytes
  }
}

/// A call that nobody pays for.
struct ContractMessage {
  private let transaction: EthereumTransaction
  let sender: Address
  private let gasLimit: UInt64?
  private let price: UInt256?

  init(_ options: MessageOptions, from sender: Address, to target: Address?, data: [UInt8]) throws {
    self.sender = sender
    gasLimit = try options.gas()
    price = try options.price()
    transaction = EthereumTransaction(
      kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: .zero, maxFeePerGas: .zero, gasLimit: 0,
      to: target, value: try options.wei(), data: data)
  }

  /// The gas price is the base fee unless one is given.
  func transaction(in emulator: Emulator) -> EthereumTransaction {
    var transaction = transaction
    transaction.gasLimit = gasLimit ?? emulator.gasLimit
    transaction.maxFeePerGas = price ?? emulator.block.baseFeePerGas
    transaction.maxPriorityFeePerGas = transaction.maxFeePerGas
    return transaction
  }

  func run(in emulator: Emulator) throws -> Emulation {
    let transaction = transaction(in: emulator)
    do throws(EmulationError) { return try emulator.run(transaction, from: sender, checks: .none) } catch {
      guard case .refused(let reason) = error else { throw error }
      throw ContractError.refused(
        "the call: " + reason.explained(transaction, from: sender, in: emulator.block))
    }
  }
}
