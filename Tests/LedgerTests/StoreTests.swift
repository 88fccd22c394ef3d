// Both stores against one another, records against damage, and the state lattice.

import Foundation
import Primitives
import Testing

@testable import Ledger

/// A random history: blocks that create, change and delete accounts.
struct BlockHistory {
  private var generator: SplitMix64
  private(set) var state: [Pubkey: Account] = [:]
  private var keys: [Pubkey] = []
  private var height: UInt64 = 0
  private var lattice = StateLattice()

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func next(changeCount: Int = 20) -> BlockCommit {
    var changes: [Pubkey: AccountChange] = [:]
    for _ in 0..<changeCount {
      let reuses = !keys.isEmpty && generator.next() % 3 > 0
      let key = reuses ? keys[Int(generator.next() % UInt64(keys.count))] : generator.pubkey()
      if !reuses { keys.append(key) }
      guard changes[key] == nil else { continue }
      let new = generator.next() % 5 == 0 ? nil : generator.account()
      changes[key] = AccountChange(key: key, old: state[key], new: new)
      state[key] = new
    }
    let sorted = changes.values.sorted { $0.key < $1.key }
    lattice.apply(sorted)
    let record = BlockRecord(
      height: height, slot: 100 + height, unixTimestamp: -5, blockhash: generator.hash(),
      stateHash: lattice.stateHash,
      genesisHash: .zero, transactionCount: height * 3,
      signatures: (0..<3).map { _ in Signature(generator.bytes(64))! })
    height += 1
    return BlockCommit(record: record, changes: sorted, stateLattice: lattice.bytes)
  }

  /// The state and the head after the first `count` blocks of the history that `seed` gives.
  static func state(seed: UInt64, after count: UInt64) -> (state: [Pubkey: Account], head: BlockRecord?) {
    var history = BlockHistory(seed: seed)
    var head: BlockRecord?
    for _ in 0..<count { head = history.next().record }
    return (history.state, head)
  }
}

extension AccountStore {
  /// Every account, after checking that they come in order.
  func allAccounts() throws -> [Pubkey: Account] {
    var accounts: [Pubkey: Account] = [:]
    var last: Pubkey?
    try forEachAccount { (key, account) throws(StoreError) in
      if let last { #expect(last < key) }
      last = key
      accounts[key] = account
    }
    return accounts
  }

  func allBlocks() throws -> [BlockRecord] {
    var blocks: [BlockRecord] = []
    try forEachBlock { (block) throws(StoreError) in blocks.append(block) }
    return blocks
  }
}

@Suite struct StoreTests {
  static func exercise(_ store: some AccountStore) throws {
    #expect(store.head == nil)
    #expect(store.stateLattice.isEmpty)
    var history = BlockHistory(seed: 1)
    var records: [BlockRecord] = []
    for _ in 0..<30 {
      let block = history.next()
      try store.commit(block)
      records.append(block.record)
      #expect(store.head == block.record)
      #expect(store.stateLattice == block.stateLattice)
      for change in block.changes { #expect(try store.account(change.key) == change.new) }
    }
    #expect(try store.allAccounts() == history.state)
    #expect(try store.allBlocks() == records)
    var generator = SplitMix64(seed: 999)
    #expect(try store.account(generator.pubkey()) == nil)

    // Out of order: nothing changes.
    let skipped = BlockHistory(seed: 1).blockZero()
    #expect(throws: StoreError.outOfOrder(expectedHeight: 30, height: 0)) { try store.commit(skipped) }
    #expect(store.head == records.last)
    #expect(try store.allAccounts() == history.state)
  }

  @Test func memoryStore() throws {
    try Self.exercise(MemoryStore())
  }

  @Test func rocksDBStore() throws {
    let directory = TemporaryDirectory()
    try Self.exercise(RocksDBStore(path: directory.path + "/a/b/ledger"))
  }

  @Test func memorySnapshotsStandStill() throws {
    let store = MemoryStore()
    var history = BlockHistory(seed: 2)
    try store.commit(history.next())
    let (before, state) = (store.snapshot(), history.state)
    try store.commit(history.next())
    #expect(try before.allAccounts() == state)
    #expect(before.head?.height == 0 && store.head?.height == 1)
  }
}

extension BlockHistory {
  fileprivate func blockZero() -> BlockCommit {
    var copy = self
    return copy.next()
  }
}

@Suite struct RecordTests {
  @Test func accountsRoundTripAndDamageIsSeen() {
    var generator = SplitMix64(seed: 3)
    for _ in 0..<300 {
      let account = generator.account()
      let bytes = AccountRecord.encode(account)
      #expect(bytes.withUnsafeBytes { AccountRecord.decode($0) } == account)
      // What decodes at all encodes to the same bytes: no two records mean one account.
      for _ in 0..<50 {
        var damaged = bytes
        let place = Int(generator.next() % UInt64(min(60, bytes.count)))
        damaged[place] ^= UInt8(truncatingIfNeeded: generator.next()) | 1
        if let other = damaged.withUnsafeBytes({ AccountRecord.decode($0) }) {
          #expect(AccountRecord.encode(other) == damaged)
          #expect(other != account)
        }
      }
    }
  }

  @Test(
    arguments: [
      [], [1], [1, 6], [2, 6, 1], [1, 8, 1], [1, 6, 0x81], [1, 6, 0x80, 0], [1, 2, 1, 0, 0], [1, 4, 1, 0],
      [1, 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
      [1, 4, 1] + [UInt8](repeating: 0, count: 32), [1, 2, 1] + [UInt8](repeating: 255, count: 8),
    ] as [[UInt8]])
  func malformedAccountRecords(bytes: [UInt8]) {
    #expect(bytes.withUnsafeBytes { AccountRecord.decode($0) } == nil)
  }

  @Test func smallAccountsTakeLittleRoom() {
    let account = Account(lamports: 100, owner: ProgramID.system)
    #expect(AccountRecord.encode(account) == [1, 6, 100])
    let full = Account(lamports: .max, data: [5], owner: ProgramID.vote, executable: true, rentEpoch: 0)
    #expect(AccountRecord.encode(full).count == 2 + 10 + 32 + 8 + 1)
  }

  @Test func blockRecordsRoundTripAndDamageIsSeen() {
    var record = BlockHistory.state(seed: 4, after: 2).head!
    (record.isOpen, record.gasUsed, record.blobGasUsed) = (true, 1 << 40, 1 << 17)
    let bytes = record.encoded()
    #expect(bytes.withUnsafeBytes { BlockRecord(decoding: $0) } == record)
    for count in 0..<bytes.count where (count - 146) % 64 != 0 || count < 146 {
      #expect(bytes[..<count].withUnsafeBytes { BlockRecord(decoding: $0) } == nil)
    }
    #expect(([3] + bytes.dropFirst()).withUnsafeBytes { BlockRecord(decoding: $0) } == nil)
    #expect((bytes[..<129] + [2] + bytes[130...]).withUnsafeBytes { BlockRecord(decoding: $0) } == nil)
    // Before there were blocks of several commits.
    let old = [1] + bytes[1..<129] + bytes[146...]
    (record.isOpen, record.gasUsed, record.blobGasUsed) = (false, 0, 0)
    #expect(old.withUnsafeBytes { BlockRecord(decoding: $0) } == record)
  }
}

@Suite struct StateLatticeTests {
  @Test func incrementsEqualTheWhole() {
    var history = BlockHistory(seed: 5)
    var incremental = StateLattice()
    for _ in 0..<20 { incremental.apply(history.next(changeCount: 200).changes) }
    var whole = StateLattice()
    whole.apply(history.state.map { AccountChange(key: $0.key, old: nil, new: $0.value) })
    #expect(whole == incremental)
    #expect(whole.stateHash == incremental.stateHash)
    #expect(StateLattice(bytes: whole.bytes) == whole)
    #expect(StateLattice(bytes: Array(whole.bytes.dropLast())) == nil)

    var emptied = whole
    emptied.apply(history.state.map { AccountChange(key: $0.key, old: $0.value, new: nil) })
    #expect(emptied == StateLattice())
  }

  @Test func orderAndThreadsDoNotMatter() {
    var history = BlockHistory(seed: 6)
    let changes = history.next(changeCount: 1000).changes
    var serial = StateLattice()
    serial.apply(changes)
    var generator = SplitMix64(seed: 7)
    for _ in 0..<3 {
      var shuffled = StateLattice()
      shuffled.apply(changes.shuffled(using: &generator)) { (count, body) in
        DispatchQueue.concurrentPerform(iterations: count) { body(count - 1 - $0) }
      }
      #expect(shuffled == serial)
    }
  }

  @Test func everythingButTheRentEpochCounts() {
    let account = Account(lamports: 5, data: [1, 2], owner: ProgramID.vote, executable: false, rentEpoch: 3)
    func hash(_ account: Account, _ key: Pubkey = ProgramID.stake) -> Hash {
      var lattice = StateLattice()
      lattice.apply([AccountChange(key: key, old: nil, new: account)])
      return lattice.stateHash
    }
    func changed(_ change: (inout Account) -> Void) -> Hash {
      var other = account
      change(&other)
      return hash(other)
    }
    let hashes = [
      hash(account), hash(account, ProgramID.vote), changed { $0.lamports = 6 },
      changed { $0.data = [1, 3] },
      changed { $0.data = [1, 2, 0] }, changed { $0.owner = ProgramID.stake },
      changed { $0.executable = true },
    ]
    #expect(Set(hashes).count == hashes.count)
    #expect(changed { $0.rentEpoch = 4 } == hash(account))
    #expect(changed { $0.lamports = 0 } == StateLattice().stateHash)
  }
}
