// Both dialects on one port: a method's name says whose it is. Ethereum's have a namespace before an underscore, Solana's
// have none; a few more are the page's, and developers'.

import Primitives

package struct NodeRPC: RPCDialect {
  let solana: SolanaRPC
  /// `nil` where the ledger has no Ethereum side.
  let ethereum: EthereumRPC?

  package init(_ solana: SolanaRPC, _ ethereum: EthereumRPC?) {
    (self.solana, self.ethereum) = (solana, ethereum)
  }

  package func call(_ method: String, _ parameters: JSONValue?) async throws(RPCError) -> [UInt8] {
    if let handler = GalleryRPC.methods[method] {
      return try handler(GalleryRPC(gallery: solana.producer.gallery), try Parameters(parameters))
    }
    if let handler = DeveloperRPC.methods[method] {
      return try await handler(DeveloperRPC(solana: solana), try Parameters(parameters))
    }
    if let ethereum, EthereumRPC.isNamed(method) { return try await ethereum.call(method, parameters) }
    return try await solana.call(method, parameters)
  }
}
