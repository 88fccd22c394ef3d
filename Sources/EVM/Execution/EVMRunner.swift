// Runs one EVM program outside of any chain, what `estuary evm run` does: one contract, called with some input and gas,
// no intrinsic cost, fresh state each time.

import Primitives
import SBPF
import WideIntegers

/// Used by one thread at a time.
package final class EVMRunner {
  package struct Outcome: Sendable {
    /// `nil` for success.
    package let halt: EVMHalt?
    package let output: [UInt8]
    /// Of the execution, refunds not taken off.
    package let gasUsed: UInt64
    /// What the rules of refunds would give back, before their cap.
    package let gasRefund: UInt64
    package let logs: [EVMLog]
  }

  package static let contract = Address(UInt256(0xc0de, 0, 0xc0de_0000, 0))
  package static let caller = Address(UInt256(0xca11, 0, 0xca11_0000, 0))
  private static let wealth = UInt256(0, 0, 0, 1)

  package let host: EVMHost
  package let code: EVMCode
  private let block: BlockEnvironment
  private let world: EVMWorld
  private let caller: Address

  /// - Parameters:
  ///   - code: bytecode, or what an executable was translated from.
  ///   - world: the accounts beside the contract's, which takes the place of one at `EVMRunner.contract`; `nil` for
  ///     none but a caller with plenty of wei.
  ///   - caller: also the transaction's origin.
  package init(
    code: EVMCode, block: BlockEnvironment, host: EVMHost, world: EVMWorld? = nil,
    caller: Address = EVMRunner.caller
  ) {
    (self.code, self.block, self.host, self.caller) = (code, block, host, caller)
    self.world = world ?? EVMWorld()
    self.world.insert(EVMRunner.contract, balance: .zero, nonce: 1, code: code, storage: [:])
    if world == nil {
      self.world.insert(caller, balance: EVMRunner.wealth, nonce: 0, code: .empty, storage: [:])
    }
  }

  /// - Parameters:
  ///   - gas: below 2^63.
  ///   - value: wei that the caller sends along; more than it has ends the run with `insufficientBalance`.
  package func run(input: [UInt8], gas: UInt64, value: UInt256 = .zero) throws(EVMStateError) -> Outcome {
    if (world.account(caller)?.balance ?? .zero) < value {
      return Outcome(halt: .insufficientBalance, output: [], gasUsed: 0, gasRefund: 0, logs: [])
    }
    host.begin(reader: world, block: block, message: EVMMessageOrigin(origin: caller))
    for address in [EVMRunner.contract, caller, block.coinbase] {
      _ = host.state.pointee.journal.warm(host.state.pointee.journal.position(of: address))
    }
    let result = try host.call(EVMRunner.contract, from: caller, value: value, input: input, gas: gas)
    return Outcome(
      halt: result.halt, output: result.output, gasUsed: gas &- result.gasLeft,
      gasRefund: UInt64(clamping: host.state.pointee.journal.refund), logs: host.state.pointee.journal.logs)
  }
}
