// Chains on disk for people who develop programs: a directory that is created with a funded faucet and moves on by one
// block a command.

import CrossCalls
import Execution
import Glibc
import Ledger
import Primitives
import Runtime
import WideIntegers

extension Chain {
  /// Opens the ledger in `directory`, one block after another from where it stands.
  ///
  /// - Parameters:
  ///   - opening: `creatingIfMissing` makes a fresh ledger where the directory is missing or empty; a chain that is opened
  ///     for `reading` cannot execute.
  ///   - patience: how long to wait for another writer.
  ///   - cacheByteCount: memory for what is read of the ledger (`RocksDBStore`).
  ///   - workers: threads that execute a block's transactions, `[1, 256]`.
  ///   - ethereum: what a fresh ledger's Ethereum side begins with.
  package static func open(
    directory: String, _ opening: RocksDBStore.Opening = .existing, patience: LockPatience = .brief,
    cacheByteCount: Int = RocksDBStore.defaultCacheByteCount, workers: Int = 1,
    ethereum: @autoclosure () -> EthereumGenesis = .development()
  ) throws(ChainError) -> Chain {
    let store: RocksDBStore
    let isEmpty: Bool
    do throws(StoreError) {
      store = try RocksDBStore(
        path: directory, opening, patience: patience, cacheByteCount: cacheByteCount)
      isEmpty = store.head == nil
      if isEmpty && opening == .reading { throw .missing(path: directory) }
    } catch {
      throw .store(error)
    }
    let genesis = isEmpty ? try freshGenesis(ethereum: ethereum()) : nil
    return try Chain(
      store: store, genesis: genesis, executor: try executor(workers: workers), progress: .advancing,
      keepsTransactions: true)
  }

  /// Lamports of a fresh ledger's faucet: 500 million SOL, as solana-test-validator has them.
  package static let faucetLamports: UInt64 = 500_000_000 * 1_000_000_000

  /// Signs airdrops. Its key is no secret: a ledger of this kind holds nothing of value.
  package static let faucet = Ed25519.KeyPair(seed: SHA256.hash(Array("estuary faucet".utf8)))

  /// Builtins, sysvars, a funded faucet, `accounts`, and an Ethereum side with lamports in the vault behind all its wei.
  static func freshGenesis(
    adding accounts: [(key: Pubkey, account: Account)] = [], ethereum: EthereumGenesis
  ) throws(ChainError) -> Genesis {
    let faucetAccount = Account(lamports: faucetLamports, owner: ProgramID.system)
    let wei = ethereum.alloc.reduce(UInt256.zero) { $0 &+ $1.balance }
    let backing = wei.divided(by: UInt256(Vault.weiPerLamport)).saturatedUInt64
    let vault = (Vault.key, Account(lamports: backing, owner: ProgramID.system))
    let time = Clocks.unixSeconds()
    var writer = ByteWriter(capacity: 16)
    writer.write(time)
    writer.write(UInt64(getpid()))
    do throws(SysvarError) {
      return try Genesis(
        slot: 1, unixTimestamp: time, blockhash: SHA256.hash(writer.bytes),
        accounts: [(faucet.pubkey, faucetAccount), vault] + accounts, ethereum: ethereum)
    } catch {
      throw .sysvar(error)
    }
  }

  /// Builds, signs and executes transactions as one block, in order.
  package func send(
    transactions: [TransactionDraft]
  ) throws(SubmissionError) -> [TransactionResult] {
    var wires: [[UInt8]] = []
    for (instructions, signers) in transactions {
      guard let payer = signers.first else { throw .noPayer }
      let builder = TransactionBuilder(
        payer: payer.pubkey, recentBlockhash: blockhash, instructions: instructions)
      do throws(TransactionBuildingError) {
        wires.append(try builder.signed(by: signers).bytes)
      } catch {
        throw .building(error)
      }
    }
    do throws(ChainError) { return try execute(wires).receipts.solana } catch { throw .chain(error) }
  }
}

/// Why a transaction could not be sent; one that was sent and failed is a result.
package enum SubmissionError: Error, Sendable, CustomStringConvertible {
  case noPayer
  case building(TransactionBuildingError)
  case chain(ChainError)
  /// A node did not say what became of it.
  case node(any Error & CustomStringConvertible & Sendable)

  package var description: String {
    switch self {
    case .noPayer: "a transaction needs a payer"
    case .building(let error): error.description
    case .chain(let error): error.description
    case .node(let error): error.description
    }
  }
}
