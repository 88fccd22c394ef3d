// Runs Ethereum's block tests (https://ethereum-tests.readthedocs.io/en/latest/blockchain-ref.html): a test is a genesis,
// accounts and blocks as RLP, valid ones and ones to be refused, and the head and state that they lead to. Blocks are
// judged and executed as a client does; a refused one leaves nothing.

import Conformance
import EVM
import Estuary
import Execution
import Ledger
import Primitives
import SBPF
import WideIntegers

package struct BlockTestOptions: Sendable {
  package var engine: Engine
  /// Whether the transactions of a block run in lanes, and the files one after the other.
  package var inLanes: Bool
  /// Threads: for the transactions of a block in lanes, else each with files of its own.
  package var workerCount: Int
  /// Only the cases whose name has this in it.
  package var name: String?

  package init(
    engine: Engine = .fastest, inLanes: Bool = false, workerCount: Int = 1, name: String? = nil
  ) {
    (self.engine, self.inLanes, self.workerCount, self.name) = (engine, inLanes, workerCount, name)
  }

  func includes(_ name: String) -> Bool { self.name.map { name.contains($0) } ?? true }
}

package enum BlockTestConformance {
  /// Every test of the `*.json` files under `paths`, in the order of the files.
  ///
  /// - Parameter progress: called with the number of files done and of all, from any worker.
  package static func run(
    paths: [String], options: BlockTestOptions, progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> ConformanceReport {
    let lanes =
      options.inLanes
      ? try EthereumBlockLanes(workerCount: options.workerCount, engine: options.engine) : nil
    return try VectorRun.forEachFile(
      paths: paths, workerCount: options.inLanes ? 1 : options.workerCount, engine: options.engine,
      progress: progress
    ) { file, programs, host in
      let members: [JSONObject.Member]
      do { members = try Node.members(ofFile: file) } catch {
        return [ConformanceCase(file: file, line: 0, name: "", outcome: .failed("\(error)"))]
      }
      return members.filter { options.includes($0.name) }.map { member in
        var note: String?
        let outcome: ConformanceOutcome
        do throws(Failure) {
          let test = Node(member.value, path: "/\(member.name)")
          note =
            if let lanes {
              try run(test, programs, host) { EthereumTableState(accounts($0), lanes: lanes) }
            } else {
              try run(test, programs, host) {
                EthereumMemoryState(world: StateTestConformance.world(of: $0, programs))
              }
            }
          outcome = .passed
        } catch { outcome = .failed(error.reason) }
        return ConformanceCase(file: file, line: 0, name: member.name, outcome: outcome, note: note)
      }
    }
  }

  /// As a ledger takes them.
  private static func accounts(_ accounts: [StateTestAccount]) -> [EthereumGenesis.Account] {
    accounts.map { account in
      var entry = EthereumGenesis.Account(address: account.address)
      (entry.balance, entry.nonce, entry.code) = (account.balance, account.nonce, account.code)
      entry.storage = account.storage.filter { !$0.value.isZero }.map { .init(key: $0.slot, value: $0.value) }
      return entry
    }
  }

  private struct Failure: Error { let reason: String }

  private static func read<Value>(
    _ body: () throws(StateTestError) -> Value
  ) throws(Failure) -> Value {
    do throws(StateTestError) { return try body() } catch { throw Failure(reason: "\(error)") }
  }

  /// - Returns: blocks that were refused for another reason than the file names, if there are any.
  private static func run<State: EthereumTreeState>(
    _ test: Node, _ programs: EVMProgramCache, _ host: EVMHost, state: ([StateTestAccount]) -> State
  ) throws(Failure) -> String? {
    let network = try read { () throws(StateTestError) in try test["network"].text() }
    guard let configuration = TestNetwork.configuration(named: network) else {
      throw Failure(reason: "'\(network)' is no network that is known")
    }
    let accounts = try read { () throws(StateTestError) in
      try StateTestReader.read(accounts: try test["pre"])
    }
    let state = state(accounts)
    let genesis = try genesis(of: test, stateRoot: state.stateRoot)
    let tree = EthereumBlockTree(
      genesis: genesis.header, state: state, configuration: configuration, host: host)
    let blocks = try read { () throws(StateTestError) in try test["blocks"].elements() }
    var notes: [String] = []
    for (index, block) in blocks.enumerated() {
      if let note = try insert(block, index: index, into: tree) { notes.append(note) }
    }
    let head = try read { () throws(StateTestError) in try test["lastblockhash"].hash() }
    if tree.head != head { throw Failure(reason: "the head is \(hex(tree.head)), should be \(hex(head))") }
    try compareState(test, tree, programs)
    return notes.isEmpty ? nil : notes.joined(separator: "; ")
  }

  private static func genesis(of test: Node, stateRoot: Hash) throws(Failure) -> EthereumBlock {
    let bytes = try read { () throws(StateTestError) in try test["genesisRLP"].bytes() }
    let genesis: EthereumBlock
    do throws(BlockDecodingError) { genesis = try EthereumBlock(decoding: bytes) } catch {
      throw Failure(reason: "genesis: \(error)")
    }
    let hash = try read { () throws(StateTestError) in try test["genesisBlockHeader"]["hash"].hash() }
    if genesis.header.hash != hash {
      throw Failure(reason: "the genesis hash is \(hex(genesis.header.hash)), should be \(hex(hash))")
    }
    if genesis.header.stateRoot != stateRoot {
      throw Failure(
        reason: "the genesis root is \(hex(stateRoot)), should be \(hex(genesis.header.stateRoot))")
    }
    return genesis
  }

  /// - Returns: the reason of a refusal that is another than the file's.
  private static func insert(
    _ block: Node, index: Int, into tree: EthereumBlockTree<some EthereumTreeState>
  ) throws(Failure) -> String? {
    let exceptions =
      block.value.object?.members.filter { $0.name.hasPrefix("expectException") }
      .flatMap { ExceptionNames.read($0.value.string ?? "") } ?? []
    // Files without exception names leave out the header of a block that is to be refused.
    let isValid = exceptions.isEmpty && block.optional("blockHeader") != nil
    let hash: Hash
    do {
      let bytes = try read { () throws(StateTestError) in try block["rlp"].bytes() }
      hash = try tree.insert(encoded: bytes)
    } catch let error as Failure {
      throw error
    } catch EthereumBlockError.invalid(let error) {
      if isValid { throw Failure(reason: "block \(index) is refused: \(error)") }
      return exceptions.isEmpty || exceptions.contains(error.exceptionName)
        ? nil : "block \(index): \(error.exceptionName) for \(exceptions.joined(separator: " or "))"
    } catch {
      throw Failure(reason: "block \(index): the host gave up: \(error)")
    }
    if !isValid {
      throw Failure(
        reason: "block \(index) is accepted, should be refused (\(exceptions.joined(separator: " or ")))")
    }
    let expected = try read { () throws(StateTestError) in try block["blockHeader"]["hash"].hash() }
    if hash != expected {
      throw Failure(reason: "block \(index) is \(hex(hash)), should be \(hex(expected))")
    }
    return nil
  }

  /// The head's state has the root that its header names; here the file's own account of it.
  private static func compareState(
    _ test: Node, _ tree: EthereumBlockTree<some EthereumTreeState>, _ programs: EVMProgramCache
  ) throws(Failure) {
    let root = tree.state(after: tree.head)?.stateRoot ?? .zero
    let expected = try read { () throws(StateTestError) -> Hash? in
      if let accounts = test.optional("postState") {
        return StateTestConformance.world(of: try StateTestReader.read(accounts: accounts), programs)
          .stateRoot
      }
      return try test.optional("postStateHash")?.hash()
    }
    if let expected, root != expected {
      throw Failure(reason: "state root \(hex(root)), should be \(hex(expected))")
    }
  }

  private static func hex(_ hash: Hash) -> String { "0x" + Hex.encode(hash.bytes) }
}
