// What a transaction counts towards the limits of a block, in compute units (Agave's cost model:
// cost-model/src/block_cost_limits.rs, cost_model.rs). Before it is executed by what it may use, afterwards by what it used;
// the latter is `costUnits` of its meta.

import Ledger
import Primitives
import Runtime

enum TransactionCost {
  private static let signature: UInt64 = 720
  private static let writeLock: UInt64 = 300
  private static let dataBytesAUnit: UInt64 = 4
  private static let loadedPage: UInt64 = 8
  private static let pageByteCount: UInt64 = 32 * 1024
  /// A signature that a precompile checks.
  private static let precompiles: [Pubkey: UInt64] = [
    ProgramID.ed25519: 2400, ProgramID.secp256k1: 6690, ProgramID.secp256r1: 4800,
  ]

  /// - Parameters:
  ///   - writableCount: keys that it locks for writing.
  ///   - units: compute units that it may use, or has used.
  ///   - loadedByteCount: bytes of accounts that it may load, or has loaded.
  static func units(
    of message: Message, writableCount: Int, units: UInt64, loadedByteCount: UInt64
  ) -> UInt64 {
    var cost = signature * UInt64(message.header.requiredSignatureCount) + writeLock * UInt64(writableCount)
    var dataByteCount: UInt64 = 0
    for instruction in message.instructions {
      let data = message.data(of: instruction)
      dataByteCount += UInt64(data.count)
      if let each = precompiles[message.programID(of: instruction)] { cost += each * UInt64(data.first ?? 0) }
    }
    return cost + dataByteCount / dataBytesAUnit + units
      + (loadedByteCount + pageByteCount - 1) / pageByteCount * loadedPage
  }
}

extension Message {
  /// Positions of its own keys that it locks for writing.
  var writablePositions: [Int] {
    let signerCount = Int(header.requiredSignatureCount)
    let writableSignerCount = signerCount - Int(header.readonlySignedCount)
    let writableCount = staticKeyCount - Int(header.readonlyUnsignedCount)
    return Array(0..<max(0, writableSignerCount)) + Array(signerCount..<max(signerCount, writableCount))
  }
}
