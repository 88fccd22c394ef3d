import ArgumentParser
import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

struct EVMTraceVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Show what a call or a transaction does: the calls below it, gas, value, logs, storage.",
    discussion: """
      Takes what 'evm call' takes, or the hash of a transaction, which is executed again on the state that it met. With --abi, functions, events and errors have names. With --opcodes there is a line of \
      JSON for each opcode instead (EIP-3155), with --profile the gas of each function.
      """)

  @OptionGroup var subject: CallOptions
  @OptionGroup var sender: SenderOptions
  @OptionGroup var message: MessageOptions
  @OptionGroup var overrides: OverrideOptions
  @OptionGroup var interface: InterfaceOptions

  @Flag(help: "Print a line for each opcode (EIP-3155).")
  var opcodes = false

  @OptionGroup var profile: ProfileOptions
  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if opcodes && profile.isWanted { throw ValidationError("give one of --opcodes and --profile") }
  }

  func run() throws {
    let abi = try interface.read()
    // Those who watch do not keep it.
    let profiler = ContractProfiler(abi)
    defer { withExtendedLifetime(profiler) {} }
    let watch: ContractTrace.Watch =
      profile.isWanted ? .functions(profiler) : opcodes ? .opcodes : .calls
    let subject = try traced(abi)
    let trace = try ledger.hostForReading().trace(subject, watch)
    if profile.isWanted {
      try profile.report(profiler.profile, of: "gas, without the transaction's own", output)
    } else if !opcodes {
      let tree = CallTree(trace: trace.calls, words: trace.words, abi: abi)
      output.print(text: "\(tree.text)\n\(trace.execution.gasUsed ?? 0) gas with the transaction's own") {
        tree.write(to: &$0)
      }
    }
    // What became of a transaction of a block is no failure of this command.
    if case .call = subject, let failure = abi.failure(of: trace.execution) {
      throw ContractError.reverted(reason: "the call failed: \(failure)")
    }
  }

  private func traced(_ abi: ContractABI) throws -> ContractTrace.Subject {
    let overrides = try overrides.read()
    if subject.signature == nil, subject.data == nil, let bytes = Hex.decode(subject.target),
      let hash = Hash(bytes)
    {
      guard overrides.isEmpty else {
        throw ValidationError("a past transaction met the state that it met: overrides are for calls")
      }
      return .transaction(hash)
    }
    let target = try subject.call.address()
    let (input, _) = try subject.call.input(abi)
    return .call(try ContractMessage(message, from: try sender.address(), to: target, data: input), overrides)
  }
}
