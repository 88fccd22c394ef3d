// What blocks are made of, whatever the family.

import EVM
import Ledger
import Primitives

/// A signed transaction of either family, as bytes. Nothing is checked before it is executed.
public struct SignedTransaction: Sendable, Equatable {
  /// Whose rules a transaction follows.
  public enum Family: Sendable { case solana, ethereum }

  let wire: WireTransaction

  /// A transaction in Solana's wire format, at most 1,232 bytes.
  public static func solana(_ bytes: [UInt8]) -> SignedTransaction {
    SignedTransaction(wire: .solana(bytes))
  }

  /// A transaction of Ethereum's: RLP, or a type byte and RLP (EIP-2718).
  ///
  /// - Parameters:
  ///   - bytes: as they go over the wire.
  ///   - access: binds it, where given: an access outside of the set fails the transaction without any effect.
  public static func ethereum(_ bytes: [UInt8], access: AccessSet? = nil) -> SignedTransaction {
    SignedTransaction(wire: .ethereum(EthereumWire(bytes, access: access)))
  }

  public var family: Family {
    switch wire {
    case .solana: .solana
    case .ethereum: .ethereum
    }
  }

  /// As it goes over the wire.
  public var bytes: [UInt8] {
    switch wire {
    case .solana(let bytes): bytes
    case .ethereum(let wire): wire.bytes
    }
  }

  /// The first signature, by which one of Solana's is known; `nil` for Ethereum's, and where the bytes are malformed.
  public var signature: Signature? {
    guard case .solana(let bytes) = wire else { return nil }
    return (try? Transaction.decode(bytes))?.signatures.first
  }

  /// Keccak-256 of the bytes, by which one of Ethereum's is known; `nil` for Solana's.
  public var hash: Hash? {
    if case .ethereum(let wire) = wire { Keccak256.hash(wire.bytes) } else { nil }
  }

  /// The same transaction, bound to `access`; one of Solana's names its accounts itself.
  public func bound(to access: AccessSet) -> SignedTransaction {
    guard case .ethereum(let wire) = wire else { return self }
    return .ethereum(wire.bytes, access: access)
  }
}
