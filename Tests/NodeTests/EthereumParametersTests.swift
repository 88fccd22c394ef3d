import Estuary
import Primitives
import Testing
import WideIntegers

@testable import Node

/// Values of Ethereum's requests, and geth's words for those that are wrong.
@Suite struct EthereumParametersTests {
  private func error<Value>(
    _ text: String, _ read: (JSONValue) throws(EthereumFormError) -> Value
  ) throws -> String? {
    let value = try JSONValue.parse(text)
    do throws(EthereumFormError) { _ = try read(value) } catch { return error.text }
    return nil
  }

  @Test(arguments: [
    ("\"0x0\"", 0), ("\"0x10\"", 16), ("\"0X1f\"", 31), ("\"0xffffffffffffffff\"", UInt64.max),
  ])
  func quantitiesAreRead(text: String, number: UInt64) throws {
    #expect(try EthereumForm.quantity(try JSONValue.parse(text)) == number)
    #expect(try EthereumForm.big(try JSONValue.parse(text)) == UInt256(number))
  }

  @Test(arguments: [
    ("7", "non-string"), ("\"\"", "empty hex string"), ("\"7\"", "hex string without 0x prefix"),
    ("\"0x\"", "hex string \"0x\""), ("\"0x07\"", "hex number with leading zero digits"),
    ("\"0x1 \"", "invalid hex string"), ("\"0x-1\"", "invalid hex string"),
    ("\"0x+1\"", "invalid hex string"),
    ("\"0x10000000000000000\"", "hex number > 64 bits"),
  ])
  func wrongQuantitiesAreRefused(text: String, problem: String) throws {
    let found = try error(text) { value throws(EthereumFormError) in try EthereumForm.quantity(value) }
    #expect(found == "json: cannot unmarshal \(problem) into Go value of type hexutil.Uint64")
  }

  @Test func numbersOf256BitsAreRead() throws {
    let most = "0x" + String(repeating: "f", count: 64)
    #expect(try EthereumForm.big(.string(most)) == UInt256.max)
    let found = try error("\"\(most)f\"") { value throws(EthereumFormError) in try EthereumForm.big(value) }
    #expect(found == "json: cannot unmarshal hex number > 256 bits into Go value of type *hexutil.Big")
  }

  @Test(arguments: [
    ("\"0x12\"", "hex string has length 2, want 40 for common.Address"),
    ("\"0x123\"", "json: cannot unmarshal hex string of odd length into Go value of type common.Address"),
    ("\"xx\"", "json: cannot unmarshal hex string without 0x prefix into Go value of type common.Address"),
    ("[]", "json: cannot unmarshal non-string into Go value of type common.Address"),
  ])
  func wrongAddressesAreRefused(text: String, problem: String) throws {
    let found = try error(text) { value throws(EthereumFormError) in try EthereumForm.address(value) }
    #expect(found == problem)
  }

  @Test(arguments: [
    (#""latest""#, EthereumBlockReference.tag(.latest)), (#""pending""#, .tag(.pending)),
    (#""safe""#, .tag(.safe)), (#""finalized""#, .tag(.finalized)), (#""earliest""#, .tag(.earliest)),
    (#""0x2a""#, .number(42)), (#"{"blockNumber":"0x2a"}"#, .number(42)),
    (#"{"blockNumber":"latest"}"#, .tag(.latest)),
  ])
  func blocksAreRead(text: String, block: EthereumBlockReference) throws {
    #expect(try EthereumForm.block(try JSONValue.parse(text)) == block)
  }

  @Test func hashesNameBlocks() throws {
    let hash = Hash((0..<32).map { UInt8($0) })!
    let text = EthereumForm.hash(hash)
    #expect(try EthereumForm.block(.string(text)) == .hash(hash))
    let object = #"{"blockHash":"\#(text)","requireCanonical":true}"#
    #expect(try EthereumForm.block(try JSONValue.parse(object)) == .hash(hash))
    let both = #"{"blockHash":"\#(text)","blockNumber":"0x1"}"#
    let found = try error(both) { value throws(EthereumFormError) in try EthereumForm.block(value) }
    #expect(found == "cannot specify both BlockHash and BlockNumber, choose one or the other")
  }

  @Test(arguments: [
    ("\"newest\"", "hex string without 0x prefix"), ("\"0x01\"", "hex number with leading zero digits"),
    ("\"0x8000000000000000\"", "block number larger than int64"),
    ("1", "json: cannot unmarshal number into Go value of type string"),
  ])
  func wrongBlocksAreRefused(text: String, problem: String) throws {
    let found = try error(text) { value throws(EthereumFormError) in try EthereumForm.block(value) }
    #expect(found == problem)
  }

  @Test func missingAndSurplusParametersAreRefused() throws {
    let parameters = try EthereumParameters(try JSONValue.parse(#"["0x1", null]"#))
    #expect(try parameters.quantity(0) == 1)
    let unnamed = try EthereumParameters(try JSONValue.parse(#"[{}, {"blockHash":null}]"#))
    for index in [0, 1] {
      let error = try #require(throws: RPCError.self) { try unnamed.blockOrLatest(index) }
      #expect(error.code == -32000)
      #expect(error.message == "invalid arguments; neither block nor hash specified")
    }
    #expect(try parameters.blockOrLatest(1) == .tag(.latest))
    #expect(throws: RPCError.self) { try parameters.expect(atMost: 1) }
    do throws(RPCError) { _ = try parameters.data(1) } catch {
      #expect(error.code == -32602)
      #expect(error.message == "missing value for required argument 1")
    }
    do throws(RPCError) { _ = try parameters.data(0) } catch {
      #expect(error.message.hasPrefix("invalid argument 0: json: cannot unmarshal hex string of odd length"))
    }
    #expect(throws: RPCError.self) { try EthereumParameters(.unsigned(7)) }
  }
}
