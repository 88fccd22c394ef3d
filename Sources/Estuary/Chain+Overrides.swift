// Accounts that somebody who develops programs sets without a transaction (anvil_setBalance and its like). Each change is a
// block of the ledger with nothing else in it: it moves the state and its hash, is on the disk when it is told of, and can be
// taken back. It is none of Ethereum's blocks: their numbers and times stay, and what it changed of Ethereum's state is what
// their next block begins with, whose root the archive keeps (EthereumArchive, "o"), so that blocks can be proved and
// executed again. Nor does it have a slot: Solana's clients see a blockhash more.

import CrossCalls
import EVM
import Execution
import Ledger
import Primitives
import WideIntegers

/// Why accounts cannot be set.
package enum OverrideError: Error, Sendable {
  /// A sysvar, or a key of the EVM's.
  case reserved(Pubkey)
  /// The code of an address of the EVM's border.
  case border(Address)
  case noEthereum
  case chain(ChainError)
}

extension OverrideError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .reserved(let key): "\(key) belongs to the runtime and cannot be set"
    case .border(let address):
      "\(address) is where contracts call programs, of this node's own, and has no code that could be set"
    case .noEthereum: "the ledger has no Ethereum side"
    case .chain(let error): error.description
    }
  }
}

extension Chain {
  /// Makes accounts other than they are, in a block of the ledger that is committed when this returns.
  ///
  /// - Parameters:
  ///   - ethereum: what differs of Ethereum's accounts.
  ///   - solana: Solana's, whole; `nil`: there is none any more.
  /// - Returns: what changed.
  @discardableResult
  package func override(
    ethereum: [Address: AccountOverride] = [:], solana: [(key: Pubkey, account: Account?)] = []
  ) throws(OverrideError) -> [AccountChange] {
    for (key, _) in solana where EVMKey.contains(key) || SysvarID.all.contains(key) { throw .reserved(key) }
    for (address, override) in ethereum where BorderAddress.number(of: address) != nil {
      if let code = override.code, !code.isEmpty { throw .border(address) }
    }
    if !ethereum.isEmpty, ethereumChain == nil { throw .noEthereum }
    do throws(ChainError) {
      if !ethereum.isEmpty { try beginEthereum() }
      return try commitOverrides(ethereum, solana)
    } catch {
      throw .chain(error)
    }
  }

  /// Makes accounts what such a block made them.
  ///
  /// - Parameter accounts: of both worlds, whole; `nil`: there is none any more.
  func repeatOverride(_ accounts: [(key: Pubkey, account: Account?)]) throws(ChainError) {
    _ = try commitOverride { all throws(ChainError) in
      for (key, account) in accounts {
        do throws(StoreError) {
          let isEthereums = EVMKey.contains(key)
          let table = isEthereums ? state.ethereumTable : state.table
          var changes: [AccountTable.FirstChange] = []
          table.publish(account ?? .empty, at: try table.intern(key), noting: &changes)
          if isEthereums { all.ethereum.append(changes) } else { all.solana.append(changes) }
        } catch { throw .store(error) }
      }
    }
    state.ethereum?.invalidate()
  }

  private func commitOverrides(
    _ ethereum: [Address: AccountOverride], _ solana: [(key: Pubkey, account: Account?)]
  ) throws(ChainError) -> [AccountChange] {
    try commitOverride { all throws(ChainError) in
      do throws(StoreError) {
        var changes: [AccountTable.FirstChange] = []
        defer { all.solana = [changes] }
        for (key, account) in solana {
          state.table.publish(account ?? .empty, at: try state.table.intern(key), noting: &changes)
        }
        if let lamports = try backing(ethereum) {
          var vault = try state.table.account(Vault.key)
          if vault.isVacant { vault = Account(lamports: 0, owner: ProgramID.system) }
          vault.lamports = min(vault.lamports.addingSaturated(lamports), Self.vaultLimit)
          state.table.publish(vault, at: try state.table.intern(Vault.key), noting: &changes)
        }
      } catch { throw .store(error) }
      do throws(EVMStateError) {
        defer { all.ethereum = state.ethereum?.takeFirstChanges() ?? [] }
        try publish(ethereum)
      } catch { throw ChainError(error) }
    }
  }

  /// Commits a block of the ledger with nothing in it but what `publish` changes.
  private func commitOverride(
    _ publish: (inout BlockChanges) throws(ChainError) -> Void
  ) throws(ChainError) -> [AccountChange] {
    // A sysvar that moves only with blocks is read again below.
    _ = try recentBlocks()
    var (record, timing, all) = (head, Timing(), BlockChanges())
    record.height += 1
    record.signatures = []
    var committed: [AccountChange] = []
    do throws(ChainError) {
      try publish(&all)
      try commit(all, record: &record, timing: &timing) { changes throws(ChainError) in
        committed = changes
        if changes.contains(where: { EVMKey.contains($0.key) }) {
          try ethereumChain?.override(changes, parallelFor: executor.parallelFor)
        }
      }
      return committed
    } catch {
      state.rollBack(all)
      ethereumChain?.abandon()
      throw error
    }
  }

  /// More lamports than the vault ever needs.
  private static let vaultLimit: UInt64 = 1 << 62

  /// Lamports that must come into the vault, so that programs can be paid with the wei that were added.
  private func backing(_ overrides: [Address: AccountOverride]) throws(StoreError) -> UInt64? {
    var added = UInt256.zero
    for (address, override) in overrides {
      guard let balance = override.balance else { continue }
      let known = (try? ethereumAccount(address))??.balance ?? .zero
      if balance > known { added = added.addingSaturated(balance &- known) }
    }
    let lamports = added.divided(by: UInt256(Vault.weiPerLamport)).saturatedUInt64
    return lamports == 0 ? nil : lamports
  }

  private func publish(_ overrides: [Address: AccountOverride]) throws(EVMStateError) {
    guard let ethereum = state.ethereum, !overrides.isEmpty else { return }
    let reader = EVMLedgerState(source: ethereum, programs: EVMProgramCache(natives: contracts))
    var changes = EVMStateChanges()
    for (address, override) in overrides.sorted(by: { $0.key < $1.key }) {
      let incarnation = try reader.incarnation(of: address)
      var account = try reader.account(address) ?? EVMAccount(incarnation: incarnation)
      account.balance = override.balance ?? account.balance
      account.nonce = override.nonce ?? account.nonce
      var code = override.code.map { EVMCode($0) }
      if code?.hash == account.codeHash { code = nil }
      if let code { account.codeHash = code.hash }
      var isStored = try hasStorage(address)
      if override.slots.contains(where: { !$0.value.isZero }) { isStored = true }
      let hasCode = account.codeHash != EVMAccount.emptyCodeHash
      account.hasOrphanStorage = isStored && account.nonce == 0 && !hasCode
      let isEmpty = account.balance.isZero && account.nonce == 0 && !hasCode && !isStored
      // An account that goes with its code leaves its incarnation behind.
      let next = isEmpty && code != nil ? account.incarnation + 1 : account.incarnation
      changes.accounts.append(
        .init(address: address, account: isEmpty ? nil : account, code: code, incarnation: next))
      for (slot, value) in override.slots.sorted(by: { $0.key < $1.key }) {
        changes.slots.append(
          .init(address: address, incarnation: account.incarnation, slot: slot, value: value))
      }
    }
    try ethereum.apply(changes, from: reader)
    try ethereum.finishBlock()
  }

  private func hasStorage(_ address: Address) throws(EVMStateError) -> Bool {
    do throws(TrieError) {
      let root = try ethereumChain?.tries.account(address)?.storageRoot ?? MerklePatriciaTrie.emptyRoot
      return root != MerklePatriciaTrie.emptyRoot
    } catch {
      throw .pastState(detail: "\(error)")
    }
  }
}

extension UInt64 {
  fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
