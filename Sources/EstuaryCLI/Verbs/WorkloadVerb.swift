import ArgumentParser
import EVM
import Estuary
import Ledger
import Primitives

struct WorkloadVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workload",
    abstract: "Make a genesis and signed transactions to replay, as contended as you like.",
    discussion: """
      Writes genesis.json and transactions.jsonl into DIRECTORY. The genesis is the ledger's state and the accounts \
      that the transactions use. 'counter' and 'token' call the example programs of Programs/, deployed on that ledger; \
      'erc20', 'swaps' and 'payments' are Ethereum's: calls of the contracts of Programs/, which the genesis holds, and \
      plain transfers of ether; in 'mixed', transfers of 'token' and of 'erc20' take turns.
      """)

  @Argument(help: "transfer, counter, token, erc20, swaps, payments or mixed.")
  var kind: KindName

  @Argument(help: ArgumentHelp("Where to write the two files.", valueName: "directory"))
  var directory: String

  @Option(help: ArgumentHelp("The deployed program: a base58 key or a key pair file.", valueName: "key"))
  var program: String?

  @Option(help: "Number of transactions.")
  var count = 20_000

  @Option(help: "Per cent of transactions that write or pay one and the same account, slot or pool.")
  var contention = 0

  @Option(help: "Everything follows from it: from 0 to 2^64 - 1.")
  var seed: UInt64 = 1

  @Flag(help: "Leave out the signatures of Ethereum's transactions: for 'replay --no-sigverify'.")
  var unsigned = false

  @Flag(help: "Add to each of Ethereum's transactions the set of what it uses, which then binds it.")
  var access = false

  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @OptionGroup var cache: CacheOptions

  @OptionGroup var output: OutputOptions

  enum KindName: String, ExpressibleByArgument, CaseIterable {
    case transfer, counter, token, erc20, swaps, payments, mixed

    /// Solana's transactions in it.
    var solana: Workload.Kind? { self == .mixed ? .token : Workload.Kind(rawValue: rawValue) }
    /// Ethereum's.
    var ethereum: EthereumWorkload.Kind? {
      self == .mixed ? .erc20 : EthereumWorkload.Kind(rawValue: rawValue)
    }
    /// Whether it calls a program that has to be on the ledger.
    var needsProgram: Bool { solana == .counter || solana == .token }
  }

  func validate() throws {
    if !(0...100).contains(contention) { throw ValidationError("--contention is a percentage from 0 to 100") }
    if count < 0 { throw ValidationError("--count must not be negative") }
    if kind.needsProgram && program == nil { throw ValidationError("'\(kind.rawValue)' needs --program") }
    if kind.ethereum == nil, let flag = unsigned ? "--unsigned" : access ? "--access" : nil {
      throw ValidationError("\(flag) is for Ethereum's transactions: erc20, swaps, payments and mixed have some")
    }
  }

  func run() throws {
    let chain = try Chain.open(directory: ledger, .reading, cacheByteCount: cache.byteCount)
    var block = Block(
      solana: try solanaHalf(chain), ethereum: try kind.ethereum.map { try ethereumHalf(chain, $0) })
    // In a mixed block the two take turns, Solana's first.
    let ethereumCount = kind.solana == nil ? count : kind.ethereum == nil ? 0 : count / 2
    var sent: [EthereumWorkload.Sent] = []
    for start in stride(from: 0, to: ethereumCount, by: 1000) {
      Terminal.progress("\(start) of \(count) transactions signed")
      block.ethereum?.workload.append(min(1000, ethereumCount - start), contention: contention, to: &sent)
    }
    let genesis = block.ethereum.map { $0.workload.genesis(over: $0.base) }
    if access, let genesis { try EthereumWorkload.findAccesses(of: &sent, from: genesis) }
    var wires: [[UInt8]] = []
    for start in stride(from: 0, to: count - ethereumCount, by: 1000) {
      Terminal.progress("\(ethereumCount + start) of \(count) transactions signed")
      try block.solana.append(
        min(1000, count - ethereumCount - start), contention: contention, blockhash: chain.blockhash,
        to: &wires)
    }
    Terminal.progress("")
    try Paths.makeFolder(directory)
    try WholeFile.write(lines(wires, sent), to: directory + "/transactions.jsonl")
    try WholeFile.write(
      try dump(chain, block.solana.accounts, genesis ?? chain.ethereumGenesis()),
      to: directory + "/genesis.json")
    output.print(
      text: "wrote \(directory)/genesis.json and \(count) transactions to \(directory)/transactions.jsonl",
      json: {
        $0.object {
          $0.member("transactions", count)
          $0.member("directory", directory)
        }
      })
  }

  private struct Block {
    var solana: Workload
    var ethereum: (base: EthereumGenesis, workload: EthereumWorkload)?
  }

  private func solanaHalf(_ chain: Chain) throws -> Workload {
    let program = kind.needsProgram ? try program.map(LedgerOptions.key) ?? .zero : .zero
    if kind.needsProgram, try chain.account(program)?.executable != true {
      throw CLIError.program(
        path: program.description, detail: "is no program on the ledger '\(ledger)': deploy it first")
    }
    return Workload(kind.solana ?? .transfer, program: program, seed: seed)
  }

  private func ethereumHalf(
    _ chain: Chain, _ kind: EthereumWorkload.Kind
  ) throws -> (base: EthereumGenesis, workload: EthereumWorkload) {
    // A replay is one block: the one that would come next on the ledger.
    var base = try chain.ethereumGenesis() ?? EthereumGenesis.funded()
    if let next = try chain.nextEthereumBlock() {
      (base.fork, base.baseFeePerGas) = (next.fork.name, next.baseFeePerGas)
    }
    if let fork = Fork(name: base.fork), fork < EthereumWorkload.firstFork {
      throw CLIError.workloadFork(base.fork, kind: kind.rawValue)
    }
    return (base, EthereumWorkload(kind, over: base, isSigned: !unsigned, seed: seed))
  }

  private func lines(_ wires: [[UInt8]], _ sent: [EthereumWorkload.Sent]) -> [UInt8] {
    var writer = JSONWriter(capacity: 400 * count)
    for position in 0..<max(wires.count, sent.count) {
      if position < wires.count {
        writer.object { $0.member("solana", Base64.encode(wires[position])) }
        writer.newline()
      }
      if position < sent.count {
        let wire = sent[position].wire
        writer.object { writer in
          writer.member("ethereum", "0x" + Hex.encode(wire.bytes))
          if let sender = wire.sender { writer.member("from", sender.description) }
          if let access = wire.access {
            writer.key("access")
            access.write(to: &writer)
          }
        }
        writer.newline()
      }
    }
    return writer.bytes
  }

  private func dump(
    _ chain: Chain, _ added: [(key: Pubkey, account: Account)], _ ethereum: EthereumGenesis?
  ) throws -> [UInt8] {
    var accounts = kind.solana == nil ? [] : added
    try chain.store.forEachAccount { (key, account) throws(StoreError) in
      // Ethereum's accounts are in a section of their own.
      if account.owner != ProgramID.ethereum { accounts.append((key, account)) }
    }
    var dump = AccountDump(
      slot: chain.slot, unixTimestamp: chain.head.unixTimestamp, blockhash: chain.blockhash)
    for (key, account) in accounts.sorted(by: { $0.key < $1.key }) { dump.append(key, account) }
    dump.finish(ethereum: ethereum?.json)
    return dump.bytes
  }
}
