// Ethereum's JSON-RPC methods (https://github.com/ethereum/execution-apis), answered as geth answers them, with its error
// codes and words. docs/node-ethereum.md lists the methods with the data that answers each.
//
// A request is answered from the store as it stood at the head that was published when it came (EthereumLedger), so a long
// one sees one state while blocks go on, and holds nobody up.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

package struct EthereumRPC: RPCDialect {
  let producer: Producer
  /// What long reads and executions run on.
  let background: BackgroundThreads
  let ledger: EthereumLedger
  let filters = EthereumFilters()

  package init(_ producer: Producer, ledger: EthereumLedger, background: BackgroundThreads) {
    (self.producer, self.ledger, self.background) = (producer, ledger, background)
  }

  typealias Method = @Sendable (EthereumRPC, EthereumParameters) async throws(RPCError) -> [UInt8]

  package func call(_ method: String, _ parameters: JSONValue?) async throws(RPCError) -> [UInt8] {
    // Those that a WebSocket brings are answered before (SubscribingRPC).
    if method == "eth_subscribe" { throw RPCError(-32601, "notifications not supported") }
    if method == "eth_unsubscribe" { throw .ethereum("subscription not found") }
    guard let handler = Self.methods[method] else {
      throw RPCError(-32601, "the method \(method.prefix(100)) does not exist/is not available")
    }
    return try await handler(self, try EthereumParameters(parameters))
  }

  /// Whether a method is one of Ethereum's, known or not: `namespace_name`.
  static func isNamed(_ method: String) -> Bool { method.contains("_") }

  static let methods: [String: Method] =
    chainMethods
    .merging(stateMethods) { first, _ in first }
    .merging(callMethods) { first, _ in first }
    .merging(blockMethods) { first, _ in first }
    .merging(transactionMethods) { first, _ in first }
    .merging(logMethods) { first, _ in first }
    .merging(feeMethods) { first, _ in first }
    .merging(rawMethods) { first, _ in first }
    .merging(traceMethods) { first, _ in first }
    .merging(simulationMethods) { first, _ in first }
    .merging(buildingMethods) { first, _ in first }
    .merging(explorerMethods) { first, _ in first }
    .merging(acrossMethods) { first, _ in first }
    .merging(configurationMethods) { first, _ in first }
    .merging(sendingMethods) { first, _ in first }
    .merging(controlMethods) { first, _ in first }

  // MARK: Answers

  static func answer(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    write(&writer)
    return writer.bytes
  }

  static func answer(_ number: UInt64) -> [UInt8] { answer { $0.value(EthereumForm.quantity(number)) } }
  static func answer(_ number: UInt256) -> [UInt8] { answer { $0.value(number.description) } }
  static func answer(data: [UInt8]) -> [UInt8] { answer { $0.value(EthereumForm.data(data)) } }
  static let null = Array("null".utf8)

  // MARK: Reading

  func stored<Value>(_ body: () throws(StoreError) -> Value) throws(RPCError) -> Value {
    do throws(StoreError) { return try body() } catch { throw RPCError(error) }
  }

  /// Runs what takes long on a thread for that.
  func working(
    _ body: @escaping @Sendable () throws(RPCError) -> [UInt8]
  ) async throws(RPCError) -> [UInt8] {
    let outcome = await background.run { Result { () throws(RPCError) in try body() } }
    return try outcome.get()
  }
}

extension RPCError {
  /// What geth answers most refusals with.
  static func ethereum(_ text: String) -> RPCError { RPCError(-32000, text) }
}
