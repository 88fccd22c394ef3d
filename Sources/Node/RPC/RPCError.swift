// JSON-RPC's errors (https://www.jsonrpc.org/specification#error_object) and Solana's own, with the codes, texts and data
// that clients know from Agave (rpc-client-api/src/custom_error.rs).

import Ledger
import Primitives

package struct RPCError: Error, Sendable {
  package var code: Int
  package var message: String
  /// JSON; `nil`: none.
  package var data: [UInt8]?

  init(_ code: Int, _ message: String, data: [UInt8]? = nil) {
    (self.code, self.message, self.data) = (code, message, data)
  }

  static let unparsable = RPCError(-32700, "Parse error")
  static let invalidRequest = RPCError(-32600, "Invalid request")
  static let methodNotFound = RPCError(-32601, "Method not found")
  static let stopping = RPCError(-32005, "Node is unhealthy", data: Array(#"{"numSlotsBehind":null}"#.utf8))
  static let noSnapshot = RPCError(-32008, "No snapshot")

  static func invalidParameters(_ text: String) -> RPCError { RPCError(-32602, text) }
  static func internalError(_ text: String) -> RPCError { RPCError(-32603, "Internal error: \(text)") }

  init(_ error: StoreError) { self = .internalError(error.description) }

  static func signatureVerification() -> RPCError {
    RPCError(-32003, "Transaction signature verification failure")
  }

  static func blockCleanedUp(slot: UInt64, firstAvailable: UInt64) -> RPCError {
    RPCError(
      -32001, "Block \(slot) cleaned up, does not exist on node. First available block: \(firstAvailable)")
  }

  static func blockNotAvailable(slot: UInt64) -> RPCError {
    RPCError(-32004, "Block not available for slot \(slot)")
  }

  static func slotSkipped(slot: UInt64) -> RPCError {
    RPCError(-32007, "Slot \(slot) was skipped, or missing due to ledger jump to recent snapshot")
  }

  static func unsupportedVersion(_ version: UInt8) -> RPCError {
    RPCError(
      -32015,
      "Transaction version (\(version)) is not supported by the requesting client. Please try the request again with "
        + "the following configuration parameter: \"maxSupportedTransactionVersion\": \(version)")
  }

  static func minContextSlotNotReached(slot: UInt64) -> RPCError {
    RPCError(
      -32016, "Minimum context slot has not been reached", data: Array("{\"contextSlot\":\(slot)}".utf8))
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("code", code)
      writer.member("message", message)
      if let data { writer.member("data", rawJSON: data) }
    }
  }
}
