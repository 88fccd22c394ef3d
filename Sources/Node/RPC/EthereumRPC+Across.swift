// One ledger for both worlds: what a transaction of one did in the other, and what one of Ethereum's may touch, which it can be
// bound to. Methods of this node's own; docs/node-ethereum.md describes them.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  static let acrossMethods: [String: Method] = [
    "estuary_sendRawTransaction": { (rpc, parameters) async throws(RPCError) in
      let bytes = try parameters.data(0)
      let access = try parameters.optional(1, accessSet)
      try parameters.expect(atMost: 2)
      let hash = try await rpc.accept(bytes, access: access).hash
      return answer { $0.value(EthereumForm.hash(hash)) }
    },
    "estuary_createAccessSet": { (rpc, parameters) async throws(RPCError) in
      let call = try rpc.call(parameters, hasBlockOverrides: false)
      return try await rpc.working { () throws(RPCError) in
        let (emulator, transaction) = try rpc.prepare(call)
        let emulation = try rpc.run(transaction, from: call.arguments.sender, on: emulator)
        return answer { writer in
          writer.object { writer in
            writer.key("access")
            emulation.accessSet.write(to: &writer)
            if let halt = emulation.receipt.halt { writer.member("error", halt.gethText) }
            writer.quantity("gasUsed", emulation.receipt.gasUsed)
          }
        }
      }
    },
    "estuary_getSolanaSide": { (rpc, parameters) async throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      guard let record = try rpc.record(hash) else { return null }
      return try await rpc.working { () throws(RPCError) in
        let emulation = try rpc.emulation(of: record)
        return answer { writeSolanaSide(of: emulation, to: &$0) }
      }
    },
    "estuary_getEthereumSide": { (rpc, parameters) async throws(RPCError) in
      let signature = try Parameters.signature(try parameters.value(0, EthereumForm.string))
      try parameters.expect(atMost: 1)
      let calls = await rpc.producer.contractCalls(of: signature)
      guard let calls else { throw .ethereum("the node is stopping") }
      do throws(ChainError) {
        guard let calls = try calls.get() else { return null }
        return answer { writeEthereumSide(calls, to: &$0) }
      } catch { throw RPCError(error) }
    },
  ]

  private static func accessSet(_ value: JSONValue) throws(EthereumFormError) -> AccessSet {
    do throws(AccessSetError) { return try AccessSet(value) } catch {
      throw EthereumFormError(error.description)
    }
  }

  private static func writeSolanaSide(of emulation: Emulation, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("accounts")
      writer.array { writer in
        for access in emulation.programAccesses.sorted(by: { $0.key < $1.key }) {
          writer.object { writer in
            writer.member("pubkey", access.key.description)
            writer.member("isWritable", access.isWritable)
          }
        }
      }
      writer.key("changes")
      writer.array { writer in
        for change in emulation.programChanges.sorted(by: { $0.key < $1.key }) {
          writer.object { writer in
            writer.member("pubkey", change.key.description)
            writer.member("lamports", change.account?.lamports ?? 0)
            writer.member("owner", (change.account?.owner ?? ProgramID.system).description)
            writer.member("data", Base64.encode(change.account?.data ?? []))
          }
        }
      }
      writer.key("logs")
      writer.array { writer in for line in emulation.programLogs { writer.value(line) } }
    }
  }

  /// - Parameter calls: of contracts, in the order in which they began.
  private static func writeEthereumSide(_ calls: [CallTrace.Call], to writer: inout JSONWriter) {
    var contracts: [Address] = []
    for call in calls where !contracts.contains(call.code) { contracts.append(call.code) }
    writer.object { writer in
      writer.key("contracts")
      writer.array { writer in for contract in contracts { writer.value(contract.description) } }
      writer.key("calls")
      writer.array { writer in
        for call in calls {
          writer.object { writer in
            writer.member("type", call.kind.name)
            writer.address("from", call.from)
            writer.address("to", call.code)
            writer.quantity("value", call.value)
            writer.quantity("gasUsed", call.gasUsed)
            writer.data("input", call.input)
            writer.data("output", call.output)
            if let halt = call.halt { writer.member("error", halt.gethText) }
          }
        }
      }
      writer.key("logs")
      writer.array { writer in
        for call in calls where call.halt == nil {
          for case .log(let log) in call.events {
            writer.object { writer in
              writer.address("address", log.address)
              writer.key("topics")
              writer.array { writer in for topic in log.topics { writer.value(EthereumForm.hash(topic)) } }
              writer.data("data", log.data)
            }
          }
        }
      }
    }
  }
}

extension Producer {
  /// The calls of contracts in a transaction of Solana's, which is executed again, between blocks; `nil` inside of the result:
  /// none of the last blocks has it; `nil`: the node is stopping.
  func contractCalls(of signature: Signature) async -> Result<[CallTrace.Call]?, ChainError>? {
    await perform { producer in
      Result { () throws(ChainError) in
        let trace = InstructionTrace()
        guard try producer.chain.retrace(signature, observer: trace) != nil else { return nil }
        return trace.calls.compactMap(\.contract)
      }
    }
  }
}
