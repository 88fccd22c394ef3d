import Testing

@testable import EVM

struct ForkTests {
  static let names: [(name: String, fork: Fork?)] = [
    ("Frontier", .frontier), ("homestead", .homestead), ("EIP150", .tangerineWhistle),
    ("TangerineWhistle", .tangerineWhistle), ("eip158", .spuriousDragon), ("SpuriousDragon", .spuriousDragon),
    ("BYZANTIUM", .byzantium), ("Constantinople", .constantinople), ("ConstantinopleFix", .petersburg),
    ("Petersburg", .petersburg), ("Istanbul", .istanbul), ("Berlin", .berlin), ("London", .london),
    ("Paris", .paris), ("Merge", .paris), ("Shanghai", .shanghai), ("Cancun", .cancun), ("prague", .prague),
    ("osaka", .osaka), ("BPO1", .bpo1), ("bpo2", .bpo2), ("", nil), ("Cancun ", nil), ("EIP-150", nil),
    ("Verkle", nil),
  ]

  @Test(arguments: names) func namesAndAliases(name: String, fork: Fork?) {
    #expect(Fork(name: name) == fork)
  }

  @Test func everyForkIsNamedAndLaterThanTheOneBefore() {
    for (earlier, later) in zip(Fork.allCases, Fork.allCases.dropFirst()) { #expect(earlier < later) }
    for fork in Fork.allCases { #expect(Fork(name: fork.name) == fork) }
    #expect(Fork.bpo1.name == "BPO1" && Fork.tangerineWhistle.name == "TangerineWhistle")
    #expect(Fork.allCases.allSatisfy { $0.name.utf8.count <= 16 })
  }
}
