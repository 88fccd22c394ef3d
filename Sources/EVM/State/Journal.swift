// The changes of one transaction: every account and slot it touched, with the value before, and a log of undo
// entries that takes any checkpoint back. What execution asks for most, a warm slot, is one probe of a table of
// positions and a comparison of 40 bytes.
//
// Invariant: positions of accounts and slots never move within a transaction, rolling back included; frames keep
// them. A rolled-back account or slot stays in the journal with the values it had.
//
// An account is read from the state when something is asked of it, not when it is met: one that only becomes warm is
// not read at all. What was asked is kept (`AccountUses`), whatever is rolled back later: it is what the transaction's
// outcome depends on.

import Primitives
import SBPF
import WideIntegers

/// What the journal knows of an account beyond its fields.
struct AccountFlags: OptionSet, BitwiseCopyable {
  let rawValue: UInt32

  /// There is such an account in the state, empty ones before EIP-161 included.
  static let exists = AccountFlags(rawValue: 1)
  /// Accessed before in this transaction (EIP-2929).
  static let warm = AccountFlags(rawValue: 2)
  /// Deleted at the end if it is empty then (EIP-161).
  static let touched = AccountFlags(rawValue: 4)
  /// A contract of this transaction's making (EIP-6780).
  static let created = AccountFlags(rawValue: 8)
  /// Deleted at the end.
  static let destroyed = AccountFlags(rawValue: 16)
  /// `EVMAccount.hasOrphanStorage`.
  static let orphanStorage = AccountFlags(rawValue: 32)
  /// Set by `finish`: one of its slots has a value.
  static let hasStorage = AccountFlags(rawValue: 64)
  /// Set by `finish`: there is no such account any more.
  static let isGone = AccountFlags(rawValue: 128)
  /// The fields are those of the state, with this transaction's changes. Never rolled back.
  static let loaded = AccountFlags(rawValue: 256)
}

struct JournalAccount: BitwiseCopyable {
  let address: Address
  var flags: AccountFlags
  var nonce: UInt64
  var balance: UInt256
  var codeHash: Hash
  /// Loaded when it is first asked for; the journal keeps the object alive.
  var code: Unmanaged<EVMCode>?
  /// The code's executable for the transaction's fork; the code keeps it alive.
  var executable: Unmanaged<Executable>?
  /// Of an account that the transaction makes, set by `finish`.
  var incarnation: UInt64
  private(set) var originallyExisted = false
  /// What of the account was asked for or changed so far.
  var uses: AccountUses = []
  /// The how-manieth account that was read from the state.
  private(set) var load: UInt32 = 0
  private(set) var originalNonce: UInt64 = 0
  private(set) var originalBalance = UInt256.zero
  private(set) var originalCodeHash = EVMAccount.emptyCodeHash

  /// An account that nothing was asked of yet.
  init(address: Address, flags: AccountFlags) {
    (self.address, self.flags) = (address, flags)
    (nonce, balance, codeHash, incarnation) = (0, .zero, EVMAccount.emptyCodeHash, 0)
    (code, executable) = (nil, nil)
  }

  /// Takes over what the state says.
  mutating func load(_ stored: EVMAccount?, number: UInt32) {
    flags.insert(.loaded)
    load = number
    guard let stored else { return }
    flags.insert(stored.hasOrphanStorage ? [.exists, .orphanStorage] : .exists)
    originallyExisted = true
    (nonce, originalNonce) = (stored.nonce, stored.nonce)
    (balance, originalBalance) = (stored.balance, stored.balance)
    (codeHash, originalCodeHash) = (stored.codeHash, stored.codeHash)
    incarnation = stored.incarnation
  }

  @inline(__always) var isEmpty: Bool {
    nonce == 0 && balance.isZero && codeHash == EVMAccount.emptyCodeHash
  }
  @inline(__always) var hasCode: Bool { codeHash != EVMAccount.emptyCodeHash }

  var account: EVMAccount {
    EVMAccount(
      balance: balance, nonce: nonce, codeHash: codeHash, incarnation: incarnation,
      hasOrphanStorage: flags.contains(.orphanStorage))
  }
}

struct JournalSlot: BitwiseCopyable {
  let key: UInt256
  var value: UInt256
  /// The value before the transaction (EIP-2200).
  let original: UInt256
  let account: UInt32
  var isWarm: Bool
  /// A different value was stored at some time, whether or not that was rolled back.
  var isWritten = false
  /// The state was asked for it: not where the transaction made the account.
  var isRead = false
}

struct UndoEntry: BitwiseCopyable {
  enum Kind: UInt32, BitwiseCopyable {
    case balance, nonce, code, flags, slotValue, slotWarmth, transient
    /// Something beyond the EVM's border; `extra` is its mark.
    case border
  }

  let kind: Kind
  let position: UInt32
  let extra: UInt64
  let word: UInt256
}

/// Lives at a fixed address for as long as its owner; not a class, so that accesses by pointer cost nothing.
struct Journal {
  struct Checkpoint: BitwiseCopyable {
    let undoCount: Int
    let logCount: Int
    let refund: Int64
  }

  private(set) var reader: any EVMStateReader
  /// What contracts may call beyond Ethereum, whose changes are rolled back with the journal's.
  var border: (any EVMBorder)?
  private(set) var fork = Fork.latest
  /// Accounts read from the state so far.
  private var loadCount: UInt32 = 0
  /// What the fee recipient gets, and its position; paid by `finish`.
  var reward = UInt256.zero
  var rewardPosition = -1
  var accounts = FlatList<JournalAccount>(capacity: 64)
  var slots = FlatList<JournalSlot>(capacity: 256)
  /// EIP-1153; `original` and `isWarm` unused.
  var transientSlots = FlatList<JournalSlot>(capacity: 16)
  var undo = FlatList<UndoEntry>(capacity: 512)
  var accountTable = PositionTable(capacity: 256)
  var slotTable = PositionTable(capacity: 1024)
  var transientTable = PositionTable(capacity: 64)
  /// Slots that are warm from the start (EIP-2930): `key` and `account` alone count.
  private var listedSlots = FlatList<JournalSlot>(capacity: 16)
  private var listedTable = PositionTable(capacity: 64)
  let hash = KeyedHash.shared
  private(set) var logs: [EVMLog] = []
  /// Gas to be given back; below 0 only between the steps of EIP-1283's rules.
  var refund: Int64 = 0
  /// The account of RIPEMD-160 was touched, which no rollback takes back: what happened on mainnet in block 2675119
  /// became the rule.
  private(set) var touchedRipemd = false
  private var codes: [EVMCode] = []
  /// Codes that were used lately, by bits of their hashes, from one transaction to the next: references of this journal's
  /// own, since all workers would count those of a contract that many call at one place.
  private let recentCodes: UnsafeMutablePointer<RecentCode>
  private static let recentCodeCount = 32

  private struct RecentCode {
    var hash = Hash.zero
    var code: Unmanaged<EVMCode>?
  }

  init(reader: any EVMStateReader) {
    self.reader = reader
    recentCodes = .allocate(capacity: Self.recentCodeCount)
    recentCodes.initialize(repeating: RecentCode(), count: Self.recentCodeCount)
  }

  func deallocate() {
    releaseRecentCodes()
    recentCodes.deallocate()
    accounts.deallocate()
    slots.deallocate()
    transientSlots.deallocate()
    undo.deallocate()
    accountTable.deallocate()
    slotTable.deallocate()
    transientTable.deallocate()
    listedSlots.deallocate()
    listedTable.deallocate()
  }

  /// Reads from an empty state until a transaction starts.
  mutating func releaseReader() {
    reader = EVMWorld()
    releaseRecentCodes()
  }

  private func releaseRecentCodes() {
    for place in 0..<Self.recentCodeCount {
      recentCodes[place].code?.release()
      recentCodes[place] = RecentCode()
    }
  }

  /// Starts a transaction on the state that `reader` shows.
  mutating func begin(reader: any EVMStateReader, fork: Fork) {
    self.reader = reader
    self.fork = fork
    accounts.truncate(to: 0)
    slots.truncate(to: 0)
    transientSlots.truncate(to: 0)
    undo.truncate(to: 0)
    accountTable.removeAll()
    slotTable.removeAll()
    transientTable.removeAll()
    listedSlots.truncate(to: 0)
    listedTable.removeAll()
    (loadCount, reward, rewardPosition) = (0, .zero, -1)
    if !logs.isEmpty { logs = [] }
    codes.removeAll(keepingCapacity: true)
    refund = 0
    touchedRipemd = false
  }

  // MARK: Checkpoints

  var checkpoint: Checkpoint {
    Checkpoint(undoCount: undo.count, logCount: logs.count, refund: refund)
  }

  /// Takes back everything since `checkpoint`.
  mutating func rollBack(to checkpoint: Checkpoint) {
    var index = undo.count
    while index > checkpoint.undoCount {
      index &-= 1
      revert(undo.base[index])
    }
    undo.truncate(to: checkpoint.undoCount)
    if logs.count > checkpoint.logCount { logs.removeSubrange(checkpoint.logCount...) }
    refund = checkpoint.refund
  }

  private func revert(_ entry: UndoEntry) {
    let position = Int(entry.position)
    switch entry.kind {
    case .balance: accounts.base[position].balance = entry.word
    case .nonce: accounts.base[position].nonce = entry.extra
    case .flags:
      accounts.base[position].flags.subtract(AccountFlags(rawValue: UInt32(truncatingIfNeeded: entry.extra)))
    case .slotValue: slots.base[position].value = entry.word
    case .slotWarmth: slots.base[position].isWarm = false
    case .transient: transientSlots.base[position].value = entry.word
    case .border: border?.rollBack(to: entry.extra)
    case .code:
      accounts.base[position].codeHash = Hash(entry.word)
      accounts.base[position].code = UnsafeRawPointer(bitPattern: UInt(entry.extra)).map {
        Unmanaged<EVMCode>.fromOpaque($0)
      }
      accounts.base[position].executable = nil
    }
  }

  @inline(__always)
  private mutating func note(
    _ kind: UndoEntry.Kind, _ position: Int, extra: UInt64 = 0, word: UInt256 = .zero
  ) {
    undo.append(
      UndoEntry(kind: kind, position: UInt32(truncatingIfNeeded: position), extra: extra, word: word))
  }

  /// Something beyond the border is about to change.
  mutating func noteBorder(_ mark: UInt64) { note(.border, 0, extra: mark) }

  /// Whether calls of `address` are the border's to answer.
  @inline(__always) func isBorder(_ address: Address) -> Bool {
    BorderAddress.number(of: address) != nil && border != nil
  }

  // MARK: Accounts

  /// The position of the account at `address`, whose fields count once it is loaded.
  @inline(__always) mutating func position(of address: Address) -> Int {
    var place = Int(truncatingIfNeeded: hash.of(address))
    while let position = accountTable.position(at: place) {
      if accounts.base[position].address == address { return position }
      place &+= 1
    }
    return meet(address)
  }

  @inline(never) private mutating func meet(_ address: Address) -> Int {
    let position = accounts.count
    // EIP-2929: precompiles are warm from the start.
    let isPrecompile = PrecompileCall.active(address, fork: fork) != nil
    accounts.append(JournalAccount(address: address, flags: isPrecompile ? .warm : []))
    let (base, hash) = (accounts.base, hash)
    accountTable.insert(position, hash: hash.of(address)) { hash.of(base[$0].address) }
    return position
  }

  /// Makes the fields of an account count, and notes which of them the outcome depends on from now on.
  @inline(__always) mutating func use(_ uses: AccountUses, at position: Int) throws(EVMStateError) {
    if !accounts.base[position].flags.contains(.loaded) { try load(position) }
    accounts.base[position].uses.formUnion(uses)
  }

  @inline(never) private mutating func load(_ position: Int) throws(EVMStateError) {
    accounts.base[position].load(try reader.account(accounts.base[position].address), number: loadCount)
    loadCount &+= 1
  }

  @inline(__always) subscript(_ position: Int) -> JournalAccount {
    _read { yield accounts.base[position] }
  }

  @inline(__always) mutating func setFlags(_ flags: AccountFlags, at position: Int) {
    let added = flags.subtracting(accounts.base[position].flags)
    guard !added.isEmpty else { return }
    note(.flags, position, extra: UInt64(added.rawValue))
    accounts.base[position].flags.formUnion(added)
  }

  /// Whether the account had not been accessed; it has been from now on.
  @inline(__always) mutating func warm(_ position: Int) -> Bool {
    if accounts.base[position].flags.contains(.warm) { return false }
    setFlags(.warm, at: position)
    return true
  }

  /// The target of a call, or who is paid: deleted at the end if empty, created now before EIP-161, for which it must
  /// be loaded.
  @inline(__always) mutating func touch(_ position: Int, fork: Fork) {
    if fork < .spuriousDragon {
      setFlags([.touched, .exists], at: position)
    } else {
      setFlags(.touched, at: position)
      if accounts.base[position].address == Address(3) { touchedRipemd = true }
    }
  }

  @inline(__always) mutating func setBalance(_ balance: UInt256, at position: Int) {
    note(.balance, position, word: accounts.base[position].balance)
    accounts.base[position].uses.insert(.written)
    accounts.base[position].balance = balance
  }

  /// Adds wei and touches the account, which is loaded. That alone does not use its balance.
  mutating func credit(_ amount: UInt256, to position: Int, fork: Fork) {
    touch(position, fork: fork)
    guard !amount.isZero else { return }
    setFlags(.exists, at: position)
    setBalance(accounts.base[position].balance &+ amount, at: position)
  }

  /// Takes wei that the caller knows to be there.
  mutating func debit(_ amount: UInt256, from position: Int) {
    setFlags(.touched, at: position)
    if !amount.isZero { setBalance(accounts.base[position].balance &- amount, at: position) }
  }

  mutating func setNonce(_ nonce: UInt64, at position: Int) {
    setFlags(.exists, at: position)
    note(.nonce, position, extra: accounts.base[position].nonce)
    accounts.base[position].uses.insert(.written)
    accounts.base[position].nonce = nonce
  }

  mutating func setCode(_ code: EVMCode, at position: Int) {
    let old = accounts.base[position]
    let oldPointer = old.code.map { UInt64(UInt(bitPattern: $0.toOpaque())) } ?? 0
    note(.code, position, extra: oldPointer, word: UInt256(old.codeHash))
    codes.append(code)
    accounts.base[position].uses.insert(.written)
    accounts.base[position].codeHash = code.hash
    accounts.base[position].code = .passUnretained(code)
    accounts.base[position].executable = nil
  }

  /// The account's code, alive until the transaction ends; uses it.
  @inline(__always) mutating func code(at position: Int) throws(EVMStateError) -> Unmanaged<EVMCode> {
    try use(.code, at: position)
    if let code = accounts.base[position].code { return code }
    return try loadCode(at: position)
  }

  @inline(never) private mutating func loadCode(at position: Int) throws(EVMStateError) -> Unmanaged<EVMCode>
  {
    let account = accounts.base[position]
    let code = account.hasCode ? try recentCode(of: account) : Self.emptyCode
    accounts.base[position].code = code
    return code
  }

  private static let emptyCode = Unmanaged.passRetained(EVMCode.empty)

  private mutating func recentCode(of account: JournalAccount) throws(EVMStateError) -> Unmanaged<EVMCode> {
    let recent = recentCodes + Int(truncatingIfNeeded: account.codeHash.word0) & (Self.recentCodeCount - 1)
    if let code = recent.pointee.code, recent.pointee.hash == account.codeHash { return code }
    let code = Unmanaged.passRetained(try reader.code(account.address, account.account))
    // The transaction may be running the one that goes.
    if let old = recent.pointee.code { codes.append(old.takeRetainedValue()) }
    recent.pointee = RecentCode(hash: account.codeHash, code: code)
    return code
  }

  /// Keeps `code` alive until the transaction ends.
  mutating func keep(_ code: EVMCode) -> Unmanaged<EVMCode> {
    codes.append(code)
    return .passUnretained(code)
  }

  mutating func setExecutable(_ executable: Unmanaged<Executable>, at position: Int) {
    accounts.base[position].executable = executable
  }

  // MARK: Logs

  mutating func append(_ log: EVMLog) { logs.append(log) }

  /// Hands the logs over at the end of the transaction.
  mutating func takeLogs() -> [EVMLog] {
    defer { logs = [] }
    return logs
  }

  // MARK: Storage

  /// The position of a slot; −1 where the transaction has not met it.
  @inline(__always) func slotPosition(_ account: Int, _ key: UInt256) -> Int {
    var place = Int(truncatingIfNeeded: hash.of(account, key))
    while let position = slotTable.position(at: place) {
      let slot = slots.base + position
      if slot.pointee.key == key && Int(slot.pointee.account) == account { return position }
      place &+= 1
    }
    return -1
  }

  /// Makes a slot warm from the start of the transaction.
  mutating func listSlot(_ account: Int, _ key: UInt256) {
    let position = listedSlots.count
    listedSlots.append(
      JournalSlot(
        key: key, value: .zero, original: .zero, account: UInt32(truncatingIfNeeded: account), isWarm: true))
    let (base, hash) = (listedSlots.base, hash)
    listedTable.insert(position, hash: hash.of(account, key)) { hash.of(Int(base[$0].account), base[$0].key) }
  }

  private func isListed(_ account: Int, _ key: UInt256) -> Bool {
    var place = Int(truncatingIfNeeded: hash.of(account, key))
    while let position = listedTable.position(at: place) {
      let slot = listedSlots.base + position
      if slot.pointee.key == key && Int(slot.pointee.account) == account { return true }
      place &+= 1
    }
    return false
  }

  /// Reads a slot that the transaction has not met from the state, cold unless it is listed.
  @inline(never) mutating func loadSlot(_ account: Int, _ key: UInt256) throws(EVMStateError) -> Int {
    try use(.code, at: account)
    let owner = accounts.base + account
    var value = UInt256.zero
    let isRead = owner.pointee.originallyExisted && !owner.pointee.flags.contains(.created)
    if isRead {
      value = try reader.storage(owner.pointee.address, incarnation: owner.pointee.incarnation, slot: key)
    }
    let position = slots.count
    slots.append(
      JournalSlot(
        key: key, value: value, original: value, account: UInt32(truncatingIfNeeded: account),
        isWarm: listedSlots.count > 0 && isListed(account, key), isRead: isRead))
    let (base, hash) = (slots.base, hash)
    slotTable.insert(position, hash: hash.of(account, key)) { hash.of(Int(base[$0].account), base[$0].key) }
    return position
  }

  /// Marks a slot as accessed.
  @inline(__always) mutating func warmSlot(_ position: Int) {
    note(.slotWarmth, position)
    slots.base[position].isWarm = true
  }

  @inline(__always) mutating func setSlot(_ position: Int, to value: UInt256) {
    note(.slotValue, position, word: slots.base[position].value)
    slots.base[position].isWritten = true
    slots.base[position].value = value
  }

  // MARK: Transient storage

  @inline(__always) private func transientPosition(_ account: Int, _ key: UInt256) -> Int {
    var place = Int(truncatingIfNeeded: hash.of(account, key))
    while let position = transientTable.position(at: place) {
      let slot = transientSlots.base + position
      if slot.pointee.key == key && Int(slot.pointee.account) == account { return position }
      place &+= 1
    }
    return -1
  }

  func transient(_ account: Int, _ key: UInt256) -> UInt256 {
    let position = transientPosition(account, key)
    return position < 0 ? .zero : transientSlots.base[position].value
  }

  mutating func setTransient(_ account: Int, _ key: UInt256, to value: UInt256) {
    var position = transientPosition(account, key)
    if position < 0 {
      position = transientSlots.count
      transientSlots.append(
        JournalSlot(
          key: key, value: .zero, original: .zero, account: UInt32(truncatingIfNeeded: account), isWarm: true)
      )
      let (base, hash) = (transientSlots.base, hash)
      transientTable.insert(position, hash: hash.of(account, key)) {
        hash.of(Int(base[$0].account), base[$0].key)
      }
    }
    note(.transient, position, word: transientSlots.base[position].value)
    transientSlots.base[position].value = value
  }
}
