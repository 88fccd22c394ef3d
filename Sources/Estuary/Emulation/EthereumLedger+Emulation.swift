// Executions that nobody keeps, on the state after any block that is known.

import EVM
import Ledger
import Primitives
import SBPF
import WideIntegers

extension EthereumLedger {
  /// Where a call is tried out.
  package struct CallPlace: Sendable {
    /// What it sees of its block.
    package var environment: BlockEnvironment
    /// Of the ledger's block whose state it sees.
    package var height: UInt64
    /// Whether that state has what the block does before its first transaction.
    package var isBegun: Bool

    package init(_ environment: BlockEnvironment, height: UInt64, isBegun: Bool) {
      (self.environment, self.height, self.isBegun) = (environment, height, isBegun)
    }
  }

  /// For one thread.
  package func emulator(
    _ place: CallPlace, overrides: EmulationOverrides = EmulationOverrides(), tracer: EVMTracer? = nil
  ) throws(ChainError) -> Emulator {
    let (state, block) = (state(at: place.height), place.environment.overridden(by: overrides.block))
    let reach = try programs(sysvarsAt: place.height, accountsAt: place.height)
    let emulator =
      tracer == nil
      ? try Emulator(over: state, in: block, isBegun: place.isBegun, on: machines, reaching: reach)
      : try Emulator(
        over: state, in: block, isBegun: place.isBegun, programs: programs, reaching: reach, tracer: tracer)
    do throws(EVMStateError) { try emulator.apply(overrides.accounts) } catch { throw ChainError(error) }
    return emulator
  }
}
