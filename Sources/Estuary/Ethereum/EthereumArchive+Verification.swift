// What `ledger verify` proves of Ethereum's blocks: all is read and computed again.

import EVM
import Ledger
import Primitives
import WideIntegers

extension EthereumArchive {
  /// Reads every block, the accounts and the tries of the last state: each header follows from the one before and commits
  /// to body and receipts that are there, blocks and transactions are found by their hashes, and the last header's state
  /// root is that of the ledger's accounts, which the stored tries agree with.
  ///
  /// - Returns: how many blocks there are.
  package func verify() throws(StoreError) -> UInt64 {
    guard let head = try head() else { return 0 }
    var count: UInt64 = 0
    var (number, last) = (head.header.number, head.hash)
    while let stored = try header(number) {
      guard stored.hash == last, stored.header.hash == last else {
        throw damaged("the header of block \(number)")
      }
      try verifyBody(stored)
      count += 1
      last = stored.header.parentHash
      if number == 0 { break }
      number -= 1
    }
    try verifyState(head)
    return count
  }

  private func verifyBody(_ stored: StoredHeader) throws(StoreError) {
    let number = stored.header.number
    guard try self.number(of: stored.hash) == number, let records = try transactions(number),
      let block = try block(number)
    else { throw damaged("Ethereum's block \(number)") }
    var bloom = LogsBloom()
    for record in records {
      bloom.formUnion(LogsBloom(record.receipt.logs))
      guard let place = try place(ofTransaction: record.hash), place == (number, record.index) else {
        throw damaged("the index of Ethereum's transactions")
      }
    }
    let header = stored.header
    guard block.transactionsRoot == header.transactionsRoot, block.ommersHash == header.ommersHash,
      block.withdrawalsRoot == header.withdrawalsRoot, bloom == header.bloom,
      MerklePatriciaTrie.listRoot(records.map(\.receipt.encoded)) == header.receiptsRoot
    else { throw damaged("body or receipts of Ethereum's block \(number)") }
  }

  private func verifyState(_ head: StoredHeader) throws(StoreError) {
    var contents = EVMLedgerContents()
    do throws(EVMStateError) {
      var failure: EVMStateError?
      try store.forEachAccountOfEthereum { key, account in
        do throws(EVMStateError) { try contents.insert(key, account) } catch { failure = failure ?? error }
      }
      if let failure { throw failure }
    } catch {
      throw damaged("Ethereum's state (\(error))")
    }
    let root = try rootBefore(head.header.number &+ 1) ?? head.header.stateRoot
    guard contents.stateRoot == root else {
      throw damaged("Ethereum's state, whose root is not that of block \(head.header.number)")
    }
    let tries = StateTries(root: root, source: StoredTrieNodes(store: store))
    for address in contents.addresses {
      do throws(TrieError) {
        guard let account = try tries.account(address), account.nonce == contents.accounts[address]?.nonce
        else {
          throw TrieError.unknownRoot(root)
        }
        for slot in contents.storage(of: address) {
          guard try tries.storage(address, slot: slot.slot) == slot.value else {
            throw TrieError.unknownRoot(account.storageRoot)
          }
        }
      } catch { throw damaged("Ethereum's tries (\(error))") }
    }
  }
}

extension AccountStore {
  fileprivate func forEachAccountOfEthereum(_ body: (Pubkey, Account) -> Void) throws(EVMStateError) {
    do throws(StoreError) {
      try forEachAccount(in: EVMKey.all) { key, account in
        body(key, account)
        return true
      }
    } catch { throw .store(error) }
  }
}
