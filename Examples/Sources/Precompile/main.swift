// A precompile of one's own: sorting 32-byte words, which in bytecode costs a loop. A contract calls it as it would call
// any contract; its gas is what the function says, beside the call's own.
//
//   swift run Precompile

import Estuary

let address = Address(hex: "0x0000000000000000000000000000000000050127")!

/// The words of the input in ascending order; an input of broken words fails.
func sorted(_ input: [UInt8]) -> [UInt8]? {
  guard input.count % 32 == 0 else { return nil }
  let words = stride(from: 0, to: input.count, by: 32).map { Array(input[$0..<$0 + 32]) }
  return words.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 }
}

var options = Chain.Options()
options.natives.contracts = [
  NativeContract(at: address, gas: { 60 + 24 * UInt64($0.count / 32) }, run: { sorted($0) })
]
let chain = try Chain(workers: 2, options: options)

// A contract that hands its input on to the precompile and returns the answer:
// CALLDATACOPY of everything, STATICCALL, RETURNDATACOPY, RETURN.
let code: [UInt8] =
  [0x36, 0x60, 0, 0x60, 0, 0x37, 0x60, 0, 0x60, 0, 0x36, 0x60, 0, 0x73] + address.bytes
  + [0x5a, 0xfa, 0x50, 0x3d, 0x60, 0, 0x60, 0, 0x3e, 0x3d, 0x60, 0, 0xf3]
let sorter = try chain.deploy(
  ContractArtefact(initcode: [0x60, UInt8(code.count), 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xf3] + code),
  from: .development(0))

let numbers: [UInt256] = [42, 7, 1_000_000, 7, 0]
let message = EthereumMessage(to: sorter.address, data: numbers.flatMap(\.bigEndianBytes))
let result = try chain.call(message)
let words = stride(from: 0, to: result.output.count, by: 32).compactMap {
  UInt256(bigEndian: result.output[$0..<$0 + 32])
}
print("sorted \(words.map(\.decimal)) for \(result.gasUsed) gas")
guard words == numbers.sorted() else { fatalError("the precompile does not sort") }

// The same in a block, paid for.
let receipt = try chain.send(chain.transaction(message, signedBy: .development(1)))
print("sent: \(receipt.isSuccess ? "success" : "failure")")
