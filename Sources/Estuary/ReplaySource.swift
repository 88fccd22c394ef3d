// Where a replay's entries come from: a list, or a file that is read while what came before is executed.

import Execution
import Ledger

/// Entries in order. Used by one thread.
package protocol ReplaySource: AnyObject {
  /// Passes over `count` entries; fewer where there are no more.
  ///
  /// - Returns: how many there were.
  func skip(_ count: Int) throws(ChainError) -> Int
  /// The next `limit` entries, or all that are left.
  func next(_ limit: Int) throws(ChainError) -> BlockTransactions
  func hasMore() throws(ChainError) -> Bool
}

package final class ListedSource: ReplaySource {
  private let transactions: BlockTransactions
  private var position = 0

  package init(_ transactions: BlockTransactions) { self.transactions = transactions }

  package func skip(_ count: Int) -> Int {
    position += min(count, transactions.count - position)
    return position
  }

  package func next(_ limit: Int) -> BlockTransactions {
    let start = position
    position += min(limit, transactions.count - position)
    return transactions.part(start..<position)
  }

  package func hasMore() -> Bool { position < transactions.count }
}

package final class FileSource: ReplaySource {
  private let reader: TransactionReader
  /// Entries of one part, which is in memory as a whole.
  private let entryLimit: Int
  /// Bytes of their wire forms.
  private static let byteLimit = 1 << 31
  private let progress: (Int) -> Void
  private var piece: [TransactionLine] = []
  private var position = 0

  /// - Parameters:
  ///   - entryLimit: that a part may have; more are an error, which endless input comes to.
  ///   - progress: called now and then with the number of entries read.
  package init(
    _ reader: TransactionReader, entryLimit: Int = 1 << 22, progress: @escaping (Int) -> Void = { _ in }
  ) {
    (self.reader, self.entryLimit, self.progress) = (reader, entryLimit, progress)
  }

  package func hasMore() throws(ChainError) -> Bool {
    while position == piece.count {
      (piece, position) = ([], 0)
      do throws(TransactionFileError) {
        guard let next = try reader.next() else { return false }
        piece = next
      } catch {
        throw .input(error)
      }
      progress(reader.entryCount)
    }
    return true
  }

  package func skip(_ count: Int) throws(ChainError) -> Int {
    var skipped = 0
    while skipped < count, try hasMore() {
      let step = min(count - skipped, piece.count - position)
      position += step
      skipped += step
    }
    return skipped
  }

  package func next(_ limit: Int) throws(ChainError) -> BlockTransactions {
    var entries = BlockTransactions(solana: [])
    var byteCount = 0
    while entries.count < limit, try hasMore() {
      let end = position + min(limit - entries.count, piece.count - position)
      for line in piece[position..<end] {
        byteCount += line.byteCount
        entries.append(line)
      }
      position = end
      if entries.count > entryLimit || byteCount > Self.byteLimit {
        throw .input(TransactionFileError(path: reader.path, .tooMuchAtOnce))
      }
    }
    return entries
  }
}

extension TransactionLine {
  /// Of the wire form.
  fileprivate var byteCount: Int {
    switch self {
    case .success(.solana(let wire)): wire.count
    case .success(.ethereum(let wire)): wire.bytes.count
    case .failure: 0
    }
  }
}
