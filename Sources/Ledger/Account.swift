// An account: the unit of state, of locking and of hashing.

import Primitives

/// One account's state. A key that holds no account reads as `Account.empty`; an account whose lamports reach zero
/// is deleted when its transaction commits.
public struct Account: Sendable, Equatable {
  public var lamports: UInt64
  /// At most 10 MiB. Copy-on-write: reading an account shares its bytes.
  public var data: [UInt8]
  /// The program that alone may change `data` and lower `lamports`.
  public var owner: Pubkey
  public var executable: Bool
  /// Epoch of the next rent collection; 2^64−1 for rent-exempt accounts.
  public var rentEpoch: UInt64

  public init(
    lamports: UInt64 = 0, data: [UInt8] = [], owner: Pubkey, executable: Bool = false,
    rentEpoch: UInt64 = .max
  ) {
    self.lamports = lamports
    self.data = data
    self.owner = owner
    self.executable = executable
    self.rentEpoch = rentEpoch
  }

  /// What a key without an account reads as: no lamports, no data, owned by the system program (the zero key).
  package static let empty = Account(owner: .zero, rentEpoch: 0)

  /// Whether it counts as no account: it has no lamports. Ethereum's records have none and count all the same.
  @inlinable @inline(__always) package var isVacant: Bool { lamports == 0 && owner != ProgramID.ethereum }

  /// Becomes `other`, without the temporary that an assignment of the whole makes.
  @inlinable @inline(__always) package mutating func assign(_ other: UnsafePointer<Account>) {
    lamports = other.pointee.lamports
    data = other.pointee.data
    owner = other.pointee.owner
    executable = other.pointee.executable
    rentEpoch = other.pointee.rentEpoch
  }

  package static let maximumDataByteCount = 10 * 1024 * 1024

  /// Where the reference to `data` lies in an account. An array is a pointer to its count and elements.
  @usableFromInline static let dataOffset: Int = {
    guard let offset = MemoryLayout<Account>.offset(of: \.data) else {
      preconditionFailure("an account's data is stored in it")
    }
    return offset
  }()
}

extension UnsafePointer where Pointee == Account {
  /// Where the storage of the account's data begins, its header first. Reading this keeps away from the storage: what
  /// an array is asked counts a reference there, in memory that other processors share or that is not near.
  @inlinable @inline(__always) package var dataStorage: UnsafeRawPointer {
    (UnsafeRawPointer(self) + Account.dataOffset).load(as: UnsafeRawPointer.self)
  }
}
