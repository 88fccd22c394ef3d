// What all frames of a transaction share. It lives at a fixed address, one a worker, and hooks reach it through
// their frame's pointer; nothing is called with exclusive access to the whole of it, because frames nest.

import Glibc
import Primitives
import SBPF
import WideIntegers
import WideVM

/// What a transaction's frames can ask about it.
package struct EVMMessageOrigin: Sendable {
  package var origin: Address
  /// Wei a gas, as GASPRICE pushes it.
  package var gasPrice: UInt256
  package var blobHashes: [Hash]

  package init(origin: Address = .zero, gasPrice: UInt256 = .zero, blobHashes: [Hash] = []) {
    self.origin = origin
    self.gasPrice = gasPrice
    self.blobHashes = blobHashes
  }
}

struct HostState {
  var journal: Journal
  var fork: Fork
  var costs: HostCosts
  var block: BlockEnvironment
  var message: EVMMessageOrigin
  let engine: Engine
  let mode: TranslationMode
  /// The worker's machine; its owner keeps it alive.
  let machine: Unmanaged<WideMachine>
  let programs: EVMProgramCache
  let hooks: UnsafePointer<WideHook>
  /// One frame a depth, `[0, 1024]`.
  let frames: FramePointer
  /// The output of the last call of the running frame (EIP-211). One buffer serves all: a frame's is dead as soon
  /// as it calls.
  var returnData: UnsafeMutableRawPointer
  var returnByteCount = 0
  var returnCapacity: Int
  /// Why the host gave up, set with `HookResult.hostFault`.
  var failure: EVMStateError?
  /// Whether some addresses have functions of the host's in place of code.
  var hasNatives = false
  /// Depth of the innermost frame that the border answers; −1 where there is none.
  var borderDepth = -1
  /// Precompiles that are elsewhere, or nowhere, for a call that is tried out; `nil`: all are where the fork has them.
  var movedPrecompiles: MovedPrecompiles?
  /// EIP-3155, in the tracing mode.
  var tracer: EVMTracer?

  static let depthLimit = 1024

  /// Replaces the return data by `count` bytes that do not lie in it.
  @inline(__always) mutating func setReturnData(_ source: UnsafeRawPointer, _ count: Int) {
    if count > returnCapacity { growReturnData(count) }
    memcpy(returnData, source, count)
    returnByteCount = count
  }

  @inline(never) private mutating func growReturnData(_ count: Int) {
    returnData.deallocate()
    returnCapacity = max(count, returnCapacity * 2)
    returnData = .allocate(byteCount: returnCapacity, alignment: 16)
  }
}
