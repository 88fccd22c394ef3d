// Transactions of stored blocks executed again, on the state that they met.

import EVM
import Ledger
import Primitives

extension EthereumLedger {
  /// The transactions of a stored block, one after the other, each to be executed again.
  package final class BlockReplay {
    package let emulator: Emulator
    package let records: [EthereumTransactionRecord]
    private var position = 0

    fileprivate init(_ emulator: Emulator, _ records: [EthereumTransactionRecord]) {
      (self.emulator, self.records) = (emulator, records)
      (emulator.tracer, emulator.capsGas) = (nil, false)
    }

    /// Executes what stands before the transaction at `index`, and that one for `tracer` to see. Its changes are not part
    /// of the state yet when this returns.
    ///
    /// - Parameter index: not below that of the call before.
    package func run(_ index: Int, tracer: EVMTracer?) throws(EmulationError) -> Emulation {
      while position < index { emulator.apply(try next()) }
      emulator.tracer = tracer
      let emulation = try next()
      emulator.tracer = nil
      return emulation
    }

    /// Makes what came of the last transaction the state of the next one.
    package func goOn(_ emulation: Emulation) { emulator.apply(emulation) }

    private func next() throws(EmulationError) -> Emulation {
      let record = records[position]
      position += 1
      let emulation = try emulator.run(record.transaction, from: record.sender, checks: .all)
      // Programs that call contracts change what transactions behind them meet, and are not executed again here.
      guard emulation.receipt.gasUsed == record.gasUsed,
        record.isSuccess.map({ $0 == emulation.receipt.isSuccess }) ?? true
      else {
        throw .state(
          .pastState(
            detail: "transaction \(record.index) of block \(record.block.header.number) comes out otherwise, "
              + "as programs in its block have called contracts"))
      }
      return emulation
    }
  }

  /// - Parameters:
  ///   - block: not the ledger's first.
  ///   - height: of a block of the ledger's at or behind that one.
  ///   - isTraced: whether tracers will be told of opcodes.
  /// - Returns: `nil` where the state before the block is not known.
  package func replay(
    of block: EthereumArchive.StoredHeader, through height: UInt64, isTraced: Bool
  ) throws(ChainError) -> BlockReplay? {
    let before: UInt64
    let records: [EthereumTransactionRecord]
    let isMixed: Bool
    do throws(StoreError) {
      guard let found = try self.height(before: block.header.number, through: height),
        try knowsState(at: found)
      else { return nil }
      before = found
      records = try archive.transactions(block.header.number) ?? []
      isMixed = try !SolanaHistory(of: store).transactions(before + 1).isEmpty
    } catch { throw .store(error) }
    // Where Solana's transactions stand in the block, the accounts of programs that a contract met are not known.
    let emulator = try Emulator(
      over: state(at: before), in: environment(of: block), programs: programs,
      reaching: try programs(sysvarsAt: before + 1, accountsAt: isMixed ? nil : before),
      tracer: isTraced ? EVMTracer { _ in } : nil)
    return BlockReplay(emulator, records)
  }
}
