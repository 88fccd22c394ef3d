// Guesses which transactions of a block touch the same state, before any of them has run, so that they run one after the
// other and none twice. A wrong guess costs time, never a result.
//
// What is guessed, of a transaction that calls `target` with arguments: it changes its sender; it reads the target; it
// changes what the target keeps for the sender and for each of its first arguments (a token's balances are kept that
// way); and if calls like it (the same target and selector) turned out to meet on state that neither explains, as those
// of a pool do, they are all taken to. Guesses of the last two kinds are scored by whether the transaction that was waited
// for did write something that was read, and given up where it did not.

import EVM
import Ledger
import Primitives
import Scheduling
import Synchronization
import WideIntegers

/// `guess` is called by one thread at a time, the other functions by any.
final class AccessPredictor: @unchecked Sendable {
  // Sendable: scores are atomic; the rest belongs to whoever calls `guess`, whose callers take turns.

  /// Guesses with a score: one for each argument, and that all calls of the class meet.
  static let argumentCount = 3
  static let guessCount = 4
  private static let common = 3
  static let nobody = UInt32.max

  /// What a transaction waits for because of guesses with a score.
  struct Guesses: BitwiseCopyable {
    var callClass: UInt32 = 0
    /// By guess, the transaction of the wave before that is guessed to write what this one reads: its position.
    var predecessors: (UInt32, UInt32, UInt32, UInt32) = (nobody, nobody, nobody, nobody)

    func forEach(_ body: (Int, UInt32) -> Void) {
      if predecessors.0 != nobody { body(0, predecessors.0) }
      if predecessors.1 != nobody { body(1, predecessors.1) }
      if predecessors.2 != nobody { body(2, predecessors.2) }
      if predecessors.3 != nobody { body(3, predecessors.3) }
    }

    mutating func set(_ guess: Int, _ predecessor: UInt32) {
      switch guess {
      case 0: predecessors.0 = predecessor
      case 1: predecessors.1 = predecessor
      case 2: predecessors.2 = predecessor
      default: predecessors.3 = predecessor
      }
    }
  }

  /// What guesses are made from: a few words of a transaction, which the thread that decoded it has near.
  struct Call: BitwiseCopyable {
    fileprivate var target = Address.zero
    fileprivate var isCreation = false
    /// Of words behind the selector; -1 where there is none.
    fileprivate var argumentCount: Int8 = -1
    fileprivate var selector: UInt32 = 0
    fileprivate var arguments: (UInt256, UInt256, UInt256) = (.zero, .zero, .zero)

    init() {}

    init(_ transaction: borrowing EthereumTransaction, from sender: Address) {
      guard let target = transaction.to else {
        isCreation = true
        self.target = Address.created(by: sender, nonce: transaction.nonce)
        return
      }
      self.target = target
      guard transaction.data.count >= 4 else { return }
      transaction.data.withUnsafeBytes { data in
        let start = data.baseAddress.unsafelyUnwrapped
        selector = data.loadUnaligned(as: UInt32.self)
        let count = min((data.count - 4) / 32, AccessPredictor.argumentCount)
        argumentCount = Int8(count)
        if count > 0 { arguments.0 = UInt256(bigEndianAt: start + 4) }
        if count > 1 { arguments.1 = UInt256(bigEndianAt: start + 36) }
        if count > 2 { arguments.2 = UInt256(bigEndianAt: start + 68) }
      }
    }
  }

  private static let classCount = 4096
  private static let argumentScore: Int32 = 4
  private static let scoreLimit: Int32 = 32
  private let scores: UnsafeMutablePointer<Atomic<Int32>>
  @exclusivity(unchecked) private var interner = AccountInterner(expectedCount: 4096)
  @exclusivity(unchecked) private(set) var reads: [AccountIndex] = []
  @exclusivity(unchecked) private(set) var writes: [AccountIndex] = []
  /// Which of `writes` are guesses with a score, and which guess each is.
  @exclusivity(unchecked) private(set) var scored: [(guess: Int, place: Int)] = []
  /// By index of a guessed key, that of the account that it belongs to, for people.
  @exclusivity(unchecked) private(set) var accounts: [Pubkey] = []

  init() {
    let count = Self.classCount * Self.guessCount
    scores = .allocate(capacity: count)
    for place in 0..<count {
      (scores + place).initialize(to: Atomic(place % Self.guessCount == Self.common ? 0 : Self.argumentScore))
    }
  }

  deinit { scores.deallocate() }

  /// Forgets the transactions; what was learned stays.
  func removeAll() {
    interner.removeAll()
    accounts.removeAll(keepingCapacity: true)
  }

  /// Number of keys guessed.
  var keyCount: Int { accounts.count }

  // MARK: Guessing

  /// Most entries of a set that orders transactions; one with a larger set is guessed at.
  static let declaredLimit = 1024

  /// Sets `reads` and `writes` to what the next transaction has declared.
  func declare(_ set: AccessSet) {
    begin()
    for entry in set.accounts { note(Self.key(entry.key), of: entry.key, isWritten: entry.isWritable) }
    for entry in set.slots {
      note(
        Self.slotKey(entry.key.slot, of: entry.key.address), of: entry.key.address,
        isWritten: entry.isWritable)
    }
    for entry in set.solana {
      let index = index(AccountKey(entry.key), of: entry.key)
      if entry.isWritable { writes.append(index) } else { reads.append(index) }
    }
  }

  /// Sets `reads` and `writes` to what the next transaction is guessed to touch.
  ///
  /// - Returns: the class of its call.
  func guess(_ call: UnsafePointer<Call>, from sender: Address) -> UInt32 {
    begin()
    let target = call.pointee.target
    note(Self.key(sender), of: sender, isWritten: true)
    note(Self.key(target), of: target, isWritten: call.pointee.isCreation)
    let count = Int(call.pointee.argumentCount)
    guard count >= 0 else { return 0 }
    let callClass = Self.callClass(target, call.pointee.selector)
    note(Self.key(UInt256(sender), in: target), of: target, isWritten: true)
    func noteArgument(_ argument: Int, _ word: UInt256) {
      if argument < count && isTrusted(callClass, argument) {
        note(Self.key(word, in: target), of: target, guess: argument)
      }
    }
    noteArgument(0, call.pointee.arguments.0)
    noteArgument(1, call.pointee.arguments.1)
    noteArgument(2, call.pointee.arguments.2)
    if isTrusted(callClass, Self.common) { note(Self.commonKey(target), of: target, guess: Self.common) }
    return callClass
  }

  private func begin() {
    reads.removeAll(keepingCapacity: true)
    writes.removeAll(keepingCapacity: true)
    scored.removeAll(keepingCapacity: true)
  }

  private func note(_ key: AccountKey, of address: Address, isWritten: Bool) {
    let index = index(key, of: EVMKey.account(address))
    if isWritten { writes.append(index) } else { reads.append(index) }
  }

  private func note(_ key: AccountKey, of address: Address, guess: Int) {
    scored.append((guess, writes.count))
    note(key, of: address, isWritten: true)
  }

  private func index(_ key: AccountKey, of account: Pubkey) -> AccountIndex {
    let index = interner.intern(key)
    if index.position == accounts.count { accounts.append(account) }
    return index
  }

  private static func key(_ address: Address) -> AccountKey {
    AccountKey(word0: address.word0, word1: address.word1, word2: UInt64(address.word2), word3: 1 << 32)
  }

  /// What a contract keeps under a word. Two words of one contract never share a key.
  private static func key(_ word: UInt256, in target: Address) -> AccountKey {
    AccountKey(
      word0: word.limb0 ^ target.word0, word1: word.limb1 ^ target.word1,
      word2: word.limb2 ^ UInt64(target.word2), word3: word.limb3 ^ 2 << 32)
  }

  /// A slot by its number, which only declared transactions are known to use.
  private static func slotKey(_ slot: UInt256, of address: Address) -> AccountKey {
    AccountKey(
      word0: slot.limb0 ^ address.word0, word1: slot.limb1 ^ address.word1,
      word2: slot.limb2 ^ UInt64(address.word2), word3: slot.limb3 ^ 4 << 32)
  }

  private static func commonKey(_ target: Address) -> AccountKey {
    AccountKey(word0: target.word0, word1: target.word1, word2: UInt64(target.word2), word3: 3 << 32)
  }

  private static func callClass(_ target: Address, _ selector: UInt32) -> UInt32 {
    let mixed =
      (target.word0 ^ target.word1 ^ UInt64(target.word2) << 32 ^ UInt64(selector))
      &* 0x9e37_79b9_7f4a_7c15
    return UInt32(truncatingIfNeeded: mixed >> 52)  // of `classCount`
  }

  // MARK: Learning

  // Relaxed throughout: a score is a hint, and nothing is ordered by it.

  private func isTrusted(_ callClass: UInt32, _ guess: Int) -> Bool {
    scores[Int(callClass) * Self.guessCount + guess].load(ordering: .relaxed) > 0
  }

  private func add(_ amount: Int32, _ callClass: UInt32, _ guess: Int) {
    let score = scores + Int(callClass) * Self.guessCount + guess
    let value = score.pointee.load(ordering: .relaxed)
    let new = min(max(value + amount, 0), Self.scoreLimit)
    if new != value { score.pointee.store(new, ordering: .relaxed) }
  }

  /// A transaction has run.
  ///
  /// - Parameter hasRead: whether it read something that the transaction at a position wrote.
  @inline(__always) func score(_ guesses: Guesses, hasRead: (UInt32) -> Bool) {
    let all = guesses.predecessors
    if all.0 != Self.nobody { add(hasRead(all.0) ? 2 : -1, guesses.callClass, 0) }
    if all.1 != Self.nobody { add(hasRead(all.1) ? 2 : -1, guesses.callClass, 1) }
    if all.2 != Self.nobody { add(hasRead(all.2) ? 2 : -1, guesses.callClass, 2) }
    if all.3 != Self.nobody { add(hasRead(all.3) ? 2 : -2, guesses.callClass, Self.common) }
  }

  /// Two transactions met without having been guessed to.
  func noteConflict(_ first: Guesses, _ second: Guesses) {
    add(6, first.callClass, Self.common)
    if second.callClass != first.callClass { add(6, second.callClass, Self.common) }
  }
}
