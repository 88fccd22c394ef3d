// Random blocks of Ethereum's transactions that get in each other's way in every manner that running ahead has to cope
// with. Everything follows from the seed.

import EVM
import Ledger
import Primitives
import WideIntegers

@testable import Estuary

struct RandomEthereumBlock {
  /// What a transaction is there for.
  enum Situation: CaseIterable {
    case plainTransfer, nonceChain, wrongNonce, counter, hotSlot, readsFeeRecipient, paysFeeRecipient
    case sentByFeeRecipient, creation, callsCreated, destroys, recreates, reverts, outOfGas, forwards,
      delegates
    case callsDelegated, noReward, damaged, emptyTarget, tooMuchGas
  }

  private(set) var genesis: EthereumGenesis
  private(set) var transactions: [WireTransaction] = []
  private(set) var situations: [Situation: Int] = [:]

  private static let people = (1...12).map { Address(UInt256(0x10_0000 + UInt64($0))) }
  private static let coinbase = Address(0xfee0_0001)
  private static let counter = Address(0xc0de_0001)
  private static let hot = Address(0xc0de_0002)
  private static let watcher = Address(0xc0de_0003)
  private static let mortal = Address(0xc0de_0004)
  private static let factory = Address(0xc0de_0005)
  private static let reverter = Address(0xc0de_0006)
  private static let burner = Address(0xc0de_0007)
  private static let forwarder = Address(0xc0de_0008)

  /// Counts in the slot of its caller and logs the count.
  private static let counterCode: [UInt8] = [
    0x33, 0x54, 0x60, 1, 0x01, 0x80, 0x33, 0x55, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xa0, 0x00,
  ]
  /// Counts in slot 0, whoever calls.
  private static let hotCode: [UInt8] = [0x60, 0, 0x54, 0x60, 1, 0x01, 0x60, 0, 0x55, 0x00]
  /// Stores the fee recipient's balance and its own under its caller.
  private static let watcherCode: [UInt8] = [0x41, 0x31, 0x47, 0x01, 0x33, 0x55, 0x00]
  /// Counts in slot 1; with data, gives itself up to its caller instead.
  private static let mortalCode: [UInt8] = [
    0x36, 0x60, 13, 0x57, 0x60, 1, 0x54, 0x60, 1, 0x01, 0x60, 1, 0x55, 0x5b, 0x36, 0x15, 0x60, 21, 0x57, 0x33,
    0xff,
    0x5b, 0x00,
  ]
  /// Makes, at the same address every time, a contract that counts in slot 1 and is given up with data (CREATE2).
  private static let factoryCode: [UInt8] = {
    let initcode = deploying(mortalCode)
    precondition(initcode.count <= 64, "two words")
    var code: [UInt8] = []
    for start in stride(from: 0, to: initcode.count, by: 32) {
      var word = Array(initcode[start..<min(start + 32, initcode.count)])
      word += [UInt8](repeating: 0, count: 32 - word.count)
      code += [0x7f] + word + [0x60, UInt8(start), 0x52]
    }
    return code + [0x60, 9, 0x60, UInt8(initcode.count), 0x60, 0, 0x34, 0xf5, 0x60, 0, 0x55, 0x00]
  }()
  private static let reverterCode: [UInt8] = [0x60, 1, 0x33, 0x55, 0x60, 0, 0x54, 0x60, 0, 0x60, 0, 0xfd]
  private static let burnerCode: [UInt8] = [0x5b, 0x60, 0, 0x54, 0x50, 0x60, 0, 0x56]
  /// Passes its value on to the address in its data.
  private static let forwarderCode: [UInt8] = [
    0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x34, 0x60, 0, 0x35, 0x5a, 0xf1, 0x60, 0, 0x55, 0x00,
  ]

  /// Initcode that returns `code`.
  private static func deploying(_ code: [UInt8]) -> [UInt8] {
    [0x60, UInt8(code.count), 0x60, 12, 0x60, 0, 0x39, 0x60, UInt8(code.count), 0x60, 0, 0xf3] + code
  }

  private var nonces: [Address: UInt64] = [:]
  private var random: SplitMix64
  private let fork: Fork

  init(seed: UInt64, count: Int, fork: Fork, contention: Int, gasLimit: UInt64 = 1 << 40) {
    random = SplitMix64(seed: seed)
    self.fork = fork
    genesis = EthereumGenesis(chainID: 1, fork: fork.name, baseFeePerGas: 0, coinbase: Self.coinbase)
    genesis.gasLimit = gasLimit
    let codes = [
      (Self.counter, Self.counterCode), (Self.hot, Self.hotCode), (Self.watcher, Self.watcherCode),
      (Self.mortal, Self.mortalCode), (Self.factory, Self.factoryCode), (Self.reverter, Self.reverterCode),
      (Self.burner, Self.burnerCode), (Self.forwarder, Self.forwarderCode),
    ]
    for (address, code) in codes {
      var account = EthereumGenesis.Account(address: address)
      (account.nonce, account.code, account.balance) = (1, code, 1)
      account.storage = [.init(key: 1, value: 5)]
      genesis.alloc.append(account)
    }
    for person in Self.people {
      var account = EthereumGenesis.Account(address: person)
      account.balance = 1_000_000_000_000
      genesis.alloc.append(account)
    }
    var recipient = EthereumGenesis.Account(address: Self.coinbase)
    recipient.balance = seed % 3 == 0 ? 0 : 1_000_000_000
    if seed % 3 != 0 { genesis.alloc.append(recipient) }
    genesis.alloc.sort { $0.address < $1.address }
    for _ in 0..<count { add(contention) }
  }

  private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

  private mutating func add(_ contention: Int) {
    // Contention: how many of a hundred are not between people of their own.
    var all = Situation.allCases
    if fork < .prague { all.removeAll { $0 == .delegates || $0 == .callsDelegated } }
    if fork < .constantinople { all.removeAll { $0 == .recreates } }
    let situation = below(100) < contention ? all[below(all.count)] : .counter
    situations[situation, default: 0] += 1
    let sender = Self.people[below(contention > 50 ? 4 : Self.people.count)]
    let other = Self.people[below(Self.people.count)]
    switch situation {
    case .plainTransfer: send(sender, other, value: UInt64(1 + below(1000)))
    case .nonceChain: for step in 0..<3 { send(sender, Self.counter, value: UInt64(step)) }
    case .wrongNonce: send(sender, other, nonceError: UInt64(1 + below(3)))
    case .counter: send(sender, Self.counter)
    case .hotSlot: send(sender, Self.hot, value: UInt64(below(2)))
    case .readsFeeRecipient: send(sender, Self.watcher)
    case .paysFeeRecipient: send(sender, Self.coinbase, value: UInt64(below(3)))
    case .sentByFeeRecipient: send(Self.coinbase, other, value: 3)
    case .creation:
      let code = Self.deploying(below(2) == 0 ? Self.counterCode : Self.mortalCode)
      send(sender, nil, data: code)
    case .callsCreated:
      let nonce = nonces[sender] ?? 0
      let back = nonce == 0 ? 0 : UInt64(below(Int(min(nonce, 3)) + 1))
      let created = Address.created(by: sender, nonce: nonce - back)
      send(other == sender ? Self.people[0] : other, created, value: UInt64(below(2)))
    case .destroys: send(sender, Self.mortal, data: below(2) == 0 ? [1] : [])
    case .recreates:
      let child = Address.created(
        by: Self.factory, salt: 9, initcodeHash: Keccak256.hash(Self.deploying(Self.mortalCode)))
      if below(2) == 0 { send(sender, Self.factory, value: 2) }
      send(other, child, data: below(2) == 0 ? [1] : [])
    case .reverts: send(sender, Self.reverter, value: 1)
    case .outOfGas: send(sender, Self.burner)
    case .forwards:
      let target = [
        other, Self.coinbase, Self.counter, Address(UInt256(0x99_0000 + UInt64(below(3)))), Address(4),
      ]
      send(
        sender, Self.forwarder, value: UInt64(below(2)),
        data: UInt256(target[below(target.count)]).bigEndianBytes)
    case .delegates: send(sender, other, authorization: below(3))
    case .callsDelegated:
      guard let authority = try? Self.authorization(below(3)).recoverAuthority() else { return }
      send(sender, authority, value: UInt64(below(2)))
    case .noReward: send(sender, other, gasPrice: 0)
    case .damaged:
      transactions.append(.ethereum(EthereumWire([0x02, 0xc0, UInt8(below(250))], sender: sender)))
    case .emptyTarget: send(sender, Address(UInt256(0x77_0000 + UInt64(below(4)))))
    case .tooMuchGas: send(sender, Self.counter, gasLimit: 2_000_000)
    }
  }

  /// Any signature is somebody's.
  private static func authorization(_ number: Int) -> Authorization {
    Authorization(
      chainID: 1, address: number == 2 ? watcher : counter, nonce: 0,
      signature: EthereumSignature(yParity: 0, r: UInt256(UInt64(number + 1)), s: 7))
  }

  private mutating func send(
    _ sender: Address, _ target: Address?, value: UInt64 = 0, data: [UInt8] = [], gasPrice: UInt64? = nil,
    gasLimit: UInt64 = 200_000, nonceError: UInt64 = 0, authorization: Int? = nil
  ) {
    let nonce = nonces[sender] ?? 0
    let price = UInt256(gasPrice ?? UInt64(1 + below(3)))
    var transaction = EthereumTransaction(
      kind: authorization == nil ? .legacy : .setCode, chainID: authorization == nil ? nil : 1,
      nonce: nonce + nonceError, maxPriorityFeePerGas: price, maxFeePerGas: price, gasLimit: gasLimit,
      to: target,
      value: UInt256(value), data: data)
    if let authorization { transaction.authorizations = [Self.authorization(authorization)] }
    if nonceError == 0 { nonces[sender] = nonce + 1 }
    transactions.append(.ethereum(EthereumWire(transaction.encoded, sender: sender)))
  }
}
