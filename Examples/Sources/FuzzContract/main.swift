// A fuzz harness over a contract: random calls, in blocks of several, against a model of a few lines. Every round starts
// from the same fork, so that rounds know nothing of each other and a failing one is played again by its seed.
//
//   swift run FuzzContract [ROUNDS] [SEED]

import Estuary

/// What the contract should do: add the argument to a sum, and refuse what would make it more than a limit.
struct Model {
  static let limit: UInt64 = 1000
  var sum: UInt64 = 0

  mutating func add(_ value: UInt64) -> Bool {
    guard sum + value <= Self.limit else { return false }
    sum += value
    return true
  }
}

/// The contract under test: the argument is the input's first word, the sum is in slot 0.
enum Adder {
  /// The sum of slot 0 and the first word goes back to the slot, unless 1000 is less: then a jump to the revert at 0x14.
  static let code: [UInt8] = [
    0x60, 0x00, 0x35, 0x60, 0x00, 0x54, 0x01, 0x80, 0x61, 0x03, 0xe8, 0x10, 0x60, 0x14, 0x57, 0x60, 0x00,
    0x55, 0x00, 0xfe, 0x5b, 0x60, 0x00, 0x60, 0x00, 0xfd,
  ]

  /// Returns the code that follows these eleven bytes.
  static let initcode: [UInt8] =
    [0x60, UInt8(code.count), 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xf3] + code
}

/// The same numbers for the same seed, on every machine (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

struct Difference: Error, CustomStringConvertible { let description: String }

/// One round: a block of random calls on a fork, compared with the model.
func play(seed: UInt64, from origin: Chain, _ address: Address) throws -> Int {
  var random = Seeded(state: seed)
  let (chain, key) = (try origin.fork(), PrivateKey.development(1))
  var model = Model()
  let values = (0..<Int.random(in: 1...30, using: &random)).map { _ in
    UInt64.random(in: 0...200, using: &random)
  }
  let first = try chain.nonce(of: key.address)
  let block = try chain.execute(
    values.enumerated().map { index, value in
      try chain.transaction(
        EthereumMessage(to: address, data: UInt256(value).bigEndianBytes, gasLimit: 60_000), signedBy: key,
        nonce: first + UInt64(index))
    })
  for (index, value) in values.enumerated() {
    let expected = model.add(value)
    if block.receipts[index].isSuccess != expected {
      throw Difference(
        description: "seed \(seed), call \(index): adding \(value) \(expected ? "failed" : "went through")")
    }
  }
  let sum = try chain.storage(of: address, slot: 0)
  if sum != UInt256(model.sum) {
    throw Difference(description: "seed \(seed): the sum is \(sum.decimal), not \(model.sum)")
  }
  return values.count
}

let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
let (rounds, seed) = (arguments.first ?? 50, arguments.dropFirst().first ?? 1)
let origin = try Chain()
let contract = try origin.deploy(ContractArtefact(initcode: Adder.initcode), from: .development(0))
var calls = 0
for round in 0..<rounds { calls += try play(seed: seed + round, from: origin, contract.address) }
print("\(calls) calls in \(rounds) rounds agree with the model")
