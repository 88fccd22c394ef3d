// What the overlay keeps under a key of Ethereum's state: an account's record without its code, a slot's value, or wei
// that an account received.

import EVM
import Ledger
import Primitives
import WideIntegers

struct EVMCell: VersionedValue, Equatable {
  enum Kind: UInt8, BitwiseCopyable {
    /// No account, and there was none.
    case absent
    /// No account; the next one here starts with the incarnation.
    case gone
    case account
    case slot
    /// A delta.
    case credit
  }

  /// Wei of an account or a credit; a slot's value.
  var word: UInt256
  var codeHash = EVMAccount.emptyCodeHash
  var nonce: UInt64 = 0
  var incarnation: UInt64 = 0
  var kind: Kind
  var hasOrphanStorage = false

  init(_ state: EVMRecord.AccountState?) {
    switch state {
    case .account(let account): self.init(account)
    case .gone(let incarnation):
      self.init(word: .zero, kind: .gone)
      self.incarnation = incarnation
    case nil: self.init(word: .zero, kind: .absent)
    }
  }

  init(_ account: EVMAccount) {
    (word, codeHash, nonce) = (account.balance, account.codeHash, account.nonce)
    (incarnation, hasOrphanStorage, kind) = (account.incarnation, account.hasOrphanStorage, .account)
  }

  init(_ change: EVMStateChanges.AccountChange) {
    self.init(change.account.map { .account($0) } ?? .gone(incarnation: change.incarnation))
  }

  init(slot value: UInt256) { self.init(word: value, kind: .slot) }
  init(credit amount: UInt256) { self.init(word: amount, kind: .credit) }

  private init(word: UInt256, kind: Kind) { (self.word, self.kind) = (word, kind) }

  /// `nil` where there is no account.
  var account: EVMAccount? {
    guard kind == .account else { return nil }
    return EVMAccount(
      balance: word, nonce: nonce, codeHash: codeHash, incarnation: incarnation,
      hasOrphanStorage: hasOrphanStorage)
  }

  /// An account that receives something exists afterwards.
  func adding(_ delta: EVMCell) -> EVMCell {
    var sum = self
    sum.word = word &+ delta.word
    if kind != .credit { sum.kind = .account }
    return sum
  }

  private var isEmpty: Bool { word.isZero && nonce == 0 && codeHash == EVMAccount.emptyCodeHash }

  /// Whether a transaction that used some of this, and then finds `other` in its place, has the same outcome.
  @inline(__always) func holds(_ other: EVMCell, for uses: AccountUses) -> Bool {
    if kind == .slot { return word == other.word }
    if !uses.isDisjoint(with: [.vitality, .touched]),
      (kind == .account) != (other.kind == .account) || isEmpty != other.isEmpty
    {
      return false
    }
    if uses.contains(.nonce), nonce != other.nonce { return false }
    if uses.contains(.balance), word != other.word { return false }
    if uses.contains(.code) {
      // Storage is read in one way from an account, in another where there is none.
      let isSameKind = (kind == .account) == (other.kind == .account) || !hasStorage && !other.hasStorage
      return isSameKind && codeHash == other.codeHash && incarnation == other.incarnation
        && hasOrphanStorage == other.hasOrphanStorage
    }
    return true
  }

  /// Whether a slot of the account may have a value.
  private var hasStorage: Bool { codeHash != EVMAccount.emptyCodeHash || nonce > 0 || hasOrphanStorage }

  /// The record of an account; `nil` where nothing is to be kept.
  var record: Account? {
    switch kind {
    case .account:
      account.map { EVMRecord.account(holding: EVMRecord.encode($0)) }
    case .gone where incarnation > 0:
      EVMRecord.account(holding: EVMRecord.encode(goneAt: incarnation))
    default: nil
    }
  }
}
