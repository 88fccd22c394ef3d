// Flags of solana-test-validator and Surfpool that `estuary node` does not have: the parser alone would call them unknown,
// where there is something of the same effect, or a reason.

enum ValidatorFlags {
  /// What to use in place of a flag, or why it has no meaning here.
  private static let advice: [String: String] = [
    "--ticks-per-slot":
      "--slot-ms sets the time from block to block (a tick is 6.25 ms, 64 of them are --slot-ms 400)",
    "--slot-time": "it is --slot-ms here",
    "--block-production-mode":
      "blocks come by the clock (--slot-ms), or with --instant when a transaction waits",
    "--limit-ledger-size": "--history-blocks says how many blocks can be looked up",
    "--deactivate-feature":
      "what mainnet has switched on is a part of this runtime; what it has not is off, and `estuary feature activate` "
      + "switches it on",
    "--clone-feature-set":
      "what mainnet has switched on is a part of this runtime; `estuary feature` lists and sets the rest",
    "--deep-clone-address-lookup-table": "name the table and the accounts in it with --clone",
    "--faucet-port": "the faucet is asked by requestAirdrop alone, and limits nobody",
    "--faucet-per-request-sol-cap": "the faucet limits nobody",
    "--faucet-per-time-sol-cap": "the faucet limits nobody",
    "--faucet-time-secs": "the faucet limits nobody",
    "--gossip-port": "the node has no gossip, nor peers",
    "--gossip-host": "the node has no gossip; --host says where it listens",
    "--dynamic-port-range": "the node listens on --port, --ws-port and --eth-port alone",
    "--log": "the log goes to standard error; --log-level says how much",
    "--config": "give --ledger, or name it in ~/.config/estuary/config.json",
    "--account-index": "accounts are always found by owner, holder and mint",
    "--rpc-pubsub-enable-block-subscription": "blocks can always be subscribed to",
    "--rpc-pubsub-enable-vote-subscription": "nobody votes on one node",
    "--geyser-plugin-config": "there are no plugins; subscriptions tell of accounts and blocks",
    "--compute-unit-limit": "the limit is the transaction's own, as on mainnet",
    "--transaction-account-lock-limit": "the limit is mainnet's",
    "--log-messages-bytes-limit": "the limit is mainnet's",
    "--rpc-url": "--url names the cluster that --clone copies from",
    "--airdrop": "--mint gives SOL in a new ledger, `estuary airdrop AMOUNT KEY --url localhost` later",
    "--no-tui": "there is nothing to leave out: the page is at the node's URL",
    "--no-studio": "there is nothing to leave out: the page is at the node's URL",
  ]

  /// The error for the arguments of `estuary node`; `nil` where none is of these flags.
  static func complaint(about arguments: [String]) -> String? {
    guard arguments.first == "node" else { return nil }
    for argument in arguments.dropFirst() {
      if argument == "--" { return nil }
      let flag = String(argument.prefix { $0 != "=" })
      if let text = advice[flag] {
        return
          "Error: 'estuary node' has no \(flag): \(text)\n  See 'estuary node --help' for more information."
      }
    }
    return nil
  }
}
