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
  /// Executes a block's transactions in lanes, in effect one after the other from a block without gas used on, and makes
  /// what they change the state. `nil`: it has no lanes; an entry that is `nil`: it may not be in the block.
  func execute(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment
  ) throws(EVMStateError) -> [EthereumExecution?]?
}

extension EthereumBlockState {
  package func execute(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment
  ) throws(EVMStateError) -> [EthereumExecution?]? { nil }
}

/// What a block keeps of an executed transaction.
package struct EthereumExecution: Sendable, Equatable {
  package var sender: Address
  package var isSuccess: Bool
  /// Charged to the sender, refunds taken off.
  package var gasUsed: UInt64
  package var logs: [EVMLog]

  package init(sender: Address, isSuccess: Bool, gasUsed: UInt64, logs: [EVMLog]) {
    (self.sender, self.isSuccess, self.gasUsed, self.logs) = (sender, isSuccess, gasUsed, logs)
  }
}

/// What executing a block leads to.
package struct BlockOutcome: Equatable, Sendable {
  package var gasUsed: UInt64 = 0
  package var blobGasUsed: UInt64 = 0
  /// One a transaction, as are `senders`.
  package var receipts: [EthereumReceipt] = []
  package var senders: [Address] = []
  package var logs: [EVMLog] = []
  package var bloom = LogsBloom()
  /// Type byte first, empty ones left out; `nil` before Prague.
  package var requests: [[UInt8]]?

  package init() {}

  package var receiptsRoot: Hash { MerklePatriciaTrie.listRoot(receipts.map(\.encoded)) }
  package var requestsHash: Hash? { requests.map { DepositRequests.hash(of: $0) } }

  /// Compares with what the block's header says, but for the state root.
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
  }
}

extension EthereumHeader {
  /// Compares with the root that the state after the block has.
  package func validate(stateRoot root: Hash) throws(BlockValidityError) {
    if root != stateRoot { throw .wrongStateRoot(stateRoot, expected: root) }
  }
}

/// Why a block was not executed to its end.
package enum EthereumBlockError: Error, Equatable, Sendable {
  case invalid(BlockValidityError)
  /// Lanes found that a transaction may not be in the block; executing it again without them says why.
  case notExecuted(index: Int)
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
  /// - Parameters:
  ///   - inLanes: whether the state's lanes execute the transactions, where it has some.
  ///   - blockHash: of the blocks before this one.
  package func execute(
    _ block: EthereumBlock, fork: Fork, on state: some EthereumBlockState, inLanes: Bool,
    blockHash: @escaping @Sendable (UInt64) -> Hash?
  ) throws(EthereumBlockError) -> BlockOutcome {
    let environment = BlockEnvironment(block.header, fork: fork, configuration, blockHash: blockHash)
    let processor = EVMBlockProcessor(host: host)
    var outcome = BlockOutcome()
    do throws(EVMStateError) {
      if configuration.daoForkBlock == block.header.number {
        state.apply(try moveDAOFunds(environment, state))
      }
      try processor.begin(environment, reader: state) { state.apply($0) }
    } catch { throw .state(error) }
    try execute(block.transactions, environment, state, inLanes: inLanes, &outcome)
    if fork < .paris {
      // Between 1 and 6 generations: the rules of ommers hold.
      let ommers = block.ommers.map { (coinbase: $0.coinbase, age: block.header.number &- $0.number) }
      do throws(EVMStateError) {
        state.apply(try processor.reward(ommers: ommers, environment, state))
      } catch {
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
    return outcome
  }

  private func execute(
    _ transactions: [EthereumTransaction], _ environment: BlockEnvironment, _ state: some EthereumBlockState,
    inLanes: Bool, _ outcome: inout BlockOutcome
  ) throws(EthereumBlockError) {
    var executions: [EthereumExecution?]?
    // Receipts with state roots ask for one transaction after the other.
    if inLanes && environment.fork >= .byzantium {
      do throws(EVMStateError) { executions = try state.execute(transactions, in: environment) } catch {
        throw .state(error)
      }
    }
    var batch = SignerBatch()
    if executions == nil {
      for transaction in transactions { batch.add(transaction, fork: environment.fork) }
    }
    let senders = batch.signers()
    for (index, transaction) in transactions.enumerated() {
      let execution: EthereumExecution
      if let executions {
        guard let known = executions[index] else { throw .notExecuted(index: index) }
        execution = known
      } else {
        execution = try execute(transaction, senders[index], index: index, environment, state, outcome)
      }
      outcome.gasUsed += execution.gasUsed
      outcome.blobGasUsed += transaction.blobGas
      outcome.logs += execution.logs
      outcome.bloom.formUnion(LogsBloom(execution.logs))
      outcome.receipts.append(
        EthereumReceipt(
          kind: transaction.kind,
          outcome: environment.fork < .byzantium
            ? .stateRoot(state.stateRoot) : .status(isSuccess: execution.isSuccess),
          cumulativeGasUsed: outcome.gasUsed, logs: execution.logs))
      outcome.senders.append(execution.sender)
    }
  }

  private func execute(
    _ transaction: EthereumTransaction, _ recovered: Result<Address, EthereumSignatureError>, index: Int,
    _ environment: BlockEnvironment, _ state: some EthereumBlockState, _ outcome: BlockOutcome
  ) throws(EthereumBlockError) -> EthereumExecution {
    let sender: Address
    do throws(EthereumSignatureError) { sender = try recovered.get() } catch {
      throw .invalid(.signature(error, index: index))
    }
    let result: EVMTransactionResult
    do throws(EVMStateError) {
      result = try EVMTransactionProcessor(host: host).process(
        transaction, sender: sender, in: environment, reader: state, gasUsed: outcome.gasUsed,
        blobGasUsed: outcome.blobGasUsed)
    } catch { throw .state(error) }
    switch result {
    case .refused(let error): throw .invalid(.transaction(error, index: index))
    case .executed(let receipt, let changes):
      state.apply(changes)
      return EthereumExecution(
        sender: sender, isSuccess: receipt.isSuccess, gasUsed: receipt.gasUsed, logs: receipt.logs)
    }
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
