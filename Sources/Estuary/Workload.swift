// Blocks made to order, for trying the lanes out: so many signed transactions, of which so many per cent meet on one
// account. Everything follows from the seed.

import Ledger
import Primitives

package struct Workload {
  package enum Kind: String, CaseIterable, Sendable {
    /// SOL from one wallet to another.
    case transfer
    /// An increment of a counter of Programs/counter.
    case counter
    /// A transfer between balances of Programs/token.
    case token
  }

  package let kind: Kind
  /// The deployed program; unused by `transfer`.
  package let program: Pubkey
  /// Accounts that the transactions need beyond those of the ledger; distinct keys.
  package private(set) var accounts: [(key: Pubkey, account: Account)] = []
  private var random: SplitMix64
  private let mint: Pubkey
  private let hot: Pubkey

  package init(_ kind: Kind, program: Pubkey, seed: UInt64) {
    self.kind = kind
    self.program = program
    random = SplitMix64(seed: seed)
    mint = Self.key(&random)
    hot = Self.key(&random)
    if kind == .token { accounts.append((mint, mintAccount())) }
    accounts.append((hot, target(owner: hot)))
  }

  /// Appends `count` transactions' wire bytes to `wires`.
  ///
  /// - Parameters:
  ///   - contention: per cent of transactions that write the hot account, `[0, 100]`.
  ///   - blockhash: the recent one.
  package mutating func append(
    _ count: Int, contention: Int, blockhash: Hash, to wires: inout [[UInt8]]
  ) throws(TransactionBuildingError) {
    for _ in 0..<count {
      let payer = Ed25519.KeyPair(seed: Hash(Self.key(&random)))
      let isHot = random.next() % 100 < UInt64(contention)
      accounts.append((payer.pubkey, Account(lamports: 1_000_000_000, owner: ProgramID.system)))
      var destination = hot
      if !isHot {
        destination = Self.key(&random)
        accounts.append((destination, target(owner: destination)))
      }
      let builder = TransactionBuilder(
        payer: payer.pubkey, recentBlockhash: blockhash,
        instructions: [instruction(by: payer.pubkey, to: destination)])
      wires.append(try builder.signed(by: [payer]).bytes)
    }
  }

  private mutating func instruction(by payer: Pubkey, to destination: Pubkey) -> Instruction {
    let amount = 1 + random.next() % 1000
    var data = ByteWriter(capacity: 9)
    var metas: [AccountMeta] = []
    switch kind {
    case .transfer: return System.transfer(from: payer, to: destination, lamports: amount)
    case .counter:
      data.write(1 as UInt8)
    case .token:
      let source = Self.key(&random)
      accounts.append((source, balanceAccount(owner: payer, amount: 1_000_000)))
      metas.append(AccountMeta(key: source, isSigner: false, isWritable: true))
      data.write(3 as UInt8)
    }
    data.write(amount)
    metas.append(AccountMeta(key: destination, isSigner: false, isWritable: true))
    if kind == .token { metas.append(AccountMeta(key: payer, isSigner: true, isWritable: false)) }
    return Instruction(programID: program, accounts: metas, data: data.bytes)
  }

  /// What a transaction writes besides its payer's accounts.
  private func target(owner: Pubkey) -> Account {
    switch kind {
    case .transfer: Account(lamports: 1_000_000_000, owner: ProgramID.system)
    case .counter: counterAccount(authority: owner)
    case .token: balanceAccount(owner: owner, amount: 0)
    }
  }

  // The programs' account layouts; see the top of their C files.

  private func counterAccount(authority: Pubkey) -> Account {
    programAccount([1, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + authority.bytes)
  }

  private func mintAccount() -> Account {
    let supply = withUnsafeBytes(of: UInt64.max.littleEndian) { Array($0) }
    return programAccount([1, 0, 0, 0, 0, 0, 0, 0] + supply + hot.bytes + [6, 0, 0, 0, 0, 0, 0, 0])
  }

  private func balanceAccount(owner: Pubkey, amount: UInt64) -> Account {
    let amount = withUnsafeBytes(of: amount.littleEndian) { Array($0) }
    return programAccount([2, 0, 0, 0, 0, 0, 0, 0] + amount + mint.bytes + owner.bytes)
  }

  private func programAccount(_ data: [UInt8]) -> Account {
    Account(lamports: Rent().minimumBalance(dataByteCount: data.count), data: data, owner: program)
  }

  private static func key(_ random: inout SplitMix64) -> Pubkey {
    Pubkey(word0: random.next(), word1: random.next(), word2: random.next(), word3: random.next())
  }
}
