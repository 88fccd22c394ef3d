// Values of Ethereum's JSON as a node's answers have them (https://github.com/ethereum/execution-apis, src/schemas/base-types.yaml).

import EVM
import Primitives
import WideIntegers

extension JSONValue {
  /// A quantity, in `[0, 2^256)`; tracers write some as numbers.
  package var ethereumQuantity: UInt256? {
    if let number = uint64 { return UInt256(number) }
    guard let text = string, text.hasPrefix("0x") else { return nil }
    return UInt256(hex: text)
  }

  /// A quantity below 2^64.
  package var ethereumNumber: UInt64? { ethereumQuantity.flatMap { $0.fitsUInt64 ? $0.limb0 : nil } }

  package var ethereumData: [UInt8]? {
    guard let text = string, text.hasPrefix("0x") else { return nil }
    return Hex.decode(text)
  }

  package var ethereumHash: Hash? { ethereumData.flatMap { Hash($0) } }

  package var ethereumAddress: Address? { ethereumData.flatMap { $0.count == 20 ? Address($0) : nil } }

  /// Address, topics and data of a log.
  package var ethereumLog: EVMLog? {
    guard let address = self["address"]?.ethereumAddress, let topics = self["topics"]?.array,
      let data = self["data"]?.ethereumData
    else { return nil }
    let hashes = topics.compactMap(\.ethereumHash)
    return hashes.count == topics.count ? EVMLog(address: address, topics: hashes, data: data) : nil
  }
}
