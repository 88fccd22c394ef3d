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
    let execution = try ledger.hostForReading().call(message, try overrides.read())
    let result = execution.output
    if let reason = abi.failure(of: execution) {
      if output.json { Terminal.write(Self.json(result, values: [], reason: reason)) }
      throw ContractError.reverted(reason: "the call failed: \(reason)")
    }
    var values: [String] = []
    if let outputs = function?.outputs, !outputs.isEmpty {
      do throws(ABIError) { values = outputs.texts(try outputs.decode(result)) } catch {
        if output.json { Terminal.write(Self.json(result, values: [], reason: nil)) }
        throw ContractError.output(EthereumText.hex(result), error)
      }
    }
    if output.json {
      Terminal.write(Self.json(result, values: values, reason: nil))
    } else {
      print(values.isEmpty ? EthereumText.hex(result) : values.joined(separator: "\n"))
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
