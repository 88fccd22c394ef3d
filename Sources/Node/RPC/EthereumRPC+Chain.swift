// What the chain is and where it stands: identity, number, whether it is being fetched (web3_*, net_*, and the methods of
// eth_* that take no block).

import Estuary
import Primitives

extension EthereumRPC {
  static let chainMethods: [String: Method] = [
    "web3_clientVersion": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { $0.value(clientVersion) }
    },
    "web3_sha3": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 1)
      return answer(data: Keccak256.hash(try parameters.data(0)).bytes)
    },
    "net_version": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { $0.value("\(rpc.ledger.chainID)") }
    },
    "net_listening": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { $0.value(true) }
    },
    "net_peerCount": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer(0 as UInt64)
    },
    "eth_chainId": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer(rpc.ledger.chainID)
    },
    "eth_blockNumber": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer(try rpc.head().header.number)
    },
    "eth_coinbase": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { $0.value((rpc.producer.head.ethereumTemplate?.coinbase ?? .zero).description) }
    },
    "eth_mining": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { $0.value(false) }
    },
    "eth_hashrate": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer(0 as UInt64)
    },
    // What is refused is not kept.
    "debug_getBadBlocks": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return Array("[]".utf8)
    },
    // The one node of a ledger has all of its blocks.
    "eth_syncing": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { $0.value(false) }
    },
    "rpc_modules": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      let namespaces = Set(methods.keys.compactMap { $0.split(separator: "_").first.map(String.init) })
      return answer { writer in
        writer.object { writer in for name in namespaces.sorted() { writer.member(name, "1.0") } }
      }
    },
  ]

  /// As clients parse it: name, version, system, language.
  static let clientVersion = "estuary/v0.1.0/linux-amd64/swift"

  /// The last of Ethereum's blocks that was published.
  func head() throws(RPCError) -> EthereumArchive.StoredHeader {
    guard let head = producer.head.ethereum else {
      throw .ethereum("the ledger has no block of Ethereum's yet")
    }
    return head
  }
}
