// What developers have told a node that no ledger holds: a supply that is claimed, descriptions of programs, profiles that were
// taken. It lasts as long as the process, as in Surfpool.

import Ledger
import Primitives

final class DeveloperNotes: @unchecked Sendable {
  // Sendable: all that changes is read and written under `lock`.
  private let lock = Lock()
  private var claimedSupply = ClaimedSupply()
  private var descriptions: [Pubkey: [(slot: UInt64, description: JSONValue)]] = [:]
  private var descriptionByteCount = 0
  /// Oldest first.
  private var profiles: [TransactionProfile] = []
  private var profileByteCount = 0

  // MARK: The supply

  /// What getSupply and getLargestAccounts say in place of what accounts add up to.
  struct ClaimedSupply: Sendable {
    /// Lamports, each.
    var total: UInt64?
    var circulating: UInt64?
    var nonCirculating: UInt64?
    var nonCirculatingAccounts: [Pubkey]?
  }

  var supply: ClaimedSupply { lock.withLock { claimedSupply } }

  /// Members that are `nil` stay as they are.
  func claim(_ supply: ClaimedSupply) {
    lock.withLock {
      claimedSupply.total = supply.total ?? claimedSupply.total
      claimedSupply.circulating = supply.circulating ?? claimedSupply.circulating
      claimedSupply.nonCirculating = supply.nonCirculating ?? claimedSupply.nonCirculating
      claimedSupply.nonCirculatingAccounts =
        supply.nonCirculatingAccounts ?? claimedSupply.nonCirculatingAccounts
    }
  }

  // MARK: Descriptions of programs (IDLs)

  /// Bytes of the text of all descriptions.
  static let descriptionByteLimit = 64 << 20

  /// Keeps what describes `program` from `slot` on.
  ///
  /// - Returns: whether there was room.
  func describe(_ program: Pubkey, from slot: UInt64, as description: JSONValue, byteCount: Int) -> Bool {
    lock.withLock {
      guard descriptionByteCount + byteCount <= Self.descriptionByteLimit else { return false }
      descriptionByteCount += byteCount
      descriptions[program, default: []].append((slot, description))
      return true
    }
  }

  /// The latest description that holds at `slot`.
  func description(of program: Pubkey, at slot: UInt64) -> JSONValue? {
    lock.withLock {
      // Of several from one slot the last.
      descriptions[program]?.reduce(nil as (slot: UInt64, description: JSONValue)?) { best, one in
        one.slot <= slot && one.slot >= best?.slot ?? 0 ? one : best
      }?.description
    }
  }

  // MARK: Profiles

  /// As many as Surfpool keeps, and bytes of the accounts in them.
  static let profileLimit = 200
  static let profileByteLimit = 256 << 20

  func keep(_ profile: TransactionProfile) {
    lock.withLock {
      profiles.append(profile)
      profileByteCount += profile.byteCount
      while profiles.count > Self.profileLimit
        || profileByteCount > Self.profileByteLimit && profiles.count > 1
      {
        profileByteCount -= profiles.removeFirst().byteCount
      }
    }
  }

  func profile(_ key: String) -> TransactionProfile? { lock.withLock { profiles.first { $0.key == key } } }

  /// Oldest first; `nil` where none that is kept has the tag.
  func profiles(tagged tag: String) -> [TransactionProfile]? {
    let tagged = lock.withLock { profiles.filter { $0.tag == tag } }
    return tagged.isEmpty ? nil : tagged
  }
}
