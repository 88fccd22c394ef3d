// What emulators run code on. To map a machine's memory and to start its thread takes longer than most calls, so those that
// an emulator has done with are kept for the next ones.

import EVM
import Execution
import Ledger
import SBPF
import Scheduling
import WideVM

/// A host with the thread whose stack its calls need.
struct EmulationMachine {
  let host: EVMHost
  let thread: EVMThread

  init(programs: EVMProgramCache, engine: Engine, isTraced: Bool) throws(ChainError) {
    do throws(WideMachineError) {
      host = try EVMHost(programs: programs, engine: engine, mode: isTraced ? .tracing : .fast)
    } catch {
      throw .machine(detail: "\(error)")
    }
    do throws(SchedulingError) { thread = try EVMThread() } catch { throw .workers(error) }
  }
}

/// Machines without a tracer, of one cache of programs and the fastest engine; each serves one emulator at a time.
final class EmulationMachines: @unchecked Sendable {
  /// Those that are kept; more are made where more calls run at once, and go with them.
  private static let keptCount = 8

  private let programs: EVMProgramCache
  private let lock = Lock()
  /// Under `lock`.
  private var idle: [EmulationMachine] = []

  init(programs: EVMProgramCache) { self.programs = programs }

  func take() throws(ChainError) -> EmulationMachine {
    if let machine = lock.withLock({ idle.popLast() }) { return machine }
    return try EmulationMachine(programs: programs, engine: .fastest, isTraced: false)
  }

  func giveBack(_ machine: EmulationMachine) {
    machine.host.releaseState()
    (machine.host.border, machine.host.tracer) = (nil, nil)
    machine.host.movePrecompiles([:], fork: .latest)
    lock.withLock { if idle.count < Self.keptCount { idle.append(machine) } }
  }
}
