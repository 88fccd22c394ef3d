// Deposits for the consensus layer, gathered from the logs of the deposit contract (EIP-6110), and the hash by which a
// header commits to all requests (EIP-7685).

import Primitives
import WideIntegers

package enum DepositRequests {
  package static let type: UInt8 = 0
  /// keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)")
  private static let topic = Keccak256.hash(Array("DepositEvent(bytes,bytes,bytes,bytes,bytes)".utf8))
  private static let byteCount = 576
  /// Where the event's five byte strings begin, each with its length before it: key, credentials, amount, signature,
  /// index.
  private static let fields: [(offset: Int, byteCount: Int)] = [
    (160, 48), (256, 32), (320, 8), (384, 96), (512, 8),
  ]

  /// The deposits among a block's logs, 192 bytes each, one behind the other.
  package static func gather(
    from logs: [EVMLog], contract: Address
  ) throws(BlockValidityError) -> [UInt8] {
    var requests: [UInt8] = []
    var index = 0
    for log in logs where log.address == contract && log.topics.first == topic {
      guard let request = request(of: log.data) else { throw .malformedDeposit(index: index) }
      requests += request
      index += 1
    }
    return requests
  }

  private static func request(of data: [UInt8]) -> [UInt8]? {
    guard data.count == byteCount else { return nil }
    func word(_ offset: Int) -> UInt256? { UInt256(bigEndian: data[offset..<offset + 32]) }
    var request: [UInt8] = []
    for (index, field) in fields.enumerated() {
      guard word(32 * index) == UInt256(UInt64(field.offset)),
        word(field.offset) == UInt256(UInt64(field.byteCount))
      else { return nil }
      request += data[field.offset + 32..<field.offset + 32 + field.byteCount]
    }
    return request
  }

  /// SHA-256 over the SHA-256 of each request, type byte first; empty ones are left out by the caller.
  package static func hash(of requests: [[UInt8]]) -> Hash {
    SHA256.hash(requests.flatMap { SHA256.hash($0).bytes })
  }
}
