// One Ethereum transaction on its way through a block that runs ahead: decoded, executed, perhaps executed again, final.

import EVM
import Ledger
import Primitives
import Synchronization

/// Belongs to the worker that decodes it, then to the one that executes it; from `isDone` on to the frontier.
struct EthereumSlot: ~Copyable {
  typealias Cells = MultiVersionMap<EVMCell>

  /// What an execution wrote under one key.
  struct Write: BitwiseCopyable {
    let entry: Cells.EntryPointer
    var version: Cells.VersionPointer
    let part: Part
    /// Place in that part of the changes.
    let place: UInt32
    enum Part: UInt8, BitwiseCopyable { case account, credit, slot }
  }

  /// It waits for its turn at the frontier, executed or not.
  let isDone = Atomic<Bool>(false)
  var sender = Address.zero
  var transaction: EthereumTransaction?
  /// What it has to keep to.
  var access: AccessSet?
  var guesses = AccessPredictor.Guesses()
  /// It is not to run ahead: it names or is sent by the fee recipient.
  var waitsForAll = false
  /// `nil` where it has not been executed, or only on a state that cannot be.
  var outcome: Result<EVMReceipt, EthereumError>?
  var changes = EVMStateChanges()
  var reads: UnsafeMutableBufferPointer<OverlayReader.Read> = .init(start: nil, count: 0)
  var writes: UnsafeMutableBufferPointer<Write> = .init(start: nil, count: 0)
  var executionCount: UInt8 = 0
}
