// Executes a block's body on the state after its parent (Yellow Paper section 11): the DAO fork's move, system calls,
// transactions one after the other, rewards before the merge, withdrawals and requests after it; and compares what came
// out with the header.

import Primitives
import WideIntegers

/// The state that a block is executed on.
package protocol EthereumBlockState: EVMStateReader {
  func apply(_ changes: EVMStateChanges)
  /// Of the state trie.
  var stateRoot: Hash { get }
}

/// What executing a block leads to.
package struct BlockOutcome: Equatable, Sendable {
  package var gasUsed: UInt64 = 0
  package var blobGasUsed: UInt64 = 0
  /// As the trie of receipts holds them.
  package var receipts: [[UInt8]] = []
  package var logs: [EVMLog] = []
  package var bloom = LogsBloom()
  /// Type byte first, empty ones left out; `nil` before Prague.
  package var requests: [[UInt8]]?
  package var stateRoot = MerklePatriciaTrie.emptyRoot

  package init() {}

  package var receiptsRoot: Hash { MerklePatriciaTrie.listRoot(receipts) }
  package var requestsHash: Hash? { requests.map { DepositRequests.hash(of: $0) } }

  /// Compares with what the block's header says.
  package func validate(against header: EthereumHeader) throws(BlockValidityError) {
    if gasUsed != header.gasUsed { throw .wrongGasUsed(header.gasUsed, expected: gasUsed) }
    if let found = header.blobGasUsed, found != blobGasUsed {
      throw .wrongBlobGasUsed(found, expected: blobGasUsed)
    }
    if bloom != header.bloom { throw .wrongBloom }
    let receiptsRoot = receiptsRoot
    if receiptsRoot != header.receiptsRoot {
      throw .wrongReceiptsRoot(header.receiptsRoot, expected: receiptsRoot)
    }
    if let found = header.requestsHash, let expected = requestsHash, found != expected {
      throw .wrongRequestsHash(found, expected: expected)
    }
    if stateRoot != header.stateRoot { throw .wrongStateRoot(header.stateRoot, expected: stateRoot) }
  }
}

/// Why a block was not executed to its end.
package enum BlockExecutionError: Error, Equatable, Sendable {
  case invalid(BlockValidityError)
  /// The host's trouble, not the block's.
  case state(EVMStateError)
}

/// Used by one thread at a time.
package struct EthereumBlockExecution {
  private let host: EVMHost
  private let configuration: ChainConfiguration

  package init(host: EVMHost, configuration: ChainConfiguration) {
    (self.host, self.configuration) = (host, configuration)
  }

  /// Executes `block`, of which only the results are not known to be right. After an error `state` is of no use.
  ///
  /// - Parameter blockHash: of the blocks before this one.
  package func execute(
    _ block: EthereumBlock, fork: Fork, on state: some EthereumBlockState,
    blockHash: @escaping @Sendable (UInt64) -> Hash?
  ) throws(BlockExecutionError) -> BlockOutcome {
    let environment = environment(of: block.header, fork, blockHash)
    let processor = EVMBlockProcessor(host: host)
    var outcome = BlockOutcome()
    do throws(EVMStateError) {
      if configuration.daoForkBlock == block.header.number {
        state.apply(try moveDAOFunds(environment, state))
      }
      try processor.begin(environment, reader: state) { state.apply($0) }
    } catch { throw .state(error) }
    try execute(block.transactions, environment, state, &outcome)
    if fork < .paris {
      do throws(EVMStateError) { state.apply(try reward(block, environment, state)) } catch {
        throw .state(error)
      }
    }
    var requests: [[UInt8]] = []
    do throws(EVMBlockError) {
      requests = try processor.end(environment, withdrawals: block.withdrawals ?? [], reader: state) {
        state.apply($0)
      }
    } catch {
      switch error {
      case .state(let error): throw .state(error)
      case .systemCallFailed(let address, let halt): throw .invalid(.systemContract(address, halt))
      }
    }
    if fork >= .prague {
      do throws(BlockValidityError) {
        let deposits = try DepositRequests.gather(from: outcome.logs, contract: configuration.depositContract)
        outcome.requests = (deposits.isEmpty ? [] : [[DepositRequests.type] + deposits]) + requests
      } catch { throw .invalid(error) }
    }
    outcome.stateRoot = state.stateRoot
    return outcome
  }

  private func environment(
    of header: EthereumHeader, _ fork: Fork, _ blockHash: @escaping @Sendable (UInt64) -> Hash?
  ) -> BlockEnvironment {
    BlockEnvironment(
      fork: fork, chainID: configuration.chainID, number: header.number, timestamp: header.timestamp,
      gasLimit: header.gasLimit, coinbase: header.coinbase, baseFeePerGas: header.baseFeePerGas ?? .zero,
      difficulty: header.difficulty, prevRandao: header.mixHash, excessBlobGas: header.excessBlobGas ?? 0,
      parentBeaconBlockRoot: header.parentBeaconBlockRoot ?? .zero, blockHash: blockHash)
  }

  private func execute(
    _ transactions: [EthereumTransaction], _ environment: BlockEnvironment, _ state: some EthereumBlockState,
    _ outcome: inout BlockOutcome
  ) throws(BlockExecutionError) {
    let processor = EVMTransactionProcessor(host: host)
    var batch = SenderBatch()
    for transaction in transactions { batch.add(transaction, fork: environment.fork) }
    let senders = batch.senders()
    for (index, transaction) in transactions.enumerated() {
      let sender: Address
      do throws(EthereumSignatureError) {
        sender = try senders[index].get()
      } catch {
        throw .invalid(.signature(error, index: index))
      }
      let result: EVMTransactionResult
      do throws(EVMStateError) {
        result = try processor.process(
          transaction, sender: sender, in: environment, reader: state, gasUsed: outcome.gasUsed,
          blobGasUsed: outcome.blobGasUsed)
      } catch { throw .state(error) }
      switch result {
      case .refused(let error): throw .invalid(.transaction(error, index: index))
      case .executed(let execution, let changes):
        state.apply(changes)
        outcome.gasUsed += execution.gasUsed
        outcome.blobGasUsed += execution.blobGasUsed
        outcome.logs += execution.logs
        outcome.bloom.formUnion(LogsBloom(execution.logs))
        let receipt = EthereumReceipt(
          kind: transaction.kind,
          outcome: environment.fork < .byzantium
            ? .stateRoot(state.stateRoot) : .status(isSuccess: execution.isSuccess),
          cumulativeGasUsed: outcome.gasUsed, logs: execution.logs)
        outcome.receipts.append(receipt.encoded)
      }
    }
  }

  /// What making the block earns its coinbase and those of its ommers (EIP-649, EIP-1234).
  private func reward(
    _ block: EthereumBlock, _ environment: BlockEnvironment, _ state: some EthereumBlockState
  ) throws(EVMStateError) -> EVMStateChanges {
    let ether: UInt64 = environment.fork < .byzantium ? 5 : environment.fork < .constantinople ? 3 : 2
    let reward = UInt256(ether) &* UInt256(1_000_000_000_000_000_000)
    let share = (reward >> 5) &* UInt256(UInt64(block.ommers.count))
    host.begin(reader: state, block: environment, message: EVMMessageOrigin())
    try credit(reward &+ share, to: block.header.coinbase, environment)
    for ommer in block.ommers {
      // Between 1 and 6 generations: the rules of ommers hold.
      let age = block.header.number &- ommer.number
      try credit((reward &* UInt256(8 &- age)) >> 3, to: ommer.coinbase, environment)
    }
    return try host.finish()
  }

  private func credit(
    _ amount: UInt256, to address: Address, _ environment: BlockEnvironment
  ) throws(EVMStateError) {
    let position = host.state.pointee.journal.position(of: address)
    try host.state.pointee.journal.use([], at: position)
    host.state.pointee.journal.credit(amount, to: position, fork: environment.fork)
  }

  private func moveDAOFunds(
    _ environment: BlockEnvironment, _ state: some EthereumBlockState
  ) throws(EVMStateError) -> EVMStateChanges {
    host.begin(reader: state, block: environment, message: EVMMessageOrigin())
    try credit(.zero, to: DAOFork.refundContract, environment)
    for address in DAOFork.drainedAccounts {
      let position = host.state.pointee.journal.position(of: address)
      try host.state.pointee.journal.use(.balance, at: position)
      let balance = host.state.pointee.journal.accounts.base[position].balance
      if balance.isZero { continue }
      host.state.pointee.journal.setBalance(.zero, at: position)
      try credit(balance, to: DAOFork.refundContract, environment)
    }
    return try host.finish()
  }
}
