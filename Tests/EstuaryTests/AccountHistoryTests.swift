// What is known of earlier states against what was seen when they were the present ones.

import Contracts
import EVM
import Execution
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary

@Suite struct AccountHistoryTests {
  private static let alice = Ed25519.KeyPair(seed: SHA256.hash([1]))
  private static let counter = Address(0xc0de)
  /// Counts in slot 0; at 3 it is back at 0, and the slot gone.
  private static let code: [UInt8] = [0x60, 3, 0x60, 1, 0x60, 0, 0x54, 0x01, 0x06, 0x60, 0, 0x55]

  private func chain(_ store: any AccountStore, keepsAccounts: Bool = true) throws -> Chain {
    var ethereum = EthereumGenesis.funded()
    var account = EthereumGenesis.Account(address: Self.counter)
    (account.code, account.nonce) = (Self.code, 1)
    ethereum.alloc = (ethereum.alloc + [account]).sorted { $0.address < $1.address }
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 1_700_000_000, blockhash: .zero,
      accounts: [(Self.alice.pubkey, Account(lamports: 10_000_000_000, owner: ProgramID.system))],
      ethereum: ethereum)
    return try Chain(
      store: store, genesis: genesis, executor: SerialExecutor(), progress: .advancing,
      keepsAccounts: keepsAccounts)
  }

  private func step(_ chain: Chain, _ number: UInt64) throws {
    let target = Pubkey(word0: number % 3, word1: 7, word2: 7, word3: 7)
    let transfer = try TransactionBuilder(
      payer: Self.alice.pubkey, recentBlockhash: chain.blockhash,
      instructions: [System.transfer(from: Self.alice.pubkey, to: target, lamports: 1_000_000 + number)]
    ).signed(by: [Self.alice])
    let key = DevelopmentAccounts.keys[Int(number % 2)]
    let call = EthereumTransaction(
      kind: .dynamicFee, chainID: 1337, nonce: try chain.ethereumAccount(key.address)?.nonce ?? 0,
      maxPriorityFeePerGas: 1,
      maxFeePerGas: 10_000_000_000, gasLimit: 100_000, to: Self.counter)
    let lines: [TransactionLine] =
      number % 4 == 3
      ? [.success(.solana(transfer.bytes))]
      : [
        .success(.solana(transfer.bytes)),
        .success(.ethereum(EthereumWire(call.encoded, sender: key.address))),
      ]
    let block = try chain.execute(BlockTransactions(lines), verifiesSignatures: false)
    #expect(block.receipts.solana[0].error == nil)
  }

  private func all(_ store: any AccountStore) throws -> [Pubkey: Account] {
    var accounts: [Pubkey: Account] = [:]
    try store.forEachAccount { key, account in accounts[key] = account }
    return accounts
  }

  @Test func earlierStatesAreWhatTheyWere() throws {
    let store = MemoryStore()
    let chain = try chain(store)
    var states = [try all(store)]
    for number in 0..<12 as Range<UInt64> {
      try step(chain, number)
      states.append(try all(store))
    }
    let history = AccountHistory(of: store)
    #expect(try history.firstHeight() == 0)
    let keys = Set(states.flatMap(\.keys))
    #expect(keys.contains { EVMKey.contains($0) } && keys.count > 20)
    for (height, state) in states.enumerated() {
      for key in keys {
        #expect(try history.account(key, at: UInt64(height)) == state[key], "\(height) \(key)")
      }
    }
    // What a block replaced takes its state back to the one before.
    var state = states[states.count - 1]
    for height in stride(from: states.count - 1, to: 0, by: -1) {
      for (key, account) in try history.replaced(by: UInt64(height)) { state[key] = account }
      #expect(state == states[height - 1], "\(height)")
    }
  }

  @Test func oldStatesGo() throws {
    let store = MemoryStore()
    let chain = try chain(store)
    chain.historyBlockCount = 4
    var states = [try all(store)]
    for number in 0..<10 as Range<UInt64> {
      try step(chain, number)
      states.append(try all(store))
    }
    let history = AccountHistory(of: store)
    #expect(try history.firstHeight() == 6)
    for height in 6...10 {
      for (key, account) in states[height] {
        #expect(try history.account(key, at: UInt64(height)) == account)
      }
    }
    var (lists, versions): (Int, Set<UInt64>) = (0, [])
    try store.forEachEntry(.blockAccounts, from: []) { _, _ in
      lists += 1
      return true
    }
    try store.forEachEntry(.accountVersions, from: []) { (key, _) in
      if let account = Pubkey(key.prefix(32)), !SysvarID.all.contains(account) {
        versions.insert(key.suffix(8).reduce(0) { $0 << 8 | UInt64($1) })
      }
      return true
    }
    #expect(lists == 4 && versions == [7, 8, 9, 10])
  }

  @Test func aBlockThatKeepsNothingEndsWhatIsKnown() throws {
    let store = MemoryStore()
    let chain = try chain(store)
    try step(chain, 0)
    try step(chain, 1)
    #expect(try AccountHistory(of: store).firstHeight() == 0)
    let other = try self.chain(store, keepsAccounts: false)
    try step(other, 2)
    #expect(try AccountHistory(of: store).firstHeight() == nil)
    let again = try self.chain(store)
    try step(again, 3)
    #expect(try AccountHistory(of: store).firstHeight() == 3)
  }
}
