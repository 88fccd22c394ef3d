// What a store keeps beside accounts and block records: values under keys, in families that differ by how they are
// written. The store knows nothing of what they mean; `BlockCommit.entries` puts them into the block's one batch.

/// Where an entry lies.
package enum StoreFamily: Int, CaseIterable, Sendable {
  /// A few values about the ledger as a whole.
  case settings
  /// Ethereum's headers, bodies and receipts: keys begin with the block's number and only go up.
  case ethereumBlocks
  /// What finds them: by hash, by address and topic.
  case ethereumIndex
  /// Nodes of Ethereum's tries, by place and hash.
  case trieNodes
  /// Solana's transactions and what came of them: keys begin with the block's height.
  case solanaBlocks
  /// What finds them: by signature, by address, by slot.
  case solanaIndex
  /// What stood at an account's key before a block wrote there: keys are the account's and the block's height.
  case accountVersions
  /// Which accounts a block changed, by its height.
  case blockAccounts
  /// Which accounts somebody owns: keys are who and the account's.
  case accountIndex
  /// What the last blocks replaced, by their height.
  case undo
}

/// One value that a batch writes; `nil` deletes it.
package struct StoreEntry: Sendable, Equatable {
  package var family: StoreFamily
  package var key: [UInt8]
  package var value: [UInt8]?

  package init(_ family: StoreFamily, _ key: [UInt8], _ value: [UInt8]?) {
    (self.family, self.key, self.value) = (family, key, value)
  }

  /// Whether the batch of a block writes the key for the first time: keys of some families hold the block's height.
  package var isNewWithBlock: Bool {
    switch family {
    case .accountVersions, .blockAccounts, .undo: value != nil
    case .settings, .ethereumBlocks, .ethereumIndex, .trieNodes, .solanaBlocks, .solanaIndex, .accountIndex:
      false
    }
  }
}
