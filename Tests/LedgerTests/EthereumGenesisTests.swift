// The `ethereum` section of a genesis, its keys, and what of it is refused.

import Primitives
import Testing
import WideIntegers

@testable import Ledger

@Suite struct EthereumGenesisTests {
  private static func parse(_ section: String) throws(GenesisError) -> EthereumGenesis? {
    let hash = String(repeating: "1", count: 32)
    let text = "{\"slot\":7,\"unixTimestamp\":8,\"blockhash\":\"\(hash)\",\"ethereum\":\(section)}"
    return try Genesis.parse(Array(text.utf8), path: "g.json").ethereum
  }

  private static let address = "0x00000000000000000000000000000000000000Aa"
  private static let word = "0x" + String(repeating: "5a", count: 32)
  private static let whole = """
    {"chainId":1,"fork":"Cancun","baseFeePerGas":"0x7","coinbase":"\(address)","gasLimit":"0x10","prevRandao":"\(word)",
    "difficulty":"0x20000","excessBlobGas":"0x60000","parentBeaconBlockRoot":"\(word)","blockHashes":{"0x2":"\(word)",
    "0x1":"\(word)"},"withdrawals":[{"index":"0x3","validatorIndex":"0x4","address":"\(address)","amount":"0x5"}],
    "alloc":{"\(address)":{"balance":"0xde0b6b3a7640000","nonce":"0x1","code":"0x6000","storage":{"0x02":"0x1",
    "0x01":"0x2","0x03":"0x0"}},"0000000000000000000000000000000000000001":{}}}
    """

  @Test func readsEverything() throws {
    let genesis = try #require(try Self.parse(Self.whole))
    #expect(genesis.chainID == 1 && genesis.fork == "Cancun" && genesis.baseFeePerGas == 7)
    #expect(genesis.coinbase == Address(0xaa) && genesis.gasLimit == 16 && genesis.excessBlobGas == 0x60000)
    #expect(genesis.blockHashes.map(\.number) == [1, 2])
    #expect(
      genesis.withdrawals == [.init(index: 3, validatorIndex: 4, address: Address(0xaa), amount: 5)])
    #expect(genesis.alloc.map(\.address) == [Address(1), Address(0xaa)])
    let account = genesis.alloc[1]
    #expect(account.balance == UInt256(1_000_000_000_000_000_000) && account.nonce == 1)
    #expect(account.code == [0x60, 0x00])
    #expect(account.storage == [.init(key: 1, value: 2), .init(key: 2, value: 1)])
  }

  @Test func whatIsWrittenReadsBackTheSame() throws {
    let genesis = try #require(try Self.parse(Self.whole))
    #expect(try Self.parse(String(decoding: genesis.json, as: UTF8.self)) == genesis)
  }

  @Test func defaults() throws {
    let text = "{\"chainId\":\"0x5\",\"baseFeePerGas\":\"0x0\",\"coinbase\":\"\(Self.address)\"}"
    let genesis = try #require(try Self.parse(text))
    #expect(genesis.chainID == 5 && genesis.fork == "Osaka" && genesis.gasLimit == UInt64(Int64.max))
    #expect(genesis.alloc.isEmpty && genesis.withdrawals.isEmpty && genesis.blockHashes.isEmpty)
    #expect(try Self.parse("null") == nil)
  }

  private static func with(_ more: String) -> String {
    "{\"chainId\":1,\"baseFeePerGas\":\"0x0\",\"coinbase\":\"\(address)\",\(more)}"
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    let text: String
    let location: String
    let problem: GenesisError.Problem
    var testDescription: String { text }

    init(_ text: String, _ location: String, _ problem: GenesisError.Problem) {
      (self.text, self.location, self.problem) = (text, location, problem)
    }
  }

  static let refused = [
    Refused("7", "ethereum", .expected(.object)),
    Refused("{}", "ethereum.chainId", .missing),
    Refused("{\"chainId\":\"7\"}", "ethereum.chainId", .expected(.quantity)),
    Refused("{\"chainId\":1}", "ethereum.coinbase", .missing),
    Refused("{\"chainId\":1,\"coinbase\":\"0x1\"}", "ethereum.coinbase", .expected(.address)),
    Refused("{\"chainId\":1,\"coinbase\":\"\(address)\"}", "ethereum.baseFeePerGas", .missing),
    Refused(with("\"fork\":1"), "ethereum.fork", .expected(.text)),
    Refused(with("\"gasLimit\":\"0x10000000000000000\""), "ethereum.gasLimit", .expected(.unsigned)),
    Refused(with("\"prevRandao\":\"0xzz\""), "ethereum.prevRandao", .expected(.quantity)),
    Refused(with("\"parentBeaconBlockRoot\":\"0x01\""), "ethereum.parentBeaconBlockRoot", .expected(.word)),
    Refused(with("\"blockHashes\":[]"), "ethereum.blockHashes", .expected(.object)),
    Refused(with("\"blockHashes\":{\"x\":\"\(word)\"}"), "ethereum.blockHashes.x", .expected(.quantity)),
    Refused(with("\"blockHashes\":{\"0x1\":\"0x1\"}"), "ethereum.blockHashes.0x1", .expected(.word)),
    Refused(with("\"withdrawals\":[{}]"), "ethereum.withdrawals[0].address", .missing),
    Refused(
      with("\"withdrawals\":[{\"address\":\"\(address)\"}]"), "ethereum.withdrawals[0].amount", .missing),
    Refused(with("\"alloc\":[]"), "ethereum.alloc", .expected(.object)),
    Refused(with("\"alloc\":{\"0x1\":{}}"), "ethereum.alloc.0x1", .expected(.address)),
    Refused(
      with("\"alloc\":{\"\(address)\":{\"code\":\"0x0\"}}"), "ethereum.alloc.\(address).code", .expected(.hex)
    ),
    Refused(
      with("\"alloc\":{\"\(address)\":{\"storage\":{\"0x1\":\"0x1\",\"0x01\":\"0x2\"}}}"),
      "ethereum.alloc.\(address).storage", .duplicateSlot("0x1")),
    Refused(
      with("\"alloc\":{\"\(address)\":{},\"\(address.lowercased())\":{}}"),
      "ethereum.alloc.\(address.lowercased())", .duplicateAddress(Address(0xaa))),
  ]

  @Test(arguments: refused)
  func refusalsNameThePlace(example: Refused) {
    #expect(throws: GenesisError.invalid(path: "g.json", location: example.location, example.problem)) {
      try Self.parse(example.text)
    }
  }

  @Test func keysAreApartAndReadBack() throws {
    let address = try #require(Address(hex: "0x0102030405060708090a0b0c0d0e0f1011121314"))
    let keys = [
      EVMKey.account(address), EVMKey.account(Address(1)), EVMKey.code(address, incarnation: 0),
      EVMKey.code(address, incarnation: 1), EVMKey.slot(address, incarnation: 0, slot: 1),
      EVMKey.slot(address, incarnation: 1, slot: 1), EVMKey.slot(address, incarnation: 0, slot: 2),
    ]
    #expect(Set(keys).count == keys.count)
    #expect(keys.allSatisfy(EVMKey.contains))
    #expect(!EVMKey.contains(ProgramID.ethereum) && !EVMKey.contains(.zero))
    #expect(EVMKey.kind(of: ProgramID.ethereum) == nil)
    let kinds: [EVMKey.Kind?] = [.account(address), .account(Address(1)), .code, .code, .slot, .slot, .slot]
    #expect(keys.map(EVMKey.kind(of:)) == kinds)
    #expect(keys[0].bytes == Array("estuary:evm:".utf8) + address.bytes)
  }

  @Test func theProgramsKeyIsItsName() {
    #expect(ProgramID.ethereum.description == "Ethereum11111111111111111111111111111111111")
  }
}
