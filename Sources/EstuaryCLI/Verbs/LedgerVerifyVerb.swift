import ArgumentParser
import Estuary
import Execution
import FoundationEssentials
import Ledger
import Scheduling

struct LedgerVerifyVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Read all of a ledger and check that its accounts add up to its state hash and no block is missing.",
    discussion: """
      Reads the ledger as it is at the start, beside whoever writes it. Of Ethereum's blocks every header, body, receipt \
      and trie is computed again; of Solana's transactions that can be looked up all indices are followed. With --replay \
      every block is executed again as well, in memory, from the genesis on, and has to come out as it is recorded. Programs \
      and contracts that an embedding program runs in place of code are not known here.
      """)

  @OptionGroup var directory: LedgerDirectory

  @Flag(help: "Execute every block again.")
  var replay = false

  @Option(help: "Threads that execute a block's transactions, 1 to 256 (default: the machine's processors).")
  var workers: Int?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if workers != nil && !replay { throw ValidationError("--workers is for --replay") }
    if let workers, !(1...256).contains(workers) {
      throw ValidationError("--workers: a number from 1 to 256")
    }
  }

  func run() throws {
    let store = try directory.openForReading()
    let executor = try LockExecutor(workerCount: ProcessInfo.processInfo.activeProcessorCount)
    defer { Terminal.progress("") }
    let found = try store.verify(parallelFor: executor.parallelFor) { count in
      Terminal.progress("\(count) accounts read")
    }
    Terminal.progress("")
    let ethereumBlocks = try EthereumArchive(store: store).verify()
    let transactions = try SolanaHistory(of: store).verify()
    try OwnerIndex(of: store).verify()
    guard let head = store.head else { throw StoreError.missing(path: directory.path) }
    let repeated = try replay ? repeatBlocks(of: store) : nil
    output.print(
      text: "whole: \(found.accountCount) accounts, \(found.blockCount) blocks, state hash \(head.stateHash)"
        + (ethereumBlocks > 0 ? "; \(ethereumBlocks) of Ethereum's blocks" : "")
        + (transactions > 0 ? "; \(transactions) of Solana's transactions" : "")
        + (repeated.map { Self.text($0) } ?? ""),
      json: {
        $0.object {
          $0.member("accounts", found.accountCount)
          $0.member("blocks", found.blockCount)
          $0.member("stateHash", head.stateHash.description)
          $0.member("ethereumBlocks", ethereumBlocks)
          $0.member("solanaTransactions", transactions)
          guard let repeated else { return }
          $0.key("replay")
          $0.object {
            $0.member("blocks", repeated.blockCount)
            $0.member("overrides", repeated.overrideCount)
            $0.member("solanaTransactions", repeated.solanaCount)
            $0.member("ethereumTransactions", repeated.ethereumCount)
          }
        }
      })
  }

  private func repeatBlocks(of store: any AccountStore) throws -> Reexecution {
    defer { Terminal.progress("") }
    return try Chain.reexecute(
      store, workers: workers ?? min(ProcessInfo.processInfo.activeProcessorCount, 256)
    ) { height, last in
      if height % 64 == 0 { Terminal.progress("\(height) of \(last) blocks executed again") }
    }
  }

  private static func text(_ repeated: Reexecution) -> String {
    "\nexecuted again: \(repeated.blockCount) blocks with \(repeated.solanaCount) of Solana's transactions and "
      + "\(repeated.ethereumCount) of Ethereum's, the same state after each"
  }
}
