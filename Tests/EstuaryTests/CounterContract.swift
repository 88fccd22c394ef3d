// A small contract by hand: `add(uint256)` adds to a count, emits `Added` and returns the sum, but reverts with
// `TooMuch` above 100; `count()` returns the count. And one that sends its input on to an address.

import Contracts
import Primitives

enum CounterContract {
  static let interface = """
    [{"type": "function", "name": "add", "inputs": [{"name": "value", "type": "uint256"}],
      "outputs": [{"name": "", "type": "uint256"}]},
     {"type": "function", "name": "count", "inputs": [], "outputs": [{"name": "", "type": "uint256"}]},
     {"type": "event", "name": "Added", "inputs": [{"name": "who", "type": "address", "indexed": true},
      {"name": "value", "type": "uint256"}]},
     {"type": "error", "name": "TooMuch", "inputs": [{"name": "limit", "type": "uint256"}]}]
    """

  /// As a compiler writes it.
  static func artefact() throws -> ContractArtefact {
    ContractArtefact(
      name: "Counter", initcode: try initcode(), abi: try ContractABI(json: Array(interface.utf8)))
  }

  static func selector(_ signature: String) throws -> [UInt8] { try ABIItem(signature: signature).selector }

  private static func initcode() throws -> [UInt8] {
    let code = try runtime()
    return [
      0x61, UInt8(code.count >> 8), UInt8(code.count & 255), 0x80, 0x60, 12, 0x60, 0, 0x39, 0x60, 0, 0xf3,
    ]
      + code
  }

  private static func runtime() throws -> [UInt8] {
    let topic = try ABIItem(signature: "event Added(address indexed,uint256)").topic.bytes
    // The selector, then a jump to what it names.
    var code: [UInt8] = [0x60, 0, 0x35, 0x60, 0xe0, 0x1c, 0x80, 0x63]
    code += try selector("add(uint256)") + [0x14, 0x60, 0, 0x57, 0x63]
    let addPlace = code.count - 3
    code += try selector("count()") + [0x14, 0x60, 0, 0x57, 0x60, 0, 0x60, 0, 0xfd]
    let countPlace = code.count - 7
    code[countPlace] = UInt8(code.count)
    code += [0x5b, 0x60, 0, 0x54, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3]
    code[addPlace] = UInt8(code.count)
    // value; above 100 it fails.
    code += [0x5b, 0x60, 4, 0x35, 0x80, 0x60, 100, 0x10, 0x60, 0, 0x57]
    let failPlace = code.count - 2
    // sum to slot 0, the event with the value, the sum as result.
    code += [0x80, 0x60, 0, 0x54, 0x01, 0x80, 0x60, 0, 0x55, 0x90, 0x60, 0, 0x52, 0x33, 0x7f]
    code += topic + [0x60, 32, 0x60, 0, 0xa2, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3]
    code[failPlace] = UInt8(code.count)
    code += try [0x5b, 0x63] + selector("TooMuch(uint256)")
    code += [0x60, 0xe0, 0x1b, 0x60, 0, 0x52, 0x60, 100, 0x60, 4, 0x52, 0x60, 36, 0x60, 0, 0xfd]
    return code
  }

  /// Initcode of a contract that sends its input on to `target` and returns the answer.
  static func forwarder(to target: Address) -> [UInt8] {
    var code: [UInt8] = [0x36, 0x60, 0, 0x60, 0, 0x37, 0x60, 0, 0x60, 0, 0x36, 0x60, 0, 0x60, 0, 0x73]
    code += target.bytes + [0x5a, 0xf1, 0x3d, 0x60, 0, 0x60, 0, 0x3e, 0x60, 0, 0x57, 0x3d, 0x60, 0, 0xfd]
    let place = code.count - 6
    code[place] = UInt8(code.count)
    code += [0x5b, 0x3d, 0x60, 0, 0xf3]
    let count = UInt8(code.count)
    return [0x60, count, 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xf3] + code
  }
}
