// An executable's way to its machine code: compiled once, by the first worker that runs it. A worker that
// comes while another one compiles does not wait; it interprets, with the same result.

import MachineCode
import Synchronization

struct JITCompilation: ~Copyable, @unchecked Sendable {
  // Unchecked: `storage` is written once, by the thread that moved `phase` from idle to compiling, before it
  // publishes `ready` with release order; it is read only after `ready` was seen with acquire order.
  private enum Phase {
    static let idle: UInt8 = 0
    static let compiling: UInt8 = 1
    static let ready: UInt8 = 2
    static let refused: UInt8 = 3
  }

  private final class Storage {
    var code: MachineCode?
    var entry: MachineCode.Entry?
  }

  private let phase = Atomic<UInt8>(Phase.idle)
  private let storage = Storage()

  /// The code, if it has been made.
  var finished: MachineCode? {
    // Acquire: pairs with the release below, so that the code is seen whole.
    phase.load(ordering: .acquiring) == Phase.ready ? storage.code : nil
  }

  @inline(__always) borrowing func code(
    for executable: Executable, by compiler: (Executable) -> MachineCode?
  ) -> MachineCode? {
    let now = phase.load(ordering: .acquiring)
    if now == Phase.ready { return storage.code }
    return now == Phase.idle && compile(executable, by: compiler) ? storage.code : nil
  }

  /// Where the code begins. Whoever runs it holds the executable, so no reference is counted: workers that run one
  /// program would pass its counts to and fro.
  @inline(__always) borrowing func entry(
    for executable: Executable, by compiler: (Executable) -> MachineCode?
  ) -> MachineCode.Entry? {
    let now = phase.load(ordering: .acquiring)
    if now == Phase.ready { return storage.entry }
    return now == Phase.idle && compile(executable, by: compiler) ? storage.entry : nil
  }

  @inline(never) private borrowing func compile(
    _ executable: Executable, by compiler: (Executable) -> MachineCode?
  ) -> Bool {
    // Relaxed: nothing is read that another thread wrote; the exchange only decides who compiles.
    guard
      phase.compareExchange(expected: Phase.idle, desired: Phase.compiling, ordering: .relaxed).exchanged
    else { return false }
    let code = compiler(executable)
    storage.code = code
    storage.entry = code?.entry
    phase.store(code == nil ? Phase.refused : Phase.ready, ordering: .releasing)
    return code != nil
  }
}
