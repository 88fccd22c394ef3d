// What a block does besides its transactions: system calls before the first (EIP-4788 beacon root, EIP-2935 history)
// and after the last (EIP-7002 and EIP-7251 requests), and withdrawals (EIP-4895). Rules of later forks about blocks
// belong here.

import Primitives
import WideIntegers

/// Why a block cannot be.
package enum EVMBlockError: Error, Equatable, Sendable {
  /// A contract that the fork needs has no code, or its system call failed.
  case systemCallFailed(Address, EVMHalt?)
  case state(EVMStateError)
}

extension EVMBlockError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .systemCallFailed(let address, let halt?):
      "system call failed to execute: \(halt) (\(address))"
    case .systemCallFailed(let address, nil): "empty system contract: \(address)"
    case .state(let error): error.description
    }
  }
}

package struct EVMBlockProcessor {
  package let host: EVMHost

  package init(host: EVMHost) { self.host = host }

  /// 0xfffffffffffffffffffffffffffffffffffffffe
  package static let systemAddress = Address(UInt256(.max - 1, .max, 0xffff_ffff, 0))
  /// 0x000f3df6d732807ef1319fb7b8bb8522d0beac02
  package static let beaconRoots = Address(
    UInt256(0xb8bb_8522_d0be_ac02, 0xd732_807e_f131_9fb7, 0x000f_3df6, 0))
  /// 0x0000f90827f1c53a10cb7a02335b175320002935
  package static let history = Address(UInt256(0x335b_1753_2000_2935, 0x27f1_c53a_10cb_7a02, 0x0000_f908, 0))
  /// 0x00000961ef480eb55e80d19ad83579a64c007002
  package static let withdrawalRequests = Address(
    UInt256(0xd835_79a6_4c00_7002, 0xef48_0eb5_5e80_d19a, 0x0000_0961, 0))
  /// 0x0000bbddc7ce488642fb579f8b00f3a590007251
  package static let consolidationRequests = Address(
    UInt256(0x8b00_f3a5_9000_7251, 0xc7ce_4886_42fb_579f, 0x0000_bbdd, 0))

  private static let systemGas: UInt64 = 30_000_000
  private static let weiPerGwei = UInt256(1_000_000_000)

  /// The system calls before the first transaction, each to be applied before the next is asked for: contracts that
  /// are not there are passed over.
  package func begin(
    _ block: BlockEnvironment, reader: any EVMStateReader, apply: (EVMStateChanges) -> Void
  ) throws(EVMStateError) {
    if block.fork >= .cancun {
      let root = block.parentBeaconBlockRoot.bytes
      if let result = try call(Self.beaconRoots, root, block, reader) { apply(result.changes) }
    }
    if block.fork >= .prague {
      let hash = block.parentHash.bytes
      if let result = try call(Self.history, hash, block, reader) { apply(result.changes) }
    }
  }

  /// Withdrawals and the system calls after the last transaction.
  ///
  /// - Returns: the requests for the consensus layer, type byte first, empty ones left out (EIP-7685).
  package func end(
    _ block: BlockEnvironment, withdrawals: [EVMWithdrawal], reader: any EVMStateReader,
    apply: (EVMStateChanges) -> Void
  ) throws(EVMBlockError) -> [[UInt8]] {
    var requests: [[UInt8]] = []
    do throws(EVMStateError) {
      if block.fork >= .shanghai { apply(try withdraw(withdrawals, block, reader)) }
      if block.fork < .prague { return requests }
    } catch {
      throw .state(error)
    }
    for (type, address) in [(1, Self.withdrawalRequests), (2, Self.consolidationRequests)]
      as [(UInt8, Address)]
    {
      let answer: (result: EVMCallResult, changes: EVMStateChanges)?
      do throws(EVMStateError) { answer = try call(address, [], block, reader) } catch { throw .state(error) }
      guard let answer else { throw .systemCallFailed(address, nil) }
      if let halt = answer.result.halt { throw .systemCallFailed(address, halt) }
      apply(answer.changes)
      if !answer.result.output.isEmpty { requests.append([type] + answer.result.output) }
    }
    return requests
  }

  /// Wei for making a block before the merge (EIP-649, EIP-1234), its share of ommers aside.
  package static func reward(fork: Fork) -> UInt256 {
    let ether: UInt64 = fork < .byzantium ? 5 : fork < .constantinople ? 3 : 2
    return UInt256(ether) &* UInt256(1_000_000_000_000_000_000)
  }

  /// Wei for having made an ommer.
  ///
  /// - Parameter age: in generations before the block that names it, `[1, 6]`.
  package static func reward(fork: Fork, ommerAge age: UInt64) -> UInt256 {
    (reward(fork: fork) &* UInt256(8 &- age)) >> 3
  }

  /// What making a block before the merge earns its coinbase and those of its ommers.
  ///
  /// - Parameter ommers: `age` in generations before the block, `[1, 6]`.
  package func reward(
    ommers: [(coinbase: Address, age: UInt64)], _ block: BlockEnvironment, _ reader: any EVMStateReader
  ) throws(EVMStateError) -> EVMStateChanges {
    let reward = Self.reward(fork: block.fork)
    let share = (reward >> 5) &* UInt256(UInt64(ommers.count))
    host.begin(reader: reader, block: block, message: EVMMessageOrigin())
    try credit(reward &+ share, to: block.coinbase, block)
    for ommer in ommers {
      try credit(Self.reward(fork: block.fork, ommerAge: ommer.age), to: ommer.coinbase, block)
    }
    return try host.finish()
  }

  private func credit(_ amount: UInt256, to address: Address, _ block: BlockEnvironment) throws(EVMStateError)
  {
    let position = host.state.pointee.journal.position(of: address)
    try host.state.pointee.journal.use([], at: position)
    host.state.pointee.journal.credit(amount, to: position, fork: block.fork)
  }

  /// What withdrawals change; accounts they leave empty go.
  package func withdraw(
    _ withdrawals: [EVMWithdrawal], _ block: BlockEnvironment, _ reader: any EVMStateReader
  ) throws(EVMStateError) -> EVMStateChanges {
    host.begin(reader: reader, block: block, message: EVMMessageOrigin())
    for withdrawal in withdrawals {
      try credit(UInt256(withdrawal.amount) &* Self.weiPerGwei, to: withdrawal.address, block)
    }
    return try host.finish()
  }

  /// A call by the system, which pays for nothing; `nil` where there is no code.
  private func call(
    _ target: Address, _ input: [UInt8], _ block: BlockEnvironment, _ reader: any EVMStateReader
  ) throws(EVMStateError) -> (result: EVMCallResult, changes: EVMStateChanges)? {
    guard let account = try reader.account(target), account.codeHash != EVMAccount.emptyCodeHash else {
      return nil
    }
    host.begin(reader: reader, block: block, message: EVMMessageOrigin(origin: Self.systemAddress))
    let result = try host.call(
      target, from: Self.systemAddress, value: .zero, input: input, gas: Self.systemGas)
    return (result, try host.finish())
  }
}
