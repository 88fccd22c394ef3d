// Ethereum's transactions that wait for a block, judged as geth's pool judges them (core/txpool/validation.go,
// core/txpool/legacypool), with its words for what it refuses.
//
// Of a sender, those whose nonces follow on its account's are *pending*: a block may take them, in order. Behind a gap they
// are *queued*. One takes the place of another with the same nonce where it pays a tenth more, both ways; for one with blobs,
// twice as much, all three ways. A block takes what pays the highest tip among those that are next for their senders.
//
// The pool knows each sender's account as it is after the last block, told by `update`. A transaction stays until a block has
// used its nonce, or has refused it (`remove`), so that it can be looked up while its block is being made.

import EVM
import Ledger
import Primitives
import WideIntegers

/// A transaction that waits.
package struct PooledEthereumTransaction: Sendable {
  package let transaction: EthereumTransaction
  /// As a block holds it.
  package let wire: [UInt8]
  package let hash: Hash
  package let sender: Address
  /// What it can take from its sender at most, in wei.
  let cost: UInt256
  /// What it may touch, where whoever sent it says so.
  package let access: AccessSet?
  fileprivate(set) var arrival: UInt64 = 0

  /// - Parameter sender: who signed it, or whom somebody who develops contracts acts for.
  package init(_ transaction: EthereumTransaction, from sender: Address, access: AccessSet? = nil) {
    (self.transaction, self.sender, self.access) = (transaction, sender, access)
    wire = transaction.encoded
    hash = Keccak256.hash(wire)
    cost = transaction.maximumCost ?? .max
  }

  package var nonce: UInt64 { transaction.nonce }

  /// What a unit of gas brings the fee recipient; `nil` where the block's prices are above its own.
  func tip(in block: BlockEnvironment) -> UInt256? {
    guard transaction.maxFeePerGas >= block.baseFeePerGas else { return nil }
    if transaction.kind == .blob, transaction.maxFeePerBlobGas < block.blobBaseFee { return nil }
    return min(transaction.maxPriorityFeePerGas, transaction.maxFeePerGas &- block.baseFeePerGas)
  }
}

package struct EthereumPool: Sendable {
  package struct Limits: Sendable {
    /// Transactions that wait at most.
    package var capacity = 1 << 14
    /// Of one sender.
    package var senderCapacity = 1 << 10
    /// Bytes of one, as a block holds it; geth's.
    package var transactionByteCount = 128 << 10
    /// Of all together.
    package var byteCount = 128 << 20
    /// Of the transactions of one block.
    package var blockByteCount = 8 << 20
    /// The least tip, in wei.
    package var leastTip = UInt256.zero

    package init() {}
  }

  private struct Sender {
    var account: SenderState
    /// In the order of their nonces, all at or above the account's.
    var transactions: [PooledEthereumTransaction] = []

    /// How many follow on the account's nonce.
    var pendingCount: Int {
      var (count, nonce) = (0, account.nonce)
      while count < transactions.count, transactions[count].nonce == nonce {
        count += 1
        nonce &+= 1
      }
      return count
    }

    /// The place of a nonce, or where it belongs.
    func place(_ nonce: UInt64) -> Int {
      var (low, high) = (0, transactions.count)
      while low < high {
        let middle = (low + high) / 2
        if transactions[middle].nonce < nonce { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  package var limits: Limits
  private var senders: [Address: Sender] = [:]
  private var places: [Hash: (sender: Address, nonce: UInt64)] = [:]
  private var byteCount = 0
  private var arrivals: UInt64 = 0

  package init(limits: Limits = Limits()) { self.limits = limits }

  package var count: Int { places.count }
  package var isEmpty: Bool { places.isEmpty }

  package func transaction(_ hash: Hash) -> PooledEthereumTransaction? {
    guard let (sender, nonce) = places[hash], let all = senders[sender] else { return nil }
    let place = all.place(nonce)
    return place < all.transactions.count ? all.transactions[place] : nil
  }

  /// The nonce behind those that wait without a gap; `nil` where none of the sender's wait.
  package func nextNonce(of address: Address) -> UInt64? {
    senders[address].map { $0.account.nonce &+ UInt64($0.pendingCount) }
  }

  // MARK: Taking in

  /// Takes in a transaction.
  ///
  /// - Parameters:
  ///   - block: the next one.
  ///   - account: the sender's, where the pool does not know it yet.
  /// - Returns: the one whose place it takes.
  @discardableResult
  package mutating func insert(
    _ transaction: PooledEthereumTransaction, in block: BlockEnvironment,
    account: () throws(EthereumPoolError) -> SenderState
  ) throws(EthereumPoolError) -> PooledEthereumTransaction? {
    if places[transaction.hash] != nil { throw .known }
    try transaction.validate(in: block, limits)
    var sender: Sender
    if let known = senders[transaction.sender] {
      sender = known
    } else {
      sender = Sender(account: try account())
    }
    let place = sender.place(transaction.nonce)
    let isReplacing =
      place < sender.transactions.count && sender.transactions[place].nonce == transaction.nonce
    let replaced = isReplacing ? sender.transactions[place] : nil
    try check(transaction, sender, replacing: replaced, in: block)
    if replaced == nil {
      if sender.transactions.count >= limits.senderCapacity { throw .senderFull }
      try makeRoom(for: transaction, in: block)
      // What has gone may have been the sender's own.
      sender = senders[transaction.sender] ?? Sender(account: sender.account)
    }
    arrivals += 1
    var entry = transaction
    entry.arrival = arrivals
    if let replaced {
      places[replaced.hash] = nil
      byteCount -= replaced.wire.count
      sender.transactions[place] = entry
    } else {
      sender.transactions.insert(entry, at: sender.place(entry.nonce))
    }
    byteCount += entry.wire.count
    places[entry.hash] = (entry.sender, entry.nonce)
    senders[entry.sender] = sender
    return replaced
  }

  /// The rules about the sender's account and those of its transactions that wait already.
  private func check(
    _ transaction: PooledEthereumTransaction, _ sender: Sender,
    replacing replaced: PooledEthereumTransaction?,
    in block: BlockEnvironment
  ) throws(EthereumPoolError) {
    let account = sender.account
    if transaction.nonce < account.nonce { throw .nonceTooLow(next: account.nonce, nonce: transaction.nonce) }
    let isContract = account.code == .contract || account.code == .delegation && block.fork < .prague
    if isContract, !transaction.transaction.isUnsigned(from: transaction.sender) {
      throw .senderIsContract(transaction.sender)
    }
    guard transaction.cost <= account.balance else {
      throw .insufficientFunds(balance: account.balance, queued: nil, cost: transaction.cost)
    }
    if let replaced, !transaction.transaction.pays(moreThan: replaced.transaction) {
      throw .replacementUnderpriced
    }
    var spent = UInt256.zero
    for other in sender.transactions.prefix(sender.pendingCount) where other.nonce != transaction.nonce {
      spent = spent.addingSaturated(other.cost)
    }
    if spent.addingSaturated(transaction.cost) > account.balance {
      throw .insufficientFunds(balance: account.balance, queued: spent, cost: transaction.cost)
    }
  }

  /// Lets go of the last transactions of the senders that pay least, until there is room.
  private mutating func makeRoom(
    for transaction: PooledEthereumTransaction, in block: BlockEnvironment
  ) throws(EthereumPoolError) {
    while places.count >= limits.capacity || byteCount + transaction.wire.count > limits.byteCount {
      let worst = senders.values.compactMap(\.transactions.last).min {
        ($0.tip(in: block) ?? .zero, $1.arrival) < ($1.tip(in: block) ?? .zero, $0.arrival)
      }
      guard let worst else { throw .full }
      guard worst.tip(in: block) ?? .zero < transaction.tip(in: block) ?? .zero else { throw .underpriced }
      remove(worst.hash)
    }
  }

  // MARK: Letting go

  /// - Returns: whether it waited.
  @discardableResult
  package mutating func remove(_ hash: Hash) -> Bool {
    guard let (address, nonce) = places.removeValue(forKey: hash), var sender = senders[address] else {
      return false
    }
    let place = sender.place(nonce)
    byteCount -= sender.transactions[place].wire.count
    sender.transactions.remove(at: place)
    senders[address] = sender.transactions.isEmpty ? nil : sender
    return true
  }

  package mutating func removeAll() { (senders, places, byteCount) = ([:], [:], 0) }

  /// An account after a block: what has been used up, or can be paid for no more, goes.
  package mutating func update(_ address: Address, _ account: SenderState) {
    guard var sender = senders[address] else { return }
    sender.account = account
    let (kept, gone) = sender.transactions.divided { $0.nonce >= account.nonce && $0.cost <= account.balance }
    for transaction in gone {
      places[transaction.hash] = nil
      byteCount -= transaction.wire.count
    }
    sender.transactions = kept
    senders[address] = kept.isEmpty ? nil : sender
  }

  /// Of those that wait.
  package var waitingSenders: [Address] { Array(senders.keys) }

  // MARK: Blocks

  /// Whether the block could take any.
  package func hasTransaction(for block: BlockEnvironment) -> Bool {
    senders.values.contains { sender in
      guard let first = sender.transactions.first, first.nonce == sender.account.nonce else { return false }
      return first.tip(in: block) != nil && first.transaction.gasLimit <= block.gasLimit
    }
  }

  /// What the block shall run, in its order; they stay in the pool.
  ///
  /// The gas limits of all of them fit into the block, so that each has the gas it asks for whatever the others use.
  package func pack(for block: BlockEnvironment) -> [PooledEthereumTransaction] {
    var heap = TipHeap()
    for (address, sender) in senders {
      if let first = sender.transactions.first, first.nonce == sender.account.nonce,
        let tip = first.tip(in: block)
      {
        heap.push(.init(tip: tip, arrival: first.arrival, sender: address, place: 0))
      }
    }
    var packed: [PooledEthereumTransaction] = []
    var (gas, blobGas, bytes): (UInt64, UInt64, Int) = (0, 0, 0)
    while let next = heap.pop() {
      guard let sender = senders[next.sender] else { continue }
      let entry = sender.transactions[next.place]
      let transaction = entry.transaction
      // A sender whose next one does not fit waits for another block.
      guard transaction.gasLimit <= block.gasLimit &- gas,
        transaction.blobGas <= block.blobParameters.maximumGas
          &- min(blobGas, block.blobParameters.maximumGas),
        bytes + entry.wire.count <= limits.blockByteCount
      else { continue }
      gas += transaction.gasLimit
      blobGas += transaction.blobGas
      bytes += entry.wire.count
      packed.append(entry)
      let place = next.place + 1
      if place < sender.transactions.count, sender.transactions[place].nonce == entry.nonce &+ 1,
        let tip = sender.transactions[place].tip(in: block)
      {
        heap.push(
          .init(tip: tip, arrival: sender.transactions[place].arrival, sender: next.sender, place: place))
      }
    }
    return packed
  }

  // MARK: Looking

  /// A sender's transactions, in the order of their nonces.
  package struct Content: Sendable {
    package var sender: Address
    package var pending: [PooledEthereumTransaction]
    package var queued: [PooledEthereumTransaction]
  }

  /// In ascending order of senders.
  package var content: [Content] { senders.keys.sorted().compactMap { content(of: $0) } }

  /// `nil` where none of the sender's wait.
  package func content(of address: Address) -> Content? {
    senders[address].map { sender in
      let count = sender.pendingCount
      return Content(
        sender: address, pending: Array(sender.transactions[..<count]),
        queued: Array(sender.transactions[count...]))
    }
  }

  package var status: (pending: Int, queued: Int) {
    let pending = senders.values.reduce(0) { $0 + $1.pendingCount }
    return (pending, count - pending)
  }
}

/// The best tip first, and of equals the one that came first.
private struct TipHeap {
  struct Candidate {
    var tip: UInt256
    var arrival: UInt64
    var sender: Address
    /// Of the transaction among the sender's.
    var place: Int
  }

  private var all: [Candidate] = []

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    all[left].tip == all[right].tip ? all[left].arrival < all[right].arrival : all[left].tip > all[right].tip
  }

  mutating func push(_ candidate: Candidate) {
    all.append(candidate)
    var place = all.count - 1
    while place > 0, isBefore(place, (place - 1) / 2) {
      all.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() -> Candidate? {
    guard let first = all.first, let last = all.popLast() else { return nil }
    if all.isEmpty { return first }
    all[0] = last
    var place = 0
    while true {
      var best = place
      for child in [2 * place + 1, 2 * place + 2] where child < all.count && isBefore(child, best) {
        best = child
      }
      if best == place { return first }
      all.swapAt(place, best)
      place = best
    }
  }
}

extension [PooledEthereumTransaction] {
  fileprivate func divided(
    by belongs: (PooledEthereumTransaction) -> Bool
  ) -> (kept: [PooledEthereumTransaction], gone: [PooledEthereumTransaction]) {
    var (kept, gone): ([PooledEthereumTransaction], [PooledEthereumTransaction]) = ([], [])
    for transaction in self {
      if belongs(transaction) { kept.append(transaction) } else { gone.append(transaction) }
    }
    return (kept, gone)
  }
}

extension EthereumTransaction {
  /// Whether it may take the place of one with the same nonce: all its prices are higher by a tenth, or doubled where either
  /// has blobs.
  fileprivate func pays(moreThan other: EthereumTransaction) -> Bool {
    let hasBlobs = kind == .blob || other.kind == .blob
    func isEnough(_ price: UInt256, _ old: UInt256) -> Bool {
      let product = UInt512(product: old, UInt256(hasBlobs ? 200 : 110))
      guard product.high.isZero else { return false }
      let offered = UInt512(product: price, UInt256(100))
      return price > old && (!offered.high.isZero || offered.low >= product.low)
    }
    return isEnough(maxFeePerGas, other.maxFeePerGas)
      && isEnough(maxPriorityFeePerGas, other.maxPriorityFeePerGas)
      && (!(kind == .blob && other.kind == .blob) || isEnough(maxFeePerBlobGas, other.maxFeePerBlobGas))
  }
}
