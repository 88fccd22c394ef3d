// The calls of an execution as a tree for people, and as JSON with the names of geth's callTracer
// (https://geth.ethereum.org/docs/developers/evm-tracing/built-in-tracers#call-tracer).

import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

struct CallTree {
  let trace: CallTrace
  /// Failures in other words than this machine's, by the position of the call.
  var words: [Int: String] = [:]
  /// What functions, events and errors are read by.
  let abi: ContractABI

  // MARK: For people

  var text: String {
    guard !trace.calls.isEmpty else { return "no code runs" }
    var lines: [String] = []
    write(0, "", "", &lines)
    return lines.joined(separator: "\n")
  }

  /// - Parameters:
  ///   - lead: what stands before the call's own line.
  ///   - margin: before the lines below it.
  private func write(_ position: Int, _ lead: String, _ margin: String, _ lines: inout [String]) {
    let call = trace.calls[position]
    lines.append(lead + headline(call))
    for event in call.events {
      switch event {
      case .call(let inner): write(inner, margin + "├─ ", margin + "│  ", &lines)
      case .storage(let slot, let before, let after):
        lines.append("\(margin)├─ storage \(slot): \(before) → \(after)")
      case .log(let log): lines.append("\(margin)├─ emit \(Self.text(of: log, abi))")
      case .selfDestruct(let heir, _):
        lines.append("\(margin)├─ self-destruct, what is left to \(heir.checksummed)")
      case .program(let log): lines += log.map { "\(margin)├─ \($0)" }
      }
    }
    lines.append("\(margin)└─ ← \(ending(call, words[position]))")
  }

  private func headline(_ call: CallTrace.Call) -> String {
    var text = "[\(call.gasUsed)] "
    if call.kind.isCreation {
      // A node does not tell where a contract would have been that was not made.
      let place = call.account == .zero ? "" : " " + call.account.checksummed
      text += "\(call.kind.name)\(place), \(call.input.count) bytes of initcode"
    } else {
      if call.kind != .call { text += "\(call.kind.name) " }
      text += "\(call.code.checksummed)::\(function(call))"
      if call.isPrecompile { text += " (precompile)" }
    }
    if !call.value.isZero && call.kind != .delegateCall { text += " {value: \(Ether.text(call.value))}" }
    return text
  }

  private func function(_ call: CallTrace.Call) -> String {
    let input = call.input
    if call.isPrecompile { return EthereumText.hex(input) }
    if input.isEmpty { return "()" }
    guard let item = abi.item(.function, selector: input),
      let values = try? item.inputs.decode(Array(input.dropFirst(4)), root: .argument)
    else {
      let selector = EthereumText.hex(Array(input.prefix(4)))
      return input.count > 4 ? "\(selector)(\(EthereumText.hex(Array(input.dropFirst(4)))))" : "\(selector)()"
    }
    return "\(item.name)(\(item.inputs.texts(values).joined(separator: ", ")))"
  }

  private func ending(_ call: CallTrace.Call, _ words: String?) -> String {
    if let halt = call.halt {
      let reason = abi.reason(
        halt: words ?? halt.description, isRevert: halt == .revert, output: call.output)
      return halt == .revert ? "reverted: \(reason)" : reason
    }
    if call.kind.isCreation { return "\(call.output.count) bytes of code" }
    if let outputs = abi.item(.function, selector: call.input)?.outputs, !outputs.isEmpty,
      let values = try? outputs.decode(call.output)
    {
      return outputs.texts(values).joined(separator: ", ")
    }
    return call.output.isEmpty ? "()" : EthereumText.hex(call.output)
  }

  static func text(of log: EVMLog, _ abi: ContractABI) -> String {
    if let event = abi.decode(topics: log.topics, data: log.data) { return event.description }
    let words = log.topics.map { EthereumText.hex($0.bytes) } + [EthereumText.hex(log.data)]
    return words.joined(separator: " ")
  }

  // MARK: JSON

  func write(to writer: inout JSONWriter) {
    if trace.calls.isEmpty { writer.null() } else { write(0, to: &writer) }
  }

  private func write(_ position: Int, to writer: inout JSONWriter) {
    let call = trace.calls[position]
    writer.beginObject()
    writer.member("type", call.kind.name)
    writer.member("from", call.from.description)
    writer.member("to", call.code.description)
    writer.member("value", EthereumText.quantity(call.value))
    writer.member("gas", EthereumText.quantity(UInt256(call.gas)))
    writer.member("gasUsed", EthereumText.quantity(UInt256(call.gasUsed)))
    writer.member("input", EthereumText.hex(call.input))
    writer.member("output", EthereumText.hex(call.output))
    if let item = abi.item(.function, selector: call.input), !call.kind.isCreation {
      writer.member("function", item.signature)
    }
    if let halt = call.halt {
      writer.member("error", words[position] ?? halt.description)
      if halt == .revert {
        writer.member(
          "revertReason", abi.reason(halt: halt.description, isRevert: true, output: call.output))
      }
    }
    writeEvents(of: call, to: &writer)
    writer.endObject()
  }

  private func writeEvents(of call: CallTrace.Call, to writer: inout JSONWriter) {
    writer.key("calls")
    writer.array { writer in
      for case .call(let inner) in call.events { write(inner, to: &writer) }
    }
    var programLines: [String] = []
    for case .program(let lines) in call.events { programLines += lines }
    if !programLines.isEmpty {
      writer.key("programs")
      writer.array { writer in for line in programLines { writer.value(line) } }
    }
    writer.key("logs")
    writer.array { writer in
      for case .log(let log) in call.events {
        writer.object { writer in
          writer.member("address", log.address.description)
          writer.key("topics")
          writer.array { writer in for topic in log.topics { writer.value(EthereumText.hex(topic.bytes)) } }
          writer.member("data", EthereumText.hex(log.data))
          if let event = abi.decode(topics: log.topics, data: log.data) {
            writer.member("event", event.description)
          }
        }
      }
    }
    writer.key("storage")
    writer.array { writer in
      for case .storage(let slot, let before, let after) in call.events {
        writer.object { writer in
          writer.member("slot", EthereumText.word(slot))
          writer.member("before", EthereumText.word(before))
          writer.member("after", EthereumText.word(after))
        }
      }
    }
  }
}
