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
    // The tracer does not keep it.
    let profiler = ContractProfiler(abi)
    defer { withExtendedLifetime(profiler) {} }
    let tracer =
      profile.isWanted
      ? EVMTracer(observer: profiler)
      : opcodes ? EVMTracer { Terminal.write($0) } : EVMTracer(recordingCallsAnd: nil)
    if subject.signature == nil, subject.data == nil, let bytes = Hex.decode(subject.target),
      let hash = Hash(bytes)
    {
      guard try overrides.read().isEmpty else {
        throw ValidationError("a past transaction met the state that it met: overrides are for calls")
      }
      guard let (fork, emulation) = try ledger.openForReading().retrace(hash, tracer: tracer) else {
        throw ContractError.noReceipt(hash)
      }
      try report(emulation, tracer, profiler, abi, fork: fork)
      return
    }
    let target = try subject.call.address()
    let (input, _) = try subject.call.input(abi)
    let message = try ContractMessage(message, from: try sender.address(), to: target, data: input)
    let overrides = try overrides.read()
    let emulator = try ledger.emulator(
      of: try ledger.openForReading(), tracer: tracer, overrides: overrides)
    let emulation = try message.run(in: emulator)
    try report(emulation, tracer, profiler, abi, fork: emulator.block.fork)
    if let failure = abi.failure(of: emulation.receipt) {
      throw ContractError.reverted(reason: "the call failed: \(failure)")
    }
  }

  private func report(
    _ emulation: Emulation, _ tracer: EVMTracer, _ profiler: ContractProfiler, _ abi: ContractABI, fork: Fork
  ) throws {
    let receipt = emulation.receipt
    if profile.isWanted {
      try profile.report(profiler.profile, of: "gas, without the transaction's own", output)
    } else if opcodes {
      tracer.finish(
        EVMTracer.Summary(
          output: receipt.output, gasUsed: receipt.gasUsed, error: receipt.halt?.description, fork: fork))
    } else {
      let tree = CallTree(trace: tracer.takeCalls(), abi: abi)
      output.print(text: "\(tree.text)\n\(receipt.gasUsed) gas with the transaction's own") {
        tree.write(to: &$0)
      }
    }
  }
}
