// What one worker needs to execute Ethereum's transactions: a machine with frames and journal for as long as the executor
// lives, and for each run its view of the state and its memory.

import EVM
import Ledger
import Primitives
import SBPF
import Scheduling

/// Used by one thread at a time.
final class EthereumWorker {
  typealias Cells = MultiVersionMap<EVMCell>

  private let host: EVMHost
  private var reader: OverlayReader?
  /// Of the run; `nil` between runs.
  private(set) var arena: OverlayReader.Arena?
  /// Executed since it last saw to the frontier.
  var doneCount = 0
  @exclusivity(unchecked) var firstChanges: [AccountTable.FirstChange] = []
  /// What is to be under keys that are not in the table, but may be in the store.
  var newRecords: [(key: Pubkey, record: Account?)] = []

  init(programs: EVMProgramCache, engine: Engine) throws(WideMachineError) {
    host = try EVMHost(programs: programs, engine: engine)
  }

  func begin(_ overlay: EthereumOverlay) {
    let arena = OverlayReader.Arena()
    self.arena = arena
    reader = OverlayReader(overlay, arena: arena)
    doneCount = 0
  }

  /// Gives the run's memory back.
  func end() { (reader, arena, newRecords) = (nil, nil, []) }

  /// Executes the transaction in `slot` on what it sees at `position`, keeps what it read and publishes what it wrote.
  ///
  /// - Throws: when the state cannot be read, which ahead of the transaction's turn means nothing.
  func execute(
    _ slot: UnsafeMutablePointer<EthereumSlot>, at position: UInt32, in block: BlockEnvironment
  ) throws(EVMStateError) {
    guard let reader, let transaction = slot.pointee.transaction else { return }
    reader.begin(at: position)
    slot.pointee.executionCount &+= 1
    let result = try EVMTransactionProcessor(host: host).process(
      transaction, sender: slot.pointee.sender, in: block, reader: reader)
    switch result {
    case .refused(let error):
      slot.pointee.outcome = .failure(.refused(error))
      slot.pointee.changes = EVMStateChanges()
    case .executed(let receipt, let changes):
      // Whether it kept to its set depends on what it read, which is compared with what is final like anything else.
      if let access = slot.pointee.access, let outside = host.access(outside: access) {
        slot.pointee.outcome = .failure(.undeclared(outside))
        slot.pointee.changes = EVMStateChanges()
      } else {
        slot.pointee.outcome = .success(receipt)
        slot.pointee.changes = changes
      }
    }
    reader.take(from: host, into: slot)
    try reader.publish(slot, at: position)
  }
}

extension OverlayReader {
  /// Moves what was shown, as far as it was used, to `slot`.
  func take(from host: EVMHost, into slot: UnsafeMutablePointer<EthereumSlot>) {
    let room = arena.memory.allocate(Read.self, count: accounts.count + slots.count)
    var count = 0
    // A transaction that is refused for itself alone has begun nothing.
    if !accounts.isEmpty {
      host.forEachRead { load, uses in
        let asked = uses.intersection([.wholeAccount, .touched])
        if asked.isEmpty { return }
        (room + count).initialize(to: accounts[load].read)
        room[count].uses = asked
        count += 1
      }
    }
    for slot in slots {
      (room + count).initialize(to: slot.read)
      count += 1
    }
    slot.pointee.reads = UnsafeMutableBufferPointer(start: room, count: count)
  }

  /// Makes the changes in `slot` visible to later transactions.
  func publish(_ slot: UnsafeMutablePointer<EthereumSlot>, at position: UInt32) throws(EVMStateError) {
    let changes = slot.pointee.changes
    let count = changes.accounts.count + changes.credits.count + changes.slots.count
    let room = arena.memory.allocate(EthereumSlot.Write.self, count: count)
    var written = 0
    func write(
      _ cell: EVMCell, _ entry: Cells.EntryPointer, _ part: EthereumSlot.Write.Part, _ place: Int
    ) {
      let version = overlay.cells.insert(
        cell, into: entry, at: position, isDelta: part == .credit, in: &arena.memory)
      (room + written).initialize(
        to: EthereumSlot.Write(
          entry: entry, version: version, part: part, place: UInt32(truncatingIfNeeded: place)))
      written += 1
    }
    // What was published before an error is taken back with the rest.
    defer { slot.pointee.writes = UnsafeMutableBufferPointer(start: room, count: written) }
    var cursor = 0
    for (place, change) in changes.accounts.enumerated() {
      if let code = change.code, code.byteCount > 0 { overlay.add(code) }
      write(EVMCell(change), try accountEntry(change.address, &cursor), .account, place)
    }
    for (place, credit) in changes.credits.enumerated() {
      write(EVMCell(credit: credit.amount), try accountEntry(credit.address, &cursor), .credit, place)
    }
    cursor = 0
    for (place, change) in changes.slots.enumerated() {
      write(EVMCell(slot: change.value), try slotEntry(change, &cursor), .slot, place)
    }
  }

  /// Changes come much in the order of the reads: each is looked for behind the one before first.
  private func accountEntry(_ address: Address, _ cursor: inout Int) throws(EVMStateError)
    -> Cells.EntryPointer
  {
    for step in 0..<accounts.count {
      var place = cursor + step
      if place >= accounts.count { place -= accounts.count }
      if accounts[place].address == address {
        cursor = place
        return accounts[place].read.entry
      }
    }
    return try entry(of: address)
  }

  private func slotEntry(
    _ change: EVMStateChanges.SlotChange, _ cursor: inout Int
  ) throws(EVMStateError) -> Cells.EntryPointer {
    for place in cursor..<slots.count
    where slots[place].slot == change.slot && slots[place].address == change.address
      && slots[place].incarnation == change.incarnation
    {
      cursor = place + 1
      return slots[place].read.entry
    }
    return try entry(of: change.address, change.incarnation, change.slot)
  }
}
