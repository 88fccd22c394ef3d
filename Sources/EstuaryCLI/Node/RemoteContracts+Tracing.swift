// Calls and transactions that a node traces: its callTracer, with struct logs and prestateTracer for what that one leaves out.

import EVM
import Estuary
import Primitives
import RPCClient
import WideIntegers

extension RemoteContracts {
  func trace(_ subject: ContractTrace.Subject, _ watch: ContractTrace.Watch) throws -> ContractTrace {
    switch watch {
    case .calls: break
    case .opcodes: throw CLIError.onlyDirectory("--opcodes", url: node.url)
    case .functions: throw CLIError.onlyDirectory("--profile", url: node.url)
    }
    let call: EthereumNode.Answer
    do throws(RPCClientError) {
      call = try trace(
        subject, [("tracer", .string("callTracer")), ("tracerConfig", .members([("withLog", .bool(true))]))])
    } catch {
      if case .transaction(let hash) = subject, case .refused(_, let text, _) = error.reason,
        text.lowercased().contains("transaction not found")
      {
        throw ContractError.noReceipt(hash, place: place)
      }
      throw error
    }
    var (structLogs, prestate): ([JSONValue]?, JSONValue?)
    do throws(RPCClientError) {
      structLogs = try trace(subject, [("disableStorage", .bool(true))]).value["structLogs"]?.array
      prestate = try trace(subject, [("tracer", .string("prestateTracer"))]).value
    } catch {
      Terminal.note("what the calls store is not shown: \(error)")
    }
    let trace: GethTrace
    do throws(GethTrace.FormError) {
      trace = try GethTrace(callTracer: call.value, structLogs: structLogs, prestate: prestate)
    } catch {
      throw call.unexpected(error.member)
    }
    var execution = ContractExecution(
      output: call.value["output"]?.ethereumData ?? [], gasUsed: trace.gasUsed)
    if let halt = trace.calls.calls.first?.halt {
      let text = trace.words[0] ?? halt.description
      execution.failure = ContractExecution.Failure(text: text, isRevert: halt == .revert)
    }
    return ContractTrace(calls: trace.calls, words: trace.words, execution: execution)
  }

  private func trace(
    _ subject: ContractTrace.Subject, _ options: [(String, JSONValue?)]
  ) throws(RPCClientError) -> EthereumNode.Answer {
    switch subject {
    case .transaction(let hash):
      return try node.ask(
        "debug_traceTransaction", [.hex(hash.bytes), .members(options)], about: Self.subject(hash))
    case .call(let message, let overrides):
      let options =
        options + [
          ("stateOverrides", overrides.stateJSON), ("blockOverrides", overrides.blockJSON),
        ]
      return try node.ask(
        "debug_traceCall", [Self.json(message, overrides), Self.latest, .members(options)],
        about: Self.subject(message))
    }
  }
}
