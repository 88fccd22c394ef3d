// Ethereum's state in memory with its tries: a root costs what changed since the last one. Copies share what they have
// in common, so that each block of a tree can have a state of its own.

import Primitives
import WideIntegers

/// Used by one thread at a time.
package final class EthereumMemoryState: EthereumTreeState {
  private let world: EVMWorld
  private var accounts: IncrementalTrie
  private var storage: [Address: IncrementalTrie] = [:]
  /// Accounts whose leaf is not the trie's any more, and the slots likewise. No order reaches the root.
  private var changedAccounts: Set<Address> = []
  private var changedSlots: [Address: [TrieChange]] = [:]

  /// All nodes are in memory: nothing is ever asked of it.
  private struct NoSource: TrieNodeSource {
    func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? { nil }
  }

  /// - Parameter world: the state's from now on.
  package init(world: EVMWorld) {
    self.world = world
    accounts = IncrementalTrie(source: NoSource())
    for (address, entry) in world.entries {
      changedAccounts.insert(address)
      if !entry.storage.isEmpty {
        changedSlots[address] = entry.storage.map { Self.change(slot: $0.key, to: $0.value) }
      }
    }
  }

  private init(copying other: EthereumMemoryState) {
    world = EVMWorld(copying: other.world)
    (accounts, storage) = (other.accounts, other.storage)
    (changedAccounts, changedSlots) = (other.changedAccounts, other.changedSlots)
  }

  package func copy() -> EthereumMemoryState { EthereumMemoryState(copying: self) }
  package var failure: EVMStateError? { nil }

  package func account(_ address: Address) -> EVMAccount? { world.account(address) }
  package func incarnation(of address: Address) -> UInt64 { world.incarnation(of: address) }

  package func storage(_ address: Address, incarnation: UInt64, slot: UInt256) -> UInt256 {
    world.storage(address, incarnation: incarnation, slot: slot)
  }

  package func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    try world.code(address, account)
  }

  package func apply(_ changes: EVMStateChanges) {
    world.apply(changes)
    for change in changes.accounts {
      changedAccounts.insert(change.address)
      if change.account == nil {
        storage[change.address] = nil
        changedSlots[change.address] = nil
      }
    }
    for change in changes.slots {
      changedAccounts.insert(change.address)
      changedSlots[change.address, default: []].append(Self.change(slot: change.slot, to: change.value))
    }
  }

  package var stateRoot: Hash {
    do throws(TrieError) {
      var leaves: [TrieChange] = []
      for address in changedAccounts {
        if let changes = changedSlots[address] {
          var trie =
            storage.removeValue(forKey: address)
            ?? IncrementalTrie(owner: MerklePatriciaTrie.hashed(address), source: NoSource())
          _ = try trie.apply(changes)
          storage[address] = trie
        }
        leaves.append(TrieChange(key: MerklePatriciaTrie.hashed(address), value: leaf(of: address)))
      }
      _ = try accounts.apply(leaves)
    } catch {
      // All nodes are in memory.
      preconditionFailure("\(error)")
    }
    changedAccounts.removeAll(keepingCapacity: true)
    changedSlots.removeAll(keepingCapacity: true)
    return accounts.root
  }

  private func leaf(of address: Address) -> [UInt8]? {
    world.account(address).map { account in
      TrieAccount(
        nonce: account.nonce, balance: account.balance,
        storageRoot: storage[address]?.root ?? MerklePatriciaTrie.emptyRoot, codeHash: account.codeHash
      ).encoded
    }
  }

  private static func change(slot: UInt256, to value: UInt256) -> TrieChange {
    var writer = RLPWriter(capacity: 33)
    writer.write(value)
    return TrieChange(key: MerklePatriciaTrie.hashed(slot), value: value.isZero ? nil : writer.bytes)
  }
}
