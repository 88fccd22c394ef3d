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
      and trie is computed again; of Solana's transactions that can be looked up all indices are followed.
      """)

  @OptionGroup var directory: LedgerDirectory
  @OptionGroup var output: OutputOptions

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
    output.print(
      text: "whole: \(found.accountCount) accounts, \(found.blockCount) blocks, state hash \(head.stateHash)"
        + (ethereumBlocks > 0 ? "; \(ethereumBlocks) of Ethereum's blocks" : "")
        + (transactions > 0 ? "; \(transactions) of Solana's transactions" : ""),
      json: {
        $0.object {
          $0.member("accounts", found.accountCount)
          $0.member("blocks", found.blockCount)
          $0.member("stateHash", head.stateHash.description)
          $0.member("ethereumBlocks", ethereumBlocks)
          $0.member("solanaTransactions", transactions)
        }
      })
  }
}
