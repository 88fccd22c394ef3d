// Blocks of Ethereum's transactions made to order, the other family's half of Workload.swift: calls of the contracts of
// Programs/, each by a sender of its own, of which so many per cent meet on one slot. Everything follows from the seed.
// The contracts stand in the genesis with their storage as deployment and use would have left it.

import EVM
import Execution
import Ledger
import Primitives
import WideIntegers

package struct EthereumWorkload {
  package enum Kind: String, CaseIterable, Sendable {
    /// A transfer of the token of Programs/erc20 between two holders; the hot ones pay one and the same person.
    case erc20
    /// A swap in a pool of Programs/pool, in either direction; the hot ones share one pool.
    case swaps
    /// Ether from one account to another; the hot ones pay one and the same person.
    case payments
  }

  /// A transaction and who sends it.
  package struct Sent: Sendable {
    package var transaction: EthereumTransaction
    package let sender: Address
    /// What it uses, where that was found out (`findAccesses`).
    package var access: AccessSet?

    package var wire: EthereumWire { EthereumWire(transaction.encoded, sender: sender, access: access) }
  }

  package let kind: Kind
  private let isSigned: Bool
  private let chainID: UInt64
  private let maxFeePerGas: UInt256
  /// Senders and pools.
  private var accounts: [EthereumGenesis.Account] = []
  /// One, or the two that pools hold; payments need none.
  private var tokens: [Token]
  /// The recipient or the pool that the hot transactions share.
  private let hot: Address
  private var gas: UInt64 = 0
  private var random: SplitMix64

  /// - Parameters:
  ///   - base: what the genesis has besides, for the chain id and the base fee.
  ///   - isSigned: whether transactions are signed; where not, they are for runs that check no signatures.
  package init(_ kind: Kind, over base: EthereumGenesis, isSigned: Bool, seed: UInt64) {
    (self.kind, self.isSigned, chainID) = (kind, isSigned, base.chainID)
    maxFeePerGas = base.baseFeePerGas &+ base.baseFeePerGas &+ Self.priorityFeePerGas
    var draws = SplitMix64(seed: seed)
    tokens = []
    for _ in 0..<kind.tokenCount { tokens.append(Token(address: Address(Self.word(&draws)))) }
    hot = Address(Self.word(&draws))
    random = draws
    switch kind {
    case .erc20: tokens[0].give(hot, Self.holding)
    case .swaps: addPool(hot)
    case .payments: addPerson(hot)
    }
  }

  private static let priorityFeePerGas = UInt256(1_000_000_000)
  private static let ether = UInt256(1_000_000_000_000_000_000)
  /// Of a token, for each who has some.
  private static let holding: UInt64 = 1_000_000_000

  /// The oldest fork whose instructions the contracts use.
  package static var firstFork: Fork { .cancun }

  /// Appends `count` transactions to `sent`.
  ///
  /// - Parameter contention: per cent of transactions that meet on one slot, `[0, 100]`.
  package mutating func append(_ count: Int, contention: Int, to sent: inout [Sent]) {
    for _ in 0..<count {
      let key = privateKey()
      let isHot = random.next() % 100 < UInt64(contention)
      let place = isHot ? hot : Address(Self.word(&random))
      let call =
        switch kind {
        case .erc20: transfer(by: key.address, to: place, isNew: !isHot)
        case .swaps: swap(by: key.address, in: place, isNew: !isHot)
        case .payments: payment(to: place, isNew: !isHot)
        }
      gas += call.gasLimit
      addPerson(key.address, fees: maxFeePerGas &* UInt256(call.gasLimit))
      var transaction = EthereumTransaction(
        kind: .dynamicFee, chainID: chainID, nonce: 0, maxPriorityFeePerGas: Self.priorityFeePerGas,
        maxFeePerGas: maxFeePerGas, gasLimit: call.gasLimit, to: call.target, value: UInt256(call.value),
        data: call.input)
      if isSigned { transaction = transaction.signed(by: key) }
      sent.append(Sent(transaction: transaction, sender: key.address))
    }
  }

  private struct Call {
    let target: Address
    /// Wei.
    var value: UInt64 = 0
    var input: [UInt8] = []
    let gasLimit: UInt64
  }

  private mutating func transfer(by sender: Address, to recipient: Address, isNew: Bool) -> Call {
    tokens[0].give(sender, Self.holding)
    if isNew { tokens[0].give(recipient, Self.holding) }
    let input = Self.input("transfer(address,uint256)", UInt256(recipient), UInt256(amount()))
    return Call(target: tokens[0].address, input: input, gasLimit: 100_000)
  }

  private mutating func payment(to recipient: Address, isNew: Bool) -> Call {
    if isNew { addPerson(recipient) }
    return Call(target: recipient, value: amount(), gasLimit: 21_000)
  }

  private mutating func swap(by sender: Address, in pool: Address, isNew: Bool) -> Call {
    if isNew { addPool(pool) }
    for token in tokens.indices { tokens[token].give(sender, Self.holding) }
    let zeroForOne = random.next() % 2
    tokens[zeroForOne == 1 ? 0 : 1].allow(sender, pool)
    let input = Self.input(
      "swap(bool,uint256,uint256,address)", UInt256(zeroForOne), UInt256(1000 &+ amount()), UInt256(1),
      UInt256(sender))
    return Call(target: pool, input: input, gasLimit: 250_000)
  }

  private mutating func amount() -> UInt64 { 1 + random.next() % 1000 }

  /// Somebody with an ether to spend.
  private mutating func addPerson(_ address: Address, fees: UInt256 = .zero) {
    var person = EthereumGenesis.Account(address: address)
    person.balance = Self.ether &+ fees
    accounts.append(person)
  }

  private mutating func addPool(_ address: Address) {
    let reserve: UInt64 = 1_000_000_000_000
    for token in tokens.indices { tokens[token].give(address, reserve) }
    var pool = EthereumGenesis.Account(address: address)
    (pool.nonce, pool.code) = (1, WorkloadContracts.pool)
    // Tokens, reserves, shares, in the order of the source.
    let values = tokens.map { UInt256($0.address) } + [UInt256](repeating: UInt256(reserve), count: 3)
    pool.storage = values.enumerated().map { .init(key: UInt256(UInt64($0.offset)), value: $0.element) }
    accounts.append(pool)
  }

  private mutating func privateKey() -> PrivateKey {
    while true { if let key = PrivateKey(Self.word(&random).bigEndianBytes) { return key } }
  }

  private static func word(_ random: inout SplitMix64) -> UInt256 {
    UInt256(Hash(word0: random.next(), word1: random.next(), word2: random.next(), word3: random.next()))
  }

  /// A call's input: the function's selector and static arguments.
  private static func input(_ signature: String, _ words: UInt256...) -> [UInt8] {
    Array(Keccak256.hash(Array(signature.utf8)).bytes[..<4]) + words.flatMap(\.bigEndianBytes)
  }

  // MARK: Genesis

  /// `base` with the accounts that the transactions need, and a block that has room for all of them.
  package func genesis(over base: EthereumGenesis) -> EthereumGenesis {
    var genesis = base
    genesis.gasLimit = max(base.gasLimit, gas)
    let needed = accounts + tokens.map(\.account)
    let addresses = Set(needed.map(\.address))
    genesis.alloc = (base.alloc.filter { !addresses.contains($0.address) } + needed)
      .sorted { $0.address < $1.address }
    return genesis
  }

  /// Gives each transaction the set of what it uses when all run one after the other from `genesis` on.
  ///
  /// - Throws: `emulation` where one of them would have no place in the block.
  package static func findAccesses(
    of sent: inout [Sent], from genesis: EthereumGenesis
  ) throws(WorkloadError) {
    let emulator: Emulator?
    do throws(ChainError) {
      let ledger: Genesis
      do throws(SysvarError) {
        ledger = try Genesis(
          slot: 1, unixTimestamp: 0, blockhash: .zero, accounts: [], ethereum: genesis)
      } catch { throw .sysvar(error) }
      emulator = try Chain(
        store: MemoryStore(), genesis: ledger, executor: SerialExecutor(), progress: .fixed
      ).emulator()
    } catch { throw .chain(error) }
    guard let emulator else { return }
    for position in sent.indices {
      do throws(EmulationError) {
        let emulation = try emulator.run(
          sent[position].transaction, from: sent[position].sender, checks: .all)
        emulator.apply(emulation)
        sent[position].access = emulation.accessSet
      } catch { throw .emulation(error) }
    }
  }
}

/// Why no sets could be found for a workload.
package enum WorkloadError: Error, Sendable {
  case chain(ChainError)
  case emulation(EmulationError)
}

extension WorkloadError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .chain(let error): "the workload's genesis is unusable: \(error)"
    case .emulation(let error): "a transaction of the workload has no place in its block: \(error)"
    }
  }
}

extension EthereumWorkload.Kind {
  fileprivate var tokenCount: Int {
    switch self {
    case .erc20: 1
    case .swaps: 2
    case .payments: 0
    }
  }
}

/// A token of Programs/erc20 in storage (the compiler's layout of variables: `vyper -f layout`).
private struct Token {
  let address: Address
  private var supply: UInt64 = 0
  private var slots: [EthereumGenesis.Slot] = []

  init(address: Address) { self.address = address }

  /// Called once for each holder.
  mutating func give(_ holder: Address, _ amount: UInt64) {
    supply += amount
    slots.append(.init(key: Self.slot(UInt256(7), holder), value: UInt256(amount)))
  }

  /// Lets `spender` take what it likes; called once for each pair.
  mutating func allow(_ holder: Address, _ spender: Address) {
    slots.append(.init(key: Self.slot(Self.slot(UInt256(8), holder), spender), value: UInt256.max))
  }

  /// Where a mapping at `base` keeps the value of `key`; Vyper hashes the base first.
  private static func slot(_ base: UInt256, _ key: Address) -> UInt256 {
    UInt256(Keccak256.hash(base.bigEndianBytes + UInt256(key).bigEndianBytes))
  }

  /// "Token" of the symbol "TOK", 18 decimals, owned by nobody.
  var account: EthereumGenesis.Account {
    var account = EthereumGenesis.Account(address: address)
    (account.nonce, account.code) = (1, WorkloadContracts.erc20)
    let fixed: [(UInt64, UInt256)] = [
      (0, 5), (1, Self.text("Token")), (2, 3), (3, Self.text("TOK")), (4, 18), (6, UInt256(supply)),
    ]
    account.storage = fixed.map { .init(key: UInt256($0.0), value: $0.1) } + slots
    account.storage.sort { $0.key < $1.key }
    return account
  }

  /// Left-aligned in a word.
  private static func text(_ text: String) -> UInt256 {
    let bytes = Array(text.utf8)
    return UInt256(Hash(bytes + [UInt8](repeating: 0, count: 32 - bytes.count)) ?? .zero)
  }
}
