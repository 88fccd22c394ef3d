// The one list of a block: entries of every family in block order. Solana's wire bytes lie in one array at their
// positions, so that a block of them alone costs nothing for the others; Ethereum's entries, and the errors of lines that
// hold no transaction, lie beside it.

import Ledger
import Primitives

package struct BlockTransactions: RandomAccessCollection, Sendable {
  /// Solana's wire bytes by position; empty at the others.
  package private(set) var wires: [[UInt8]] = []
  /// What else the entry at a position is, and where that lies; empty where all are Solana's.
  private var places: [Place] = []
  private var ethereum: [EthereumWire] = []
  private var errors: [TransactionLineError] = []

  private enum Place: BitwiseCopyable {
    case solana
    case ethereum(UInt32)
    /// A line that holds no transaction.
    case malformed(UInt32)
  }

  /// Solana's transactions alone.
  package init(solana wires: [[UInt8]]) { self.wires = wires }

  package init(_ lines: some Sequence<TransactionLine>) {
    wires.reserveCapacity(lines.underestimatedCount)
    for line in lines { append(line) }
  }

  package mutating func append(_ line: TransactionLine) {
    switch line {
    case .success(.solana(let wire)):
      wires.append(wire)
      if !places.isEmpty { places.append(.solana) }
    case .success(.ethereum(let wire)):
      append(.ethereum(UInt32(truncatingIfNeeded: ethereum.count)))
      ethereum.append(wire)
    case .failure(let error):
      append(.malformed(UInt32(truncatingIfNeeded: errors.count)))
      errors.append(error)
    }
  }

  private mutating func append(_ place: Place) {
    if places.isEmpty { places = [Place](repeating: .solana, count: wires.count) }
    wires.append([])
    places.append(place)
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { wires.count }

  package subscript(position: Int) -> TransactionLine {
    if places.isEmpty { return .success(.solana(wires[position])) }
    return switch places[position] {
    case .solana: .success(.solana(wires[position]))
    case .ethereum(let place): .success(.ethereum(ethereum[Int(place)]))
    case .malformed(let place): .failure(errors[Int(place)])
    }
  }

  /// The entries of `range` as a list of their own.
  package func part(_ range: Range<Int>) -> BlockTransactions {
    if range == indices { return self }
    if places.isEmpty { return BlockTransactions(solana: Array(wires[range])) }
    return BlockTransactions(self[range])
  }

  /// Number of Ethereum's transactions.
  package var ethereumCount: Int { ethereum.count }

  /// Whether a transaction of Solana's may call contracts: it names the EVM program's key, and not through a table.
  package var mayCallContracts: Bool { wires.contains { Transaction.hasStaticKey(ProgramID.ethereum, wire: $0) } }

  /// Whether there are transactions of Solana's as well as of Ethereum's.
  var holdsBothFamilies: Bool { ethereumCount > 0 && (0..<count).contains { isSolana($0) } }

  @inline(__always) package func isSolana(_ position: Int) -> Bool {
    if places.isEmpty { return true }
    if case .solana = places[position] { return true }
    return false
  }

  @inline(__always) package func isEthereum(_ position: Int) -> Bool { ethereumPlace(position) != nil }

  /// Where Ethereum's entry at `position` lies among its family's; `nil` for any other.
  @inline(__always) func ethereumPlace(_ position: Int) -> Int? {
    guard !places.isEmpty, case .ethereum(let place) = places[position] else { return nil }
    return Int(place)
  }

  /// Ethereum's entries of `range`, and where they stand.
  func ethereum(in range: Range<Int>) -> EthereumEntries {
    if ethereum.count == count { return EthereumEntries(wires: ethereum[range], positions: .from(range.lowerBound)) }
    let positions = range.filter { isEthereum($0) }
    guard let first = positions.first, let start = ethereumPlace(first) else {
      return EthereumEntries(wires: [], positions: .at([]))
    }
    return EthereumEntries(wires: ethereum[start..<start + positions.count], positions: .at(positions))
  }

  /// Ethereum's entry at `position`, which is one, and those after it, `count` at most; and its place among Ethereum's.
  func ethereum(from position: Int, count: Int) -> (place: Int, entries: ArraySlice<EthereumWire>) {
    guard let place = ethereumPlace(position) else { preconditionFailure("an entry of Ethereum's") }
    return (place, ethereum[place...].prefix(count))
  }

  /// Ethereum's entry at `position`, which is one.
  @inline(__always) func ethereum(at position: Int) -> EthereumWire {
    guard let place = ethereumPlace(position) else { preconditionFailure("an entry of Ethereum's") }
    return ethereum[place]
  }

  /// The given sender of Ethereum's entry at `position`; `nil` for any other, and beyond the end.
  @inline(__always) func sender(at position: Int) -> Address? {
    guard position < places.count, let place = ethereumPlace(position) else { return nil }
    return ethereum[place].sender
  }
}

/// Entries of Ethereum's that follow each other, and where in the block they stand.
struct EthereumEntries: Sendable {
  var wires: ArraySlice<EthereumWire>
  /// By place in `wires`, from 0.
  var positions: EthereumPositions
}

/// Where entries of Ethereum's stand in a block.
enum EthereumPositions: Sendable {
  /// One after the other, beginning there.
  case from(Int)
  case at([Int])

  subscript(place: Int) -> Int {
    switch self {
    case .from(let first): first + place
    case .at(let positions): positions[place]
    }
  }
}
