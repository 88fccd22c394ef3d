// The root of Ethereum's state trie (Yellow Paper section 4.1): accounts under the hashes of their addresses, each
// with the root of its storage trie, slots under the hashes of theirs.

import Ledger
import Primitives
import WideIntegers

extension EVMAccount {
  /// As the state trie has it, with the root of the account's storage.
  func trieAccount(storage: some Collection<(slot: UInt256, value: UInt256)>) -> TrieAccount {
    TrieAccount(
      nonce: nonce, balance: balance,
      storageRoot: storage.isEmpty ? MerklePatriciaTrie.emptyRoot : MerklePatriciaTrie.storageRoot(storage),
      codeHash: codeHash)
  }
}

extension EVMWorld {
  package var stateRoot: Hash {
    MerklePatriciaTrie.stateRoot(
      entries.map { address, entry in
        let slots = entry.storage.map { (slot: $0.key, value: $0.value) }
        return (address: address, account: entry.account.trieAccount(storage: slots))
      })
  }
}

/// Ethereum's part of a ledger's accounts, for dumps and the trie root.
package struct EVMLedgerContents {
  package private(set) var accounts: [Address: EVMAccount] = [:]
  private var slots: [Address: [EVMRecord.Slot]] = [:]
  package private(set) var index = EVMSlotIndex()

  package init() {}

  /// Takes in one account of a ledger; those of others are passed over.
  package mutating func insert(_ key: Pubkey, _ account: Account) throws(EVMStateError) {
    switch EVMKey.kind(of: key) {
    case .account(let address):
      guard account.owner == ProgramID.ethereum, let state = EVMRecord.decodeAccount(account.data) else {
        throw .damagedRecord(key: key)
      }
      if case .account(let account) = state { accounts[address] = account }
    case .slot:
      guard account.owner == ProgramID.ethereum, let slot = EVMRecord.decodeSlot(account.data) else {
        throw .damagedRecord(key: key)
      }
      slots[slot.address, default: []].append(slot)
      index.insert(slot.address, incarnation: slot.incarnation, slot: slot.slot)
    case .code, nil: break
    }
  }

  /// The addresses of all accounts, in ascending order.
  package var addresses: [Address] { accounts.keys.sorted() }

  /// The slots of an account, in ascending order.
  package func storage(of address: Address) -> [(slot: UInt256, value: UInt256)] {
    let incarnation = accounts[address]?.incarnation
    return (slots[address] ?? []).filter { $0.incarnation == incarnation }
      .sorted { $0.slot < $1.slot }.map { (slot: $0.slot, value: $0.value) }
  }

  package var stateRoot: Hash {
    MerklePatriciaTrie.stateRoot(
      accounts.map { address, account in
        (address: address, account: account.trieAccount(storage: storage(of: address)))
      })
  }
}
