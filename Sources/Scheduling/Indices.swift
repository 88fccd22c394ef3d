// The only nouns that cross into the scheduler: dense 32-bit indices. What a transaction, an account or a
// worker's state is stays with the floors above; here they are positions in flat arrays.

/// A transaction's position in its block, `[0, count)`; the block's order is the order of execution's
/// effects.
@frozen @usableFromInline package struct TransactionIndex: Hashable, Comparable, Sendable {
  @usableFromInline package let rawValue: UInt32
  @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }
  /// The same number, for subscripting arrays.
  @inlinable package var position: Int { Int(rawValue) }
  @inlinable package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// An account's dense number, `[0, count)`, in the order in which `AccountInterner` first met its key.
@frozen @usableFromInline package struct AccountIndex: Hashable, Comparable, Sendable {
  @usableFromInline package let rawValue: UInt32
  @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }
  /// The same number, for subscripting arrays.
  @inlinable package var position: Int { Int(rawValue) }
  @inlinable package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A worker thread's number in its pool, `[0, workerCount)`.
@frozen @usableFromInline package struct WorkerIndex: Hashable, Comparable, Sendable {
  @usableFromInline package let rawValue: UInt32
  @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }
  /// The same number, for subscripting arrays.
  @inlinable package var position: Int { Int(rawValue) }
  @inlinable package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A key by which ready transactions are batched (their program); `[1, 2^32)`, and 0 for none.
@frozen @usableFromInline package struct GroupKey: Hashable, Sendable {
  @usableFromInline package let rawValue: UInt32
  @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }
  package static let none = GroupKey(0)
}

/// What the scheduling floor can fail with.
public enum SchedulingError: Error, Equatable, Sendable {
  /// A pool needs at least one worker and at most `limit`.
  case workerCountOutOfRange(count: Int, limit: Int)
  /// The system refused a thread: `errno` as `pthread_create(3)` returned it.
  case threadCreationFailed(worker: Int, errno: Int32)
}
