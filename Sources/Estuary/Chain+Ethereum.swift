// A chain's Ethereum side: how it begins, its blocks and what is found in them.

import EVM
import Execution
import Ledger
import Primitives
import WideIntegers

extension Chain {
  // MARK: Beginning

  /// The chain of own blocks, for ledgers that make them; a replay may not pass by one that has begun.
  static func ethereumChain(
    _ settings: EthereumGenesis?, of store: any AccountStore, _ progress: Progress
  ) throws(ChainError) -> EthereumChain? {
    guard let settings else { return nil }
    if progress == .advancing { return try EthereumChain(settings, store: store) }
    let head: EthereumArchive.StoredHeader?
    do throws(StoreError) { head = try EthereumArchive(store: store).head() } catch { throw .store(error) }
    if let head { throw .ownBlocks(number: head.header.number) }
    return nil
  }

  /// What the batch of a genesis has for its Ethereum side. A chain of own blocks whose first number is given begins with
  /// it; others begin when there is something to put into a block, because a replay of the genesis has no such chain.
  static func firstEthereumEntries(
    _ genesis: Genesis, _ store: any AccountStore, _ executor: any BlockExecutor, _ progress: Progress
  ) throws(ChainError) -> [StoreEntry] {
    guard let settings = genesis.ethereum else { return [] }
    var entries = [settings.settingsEntry]
    if progress == .advancing && settings.number != nil {
      let chain = try EthereumChain(settings, store: store)
      try chain.begin(
        slot: genesis.slot, unixTimestamp: genesis.unixTimestamp,
        contents: StateTries.Change.gather(settings.alloc),
        parallelFor: executor.parallelFor)
      entries += chain.entries(height: 0)
    }
    return entries
  }

  /// Begins the chain of Ethereum's blocks over the state that there is, in a block of the ledger's own; one that has
  /// begun stays as it is. Who shows the chain calls this; executing one of Ethereum's transactions does.
  package func beginEthereum() throws(ChainError) {
    guard let ethereumChain, ethereumChain.head == nil else { return }
    try commitEthereum([], unsaved: [])
  }

  /// Gives a ledger from before there were Ethereum sides one, in a block of its own; one that has it stays as it is.
  ///
  /// - Parameter settings: `alloc` among them is put into the state.
  /// - Returns: whether the ledger had none.
  package func addEthereum(_ settings: EthereumGenesis) throws(ChainError) -> Bool {
    if ethereumSettings != nil || progress == .fixed { return false }
    ethereumSettings = settings.withoutAccounts
    do throws(ChainError) {
      ethereum = try EthereumConfiguration(settings.withoutAccounts)
      ethereumChain = try EthereumChain(settings.withoutAccounts, store: store)
      try commitEthereum(settings.changes, unsaved: [settings.settingsEntry])
    } catch {
      (ethereumSettings, ethereum, ethereumChain) = (nil, nil, nil)
      throw error
    }
    state.addEthereum()
    return true
  }

  /// Commits a block of accounts that begin the chain of Ethereum's blocks.
  private func commitEthereum(_ accounts: [AccountChange], unsaved: [StoreEntry]) throws(ChainError) {
    var changes: [AccountTable.FirstChange] = []
    var (record, timing) = (head, Timing())
    record.height += 1
    let unsavedBefore = unsavedEntries
    do throws(ChainError) {
      do throws(StoreError) {
        for change in accounts {
          let index = try state.ethereumTable.intern(change.key)
          // What the EVM left here in an earlier life of the ledger stays.
          if state.ethereumTable[index].isVacant, let new = change.new {
            state.ethereumTable.publish(new, at: index, noting: &changes)
          }
        }
      } catch { throw .store(error) }
      unsavedEntries += unsaved
      try ethereumChain?.begin(
        slot: record.slot, unixTimestamp: record.unixTimestamp, contents: try ethereumContents(),
        parallelFor: executor.parallelFor)
      try commit(BlockChanges(ethereum: [changes]), record: &record, timing: &timing)
    } catch {
      state.rollBack(BlockChanges(ethereum: [changes]))
      unsavedEntries = unsavedBefore
      ethereumChain?.abandon()
      throw error
    }
  }

  /// All of Ethereum's state, as changes to an empty one.
  private func ethereumContents() throws(ChainError) -> [StateTries.Change] {
    do throws(EVMStateError) {
      let contents = try EthereumState(state.ethereumTable).contents()
      return contents.addresses.compactMap { address in
        guard let account = contents.accounts[address] else { return nil }
        var change = StateTries.Change(address: address)
        change.leaf = .account(account)
        change.slots = contents.storage(of: address)
        return change
      }
    } catch {
      throw ChainError(error)
    }
  }

  // MARK: Looking

  /// Ethereum's blocks as they are stored.
  package var ethereumArchive: EthereumArchive { EthereumArchive(store: store) }

  /// The last of Ethereum's blocks; `nil` where there is none yet, or in a replay.
  package var ethereumHead: EthereumArchive.StoredHeader? { ethereumChain?.head }

  /// Which rules hold when; `nil` where the ledger has no Ethereum side.
  package func ethereumConfiguration() throws(ChainError) -> ChainConfiguration? {
    try ethereumSettings?.chainConfiguration()
  }

  /// What the next of Ethereum's blocks follows from, all but its time; `nil` where the ledger has no Ethereum side, or in a
  /// replay.
  package func ethereumTemplate() throws(ChainError) -> EthereumBlockTemplate? {
    guard progress == .advancing else { return nil }
    return try ethereumChain?.template(slot: head.slot)
  }

  /// What Ethereum's transactions would see of the block that comes next; `nil` where the ledger has no Ethereum side.
  ///
  /// - Parameter unixTimestamp: of that block, in seconds, where the ledger is not later already; `nil`: the machine's.
  package func nextEthereumBlock(unixTimestamp: Int64? = nil) throws(ChainError) -> BlockEnvironment? {
    guard progress == .advancing else { return ethereum?.part(of: head, after: head, ends: true).environment }
    let unixTimestamp = max(head.unixTimestamp, unixTimestamp ?? Clocks.unixSeconds())
    return try ethereumTemplate()?.block(at: unixTimestamp).environment
  }

  /// Proves an account and slots of it against the state root of the block `number`, the last where it is `nil`.
  ///
  /// - Throws: `ethereum` where that block's state is no longer kept (`EthereumArchive.keptStates`).
  package func ethereumProof(
    of address: Address, slots: [UInt256], at number: UInt64? = nil
  ) throws(ChainError) -> StateProof {
    let tries = try ethereumTries(at: number)
    do throws(TrieError) { return try tries.proof(of: address, slots: slots) } catch {
      throw .ethereum(detail: error.description)
    }
  }

  /// The tries of the state after the block `number`, the last where it is `nil`.
  package func ethereumTries(at number: UInt64? = nil) throws(ChainError) -> StateTries {
    guard let ethereumChain, let head = ethereumChain.head else {
      throw .ethereum(detail: "the ledger has no block of Ethereum's yet")
    }
    guard let number, number != head.header.number else { return ethereumChain.tries }
    let header: EthereumArchive.StoredHeader?
    do throws(StoreError) { header = try ethereumArchive.header(number) } catch { throw .store(error) }
    guard let header else { throw .ethereum(detail: "there is no block \(number)") }
    return StateTries(root: header.header.stateRoot, source: StoredTrieNodes(store: store))
  }

  /// The tries of the state that the block `number` began with.
  func ethereumTries(before number: UInt64) throws(ChainError) -> StateTries {
    let root: Hash?
    do throws(StoreError) { root = try ethereumArchive.rootBefore(number) } catch { throw .store(error) }
    guard let root else { throw .ethereum(detail: "there is no block before block \(number)") }
    return StateTries(root: root, source: StoredTrieNodes(store: store))
  }

  /// The root of Ethereum's state trie after the last block; `nil` where the ledger has no Ethereum side.
  package func ethereumStateRoot() throws(ChainError) -> Hash? {
    if let ethereumChain, ethereumChain.head != nil { return ethereumChain.tries.root }
    do throws(EVMStateError) { return try state.ethereum?.contents().stateRoot } catch {
      throw ChainError(error)
    }
  }

  /// What the ledger began with, with the accounts after the last block; `nil` where it has no Ethereum side.
  package func ethereumGenesis() throws(ChainError) -> EthereumGenesis? {
    guard var genesis = ethereumSettings, let accounts = state.ethereum else { return nil }
    do throws(EVMStateError) { genesis.alloc = try accounts.allAccounts() } catch {
      throw ChainError(error)
    }
    return genesis
  }
}
