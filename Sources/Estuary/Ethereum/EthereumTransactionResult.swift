// What became of one Ethereum transaction, as its sender sees it.

import EVM
import Ledger
import Primitives

public typealias Address = Primitives.Address

public struct EthereumTransactionResult: Sendable, Equatable {
  /// An event that a contract emitted.
  public struct Log: Sendable, Equatable {
    public var address: Address
    /// At most four.
    public var topics: [Hash]
    public var data: [UInt8]
  }

  private let wire: [UInt8]
  /// Keccak-256 of the wire bytes; `nil` where there are none. Computed when it is asked for.
  public var hash: Hash? { wire.isEmpty ? nil : Keccak256.hash(wire) }
  /// Why it was not executed; `nil` where it was, whatever came of it.
  public var error: String?
  /// Whether it was executed and succeeded.
  public var succeeded = false
  /// Why the execution failed.
  public var halt: String?
  /// Charged to the sender, refunds taken off.
  public var gasUsed: UInt64 = 0
  /// Of the contract that it created.
  public var contractAddress: Address?
  private var emitted: [EVMLog] = []
  /// In the order in which they were emitted.
  public var logs: [Log] {
    emitted.map { Log(address: $0.address, topics: $0.topics, data: $0.data) }
  }
  /// Returned or reverted with.
  public var output: [UInt8] = []

  init(wire: [UInt8], error: String) {
    (self.wire, self.error) = (wire, error)
  }

  /// On a ledger that has no Ethereum side.
  static func withoutEthereum(_ wire: EthereumWire) -> EthereumTransactionResult {
    EthereumTransactionResult(
      wire: wire.bytes, error: "this ledger's genesis has no ethereum section")
  }

  init(wire: [UInt8], receipt: EVMReceipt) {
    self.wire = wire
    succeeded = receipt.isSuccess
    halt = receipt.halt?.description
    gasUsed = receipt.gasUsed
    contractAddress = receipt.contractAddress
    emitted = receipt.logs
    output = receipt.output
  }

  /// `{"hash", "error", "status", "gasUsed", "contractAddress", "output", "logs"}`, and `"halt"` where execution failed.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    if let hash { writer.member("hash", Self.hex(hash.bytes)) } else { writer.memberNull("hash") }
    if let error { writer.member("error", error) } else { writer.memberNull("error") }
    writer.member("status", succeeded ? 1 : 0)
    if let halt { writer.member("halt", halt) }
    writer.member("gasUsed", gasUsed)
    if let contractAddress {
      writer.member("contractAddress", contractAddress.description)
    } else {
      writer.memberNull("contractAddress")
    }
    writer.member("output", Self.hex(output))
    writer.key("logs")
    writer.array { writer in
      for log in logs {
        writer.object { writer in
          writer.member("address", log.address.description)
          writer.key("topics")
          writer.array { writer in for topic in log.topics { writer.value(Self.hex(topic.bytes)) } }
          writer.member("data", Self.hex(log.data))
        }
      }
    }
    writer.endObject()
  }

  private static func hex(_ bytes: [UInt8]) -> String { "0x" + Hex.encode(bytes) }
}
