// Ethereum's state tests (https://github.com/ethereum/tests), read for what values, transactions and tries need of
// them. They are unpacked anew for each run of the tests: half a second.

import Foundation
import Primitives
import WideIntegers

@testable import EVM

/// One entry of a `post[fork]` list.
struct StateTestCase: Sendable, CustomStringConvertible {
  let name: String
  let environment: BlockEnvironment
  let pre: [StateTestAccount]
  let transactionBytes: [UInt8]
  let sender: Address
  /// Names of which one is expected, empty where the transaction is valid.
  let exceptions: [String]
  let stateRoot: Hash

  var description: String { name }
}

struct StateTestAccount: Sendable {
  let address: Address
  let nonce: UInt64
  let balance: UInt256
  let code: [UInt8]
  let storage: [(slot: UInt256, value: UInt256)]

  var trieAccount: TrieAccount {
    TrieAccount(
      nonce: nonce, balance: balance, storageRoot: MerklePatriciaTrie.storageRoot(storage),
      codeHash: Keccak256.hash(code))
  }
}

enum StateTestFixtures {
  /// In the folder that ESTUARY_VECTORS names, or in the one beside this checkout.
  static let archive: String? = {
    let fromEnvironment = ProcessInfo.processInfo.environment["ESTUARY_VECTORS"]
    let beside = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/vectors").path()
    return [fromEnvironment, beside].compactMap { $0.map { $0 + "/evm/statetests.tar.zst" } }
      .first { FileManager.default.fileExists(atPath: $0) }
  }()

  /// All cases by file name, or none where there is no archive.
  static let cases: [StateTestCase] = {
    guard let archive else { return [] }
    let folder = FileManager.default.temporaryDirectory.appending(path: "estuary-statetests-\(getpid())")
    defer { try? FileManager.default.removeItem(at: folder) }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let tar = Process()
      tar.executableURL = URL(filePath: "/usr/bin/env")
      tar.arguments = ["tar", "--zstd", "-xf", archive, "-C", folder.path()]
      try tar.run()
      tar.waitUntilExit()
      let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path())
      return try names.filter { $0.hasSuffix(".json") }.sorted().flatMap { name in
        let bytes = try Data(contentsOf: folder.appending(path: name))
        return try read(JSONValue.parse(Array(bytes)), file: name)
      }
    } catch { fatalError("state tests: \(error)") }
  }()

  private static func read(_ file: JSONValue, file name: String) throws -> [StateTestCase] {
    var cases: [StateTestCase] = []
    for test in file.object!.members {
      let pre = test.value["pre"]!.object!.members.map { account($0.name, $0.value) }
      for post in test.value["post"]!.object!.members {
        let environment = environment(test.value["env"]!, Fork(name: post.name)!)
        for (index, entry) in post.value.array!.enumerated() {
          cases.append(
            StateTestCase(
              name: "\(name) \(post.name) \(index)", environment: environment, pre: pre,
              transactionBytes: Hex.decode(entry["txbytes"]!.string!)!,
              sender: Address(hex: test.value["transaction"]!["sender"]!.string!)!,
              exceptions: exceptions(entry["expectException"]?.string),
              stateRoot: Hash(Hex.decode(entry["hash"]!.string!)!)!))
        }
      }
    }
    return cases
  }

  private static func exceptions(_ text: String?) -> [String] {
    (text ?? "").split(separator: "|").map { String($0.split(separator: ".").last!) }
  }

  private static func account(_ address: String, _ json: JSONValue) -> StateTestAccount {
    StateTestAccount(
      address: Address(hex: address)!, nonce: number(json["nonce"]).limb0, balance: number(json["balance"]),
      code: Hex.decode(json["code"]!.string!)!,
      storage: json["storage"]!.object!.members.map { (UInt256(hex: $0.name)!, number($0.value)) })
  }

  private static func environment(_ json: JSONValue, _ fork: Fork) -> BlockEnvironment {
    BlockEnvironment(
      fork: fork, number: number(json["currentNumber"]).limb0,
      timestamp: number(json["currentTimestamp"]).limb0,
      gasLimit: number(json["currentGasLimit"]).saturatedUInt64,
      coinbase: Address(hex: json["currentCoinbase"]!.string!)!,
      baseFeePerGas: number(json["currentBaseFee"]),
      difficulty: number(json["currentDifficulty"]), prevRandao: Hash(number(json["currentRandom"])),
      excessBlobGas: number(json["currentExcessBlobGas"]).limb0)
  }

  private static func number(_ json: JSONValue?) -> UInt256 {
    json.map { UInt256(hex: $0.string!)! } ?? .zero
  }
}
