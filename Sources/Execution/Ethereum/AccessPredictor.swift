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

/// What a transaction is guessed, or has declared, to touch, as hashes of what that is: two transactions meet where they
/// share one. Hashes that agree by chance cost time, as other wrong guesses do. A few words, which the thread that decodes
/// leaves for the one that plans.
struct AccessKeys {
  /// Most hashes; of what declares more, the planning thread reads the set.
  static let limit = 7

  enum Source { case nothing, guess, declaration, longDeclaration }

  /// Those of a guess: sender, target, what the target keeps for the sender, for up to three arguments, and for all.
  fileprivate(set) var hashes: SIMD8<UInt64> = .zero
  fileprivate(set) var source = Source.nothing
  /// Touches; at most, of a guess.
  fileprivate(set) var count: UInt16 = 0
  /// Of a declaration, which are written; a bit each.
  fileprivate var writes: UInt8 = 0
  fileprivate var isCreation = false
  /// Of words behind the selector; -1 where there is none.
  fileprivate var argumentCount: Int8 = -1
  fileprivate(set) var callClass: UInt32 = 0

  init() {}

  /// Whether they are a guess about a transaction that calls or pays an account.
  var isPayment: Bool { source == .guess && !isCreation }

  /// What `transaction` is guessed to touch, and the account that it calls, creates or pays.
  init(guessing transaction: borrowing EthereumTransaction, from sender: Address, target: inout Address) {
    (source, count) = (.guess, UInt16(Self.limit))
    isCreation = transaction.to == nil
    target = transaction.to ?? Address.created(by: sender, nonce: transaction.nonce)
    let hasher = AccountKeyHasher.ofProcess
    hashes[0] = hasher.hash(of: Self.key(sender))
    hashes[1] = hasher.hash(of: Self.key(target))
    guard !isCreation, transaction.data.count >= 4 else { return }
    let called = target
    hashes[2] = hasher.hash(of: Self.key(UInt256(sender), in: called))
    transaction.data.withUnsafeBytes { data in
      let start = data.baseAddress.unsafelyUnwrapped
      callClass = Self.callClass(called, data.loadUnaligned(as: UInt32.self))
      let count = min((data.count - 4) / 32, AccessPredictor.argumentCount)
      argumentCount = Int8(count)
      for argument in 0..<count {
        hashes[3 + argument] = hasher.hash(
          of: Self.key(UInt256(bigEndianAt: start + 4 + 32 * argument), in: called))
      }
    }
    hashes[6] = hasher.hash(of: Self.commonKey(called))
  }

  /// What a transaction has declared, of at most 65,535 entries.
  init(declaring set: borrowing AccessSet) {
    count = UInt16(set.count)
    guard set.count <= Self.limit else {
      source = .longDeclaration
      return
    }
    source = .declaration
    var place = 0
    Self.forEachHash(of: set) { hash, isWritten in
      hashes[place] = hash
      if isWritten { writes |= 1 << UInt8(place) }
      place += 1
    }
  }

  /// Calls `body` for each entry of `set`, in its order.
  fileprivate static func forEachHash(of set: borrowing AccessSet, _ body: (UInt64, Bool) -> Void) {
    let hasher = AccountKeyHasher.ofProcess
    for entry in set.accounts { body(hasher.hash(of: key(entry.key)), entry.isWritable) }
    for entry in set.slots {
      body(hasher.hash(of: slotKey(entry.key.slot, of: entry.key.address)), entry.isWritable)
    }
    for entry in set.solana { body(hasher.hash(of: AccountKey(entry.key)), entry.isWritable) }
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
    return UInt32(truncatingIfNeeded: mixed >> (64 - AccessPredictor.classBits))
  }
}

/// `forEachTouch` is called by one thread at a time, the other functions by any.
final class AccessPredictor: @unchecked Sendable {
  // Sendable: scores are atomic; the rest belongs to whoever plans, who take turns.

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

    /// Makes each what `body` says of it.
    mutating func resolve(_ body: (UInt32) -> UInt32?) {
      func resolved(_ place: UInt32) -> UInt32 { place == nobody ? nobody : body(place) ?? nobody }
      predecessors = (
        resolved(predecessors.0), resolved(predecessors.1), resolved(predecessors.2), resolved(predecessors.3)
      )
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

  fileprivate static let classBits = 12
  private static let classCount = 1 << classBits
  private static let argumentScore: Int32 = 4
  private static let scoreLimit: Int32 = 32
  private let scores: UnsafeMutablePointer<Atomic<Int32>>
  /// Of the block, what timelines name, by index.
  @exclusivity(unchecked) private(set) var accounts: [Pubkey] = []
  @exclusivity(unchecked) private var indices: [Pubkey: AccountIndex] = [:]

  init() {
    let count = Self.classCount * Self.guessCount
    scores = .allocate(capacity: count)
    for place in 0..<count {
      (scores + place).initialize(to: Atomic(place % Self.guessCount == Self.common ? 0 : Self.argumentScore))
    }
  }

  deinit { scores.deallocate() }

  /// Forgets the block; what was learned stays.
  func removeAll() {
    accounts.removeAll(keepingCapacity: true)
    indices.removeAll(keepingCapacity: true)
  }

  /// The index by which the block's timeline names the account of `key`.
  func index(of key: Pubkey) -> AccountIndex {
    if let known = indices[key] { return known }
    let index = AccountIndex(UInt32(truncatingIfNeeded: accounts.count))
    accounts.append(key)
    indices[key] = index
    return index
  }

  // MARK: Guessing

  /// Calls `body` with the hash of each thing that a transaction is guessed, or has declared, to touch, whether that is
  /// written, and the guess with a score that it is, if any: first the sender, then the target, or what was declared in its
  /// order.
  ///
  /// - Parameter access: what a transaction has declared whose keys do not hold it.
  @inline(__always)
  func forEachTouch(
    _ keys: borrowing AccessKeys, _ access: () -> AccessSet?, _ body: (UInt64, Bool, Int?) -> Void
  ) {
    switch keys.source {
    case .nothing: break
    case .declaration:
      for place in 0..<Int(keys.count) {
        body(keys.hashes[place], keys.writes >> UInt8(place) & 1 != 0, nil)
      }
    case .longDeclaration:
      if let set = access() { AccessKeys.forEachHash(of: set) { body($0, $1, nil) } }
    case .guess:
      body(keys.hashes[0], true, nil)
      body(keys.hashes[1], keys.isCreation, nil)
      let argumentCount = Int(keys.argumentCount)
      guard argumentCount >= 0 else { return }
      body(keys.hashes[2], true, nil)
      let callClass = keys.callClass
      for argument in 0..<argumentCount where isTrusted(callClass, argument) {
        body(keys.hashes[3 + argument], true, argument)
      }
      if isTrusted(callClass, Self.common) { body(keys.hashes[6], true, Self.common) }
    }
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
