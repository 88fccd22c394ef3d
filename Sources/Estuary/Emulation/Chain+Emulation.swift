// A chain's side of the emulator: the block that would come next, on the committed accounts.

import EVM
import Ledger
import SBPF

extension Chain {
  /// An emulator of the block that would come next; it is of no use any more when that block has come.
  ///
  /// - Parameters:
  ///   - overrides: what differs from that block and those accounts.
  ///   - unixTimestamp: of that block, in seconds; `nil`: the machine's.
  /// - Returns: `nil` where the ledger has no Ethereum side.
  package func emulator(
    engine: Engine = .fastest, tracer: EVMTracer? = nil, overrides: EmulationOverrides = EmulationOverrides(),
    unixTimestamp: Int64? = nil
  ) throws(ChainError) -> Emulator? {
    guard let block = try nextEthereumBlock(unixTimestamp: unixTimestamp) else { return nil }
    let programs = EVMProgramCache(natives: contracts)
    let emulator = try Emulator(
      over: committedState(programs), in: block.overridden(by: overrides.block), programs: programs,
      reaching: try emulatedPrograms(engine: engine, unixTimestamp: Int64(clamping: block.timestamp)),
      engine: engine,
      tracer: tracer)
    do throws(EVMStateError) { try emulator.apply(overrides.accounts) } catch { throw ChainError(error) }
    return emulator
  }
}
