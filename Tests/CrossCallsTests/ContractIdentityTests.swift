// Program addresses of contracts: the derivation against the addresses that it gives under Neon's program ids, computed
// apart from this code.

import Ledger
import Primitives
import Testing

@testable import CrossCalls

@Suite struct ContractIdentityTests {
  private static let address = Address(Array(repeating: 0x11, count: 20))
  private static let salt = Pubkey(Array(repeating: 0, count: 31) + [1])

  struct Vector: Sendable {
    let program: String
    let contract: String
    let resource: String
    let authority: String
    let payer: String
  }

  static let vectors = [
    Vector(
      program: "53DfF883gyixYNXnM7s5xhdeyV8mVk9T4i2hGV9vG9io",
      contract: "64Pbcjr3RFjukDTMsL9kdmGASYiVv368cctrRLB2sdxJ",
      resource: "7tqWxF7fgD1ctMkPUqrRwHGYk5jTBBUvhfWspqZLhcCE",
      authority: "FHG1qKCKoXTWWn2H5fGUsSRhB2WjMoCAciN6JZkxWAmd",
      payer: "DyjazvDngPx9swbtwoBPXg2EcVRNd3tChrq8zjQaMufi"),
    Vector(
      program: "NeonVMyRX5GbCrsAHnUwx1nYYoJAtskU1bWUo6JGNyG",
      contract: "BoqMKLKi4hPsDCohqQ2Hk4QC2R6Wd4mg5PphBYqNstjC",
      resource: "895BEY96eb412FzuYBLabKjxb9focG5CHsJFbJKDF7ZV",
      authority: "BZ6EkVaJvUtWwrmrEN51r4YizAK3nSXAa5DbMT6JXCiE",
      payer: "5NTyTojda9wU8zF2n3sYSANRn1kPQoRQUe8RD6tmEbzS"),
  ]

  @Test(arguments: vectors) func derivesWhatNeonDerives(_ vector: Vector) throws {
    let program = try #require(Base58.decode(vector.program).flatMap { Pubkey($0) })
    let address = try #require(Self.address)
    let salt = try #require(Self.salt)
    func text(_ kind: ContractIdentity.Kind, salt: Pubkey = .zero) -> String {
      ContractIdentity(kind, of: address, salt: salt).key(under: program).description
    }
    #expect(text(.contract) == vector.contract)
    #expect(text(.resource, salt: salt) == vector.resource)
    #expect(text(.authority, salt: salt) == vector.authority)
    #expect(text(.payer) == vector.payer)
  }

  @Test func theVaultIsNobodysKey() throws {
    let (key, bump) = try ProgramAddress.find(seeds: [Array("vault".utf8)], program: ProgramID.ethereum)
    #expect(Vault.key == key && bump > 0)
    #expect(!Curve25519.isEdwardsPoint(key))
    #expect(ReservedKeys.contains(key) && ReservedKeys.contains(ProgramID.ethereum))
  }
}
