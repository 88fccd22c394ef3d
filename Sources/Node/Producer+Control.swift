// What somebody who develops programs asks of a chain that nobody else is on: another time, blocks when they are wanted,
// going back, other accounts. All of it happens on the producer's thread, between blocks.

import EVM
import Estuary
import Execution
import Ledger
import Primitives
import WideIntegers

/// Why something of this kind cannot be done; the text is for the client.
package struct ControlError: Error, Sendable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Where the chain may be taken back to.
struct Snapshots {
  struct Snapshot {
    var mark: Chain.Mark
    /// Of Ethereum's last block then.
    var ethereumNumber: UInt64?
    /// What the clock showed.
    var time: Int64
    var clock: ProducerClock
    var settings: NextEthereumBlock
    var pool: TransactionPool
    var ethereumPool: EthereumPool
  }

  var all: [UInt64: Snapshot] = [:]
  var lastID: UInt64 = 0
  /// Where the node began, while it is still known.
  var start: Snapshot?

  /// Snapshots at a time.
  static let limit = 1 << 16
  /// Blocks after which the node's start is forgotten, if there is no snapshot.
  static let startLimit: UInt64 = 4096
}

extension Producer {
  /// Does `body` on the producer's thread.
  package func control<Value: Sendable>(
    _ body: @escaping @Sendable (Producer) throws(ControlError) -> Value
  ) async throws(ControlError) -> Value {
    let outcome = await perform { producer in
      Result { () throws(ControlError) in try body(producer) }
    }
    guard let outcome else { throw ControlError("the node is stopping") }
    return try outcome.get()
  }

  private func doing<Value>(_ body: () throws(ChainError) -> Value) throws(ControlError) -> Value {
    do throws(ChainError) { return try body() } catch { throw ControlError(error.description) }
  }

  // MARK: Blocks

  /// Blocks that one request may ask for.
  package static let minedBlockLimit: UInt64 = 10_000

  /// Makes blocks of Ethereum's, the first of which takes what waits.
  ///
  /// - Parameters:
  ///   - timestamp: of the first; `nil`: what the clock says.
  ///   - interval: seconds from one to the next; `nil`: as the clock says.
  func mine(_ count: UInt64 = 1, timestamp: UInt64? = nil, interval: UInt64? = nil) throws(ControlError) {
    guard count <= Self.minedBlockLimit else {
      throw ControlError("\(count) blocks are more than one request may ask for, \(Self.minedBlockLimit)")
    }
    if let interval {
      let first = timestamp ?? max(chain.ethereumHead?.header.timestamp ?? 0, UInt64(max(clock.now, 0)))
      // `count` is at most 10,000.
      guard interval <= Self.timeLimit, first <= Self.timeLimit,
        first + interval * (max(count, 1) - 1) < Self.timeLimit
      else {
        throw ControlError("\(count) blocks \(interval) seconds apart end at a time that is out of range")
      }
    }
    if let timestamp { try setNextTimestamp(timestamp) }
    for number in 0..<count {
      if let interval, number > 0 {
        let last = chain.ethereumHead?.header.timestamp ?? 0
        changeClock { $0.next = Int64(clamping: last &+ interval) }
      }
      try doing { () throws(ChainError) in try makeBlock(packBatch(), makesEthereumBlock: true) }
    }
  }

  func setMining(instant: Bool? = nil, milliseconds: Int?? = nil) {
    nextSlot = Clocks.monotonicNanoseconds()
    monitor.withLock {
      if let instant { mining.isInstant = instant }
      if let milliseconds { (mining.milliseconds, mining.isEthereums) = (milliseconds, true) }
      if let milliseconds = mining.milliseconds { nextSlot += UInt64(milliseconds) * 1_000_000 }
    }
  }

  /// Makes no blocks by the clock until it goes on; a transaction has one made at once.
  func pauseClock() {
    monitor.withLock {
      if pausedMining == nil { pausedMining = mining }
      (mining.isInstant, mining.milliseconds) = (true, nil)
      monitor.signal()
    }
  }

  /// Goes on as before `pauseClock`.
  func resumeClock() {
    nextSlot = Clocks.monotonicNanoseconds()
    monitor.withLock {
      guard let before = pausedMining else { return }
      (mining, pausedMining) = (before, nil)
      if let milliseconds = mining.milliseconds { nextSlot += UInt64(milliseconds) * 1_000_000 }
    }
  }

  var isInstant: Bool { monitor.withLock { mining.isInstant } }
  var slotMilliseconds: Int? { monitor.withLock { mining.milliseconds } }

  // MARK: Time

  /// Changes the clock, and makes that known.
  private func changeClock(_ body: (inout ProducerClock) -> Void) {
    body(&clock)
    monitor.withLock { publishedHead.time = clock }
  }

  /// Seconds since 1970 that a chain can be given.
  static let timeLimit = UInt64(1) << 40

  /// Moves the clock on.
  ///
  /// - Returns: by how much it is ahead of the machine's.
  func increaseTime(by seconds: Int64) throws(ControlError) -> Int64 {
    let next = clock.now.addingReportingOverflow(seconds)
    guard !next.overflow, next.partialValue >= 0, next.partialValue <= Int64(Self.timeLimit) else {
      throw ControlError("a clock moved by \(seconds) seconds would be out of range")
    }
    changeClock { $0.set(next.partialValue) }
    return clock.offset
  }

  /// - Returns: by how much the clock is ahead of the machine's.
  func setTime(_ time: UInt64) throws(ControlError) -> Int64 {
    guard time <= Self.timeLimit else { throw ControlError("the time \(time) is out of range") }
    changeClock { $0.set(Int64(time)) }
    return clock.offset
  }

  func setNextTimestamp(_ time: UInt64) throws(ControlError) {
    guard time <= Self.timeLimit else { throw ControlError("the timestamp \(time) is out of range") }
    let last = chain.ethereumHead?.header.timestamp ?? 0
    guard time > last else {
      throw ControlError("Timestamp \(time) is lower than or equal to previous block's timestamp \(last)")
    }
    changeClock { $0.next = Int64(time) }
  }

  func setTimestampInterval(_ seconds: UInt64?) throws(ControlError) {
    if let seconds, !(1...Self.timeLimit).contains(seconds) {
      throw ControlError("an interval of \(seconds) seconds is out of range")
    }
    changeClock { $0.interval = seconds.map { Int64($0) } }
  }

  // MARK: Going back

  private func takeSnapshot() -> Snapshots.Snapshot {
    let (pool, ethereumPool) = monitor.withLock { (self.pool, self.ethereumPool) }
    return Snapshots.Snapshot(
      mark: chain.mark(), ethereumNumber: chain.ethereumHead?.header.number, time: clock.now, clock: clock,
      settings: chain.nextBlockSettings, pool: pool,
      ethereumPool: ethereumPool)
  }

  /// Marks what there is: blocks, accounts of both worlds, histories, time and what waits.
  ///
  /// - Returns: its number.
  func snapshot() throws(ControlError) -> UInt64 {
    guard snapshots.all.count < Snapshots.limit else {
      throw ControlError("there are \(Snapshots.limit) snapshots already: revert to an earlier one")
    }
    snapshots.lastID += 1
    snapshots.all[snapshots.lastID] = takeSnapshot()
    limitUndo()
    return snapshots.lastID
  }

  /// Goes back to a snapshot, which is used up by that, as are later ones.
  ///
  /// - Returns: whether there was such a snapshot.
  func revert(to id: UInt64) throws(ControlError) -> Bool {
    guard let snapshot = snapshots.all[id] else { return false }
    try goBack(to: snapshot)
    for later in snapshots.all.keys where later >= id { snapshots.all[later] = nil }
    try forgetMarksIfUnused()
    return true
  }

  /// Goes back to where the node began.
  func resetToStart() throws(ControlError) {
    guard let start = snapshots.start else {
      throw ControlError(
        "the node has gone too far to go back to its start, or makes blocks on a clock: take a snapshot first, "
          + "or start it anew with --reset")
    }
    try goBack(to: start)
    snapshots.all = [:]
    limitUndo()
    monitor.withLock { actors = EthereumActors() }
  }

  private func goBack(to snapshot: Snapshots.Snapshot) throws(ControlError) {
    let removed = logs(behind: snapshot.ethereumNumber)
    do throws(RevertError) { try chain.revert(to: snapshot.mark) } catch {
      throw ControlError(error.description)
    }
    chain.nextBlockSettings = snapshot.settings
    clock = snapshot.clock
    // The clock shows what it showed.
    clock.set(snapshot.time)
    try publishHead { producer in
      (producer.pool, producer.ethereumPool) = (snapshot.pool, snapshot.ethereumPool)
    }
    onRemoval(chain.ethereumHead?.header.number ?? 0, removed)
  }

  /// What is told of as removed, where there is not too much of it.
  private func logs(behind number: UInt64?) -> [EthereumLogRecord] {
    guard let number, let head = chain.ethereumHead?.header.number, head > number else { return [] }
    let filter = EthereumLogFilter(blocks: number + 1...head)
    let limit = EthereumRPC.logLimit
    return (try? EthereumArchive(store: store).logs(filter, limit: limit)).map { Array($0.prefix(limit)) }
      ?? []
  }

  /// Blocks keep what they replace for as long as there is something to go back to, and the last ones always.
  func limitUndo() {
    if snapshots.all.isEmpty && snapshots.start == nil {
      if rewindBlockCount > 0 { _ = chain.mark() }
      chain.undoBlockCount = rewindBlockCount
    } else {
      chain.undoBlockCount = nil
    }
  }

  private func forgetMarksIfUnused() throws(ControlError) {
    if snapshots.all.isEmpty && snapshots.start == nil && rewindBlockCount == 0 {
      try doing { () throws(ChainError) in try chain.forgetMarks() }
    }
    limitUndo()
  }

  /// A node that makes blocks at once can go back to its start.
  func noteStart() {
    if isInstant { snapshots.start = takeSnapshot() }
    limitUndo()
  }

  /// A block has been made: the start is kept for so long.
  func forgetStartIfFar() {
    guard let start = snapshots.start, snapshots.all.isEmpty,
      chain.head.height > start.mark.height + Snapshots.startLimit
    else { return }
    snapshots.start = nil
    try? forgetMarksIfUnused()
  }

  // MARK: Accounts and what is to come

  /// Makes accounts other than they are.
  func override(
    ethereum: [Address: AccountOverride] = [:], solana: [(key: Pubkey, account: Account?)] = []
  ) throws(ControlError) {
    let changes: [AccountChange]
    do throws(OverrideError) { changes = try chain.override(ethereum: ethereum, solana: solana) } catch {
      throw ControlError(error.description)
    }
    try publishHead { $0.updatePool(changes) }
    onOverride(head, changes)
  }

  /// Changes what the next of Ethereum's blocks has in place of what follows from the one before it.
  func changeNextBlock(_ body: (inout NextEthereumBlock) throws(ControlError) -> Void) throws(ControlError) {
    guard chain.ethereumHead != nil else { throw ControlError(OverrideError.noEthereum.description) }
    try body(&chain.nextBlockSettings)
    try publishHead { _ in }
  }

  /// Makes the chain's state known; `body` runs with the monitor held.
  private func publishHead(_ body: (Producer) -> Void) throws(ControlError) {
    let head = try doing { () throws(ChainError) in try Head(chain, clock) }
    monitor.withLock {
      publishedHead = head
      body(self)
    }
  }

  // MARK: Other slots, epochs and times

  /// Goes on to a slot, with a block there, or back to it: the chain is then what it was at that slot, and where no block has
  /// it, what it was before, with a block there.
  func warp(to slot: UInt64) throws(ControlError) {
    guard slot < BlockRecord.countLimit / 2 else { throw ControlError("slot \(slot) is out of range") }
    if slot < chain.slot { try goBack("slot \(slot)") { $0.slot <= slot } }
    if slot > chain.slot {
      try doing { () throws(ChainError) in
        try makeBlock(packBatch(), makesEthereumBlock: false, slots: slot - chain.slot)
      }
    }
  }

  /// Goes to the first slot of an epoch.
  func warp(toEpoch epoch: UInt64) throws(ControlError) {
    let schedule = chain.sysvars.epochSchedule
    guard epoch < BlockRecord.countLimit / 2 / max(schedule.slotCount(ofEpoch: epoch), 1) else {
      throw ControlError("epoch \(epoch) is out of range")
    }
    try warp(to: schedule.firstSlot(ofEpoch: epoch))
  }

  /// Sets the clock: on with a block that has the new time, or back to what the chain was at that time.
  ///
  /// - Parameter time: seconds since 1970.
  func warp(toTime time: UInt64) throws(ControlError) {
    guard time <= Self.timeLimit else { throw ControlError("the time \(time) is out of range") }
    let time = Int64(time)
    if time < chain.head.unixTimestamp { try goBack("the time \(time)") { $0.unixTimestamp <= time } }
    changeClock { $0.set(time) }
    if time > chain.head.unixTimestamp {
      try doing { () throws(ChainError) in
        try makeBlock(packBatch(), makesEthereumBlock: false, timestamp: time)
      }
    }
  }

  /// Takes blocks back to the last one that is early enough. What waits is let go of: it belongs to what was taken back.
  private func goBack(_ where: String, _ isEarly: (BlockRecord) -> Bool) throws(ControlError) {
    let found = try doing { () throws(ChainError) in try chain.mark(lastBefore: isEarly) }
    guard let mark = found else {
      throw ControlError(
        "\(`where`) is further back than the node can go: it keeps what its last \(rewindBlockCount) blocks replaced "
          + "since its start (--rewind-blocks), and all since a snapshot")
    }
    do throws(RevertError) { try chain.revert(to: mark) } catch { throw ControlError(error.description) }
    snapshots.all = snapshots.all.filter { $0.value.mark.height <= mark.height }
    if let start = snapshots.start, start.mark.height > mark.height { snapshots.start = nil }
    try forgetMarksIfUnused()
    clock = ProducerClock()
    clock.set(chain.head.unixTimestamp)
    try publishHead { producer in
      producer.pool.removeAll()
      producer.ethereumPool.removeAll()
    }
    onRemoval(chain.ethereumHead?.header.number ?? 0, [])
  }

  /// All of Ethereum's accounts.
  func dumpEthereum() throws(ControlError) -> [EthereumGenesis.Account] {
    try doing { () throws(ChainError) in try chain.ethereumGenesis()?.alloc ?? [] }
  }

  // MARK: From any thread

  package func impersonate(_ address: Address) throws(ControlError) {
    try monitor.withLock { () throws(ControlError) in
      guard actors.impersonated.count < EthereumActors.limit else {
        throw ControlError("\(EthereumActors.limit) accounts are impersonated already")
      }
      actors.impersonated.insert(address)
    }
  }

  package func stopImpersonating(_ address: Address) {
    monitor.withLock { _ = actors.impersonated.remove(address) }
  }

  package func impersonateAll(_ isOn: Bool) { monitor.withLock { actors.includesAll = isOn } }

  /// - Returns: whether it waited.
  package func drop(_ hash: Hash) -> Bool { monitor.withLock { ethereumPool.remove(hash) } }

  package func dropAll() { monitor.withLock { ethereumPool.removeAll() } }

  /// In wei for a unit of gas.
  package var leastTip: UInt256 { monitor.withLock { ethereumPool.limits.leastTip } }

  package func setLeastTip(_ tip: UInt256) { monitor.withLock { ethereumPool.limits.leastTip = tip } }
}
