// Why a ledger directory cannot be used, one case for each thing a person can do about it.

/// Why a ledger directory cannot be used; the text says what to do.
public enum StoreError: Error, Equatable, Sendable {
  /// There is no ledger at `path`.
  case missing(path: String)
  /// Another process has the ledger open for writing: the one with the number `holder`, where that is known.
  case locked(path: String, holder: Int32?)
  /// The ledger's files are damaged.
  case corrupted(path: String, detail: String)
  /// The directory holds something that is no ledger.
  case foreign(path: String)
  /// The ledger was written in a format that this build does not read.
  case unsupportedFormat(path: String, version: UInt64)
  /// The operating system or the database refused.
  case failed(path: String, detail: String)
  /// A file outside of the ledger cannot be written.
  case unwritable(path: String, detail: String)
  /// A store was to go back to a block that it does not have.
  case noSuchBlock(height: UInt64)
  /// A block does not follow the head: heights go up by one.
  case outOfOrder(expectedHeight: UInt64, height: UInt64)
}

extension StoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let path):
      "there is no ledger at '\(path)': name an existing one, or let a command that creates ledgers make it"
    case .locked(let path, let holder):
      "the ledger at '\(path)' is in use by \(holder.map { "process \($0)" } ?? "another process"): "
        + "wait for it to finish, or stop it"
    case .corrupted(let path, let detail):
      "the ledger at '\(path)' is damaged (\(detail)): go on from a checkpoint of it, or replay into a new "
        + "directory ('estuary ledger verify' reads all of it, 'estuary ledger checkpoint' makes checkpoints)"
    case .foreign(let path):
      "'\(path)' holds files that are no Estuary ledger: name an empty or a new directory"
    case .unsupportedFormat(let path, let version):
      "the ledger at '\(path)' has format \(version), unknown to this build: use the build that wrote it"
    case .failed(let path, let detail):
      "the ledger at '\(path)' cannot be used: \(detail)"
        + (detail.contains("No space left") ? ": free some space; what was committed is kept" : "")
    case .unwritable(let path, let detail): "'\(path)' cannot be written: \(detail)"
    case .noSuchBlock(let height): "the ledger has no block \(height) to go back to"
    case .outOfOrder(let expected, let height):
      "block \(height) cannot be committed: the next block is \(expected)"
    }
  }
}
