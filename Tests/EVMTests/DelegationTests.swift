import Primitives
import Testing

@testable import EVM

struct DelegationTests {
  static let codes: [(hex: String, target: String?, code: SenderState.Code)] = [
    ("", nil, .none), ("00", nil, .contract), ("ef0100", nil, .contract),
    (
      "ef01000102030405060708090a0b0c0d0e0f1011121314", "0102030405060708090a0b0c0d0e0f1011121314",
      .delegation
    ),
    ("ef0100" + String(repeating: "00", count: 20), String(repeating: "00", count: 20), .delegation),
    ("ef0100" + String(repeating: "00", count: 19), nil, .contract),
    ("ef0100" + String(repeating: "00", count: 21), nil, .contract),
    ("ef0101" + String(repeating: "00", count: 20), nil, .contract),
    ("ef0200" + String(repeating: "00", count: 20), nil, .contract),
    ("fe0100" + String(repeating: "00", count: 20), nil, .contract),
  ]

  @Test(arguments: codes) func designators(hex: String, target: String?, code: SenderState.Code) {
    let bytes = Hex.decode(hex)!
    let address = target.map { Address(hex: $0)! }
    #expect(Delegation.target(of: bytes) == address)
    #expect(SenderState.Code(of: bytes) == code)
    if let address { #expect(Delegation.designator(for: address) == bytes) }
  }
}
