// What a program that embeds Estuary calls: open a chain, execute blocks, read accounts.
//
//   let chain = try Chain.open(genesisFile: "genesis.json", workers: 4)
//   let block = try chain.execute(transactions)
//   for result in block.receipts.solana { print(result.signature, result.error, result.computeUnits) }

import Ledger
import Primitives
import Scheduling

public typealias Pubkey = Primitives.Pubkey
public typealias Hash = Primitives.Hash
public typealias Signature = Primitives.Signature
public typealias Account = Ledger.Account
public typealias TransactionError = Ledger.TransactionError
public typealias InstructionError = Ledger.InstructionError

extension Chain {
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
    let executor: any BlockExecutor
    do throws(SchedulingError) {
      executor = workers == 0 ? SerialExecutor() : try LockExecutor(workerCount: workers)
    } catch {
      throw .workers(error)
    }
    return try Chain(store: store, genesis: genesis, executor: executor, progress: .fixed)
  }

  /// Executes transactions (Solana's wire format, at most 1,232 bytes each) as the next block, in effect one after the
  /// other, and commits it. One that cannot be decoded or fails is an error of its own receipt.
  ///
  /// - Throws: when the block could not be committed; the chain then stands where it stood.
  public func execute(_ transactions: [[UInt8]]) throws(ChainError) -> Block {
    try execute(BlockTransactions(solana: transactions), verifiesSignatures: true)
  }
}
