// What a verb fails with when it is nobody else's error: the text says what to do.

import Estuary
import Ledger
import Primitives

enum CLIError: Error, CustomStringConvertible {
  case noAccount(Pubkey)
  case noKey(String)
  case noAmount(String)
  case unreadable(path: String, detail: String)
  case unwritable(path: String, detail: String)
  case noFolder(path: String, detail: String)
  case noPayer(path: String, String)
  case transactionFailed(text: String)
  case notHex(String)
  case noBytecode(String)
  case failedCases(Int)
  case noCases
  case nothingToMeasure(String)
  case program(path: String, detail: String)
  case noProgram(Pubkey, detail: String)
  case silentAuthority(Pubkey)
  case givenTwice(Pubkey)
  /// A key at which every ledger has an account of its own.
  case reserved(Pubkey, role: String)
  /// An account of another cluster that a new ledger was to have.
  case notCloned(Pubkey, url: String, String)
  case noFaucet(String)
  case strayLines(path: String, count: Int, first: TransactionLineError)
  /// Of a file of Ethereum's blocks.
  case badBlock(path: String, block: String, String)
  case noBlock(String)
  case noSignature(String)
  case noFeature(String, known: [String])
  case noTransaction(String, blocks: UInt64)
  case notConfirmed(String, url: String)
  /// What a node is not asked for.
  case onlyDirectory(String, url: String)
  /// The contracts of a workload need a later fork.
  case workloadFork(String, kind: String)

  var description: String {
    switch self {
    case .noAccount(let key): "there is no account at \(key)"
    case .noFeature(let text, let known):
      "'\(text.prefix(100))' is no feature that can be set here: \(known.joined(separator: ", "))"
    case .noSignature(let text): "'\(text.prefix(100))' is no signature: base58 of 64 bytes"
    case .noTransaction(let text, let blocks):
      "there is no transaction \(text) in the ledger's last \(blocks) blocks, as far as they are kept"
    case .notConfirmed(let signature, let url):
      "\(url): \(signature) is in no block that the node knows"
    case .onlyDirectory(let what, let url):
      "\(url): this verb does not ask nodes for what it would show (\(what)): give --ledger, or ask with a client of "
        + "the node's own protocol"
    case .noKey(let text): "'\(text)' is neither a base58 key of 32 bytes nor a key pair file"
    case .noAmount(let text):
      "'\(text)' is no amount of SOL: a number below 18446744073 with up to 9 decimals"
    case .unreadable(let path, let detail): "'\(path)' cannot be read: \(detail)"
    case .unwritable(let path, let detail): "'\(path)' cannot be written: \(detail)"
    case .noFolder(let path, let detail): "the folder '\(path)' cannot be made: \(detail)"
    case .noPayer(let path, let detail):
      "\(detail): it is the payer's, make it with 'estuary keygen -o \(path)' or name another with --keypair"
    case .notHex(let text): "'\(text.prefix(40))' is no hexadecimal text of whole bytes"
    case .noBytecode(let text): "'\(text.prefix(40))' is neither hexadecimal bytecode nor a file"
    case .program(let path, let detail): "'\(path)': \(detail)"
    case .noProgram(let key, let detail):
      "\(key) is no program and no buffer that this can be done to: \(detail)"
    case .noFaucet(let ledger):
      "the ledger in '\(ledger)' has no faucet, because its genesis has none: transfer SOL from an account that has some"
    case .strayLines(let path, let count, let first):
      "'\(path)' has \(count == 1 ? "a line" : "\(count) lines") without a transaction"
        + (count == 1 ? "" : ", the first") + ": \(first)"
    case .badBlock(let path, let block, let detail):
      "'\(path)': \(block) is refused: \(detail); the blocks before it are in the ledger"
    case .noBlock(let text): "the ledger has no block \(text)"
    case .workloadFork(let fork, let kind):
      "the contracts of '\(kind)' are for \(EthereumWorkload.firstFork.name) and later forks, the ledger is at \(fork): "
        + "name another with --ledger"
    case .givenTwice(let key): "account \(key) is given twice"
    case .reserved(let key, let role):
      "\(key) is \(role), of which every ledger has its own: name another address"
    case .notCloned(let key, let url, let detail): "\(url): \(key) cannot be copied: \(detail)"
    case .silentAuthority(let key):
      "the new authority \(key) has to sign: give its key pair file, or "
        + "--skip-new-upgrade-authority-signer-check"
    case .failedCases(let count): "\(count) cases failed"
    case .noCases: "no case was run: the files have none, or none of the fork or name that was asked for"
    case .nothingToMeasure(let reason): reason
    case .transactionFailed(let text): text
    }
  }
}

extension OutputOptions {
  /// Prints a transaction that succeeded; one that failed is the verb's error, after its JSON.
  func print(_ sent: SentTransaction, success: () throws -> String) throws {
    let result = sent.result
    if json {
      var writer = JSONWriter()
      result.write(to: &writer)
      Terminal.write(writer.bytes + [UInt8(ascii: "\n")])
    }
    if let failure = sent.failure { throw failure }
    if !json {
      Swift.print(try success())
      if let signature = result.signature { Swift.print("Signature: \(signature)") }
    }
  }
}
