// Who watches the transactions of a lane.

import EVM
import Primitives
import Runtime
import WideIntegers

/// Told of transactions and of what they do, on the lane's thread.
package protocol LaneObserver: InvokeObserver, EVMObserver {
  /// - Parameter index: the transaction's, in the block.
  func willExecute(_ index: Int)
  func didExecute(_ index: Int, _ receipt: Receipt)
}

/// For observers of Solana's programs alone.
extension LaneObserver {
  package var observesOpcodes: Bool { false }
  package func didBegin(_ call: CallTrace.Call, depth: Int) {}
  package func didEnd(_ call: CallTrace.Call, depth: Int) {}
  package func didChange(slot: UInt256, of address: Address, from before: UInt256, to after: UInt256) {}
  package func didLog(_ log: EVMLog) {}
  package func willRun(_ step: EVMStep) {}
}
