// Random blocks of Ethereum's transactions that get in each other's way in every manner that running ahead has to cope
// with. Everything follows from the seed.

import EVM
import Ledger
import Primitives
import RandomPrograms
import WideIntegers

@testable import Estuary

struct RandomEthereumBlock {
  /// What a transaction is there for.
  enum Situation: CaseIterable {
    case plainTransfer, nonceChain, wrongNonce, counter, hotSlot
    /// The fee recipient's balance is read, it is paid, it sends, it is a contract in some blocks.
    case readsFeeRecipient, paysFeeRecipient, sentByFeeRecipient
    case creation, callsCreated, createsFromCode, destroys, recreates, reverts, outOfGas, forwards
    /// A slot or an account that earlier transactions decide on.
    case chasesSlot, setsRoute, takesRoute
    case delegates, callsDelegated, sentByDelegated
    case noReward, damaged, emptyTarget, tooMuchGas, program, precompile, blob
  }

  /// Those whose transactions have no effect, or none that counts as success.
  static let neverSucceeding: Set<Situation> = [.wrongNonce, .reverts, .outOfGas, .damaged]

  private(set) var genesis: EthereumGenesis
  private(set) var transactions: [WireTransaction] = []
  /// By transaction.
  private(set) var situations: [Situation] = []

  var wires: [EthereumWire] {
    transactions.compactMap { if case .ethereum(let wire) = $0 { wire } else { nil } }
  }

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
  private static let chaser = Address(0xc0de_0009)
  private static let router = Address(0xc0de_000a)
  private static let prober = Address(0xc0de_000b)
  private static let deployer = Address(0xc0de_000c)
  private static let programs = (0..<3).map { Address(UInt256(0xc0de_0010 + UInt64($0))) }
  /// Who delegates.
  private static let authorities = (1...2).compactMap {
    PrivateKey(UInt256(UInt64(0xa0 + $0)).bigEndianBytes)
  }

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
  /// Makes, at the same address every time, a contract that counts in slot 1 and is given up with data (CREATE2), and logs
  /// where: 0 while there is one.
  private static let factoryCode: [UInt8] = {
    let initcode = deploying(mortalCode)
    precondition(initcode.count <= 64, "two words")
    var code: [UInt8] = []
    for start in stride(from: 0, to: initcode.count, by: 32) {
      var word = Array(initcode[start..<min(start + 32, initcode.count)])
      word += [UInt8](repeating: 0, count: 32 - word.count)
      code += [0x7f] + word + [0x60, UInt8(start), 0x52]
    }
    code += [0x60, 9, 0x60, UInt8(initcode.count), 0x60, 0, 0x34, 0xf5]
    return code + [0x80, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xa0, 0x60, 0, 0x55, 0x00]
  }()
  private static let reverterCode: [UInt8] = [0x60, 1, 0x33, 0x55, 0x60, 0, 0x54, 0x60, 0, 0x60, 0, 0xfd]
  private static let burnerCode: [UInt8] = [0x5b, 0x60, 0, 0x54, 0x50, 0x60, 0, 0x56]
  /// Passes its value on to the address in its data.
  private static let forwarderCode: [UInt8] = [
    0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x34, 0x60, 0, 0x35, 0x5a, 0xf1, 0x60, 0, 0x55, 0x00,
  ]

  /// Slot 0 names the slot to count in, and becomes the name of another.
  private static let chaserCode: [UInt8] = [
    0x60, 0, 0x54, 0x80, 0x60, 16, 0x01, 0x80, 0x54, 0x60, 1, 0x01, 0x90, 0x55, 0x60, 5, 0x02, 0x60, 1, 0x01,
    0x60, 7, 0x16, 0x60, 0, 0x55, 0x00,
  ]
  /// With data, keeps the address in it; without, calls the address that it kept.
  private static let routerCode: [UInt8] = [
    0x36, 0x60, 19, 0x57, 0x60, 0, 0x80, 0x80, 0x80, 0x80, 0x60, 0, 0x54, 0x5a, 0xf1, 0x60, 1, 0x55, 0x00,
    0x5b, 0x60, 0, 0x35, 0x60, 0, 0x55, 0x00,
  ]
  /// Calls the address in its data with the rest of the data, and stores what came of it.
  private static let proberCode: [UInt8] = [
    0x60, 32, 0x36, 0x03, 0x60, 32, 0x60, 0, 0x37, 0x60, 32, 0x60, 0, 0x60, 32, 0x36, 0x03, 0x60, 0, 0x60, 0,
    0x60, 0, 0x35, 0x61, 0xc3, 0x50, 0xf1, 0x60, 0, 0x51, 0x01, 0x60, 0, 0x55, 0x00,
  ]
  /// Creates what its data makes.
  private static let deployerCode: [UInt8] = [
    0x36, 0x60, 0, 0x60, 0, 0x37, 0x36, 0x60, 0, 0x34, 0xf0, 0x60, 0, 0x55, 0x00,
  ]

  /// Initcode that returns `code`.
  private static func deploying(_ code: [UInt8]) -> [UInt8] {
    [0x60, UInt8(code.count), 0x60, 12, 0x60, 0, 0x39, 0x60, UInt8(code.count), 0x60, 0, 0xf3] + code
  }

  private var nonces: [Address: UInt64] = [:]
  private var random: SplitMix64
  private let fork: Fork
  private var situation = Situation.counter

  init(seed: UInt64, count: Int, fork: Fork, contention: Int, gasLimit: UInt64 = 1 << 40) {
    random = SplitMix64(seed: seed)
    self.fork = fork
    genesis = EthereumGenesis(chainID: 1, fork: fork.name, baseFeePerGas: 0, coinbase: Self.coinbase)
    genesis.gasLimit = gasLimit
    var codes = [
      (Self.counter, Self.counterCode), (Self.hot, Self.hotCode), (Self.watcher, Self.watcherCode),
      (Self.mortal, Self.mortalCode), (Self.factory, Self.factoryCode), (Self.reverter, Self.reverterCode),
      (Self.burner, Self.burnerCode), (Self.forwarder, Self.forwarderCode), (Self.chaser, Self.chaserCode),
      (Self.router, Self.routerCode), (Self.prober, Self.proberCode), (Self.deployer, Self.deployerCode),
    ]
    for (number, address) in Self.programs.enumerated() {
      let seed = seed &* 16 &+ UInt64(number)
      codes.append((address, RandomProgram.code(seed: seed, fork: fork, size: 24)))
    }
    // The fee recipient is nobody, somebody, or a contract.
    if seed % 3 == 2 { codes.append((Self.coinbase, Self.watcherCode)) }
    for (address, code) in codes {
      var account = EthereumGenesis.Account(address: address)
      (account.nonce, account.code, account.balance) = (1, code, 1)
      account.storage = [.init(key: 1, value: 5)]
      genesis.alloc.append(account)
    }
    for person in Self.people + Self.authorities.map(\.address) {
      var account = EthereumGenesis.Account(address: person)
      account.balance = 1_000_000_000_000
      genesis.alloc.append(account)
    }
    if seed % 3 == 1 {
      var recipient = EthereumGenesis.Account(address: Self.coinbase)
      recipient.balance = 1_000_000_000
      genesis.alloc.append(recipient)
    }
    genesis.alloc.sort { $0.address < $1.address }
    for _ in 0..<count { add(contention) }
  }

  private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

  private mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  /// What the fork knows.
  private var all: [Situation] {
    // What few forks know comes twice as often there.
    (Situation.allCases + [.delegates, .callsDelegated, .sentByDelegated, .blob, .recreates]).filter {
      switch $0 {
      case .delegates, .callsDelegated, .sentByDelegated: fork >= .prague
      case .blob: fork >= .cancun
      case .recreates: fork >= .constantinople
      default: true
      }
    }
  }

  private mutating func add(_ contention: Int) {
    // Contention: how many of a hundred are not between people of their own.
    let all = all
    situation = below(100) < contention ? all[below(all.count)] : .counter
    let sender = Self.people[below(contention > 50 ? 4 : Self.people.count)]
    let other = Self.people[below(Self.people.count)]
    switch situation {
    case .plainTransfer: send(sender, other, value: UInt64(1 + below(1000)))
    case .nonceChain: for step in 0..<3 { send(sender, Self.counter, value: UInt64(step)) }
    case .wrongNonce: send(sender, other, nonceError: UInt64(1 + below(3)))
    case .counter: send(sender, Self.counter)
    case .hotSlot: send(sender, Self.hot, value: UInt64(below(2)))
    case .chasesSlot: send(sender, Self.chaser)
    case .readsFeeRecipient: send(sender, Self.watcher)
    case .paysFeeRecipient: send(sender, Self.coinbase, value: UInt64(below(3)))
    case .sentByFeeRecipient: send(Self.coinbase, other, value: 3)
    case .destroys: send(sender, Self.mortal, data: below(2) == 0 ? [1] : [])
    case .reverts: send(sender, Self.reverter, value: 1)
    case .outOfGas: send(sender, Self.burner)
    case .noReward: send(sender, other, gasPrice: 0)
    case .emptyTarget: send(sender, Address(UInt256(0x77_0000 + UInt64(below(4)))))
    case .tooMuchGas: send(sender, Self.counter, gasLimit: 2_000_000)
    case .program: send(sender, Self.programs[below(3)], value: UInt64(below(2)), data: bytes(below(96)))
    case .blob: send(sender, other, value: 1, blobCount: 2 + below(4))
    case .damaged:
      situations.append(situation)
      transactions.append(.ethereum(EthereumWire([0x02, 0xc0, UInt8(below(250))], sender: sender)))
    case .creation, .callsCreated, .createsFromCode, .recreates: addCreation(sender, other)
    case .forwards, .setsRoute, .takesRoute, .precompile: addCall(sender, other)
    case .delegates, .callsDelegated, .sentByDelegated: addDelegation(sender, other)
    }
  }

  private mutating func addCreation(_ sender: Address, _ other: Address) {
    let initcode = Self.deploying(below(2) == 0 ? Self.counterCode : Self.mortalCode)
    switch situation {
    case .creation: send(sender, nil, data: initcode)
    case .createsFromCode: send(sender, Self.deployer, value: UInt64(below(2)), data: initcode)
    case .callsCreated:
      // Its last transaction now and then made one, or makes one now.
      let isNew = below(2) == 0
      if isNew { send(sender, nil, data: initcode) }
      let nonce = nonces[sender] ?? 0
      let back = isNew ? 1 : UInt64(below(Int(min(nonce, 3)) + 1))
      let created = Address.created(by: sender, nonce: nonce - back)
      send(other, created, value: UInt64(below(2)))
    default:
      let child = Address.created(
        by: Self.factory, salt: 9, initcodeHash: Keccak256.hash(Self.deploying(Self.mortalCode)))
      let isWhole = below(3) == 0
      if isWhole || below(2) == 0 { send(sender, Self.factory, value: 2) }
      send(other, child, data: isWhole || below(2) == 0 ? [1] : [])
      if isWhole { send(sender, Self.factory) }
    }
  }

  private mutating func addCall(_ sender: Address, _ other: Address) {
    let targets = [
      other, Self.coinbase, Self.counter, Self.hot, Self.mortal, Self.chaser, Self.programs[0],
      Address(UInt256(0x99_0000 + UInt64(below(3)))), Address(4),
    ]
    let target = UInt256(targets[below(targets.count)]).bigEndianBytes
    switch situation {
    case .setsRoute: send(sender, Self.router, data: target)
    case .takesRoute: send(sender, Self.router)
    case .precompile:
      let input = bytes(below(4) == 0 ? [0, 1, 160, 256][below(4)] : [64, 96, 128, 192, 213, 384][below(6)])
      send(
        sender, Self.prober,
        data: UInt256(UInt64(below(12) == 0 ? 0x100 : 1 + below(18))).bigEndianBytes + input)
    default: send(sender, Self.forwarder, value: UInt64(below(2)), data: target)
    }
  }

  private mutating func addDelegation(_ sender: Address, _ other: Address) {
    let authority = Self.authorities[below(Self.authorities.count)]
    switch situation {
    case .callsDelegated: send(sender, authority.address, value: UInt64(below(2)))
    case .sentByDelegated: send(authority.address, below(3) == 0 ? authority.address : other, value: 1)
    default:
      // Itself now and then, whose nonce the transaction itself uses up first.
      let sender = below(4) == 0 ? authority.address : sender
      let target = [
        Self.counter, Self.counter, Self.counter, Self.watcher, Self.mortal, Address(UInt256.zero),
      ][below(6)]
      let isWrong = below(6) == 0
      let nonce = (nonces[authority.address] ?? 0) + (sender == authority.address ? 1 : 0)
      let authorization = Authorization(
        chainID: UInt256(UInt64(below(2))), address: target, nonce: isWrong ? nonce + 1 : nonce,
        signature: .none
      ).signed(by: authority)
      send(sender, below(2) == 0 ? authority.address : other, authorization: authorization)
      if !isWrong { nonces[authority.address, default: 0] += 1 }
    }
  }

  private mutating func send(
    _ sender: Address, _ target: Address?, value: UInt64 = 0, data: [UInt8] = [], gasPrice: UInt64? = nil,
    gasLimit: UInt64 = 200_000, nonceError: UInt64 = 0, authorization: Authorization? = nil,
    blobCount: Int = 0
  ) {
    let nonce = nonces[sender] ?? 0
    let price = UInt256(gasPrice ?? UInt64(1 + below(3)))
    let kind: EthereumTransaction.Kind = authorization != nil ? .setCode : blobCount > 0 ? .blob : .legacy
    var transaction = EthereumTransaction(
      kind: kind, chainID: kind == .legacy ? nil : 1, nonce: nonce + nonceError, maxPriorityFeePerGas: price,
      maxFeePerGas: price, gasLimit: gasLimit, to: target, value: UInt256(value), data: data)
    if let authorization { transaction.authorizations = [authorization] }
    if blobCount > 0 {
      transaction.maxFeePerBlobGas = 3
      transaction.blobVersionedHashes = (0..<blobCount).map {
        Hash(UInt256.one << 248 &+ UInt256(UInt64($0)))
      }
    }
    if nonceError == 0 { nonces[sender] = nonce + 1 }
    situations.append(situation)
    transactions.append(.ethereum(EthereumWire(transaction.encoded, sender: sender)))
  }

  /// Whether the contract that gives itself up is no more.
  func mortalIsGone(in chain: Chain) -> Bool { (try? chain.ethereumAccount(Self.mortal)) == .some(nil) }
}
