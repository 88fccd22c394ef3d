// Runs Ethereum's state tests: each case is one signed transaction on a small state, and passes if the state root and
// the hash of the logs are what the file says, or the transaction is refused for one of the reasons it names and
// leaves the state alone.

import Conformance
import EVM
import Primitives
import SBPF
import WideIntegers

package struct StateTestOptions: Sendable {
  /// `nil`: every fork that the files have cases of.
  package var fork: Fork?
  package var engine: Engine
  package var workerCount: Int
  /// Runs `CALLBlake2f_MaxRounds` too, whose 2^32 rounds take minutes.
  package var includesSlow: Bool
  /// Only the cases whose name has this in it.
  package var name: String?
  /// Takes the lines of a structured trace (EIP-3155); with several workers those of their cases are mixed.
  package var trace: (@Sendable ([UInt8]) -> Void)?
  /// Takes a line of JSON for each case, as geth's `evm statetest` tells it.
  package var result: (@Sendable ([UInt8]) -> Void)?

  package init(
    fork: Fork? = nil, engine: Engine = .fastest, workerCount: Int = 1, includesSlow: Bool = false,
    name: String? = nil, trace: (@Sendable ([UInt8]) -> Void)? = nil,
    result: (@Sendable ([UInt8]) -> Void)? = nil
  ) {
    self.fork = fork
    self.engine = engine
    self.workerCount = workerCount
    self.includesSlow = includesSlow
    self.name = name
    self.trace = trace
    self.result = result
  }

  func includes(_ name: String) -> Bool { self.name.map { name.contains($0) } ?? true }

  /// Whether a test of this name that cannot be read may have had cases that were asked for.
  func mayInclude(_ name: String) -> Bool { includes(name) || self.name?.hasPrefix(name) == true }
}

package enum StateTestConformance {
  private static let slowTest = "CALLBlake2f_MaxRounds"

  /// Every case of the `*.json` files under `paths`, in the order of the files.
  ///
  /// - Parameter progress: called with the number of files done and of all, from any worker.
  package static func run(
    paths: [String], options: StateTestOptions, progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> ConformanceReport {
    try VectorRun.forEachFile(
      paths: paths, workerCount: options.workerCount, engine: options.engine, trace: options.trace,
      progress: progress
    ) { file, programs, host in
      run(file: file, options: options, programs: programs, host: host)
    }
  }

  /// Every case of one file.
  package static func run(
    file: String, options: StateTestOptions, programs: EVMProgramCache, host: EVMHost
  ) -> [ConformanceCase] {
    func failure(_ reason: String) -> [ConformanceCase] {
      [ConformanceCase(file: file, line: 0, name: "", outcome: .failed(reason))]
    }
    let content: StateTestFile
    do {
      content = StateTestReader.read(members: try Node.members(ofFile: file), fork: options.fork)
    } catch let error as StateTestError where error.path == "/" {
      return failure(error.problem == "cannot be read" ? error.problem : "\(error)")
    } catch {
      return failure("\(error)")
    }
    var cases: [ConformanceCase] = []
    for (name, error) in content.malformed where options.mayInclude(name) {
      cases.append(ConformanceCase(file: file, line: 0, name: name, outcome: .failed("\(error)")))
    }
    for test in content.tests {
      let isSkipped = test.name.contains(slowTest) && !options.includesSlow
      let world = isSkipped ? EVMWorld() : world(of: test, programs)
      for one in test.cases where options.includes(one.name) {
        let outcome =
          isSkipped
          ? ConformanceOutcome.skipped("takes minutes: --include-slow runs it")
          : run(one, on: world, host, options: options)
        cases.append(ConformanceCase(file: file, line: 0, name: one.name, outcome: outcome))
      }
    }
    return cases
  }

  package static func world(of test: StateTest, _ programs: EVMProgramCache) -> EVMWorld {
    world(of: test.accounts, programs)
  }

  static func world(of accounts: [StateTestAccount], _ programs: EVMProgramCache) -> EVMWorld {
    let world = EVMWorld()
    for account in accounts {
      let code =
        account.code.isEmpty ? EVMCode.empty : programs.code(account.code, hash: Keccak256.hash(account.code))
      var storage: [UInt256: UInt256] = [:]
      for (slot, value) in account.storage { storage[slot] = value }
      world.insert(
        account.address, balance: account.balance, nonce: account.nonce, code: code, storage: storage)
    }
    return world
  }

  /// Runs one case on a copy of `state`.
  package static func run(
    _ test: StateTestCase, on state: EVMWorld, _ host: EVMHost, options: StateTestOptions = StateTestOptions()
  ) -> ConformanceOutcome {
    let world = EVMWorld(copying: state)
    var logsHash = [EVMLog]().logsHash
    var summary: (output: [UInt8], gasUsed: UInt64, error: String?) = ([], 0, nil)
    let refusal: String?
    do {
      let (transaction, sender) = try transaction(of: test)
      let processor = EVMTransactionProcessor(host: host)
      switch try processor.process(transaction, sender: sender, in: test.environment, reader: world) {
      case .refused(let error): refusal = error.exceptionName
      case .executed(let receipt, let changes):
        refusal = nil
        world.apply(changes)
        logsHash = receipt.logs.logsHash
        summary = (receipt.output, receipt.gasUsed, receipt.halt?.description)
      }
    } catch let error as EthereumTransactionError {
      refusal = error.exceptionName
    } catch let error as EthereumSignatureError {
      refusal = error.exceptionName
    } catch let error as Inexpressible {
      refusal = error.exceptionName
    } catch {
      return .failed("the host gave up: \(error)")
    }
    let root = world.stateRoot
    host.tracer?.finish(
      EVMTracer.Summary(
        output: summary.output, gasUsed: summary.gasUsed,
        error: refusal.map { "the transaction is refused: \($0)" } ?? summary.error, stateRoot: root,
        fork: test.environment.fork, test: test.name))
    let outcome = compare(test, refusal: refusal, root: root, logsHash: logsHash)
    options.result?(line(test, outcome, root: root))
    return outcome
  }

  /// A transaction that cannot be written down.
  private struct Inexpressible: Error { let exceptionName: String }

  private static func transaction(
    of test: StateTestCase
  ) throws -> (transaction: EthereumTransaction, sender: Address) {
    switch test.transaction {
    case .encoded(let bytes):
      let transaction = try EthereumTransaction(decoding: bytes)
      return (transaction, try transaction.recoverSender(fork: test.environment.fork))
    case .built(let transaction, let sender): return (transaction, sender)
    case .inexpressible(let name): throw Inexpressible(exceptionName: name)
    }
  }

  /// What geth's `evm statetest` tells of a case.
  private static func line(_ test: StateTestCase, _ outcome: ConformanceOutcome, root: Hash) -> [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.beginObject()
    json.member("name", test.name)
    json.member("pass", outcome == .passed)
    json.member("stateRoot", hex(root))
    json.member("fork", test.environment.fork.name)
    if case .failed(let reason) = outcome { json.member("error", reason) }
    json.endObject()
    json.newline()
    return json.bytes
  }

  private static func compare(
    _ test: StateTestCase, refusal: String?, root: Hash, logsHash: Hash
  ) -> ConformanceOutcome {
    if let refusal {
      guard !test.exceptions.isEmpty else { return .failed("refused (\(refusal)), should be executed") }
      guard test.exceptions.contains(refusal) else {
        return .failed("refused (\(refusal)), should be for \(test.exceptions.joined(separator: " or "))")
      }
    } else if !test.exceptions.isEmpty {
      return .failed("executed, should be refused (\(test.exceptions.joined(separator: " or ")))")
    }
    if root != test.stateRoot { return .failed("state root \(hex(root)), should be \(hex(test.stateRoot))") }
    if logsHash != test.logsHash {
      return .failed("logs hash \(hex(logsHash)), should be \(hex(test.logsHash))")
    }
    return .passed
  }

  private static func hex(_ hash: Hash) -> String { "0x" + Hex.encode(hash.bytes) }
}
