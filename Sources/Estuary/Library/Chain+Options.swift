// Opening a ledger from another program: in memory or in a directory, with a faucet and funded development accounts.
//
//   let chain = try Chain(workers: 4)                          // in memory, gone with the object
//   let chain = try Chain(directory: "ledger", workers: 4)     // made where it is missing, else gone on with
//   let chain = try Chain(store: mine, workers: 4)             // the same in a store of the program's own

import EVM
import Execution
import Ledger
import Primitives
import Scheduling

extension Chain {
  /// What a chain is made with, beside its place and its workers.
  public struct Options: Sendable {
    /// Of Ethereum's chain (EIP-155), where the ledger is made now.
    public var chainID: UInt64 = 1337
    /// Accounts that the ledger has from the start, where it is made now.
    public var accounts: [Pubkey: Account] = [:]
    /// What programs and contracts find beside what the runtime has; give the same whenever the ledger is opened.
    public var natives = Natives()
    /// Bytes of what is read of a ledger in a directory that may stay in memory between blocks; less than 1 MiB counts as
    /// 1 MiB, `nil` is a quarter of the machine's memory. What a block names and changes comes on top. A chain without a
    /// directory holds everything.
    public var cacheByteCount: Int?
    /// What runs the transactions of blocks in place of the chain's own workers, whose number then does not count.
    public var scheduler: (any BlockScheduler)?

    public init() {}
  }

  /// Opens a ledger that makes its own blocks. One that is made now begins with the programs and sysvars of Solana's
  /// runtime, a faucet (`airdrop`) and ten funded development accounts of Ethereum's (`PrivateKey.development`).
  ///
  /// - Parameters:
  ///   - directory: where the state is kept, made where it is missing; `nil` keeps it in memory. One process writes to a
  ///     directory at a time.
  ///   - workers: threads that execute a block's transactions, `[1, 256]`; 1 executes them one after the other. The result
  ///     is the same for any number.
  ///   - options: what else it is made with.
  public convenience init(
    directory: String? = nil, workers: Int = 1, options: Options = Options()
  ) throws(ChainError) {
    let store: any AccountStore
    do throws(StoreError) {
      store =
        if let directory {
          try RocksDBStore(
            path: directory, .creatingIfMissing,
            cacheByteCount: options.cacheByteCount.map { max($0, 1 << 20) }
              ?? RocksDBStore.defaultCacheByteCount)
        } else {
          MemoryStore()
        }
    } catch {
      throw .store(error)
    }
    try self.init(accounts: store, workers: workers, options: options, keepsTransactions: directory != nil)
  }

  /// Opens a ledger in a store of the embedding program's: the one that is there, or, where `store` is empty, one that is
  /// made as above.
  public convenience init(
    store: any KeyValueStore, workers: Int = 1, options: Options = Options()
  ) throws(ChainError) {
    let accounts: any AccountStore
    do throws(StoreError) { accounts = try KeyValueAccountStore(over: store) } catch { throw .store(error) }
    try self.init(accounts: accounts, workers: workers, options: options, keepsTransactions: true)
  }

  private convenience init(
    accounts store: any AccountStore, workers: Int, options: Options, keepsTransactions: Bool
  ) throws(ChainError) {
    var genesis: Genesis?
    if store.head == nil {
      let accounts = options.accounts.merging(options.natives.programAccounts) { _, native in native }
      genesis = try Self.freshGenesis(
        adding: accounts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
        ethereum: .funded(chainID: options.chainID, adding: options.natives.contractAccounts))
    }
    let contracts = try options.natives.functions()
    try self.init(
      store: store, genesis: genesis,
      executor: try Self.executor(workers: workers, contracts, options.scheduler),
      progress: .advancing, programs: try options.natives.programCache(), contracts: contracts,
      keepsTransactions: keepsTransactions)
  }

  static func executor(
    workers: Int, _ contracts: NativeContracts = .none, _ scheduler: (any BlockScheduler)? = nil
  ) throws(ChainError) -> any BlockExecutor {
    do throws(SchedulingError) {
      if let scheduler { return try ScheduledExecutor(scheduler, contracts: contracts) }
      return workers == 1
        ? SerialExecutor(contracts: contracts)
        : try LockExecutor(workerCount: workers, contracts: contracts)
    } catch {
      throw .workers(error)
    }
  }

  /// Opens a chain that begins with a genesis file, whose slot, time and blockhash stay (docs/ledger.md).
  ///
  /// - Parameters:
  ///   - genesisFile: JSON as the command line's `replay` takes it.
  ///   - directory: where the state is kept, an empty directory or one that began with the same genesis; `nil` keeps
  ///     it in memory.
  ///   - workers: threads of the lock executor, `[1, 256]`; 0 executes serially on the calling thread.
  public static func open(
    genesisFile: String, directory: String? = nil, workers: Int = 0
  ) throws(ChainError) -> Chain {
    let genesis: Genesis
    do throws(GenesisError) { genesis = try Genesis.read(genesisFile) } catch { throw .genesis(error) }
    let store: any AccountStore
    do throws(StoreError) {
      store = if let directory { try RocksDBStore(path: directory) } else { MemoryStore() }
    } catch {
      throw .store(error)
    }
    return try Chain(
      store: store, genesis: genesis, executor: try executor(workers: max(workers, 1)), progress: .fixed)
  }
}
