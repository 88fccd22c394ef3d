import Primitives
import Testing

@testable import Runtime

/// Whole proofs are among the vote program's cases (BuiltinsTests).
@Suite struct ProofOfPossessionTests {
  /// RFC 9380, appendix K.1.
  @Test(arguments: [
    ("", 32, "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"),
    ("abc", 32, "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615"),
    (
      "", 128,
      "af84c27ccfd45d41914fdff5df25293e221afc53d8ad2ac06d5e3e29485dadbee0d121587713a3e0dd4d5e69e93eb7cd"
        + "4f5df4cd103e188cf60cb02edc3edf18eda8576c412b18ffb658e3dd6ec849469b979d444cf7b26911a08e63cf31f9dc"
        + "c541708d3491184472c2c29bb749d4286b004ceb5ee6b9a7fa5b646c993f0ced"
    ),
  ])
  func expansion(message: String, byteCount: Int, expected: String) {
    let domain = Array("QUUX-V01-CS02-with-expander-SHA256-128".utf8)
    let expanded = ProofOfPossession.expand(Array(message.utf8), domain, byteCount: byteCount)
    #expect(Hex.encode(expanded) == expected)
  }
}
