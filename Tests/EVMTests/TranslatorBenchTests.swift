import Foundation
import Primitives
import SBPF
import Testing
import WideIntegers

@testable import EVM

/// The compute-bound contracts of the vectors that need no accounts: output and gas.
@Suite struct TranslatorBenchTests {
  /// In the folder that ESTUARY_VECTORS names, or in the one beside this checkout.
  static let path: String? = {
    let fromEnvironment = ProcessInfo.processInfo.environment["ESTUARY_VECTORS"]
    let beside = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/vectors").path()
    return [fromEnvironment, beside].compactMap { $0.map { $0 + "/evm/bench/cases.json" } }
      .first { FileManager.default.fileExists(atPath: $0) }
  }()

  static let names = [
    "divmod", "fib", "fib_checked", "keccak_loop", "matmul", "memcopy", "mulmod", "sha256_pure", "sort",
  ]

  @Test(.enabled(if: path != nil, "no vectors: set ESTUARY_VECTORS"), arguments: names)
  func outputAndGas(name: String) throws {
    let data = try Data(contentsOf: URL(filePath: Self.path!))
    let document = try JSONSerialization.jsonObject(with: data)
    let cases = try #require(document as? [[String: Any]])
    let entry = try #require(cases.first { $0["name"] as? String == name })
    func bytes(_ key: String) throws -> [UInt8] {
      let text = try #require(entry[key] as? String)
      return try #require(Hex.decode(text))
    }
    let (code, input) = (try bytes("code_hex"), try bytes("small_calldata_hex"))
    let output = try bytes("small_expected_output_hex")
    let used = try #require(entry["small_gas_used"] as? Int)
    // The figure is a whole transaction's.
    let intrinsic = 21_000 + input.reduce(0) { $0 + ($1 == 0 ? 4 : 16) }
    for engine in Comparison.engines {
      let result = try TranslatorRig.run(
        code: code, fork: .cancun, mode: .fast, engine: engine, input: input, gas: 100_000_000)
      #expect(result.ending == .returned)
      #expect(result.output == output)
      #expect(100_000_000 - Int(result.gasLeft) == used - intrinsic, "\(engine)")
    }
  }
}
