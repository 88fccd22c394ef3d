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
  /// The slots of each account that has some or had some.
  private var storages: [(address: Address, slots: [EVMRecord.Slot])] = []
  private var storagePlaces: [Address: Int] = [:]
  /// Where in `storages` the last slot went.
  private var lastPlace = 0

  /// - Parameter count: about how many accounts and slots there are.
  package init(expectedCount count: Int = 0) { accounts.reserveCapacity(count / 2) }

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
      // Those of one account mostly come together.
      if lastPlace >= storages.count || storages[lastPlace].address != slot.address {
        lastPlace = storagePlaces[slot.address] ?? storages.count
        if lastPlace == storages.count {
          storages.append((slot.address, []))
          storagePlaces[slot.address] = lastPlace
        }
      }
      storages[lastPlace].slots.append(slot)
    case .code, nil: break
    }
  }

  /// The addresses of all accounts, in ascending order.
  package var addresses: [Address] { accounts.keys.sorted() }

  /// The slots of an account, in ascending order.
  package func storage(of address: Address) -> [(slot: UInt256, value: UInt256)] {
    guard let place = storagePlaces[address] else { return [] }
    return unorderedStorage(at: place).sorted { $0.slot < $1.slot }
  }

  private func unorderedStorage(at place: Int) -> [(slot: UInt256, value: UInt256)] {
    let (address, slots) = storages[place]
    guard let incarnation = accounts[address]?.incarnation else { return [] }
    return slots.lazy.filter { $0.incarnation == incarnation }.map { (slot: $0.slot, value: $0.value) }
  }

  /// Which slots there are, those of accounts that are gone among them.
  package var index: EVMSlotIndex {
    var index = EVMSlotIndex()
    for storage in storages {
      for slot in storage.slots { index.insert(slot.address, incarnation: slot.incarnation, slot: slot.slot) }
    }
    return index
  }

  package var stateRoot: Hash {
    let roots = MerklePatriciaTrie.storageRoots(of: storages.indices.map { unorderedStorage(at: $0) })
    return MerklePatriciaTrie.stateRoot(
      accounts.map { address, account in
        let root = storagePlaces[address].map { roots[$0] } ?? MerklePatriciaTrie.emptyRoot
        return (address: address, account: account.trieAccount(storageRoot: root))
      })
  }
}
