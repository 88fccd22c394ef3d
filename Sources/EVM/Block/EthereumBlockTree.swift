// Blocks in memory, side chains included, each judged when it comes and executed on the state after its parent. The
// head is the valid chain with the most total difficulty, from the merge on the valid block that came last. For tests
// and tools: the states of the latest generations are all kept.

import Primitives
import WideIntegers

/// A state of which each block of a tree has one of its own.
package protocol EthereumTreeState: EthereumBlockState {
  /// The same state, changing apart from this one from now on.
  func copy() throws(EVMStateError) -> Self
  /// The host's trouble while changes were made, which cannot say so.
  var failure: EVMStateError? { get }
}

/// Used by one thread at a time.
package final class EthereumBlockTree<State: EthereumTreeState> {
  private struct Node {
    let header: EthereumHeader
    let ommers: [Hash]
    let totalDifficulty: UInt256
    /// `nil` once it has been forgotten.
    var state: State?
  }

  /// How many generations below the highest block keep their states.
  private let stateGenerations: UInt64 = 256

  private let configuration: ChainConfiguration
  private let execution: EthereumBlockExecution
  private var nodes: [Hash: Node]
  private var byNumber: [UInt64: [Hash]] = [:]
  package private(set) var head: Hash
  package let genesis: Hash

  /// - Parameters:
  ///   - genesis: its state root is that of `state`, which the caller has checked.
  ///   - state: the tree's from now on.
  package init(
    genesis: EthereumHeader, state: State, configuration: ChainConfiguration, host: EVMHost
  ) {
    self.configuration = configuration
    execution = EthereumBlockExecution(host: host, configuration: configuration)
    self.genesis = genesis.hash
    head = self.genesis
    nodes = [
      self.genesis: Node(header: genesis, ommers: [], totalDifficulty: genesis.difficulty, state: state)
    ]
    byNumber[genesis.number] = [self.genesis]
  }

  /// The state after a block that the tree has.
  package func state(after hash: Hash) -> State? { nodes[hash]?.state }

  /// Takes a block in, if it is valid; a block that is there already changes nothing.
  ///
  /// - Returns: the block's hash.
  package func insert(encoded bytes: [UInt8]) throws(EthereumBlockError) -> Hash {
    let block: EthereumBlock
    do throws(BlockDecodingError) { block = try EthereumBlock(decoding: bytes) } catch {
      throw .invalid(.malformed(error))
    }
    let hash = block.header.hash
    if nodes[hash] != nil { return hash }
    guard let parent = nodes[block.header.parentHash], let parentState = parent.state else {
      throw .invalid(.unknownParent(block.header.parentHash))
    }
    let fork = configuration.fork(
      number: block.header.number, timestamp: block.header.timestamp, totalDifficulty: parent.totalDifficulty)
    do throws(BlockValidityError) {
      try block.validate(
        after: parent.header, byteCount: bytes.count, fork: fork, configuration: configuration)
      try block.validateOmmers(in: self, fork: fork, configuration: configuration)
    } catch { throw .invalid(error) }
    let state: State
    do throws(EthereumBlockError) {
      state = try self.state(after: block, fork, parentState, inLanes: true)
    } catch {
      // Lanes say that a transaction may not be there, not why.
      guard case .notExecuted = error else { throw error }
      state = try self.state(after: block, fork, parentState, inLanes: false)
    }
    add(block, hash: hash, fork: fork, parent: parent, state: state)
    return hash
  }

  /// The state after a block whose header and body are right, and which leads to what the header promises.
  private func state(
    after block: EthereumBlock, _ fork: Fork, _ parent: State, inLanes: Bool
  ) throws(EthereumBlockError) -> State {
    let state: State
    do throws(EVMStateError) { state = try parent.copy() } catch { throw .state(error) }
    let outcome = try execution.execute(
      block, fork: fork, on: state, inLanes: inLanes, blockHash: ancestorHashes(of: block.header))
    do throws(BlockValidityError) {
      let root = block.transactionsRoot
      if root != block.header.transactionsRoot {
        throw .wrongTransactionsRoot(block.header.transactionsRoot, expected: root)
      }
      try outcome.validate(against: block.header)
    } catch { throw .invalid(error) }
    let stateRoot = state.stateRoot
    if let failure = state.failure { throw .state(failure) }
    do throws(BlockValidityError) { try block.header.validate(stateRoot: stateRoot) } catch {
      throw .invalid(error)
    }
    return state
  }

  private func add(_ block: EthereumBlock, hash: Hash, fork: Fork, parent: Node, state: State) {
    let node = Node(
      header: block.header, ommers: block.ommers.map(\.hash),
      totalDifficulty: parent.totalDifficulty.addingSaturated(block.header.difficulty), state: state)
    nodes[hash] = node
    byNumber[block.header.number, default: []].append(hash)
    let best = nodes[head]?.totalDifficulty ?? .zero
    if fork >= .paris || node.totalDifficulty > best { head = hash }
    if block.header.number > stateGenerations {
      for old in byNumber.removeValue(forKey: block.header.number - stateGenerations) ?? [] {
        nodes[old]?.state = nil
      }
    }
  }

  /// The hashes of the 256 blocks before one, by number.
  private func ancestorHashes(of header: EthereumHeader) -> @Sendable (UInt64) -> Hash? {
    var hashes: [Hash] = []
    var next = header.parentHash
    while hashes.count < 256, let node = nodes[next] {
      hashes.append(next)
      next = node.header.parentHash
    }
    let (number, found) = (header.number, hashes)
    return { wanted in
      guard wanted < number, number - wanted <= UInt64(found.count) else { return nil }
      return found[Int(number - wanted - 1)]
    }
  }
}

extension EthereumBlockTree: EthereumAncestry {
  package func ancestor(_ hash: Hash) -> (header: EthereumHeader, ommers: [Hash])? {
    nodes[hash].map { ($0.header, $0.ommers) }
  }
}
