// One worker's view of Ethereum's state while transactions run ahead of their turn: what earlier transactions of the
// block wrote, as far as they have run, over the state before the block. It keeps what it showed, so that it can be
// compared with what is final when the transaction's turn comes.

import EVM
import Ledger
import Primitives
import Scheduling
import WideIntegers

/// What a block's workers share.
final class EthereumOverlay: @unchecked Sendable {
  // Sendable: workers only look into the state, which does not change while they run.
  let cells: MultiVersionMap<EVMCell>
  let state: EthereumState
  let programs: EVMProgramCache
  /// Codes of contracts made in the block. What is under a hash never changes, so it does not matter whose they are.
  private let codes = NewCodes()

  private final class NewCodes: @unchecked Sendable {
    // Sendable: used under `lock`.
    private let lock = Lock()
    private var codes: [Hash: EVMCode] = [:]

    func insert(_ code: EVMCode) { lock.withLock { codes[code.hash] = code } }
    func find(_ hash: Hash) -> EVMCode? { lock.withLock { codes[hash] } }
  }

  init(_ state: EthereumState, programs: EVMProgramCache, transactionCount: Int) {
    (self.state, self.programs) = (state, programs)
    // Sender, two slots and something common, in chains of one.
    cells = MultiVersionMap(expectedKeyCount: 4 * transactionCount, hasher: state.hasher)
  }

  func add(_ code: EVMCode) { codes.insert(code) }
  func newCode(_ hash: Hash) -> EVMCode? { codes.find(hash) }
}

/// Used by one thread at a time.
final class OverlayReader: EVMStateReader {
  typealias Cells = MultiVersionMap<EVMCell>

  /// One value that was shown.
  struct Read {
    let entry: Cells.EntryPointer
    let seen: UnsafePointer<EVMCell>
    /// Who wrote it; `basePosition` for nobody in the block.
    let writer: UInt32
    var uses: AccountUses
  }

  struct AccountRead {
    let address: Address
    var read: Read
  }

  struct SlotRead {
    let address: Address
    let incarnation: UInt64
    let slot: UInt256
    let read: Read
  }

  let overlay: EthereumOverlay
  let arena: Arena
  @exclusivity(unchecked) private var position: UInt32 = 0
  /// In the order in which the journal loads them.
  @exclusivity(unchecked) private(set) var accounts: [AccountRead] = []
  @exclusivity(unchecked) private(set) var slots: [SlotRead] = []
  /// Codes that were used lately, by bits of their hashes.
  @exclusivity(unchecked) private var recentCodes = [EVMCode?](repeating: nil, count: 64)

  /// A worker's memory, shared with whoever else works in its name.
  final class Arena {
    @exclusivity(unchecked) var memory = VersionArena()
  }

  init(_ overlay: EthereumOverlay, arena: Arena) { (self.overlay, self.arena) = (overlay, arena) }

  /// Starts the transaction at `position`.
  func begin(at position: UInt32) {
    self.position = position
    accounts.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
  }

  var takesCredits: Bool { true }

  func account(_ address: Address) throws(EVMStateError) -> EVMAccount? {
    let read = self.read(try entry(of: address))
    accounts.append(AccountRead(address: address, read: read))
    return read.seen.pointee.account
  }

  func incarnation(of address: Address) throws(EVMStateError) -> UInt64 {
    for known in accounts where known.address == address { return known.read.seen.pointee.incarnation }
    return self.read(try entry(of: address)).seen.pointee.incarnation
  }

  func storage(
    _ address: Address, incarnation: UInt64, slot: UInt256
  ) throws(EVMStateError) -> UInt256 {
    var read = self.read(try entry(of: address, incarnation, slot))
    read.uses = .wholeAccount
    slots.append(SlotRead(address: address, incarnation: incarnation, slot: slot, read: read))
    return read.seen.pointee.word
  }

  func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    let place = Int(truncatingIfNeeded: account.codeHash.word0 & 63)
    if let code = recentCodes[place], code.hash == account.codeHash { return code }
    let code: EVMCode
    if let found = overlay.newCode(account.codeHash) ?? overlay.programs.code(hash: account.codeHash) {
      code = found
    } else {
      code = try overlay.state.storedCode(address, account, overlay.programs)
    }
    recentCodes[place] = code
    return code
  }

  // MARK: Entries

  @inline(__always) private func read(_ entry: Cells.EntryPointer) -> Read {
    let reading = overlay.cells.read(entry, below: position, in: &arena.memory)
    return Read(entry: entry, seen: reading.value, writer: reading.position, uses: [])
  }

  func entry(of address: Address) throws(EVMStateError) -> Cells.EntryPointer {
    let key = EVMKey.account(address)
    overlay.state.prefetch(key)
    return try overlay.cells.entry(AccountKey(key), in: &arena.memory) {
      () throws(EVMStateError) -> (EVMCell, UInt32) in
      let (record, index) = try overlay.state.accountRecord(at: key)
      return (EVMCell(record), index)
    }
  }

  func entry(
    of address: Address, _ incarnation: UInt64, _ slot: UInt256
  ) throws(EVMStateError) -> Cells.EntryPointer {
    let key = EVMKey.slot(address, incarnation: incarnation, slot: slot)
    overlay.state.prefetch(key)
    return try overlay.cells.entry(AccountKey(key), in: &arena.memory) {
      () throws(EVMStateError) -> (EVMCell, UInt32) in
      let (value, index) = try overlay.state.slotValue(
        at: key, EVMRecord.Slot(address: address, incarnation: incarnation, slot: slot, value: .zero))
      return (EVMCell(slot: value), index)
    }
  }
}
