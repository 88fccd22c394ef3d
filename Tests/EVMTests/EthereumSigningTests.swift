// Signing against eth_account: the same key and fields give the same wire bytes, since nonces are deterministic (RFC 6979).

import Primitives
import Testing

@testable import EVM

@Suite struct EthereumSigningTests {
  private static let key = PrivateKey(
    Hex.decode("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d") ?? [])

  /// What eth_account signs with the key.
  private static let cases: [(name: String, wire: String)] = [
    (
      "legacy of one chain",
      "f86d80843b9aca008252089470997970c51812dc3a010c7d01b50e0d17dc79c8880de0b6b3a764000080820a"
        + "96a06f53288fecbfa63f23cd180a240830787dbfe2a1b1adfa5c45b77c749eec67fba00609dd92eddace3827"
        + "b6b34f912962f628f092214bd40bbe39589beadbc65408"
    ),
    (
      "legacy of any chain",
      "f864070183015f909470997970c51812dc3a010c7d01b50e0d17dc79c88084a9059cbb1ba0242c38282a74b0"
        + "a0b81b62706e60aae7268a7b27dda72b1e1cfc32e411375033a02d988e871b0cb7dddf9674222b0ed411db7b"
        + "b6fa1279e946c06027840fe3e7ca"
    ),
    (
      "creation",
      "f85881c8843b9aca00830186a08005856001600155820a96a0226e0ca23cc8d8fa1a83874da5b356b6366ee0"
        + "de990647e1d0f90b7a2b298e04a02e7c65eaad8236f4c23fe4f67098147b9cf86582ca39561113468478db96"
        + "8392"
    ),
    (
      "access list",
      "01f8da82053901843b9aca0082c3509470997970c51812dc3a010c7d01b50e0d17dc79c88001f872f8599445"
        + "7c769f39d8644199c0e5bdbcfbc85b37ce91cbf842a0de1fc1b0ea6b44f130436dd729fe69bd9e8ceba6a07d"
        + "1dec25b1b087efe26c07a0ff0d21d7db0b33777738a5c674d37ff136eac13f553223a63841460d3b6aa1e6d6"
        + "948d682728f610fb1c7fd92d5fa2e81478007152dec080a05926623b37b2efd27ab067239abcc60582ce53b3"
        + "e5e75cf27b2debfe8ec462ada0142dac51d789b1a75688bea5c59dbc943798920f9ca629487f55573d480551"
        + "e6"
    ),
    (
      "dynamic fee",
      "02f8c582053902028502540be40082c3509470997970c51812dc3a010c7d01b50e0d17dc79c80180f85bf859"
        + "94457c769f39d8644199c0e5bdbcfbc85b37ce91cbf842a0de1fc1b0ea6b44f130436dd729fe69bd9e8ceba6"
        + "a07d1dec25b1b087efe26c07a0ff0d21d7db0b33777738a5c674d37ff136eac13f553223a63841460d3b6aa1"
        + "e680a015cf0bb7d8acc2452a89e766ba74a0c7e54778f3af4e123b52d18d72f5b1f306a076962672fb305042"
        + "ba9384598cd60c1c769d3f4271ee676b8ae41c128ed63c8f"
    ),
    (
      "blob",
      "03f88c82053903028502540be40082c3509470997970c51812dc3a010c7d01b50e0d17dc79c80180c009e1a0"
        + "01ababababababababababababababababababababababababababababababab01a05abe995347d9c79ef9ca"
        + "71574630abc322d7eb71594074d98b798c4a63690cd6a006727bac899ed406ba78f549300637c07ef8092a0c"
        + "3dab8a2f62438cffeb5529"
    ),
    (
      "set code",
      "04f8c982053904028502540be40083015f909470997970c51812dc3a010c7d01b50e0d17dc79c88080c0f85e"
        + "f85c82053994a8651f3fce59796168e9338b87fe1a1a45cfed920301a0bac6c6739ec7301ac3232d1425fb75"
        + "23d9c0467a5066c72752236073f06dcc5ba01874c76dbf66333d0e67c679907a7591298544e93bfcd38c7ada"
        + "9eeadd974f41019f39587b7e770dd5aa0f2a82330e98defc886cf3d64d71c448772e745f80f051a0648fca89"
        + "1e562d1d232a8e1aac6930ae84954afd0c23cce3c7dec528fa86715e"
    ),
  ]

  @Test(arguments: cases) func signsAsEthAccount(name: String, wire: String) throws {
    let key = try #require(Self.key)
    let bytes = try #require(Hex.decode(wire))
    let signed = try EthereumTransaction(decoding: bytes)
    #expect(try signed.recoverSender(fork: .latest) == key.address, "\(name)")
    var unsigned = signed
    unsigned.signature = .none
    #expect(unsigned.signed(by: key).encoded == bytes, "\(name)")
    for authorization in signed.authorizations {
      var unsigned = authorization
      unsigned.signature = .none
      #expect(unsigned.signed(by: key) == authorization)
      #expect(try authorization.recoverAuthority() == key.address)
    }
    // Another nonce is another signature, by the same account.
    unsigned.nonce += 1
    let other = unsigned.signed(by: key)
    #expect(other.signature != signed.signature)
    #expect(try other.recoverSender(fork: .homestead) == key.address)
  }

  @Test func coversEveryType() throws {
    let kinds = try Self.cases.map {
      try EthereumTransaction(decoding: try #require(Hex.decode($0.wire))).kind
    }
    #expect(Set(kinds) == Set(EthereumTransaction.Kind.allCases))
  }
}
