// What each of Ethereum's transactions of a block uses when all run one after the other.

import EVM
import Ledger
import Primitives
import Testing

@testable import Estuary
@testable import Execution

struct SerialAccesses {
  /// By transaction what it used when it was executed; `nil` for one that is not executed.
  private(set) var used: [AccessSet?] = []
  /// By transaction what the emulator had said before.
  private(set) var emulated: [AccessSet?] = []

  init(_ genesis: Genesis, _ wires: [EthereumWire]) throws {
    let chain = try Chain(
      store: MemoryStore(), genesis: genesis, executor: SerialExecutor(), progress: .fixed)
    let state = try #require(chain.state.ethereum)
    let emulator = try #require(try chain.emulator())
    let environment = emulator.block
    let programs = EVMProgramCache()
    let host = try EVMHost(programs: programs)
    let reader = EVMLedgerState(source: state, programs: programs)
    let thread = try EVMThread()
    var (gasUsed, blobGasUsed) = (UInt64(0), UInt64(0))
    for wire in wires {
      var set: AccessSet?
      var emulation: Emulation?
      if let transaction = try? EthereumTransaction(decoding: wire.bytes), let sender = wire.sender {
        emulation = try? emulator.run(transaction, from: sender, checks: .all)
        try thread.run {
          let outcome = try EVMTransactionProcessor(host: host).process(
            transaction, sender: sender, in: environment, reader: reader, gasUsed: gasUsed,
            blobGasUsed: blobGasUsed)
          guard case .executed(let receipt, let changes) = outcome else { return }
          set = AccessSet(host.accesses)
          try state.apply(changes, from: reader)
          gasUsed += receipt.gasUsed
          blobGasUsed += transaction.blobGas
        }
      }
      // What has no place in the block leaves nothing behind.
      if set != nil, let emulation { emulator.apply(emulation) }
      used.append(set)
      emulated.append(set == nil ? nil : emulation?.accessSet)
    }
  }
}
