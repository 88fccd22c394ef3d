// Who a contract is for programs: addresses derived from the EVM program's id and its own address, so that it alone signs
// for them. Seeds are Neon's (its version byte 3 first), under the EVM program of this ledger:
//
//   contract   3, address                          itself: what `execute` signs with
//   resource   3, "ContractData", address, salt    accounts it has made, mints and token accounts among them
//   authority  3, "AUTH", address, salt            what `executeWithSeed` signs with in place of itself
//   payer      3, "PAYER", address                 pays for what programs create, and signs where it is named

import Ledger
import Primitives

package struct ContractIdentity: Hashable, Sendable {
  package enum Kind: Hashable, Sendable { case contract, resource, authority, payer }

  package let kind: Kind
  package let address: Address
  /// Zero where the kind has none.
  package let salt: Pubkey

  package init(_ kind: Kind, of address: Address, salt: Pubkey = .zero) {
    (self.kind, self.address, self.salt) = (kind, address, salt)
  }

  private static let version: [UInt8] = [3]

  private var seeds: [[UInt8]] {
    switch kind {
    case .contract: [Self.version, address.bytes]
    case .resource: [Self.version, Array("ContractData".utf8), address.bytes, salt.bytes]
    case .authority: [Self.version, Array("AUTH".utf8), address.bytes, salt.bytes]
    case .payer: [Self.version, Array("PAYER".utf8), address.bytes]
    }
  }

  /// The program address, that with the canonical bump.
  package func key(under program: Pubkey = ProgramID.ethereum) -> Pubkey {
    Self.find(seeds, under: program)
  }

  fileprivate static func find(_ seeds: [[UInt8]], under program: Pubkey) -> Pubkey {
    do throws(ProgramAddressError) {
      return try ProgramAddress.find(seeds: seeds, program: program).address
    } catch {
      // Seeds are few and short, and of 255 addresses one is off the curve but once in 2^255.
      preconditionFailure("no program address of \(seeds)")
    }
  }
}

/// The account with the lamports behind the wei that have come from Solana's side or may go there: the address derived
/// from the EVM program's id and the seed "vault". 1 lamport is 10^9 wei.
package enum Vault {
  package static var key: Pubkey { ProgramID.ethereumVault }
  package static let weiPerLamport: UInt64 = 1_000_000_000
}

/// Program addresses of contracts that were asked for lately: one takes two hashes and a look at a curve. Direct-mapped, since
/// one is asked for at each call across.
struct IdentityCache {
  private var slots = [(identity: ContractIdentity, key: Pubkey)?](repeating: nil, count: Self.count)
  private static let count = 1024

  mutating func key(_ identity: ContractIdentity) -> Pubkey {
    let place = identity.mixed & (Self.count - 1)
    if let known = slots[place], known.identity == identity { return known.key }
    let key = identity.key()
    slots[place] = (identity, key)
    return key
  }
}

extension ContractIdentity {
  /// A number that differs between most identities.
  fileprivate var mixed: Int {
    let number: UInt64 =
      switch kind {
      case .contract: 1
      case .resource: 2
      case .authority: 3
      case .payer: 4
      }
    let address = address.word0 ^ address.word1 &* 3 ^ UInt64(address.word2) &* 0x1_0000_0001
    let salt = salt.word0 ^ salt.word1 &* 3 ^ salt.word2 &* 5 ^ salt.word3 &* 7
    let product = (address &+ salt &* 11 &+ number &<< 56 &+ number).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    return Int(truncatingIfNeeded: product.high ^ product.low)
  }
}

/// Addresses of signers of Solana's that have called contracts lately, each a hash.
struct SignerCache {
  private var slots = [(signer: Pubkey, address: Address)?](repeating: nil, count: Self.count)
  private static let count = 256

  mutating func address(of signer: Pubkey) -> Address {
    let place = Int(truncatingIfNeeded: signer.word0 ^ signer.word3) & (Self.count - 1)
    if let known = slots[place], known.signer == signer { return known.address }
    let address = SignerIdentity.address(of: signer)
    slots[place] = (signer, address)
    return address
  }
}
