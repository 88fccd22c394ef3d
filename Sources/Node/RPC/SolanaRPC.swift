// Solana's JSON-RPC methods (https://solana.com/docs/rpc), answered as Agave answers them. docs/node.md lists the methods
// with the data that answers each. What a method reads of accounts and history comes from the store, on the thread that
// asks; simulations go to the producer.

import Estuary
import Execution
import Ledger
import Primitives

package struct SolanaRPC: RPCDialect {
  let producer: Producer
  /// The node's name among nodes.
  let identity: Pubkey
  /// What long reads run on.
  let background: BackgroundThreads
  /// What developers have told it.
  let notes = DeveloperNotes()

  package init(_ producer: Producer, identity: Pubkey, background: BackgroundThreads) {
    (self.producer, self.identity, self.background) = (producer, identity, background)
  }

  typealias Method = @Sendable (SolanaRPC, Parameters) async throws(RPCError) -> [UInt8]

  package func call(_ method: String, _ parameters: JSONValue?) async throws(RPCError) -> [UInt8] {
    guard let handler = Self.methods[method] else { throw .methodNotFound }
    let parameters = try Parameters(parameters)
    try parameters.expect(Self.parameterCounts[method] ?? 0...1)
    return try await handler(self, parameters)
  }

  /// The release of Agave whose answers these are.
  static let agaveVersion = "3.0.0"

  static let methods: [String: Method] =
    chainMethods
    .merging(accountMethods) { first, _ in first }
    .merging(tokenMethods) { first, _ in first }
    .merging(historyMethods) { first, _ in first }
    .merging(transactionMethods) { first, _ in first }
    .merging(clusterMethods) { first, _ in first }

  /// How many parameters methods take, where it is not one of options that may be missing.
  private static let parameterCounts: [String: ClosedRange<Int>] = {
    var counts: [String: ClosedRange<Int>] = [:]
    for (count, names) in [
      (
        0...0,
        "getHealth getVersion getIdentity getGenesisHash getEpochSchedule getClusterNodes getHighestSnapshotSlot "
          + "getFirstAvailableBlock minimumLedgerSlot getInflationRate getMaxRetransmitSlot getMaxShredInsertSlot"
      ),
      (0...2, "getLeaderSchedule"),
      (1...1, "getBlockTime getBlockCommitment"),
      (
        1...2,
        "isBlockhashValid getFeeForMessage getMinimumBalanceForRentExemption getBalance getAccountInfo "
          + "getMultipleAccounts getProgramAccounts getTokenAccountBalance getTokenSupply getTokenLargestAccounts "
          + "getBlock getTransaction getSignatureStatuses getSignaturesForAddress getInflationReward sendTransaction "
          + "simulateTransaction"
      ),
      (1...3, "getBlocks"),
      (2...2, "getSlotLeaders"),
      (2...3, "getTokenAccountsByOwner getTokenAccountsByDelegate getBlocksWithLimit requestAirdrop"),
    ] { for name in names.split(separator: " ") { counts[String(name)] = count } }
    return counts
  }()

  // MARK: Answers

  static func answer(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    write(&writer)
    return writer.bytes
  }

  /// `{"context": {"apiVersion", "slot"}, "value"}`
  static func answer(at slot: UInt64, value: (inout JSONWriter) -> Void) -> [UInt8] {
    answer { writer in
      writer.object { writer in
        writer.key("context")
        writer.object { writer in
          writer.member("apiVersion", agaveVersion)
          writer.member("slot", slot)
        }
        writer.key("value")
        value(&writer)
      }
    }
  }

  static func answer(at slot: UInt64, value: [UInt8]) -> [UInt8] {
    answer(at: slot) { $0.value(rawJSON: value) }
  }

  // MARK: Reading

  func stored<Value>(_ body: () throws(StoreError) -> Value) throws(RPCError) -> Value {
    do throws(StoreError) { return try body() } catch { throw RPCError(error) }
  }

  /// The account at `key` after the last committed block.
  func account(_ key: Pubkey) throws(RPCError) -> Account? {
    // The EVM's records are no accounts that Solana's clients could read.
    if EVMKey.contains(key) { return nil }
    return try stored { () throws(StoreError) in try producer.store.account(key) }
  }

  func mint(_ key: Pubkey) -> TokenState.Mint? {
    (try? account(key)).flatMap { $0 }.flatMap { TokenState.Mint($0) }
  }

  func write(
    _ account: Account, at key: Pubkey, as form: AccountForm, to writer: inout JSONWriter
  ) throws(RPCError) {
    try form.write(account, at: key, to: &writer) { mint($0) }
  }

  /// Times that an index is read so that all accounts are of one moment.
  private static let scanAttemptCount = 3
  /// Reading an account that the index names takes as long as walking over some fifty: a program that has more than this
  /// share of the accounts is found faster by a walk.
  private static let scanShare = 100
  private static let scanCount = 1000

  /// Takes the accounts that `owner` owns, in ascending order of keys, until `take` says that it has enough: by the index
  /// where the ledger has one, else by a walk over all accounts. What the index finds is of one moment, unless blocks that
  /// change something come faster than it can be read.
  ///
  /// - Parameters:
  ///   - place: where else in the index all is that `take` looks for; `nil`: under the owner.
  ///   - empty: what `take` fills.
  func scan<Found: Sendable>(
    owner: Pubkey, _ place: (kind: OwnerIndex.Kind, whose: Pubkey)? = nil,
    into empty: @escaping @Sendable () -> Found,
    _ take: @escaping @Sendable (Found, Pubkey, Account) -> Bool
  ) async throws(RPCError) -> Found {
    let store = producer.store
    let outcome = await background.run { () -> Result<Found, StoreError> in
      Result { () throws(StoreError) in
        let index = OwnerIndex(of: store)
        let (kind, whose) = place ?? (.owner, owner)
        let limit = max(Self.scanCount, store.estimatedAccountCount / Self.scanShare)
        if OwnerIndex.covers(owner), try index.isComplete() {
          for attempt in 1...Self.scanAttemptCount {
            let (height, found) = (store.head?.height, empty())
            var count = 0
            try index.forEachAccount(kind, of: whose) { (key, account) throws(StoreError) in
              count += 1
              return count <= limit && (account.owner != owner || take(found, key, account))
            }
            if count > limit { break }
            if attempt == Self.scanAttemptCount || store.head?.height == height { return found }
          }
        }
        let found = empty()
        try store.forEachAccount(in: .all) { (key, account) throws(StoreError) in
          account.owner != owner || EVMKey.contains(key) || take(found, key, account)
        }
        return found
      }
    }
    return try stored { () throws(StoreError) in try outcome.get() }
  }
}
