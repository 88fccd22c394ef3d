// The root of Ethereum's state trie (Yellow Paper section 4.1): accounts under the hashes of their addresses, each
// with the root of its storage trie, slots under the hashes of theirs.

import Ledger
import Primitives
import WideIntegers

extension EVMAccount {
  /// As the state trie has it, with the root of the account's storage.
  func trieAccount(storageRoot: Hash) -> TrieAccount {
    TrieAccount(nonce: nonce, balance: balance, storageRoot: storageRoot, codeHash: codeHash)
  }
}

extension EVMWorld {
  package var stateRoot: Hash {
    let storages = entries.values.map { entry in entry.storage.map { (slot: $0.key, value: $0.value) } }
    let roots = MerklePatriciaTrie.storageRoots(of: storages)
    return MerklePatriciaTrie.stateRoot(
      zip(entries, roots).map { entry, root in
        (address: entry.key, account: entry.value.account.trieAccount(storageRoot: root))
      })
  }
}

/// Ethereum's part of a ledger's accounts, for dumps and the trie root.
package struct EVMLedgerContents {
  package private(set) var accounts: [Address: EVMAccount] = [:]
  private var slots: [Address: [EVMRecord.Slot]] = [:]

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
    case .code, nil: break
    }
  }

  /// The addresses of all accounts, in ascending order.
  package var addresses: [Address] { accounts.keys.sorted() }

  /// The slots of an account, in ascending order.
  package func storage(of address: Address) -> [(slot: UInt256, value: UInt256)] {
    unorderedStorage(of: address).sorted { $0.slot < $1.slot }
  }

  private func unorderedStorage(of address: Address) -> [(slot: UInt256, value: UInt256)] {
    guard let slots = slots[address], let incarnation = accounts[address]?.incarnation else { return [] }
    return slots.lazy.filter { $0.incarnation == incarnation }.map { (slot: $0.slot, value: $0.value) }
  }

  /// Which slots there are, those of accounts that are gone among them.
  package var index: EVMSlotIndex {
    var index = EVMSlotIndex()
    for slot in slots.values.joined() {
      index.insert(slot.address, incarnation: slot.incarnation, slot: slot.slot)
    }
    return index
  }

  package var stateRoot: Hash {
    let roots = MerklePatriciaTrie.storageRoots(of: accounts.keys.map { unorderedStorage(of: $0) })
    return MerklePatriciaTrie.stateRoot(
      zip(accounts, roots).map { entry, root in
        (address: entry.key, account: entry.value.trieAccount(storageRoot: root))
      })
  }
}
