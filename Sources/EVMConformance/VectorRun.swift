// Runs a suite's files on several threads, each with a host of its own, and puts what was found in the files' order.

import Conformance
import EVM
import Primitives
import SBPF
import Scheduling
import Synchronization
import WideVM

enum VectorRun {
  /// Calls `body` for each of the `*.json` files under `paths`.
  ///
  /// - Parameter progress: called with the number of files done and of all, from any worker.
  static func forEachFile(
    paths: [String], workerCount: Int, engine: Engine, trace: (@Sendable ([UInt8]) -> Void)? = nil,
    progress: @Sendable (Int, Int) -> Void,
    body: @Sendable (String, EVMProgramCache, EVMHost) -> [ConformanceCase]
  ) throws -> ConformanceReport {
    var files: [String] = []
    for path in paths { files += try VectorFiles.find(path, suffix: ".json") }
    let pool = try WorkerPool(
      workerCount: workerCount, stackByteCount: EVMHost.stackByteCount, pinning: false)
    let programs = EVMProgramCache()
    let hosts = try WorkerHosts(count: workerCount, engine: engine, trace: trace, programs: programs)
    let results = FileResults(count: files.count)
    let list = files
    pool.forEach(count: files.count, chunk: 1) { worker, range in
      for index in range {
        results.set(index, body(list[index], programs, hosts[worker]))
        progress(results.doneCount, list.count)
      }
    }
    var report = ConformanceReport()
    for cases in results.all { report.cases += cases }
    return report
  }
}

/// One host a worker. Sendable because each worker asks for its own only.
private struct WorkerHosts: @unchecked Sendable {
  private let hosts: [EVMHost]

  init(
    count: Int, engine: Engine, trace: (@Sendable ([UInt8]) -> Void)?, programs: EVMProgramCache
  ) throws(WideMachineError) {
    var hosts: [EVMHost] = []
    for _ in 0..<count {
      let host = try EVMHost(programs: programs, engine: engine, mode: trace == nil ? .fast : .tracing)
      host.tracer = trace.map { EVMTracer($0) }
      hosts.append(host)
    }
    self.hosts = hosts
  }

  subscript(worker: WorkerIndex) -> EVMHost { hosts[Int(worker.rawValue)] }
}

/// What the workers found, by file.
private final class FileResults: Sendable {
  private let cases: Mutex<[[ConformanceCase]]>
  private let done = Atomic<Int>(0)

  init(count: Int) { cases = Mutex(Array(repeating: [], count: count)) }

  func set(_ index: Int, _ found: [ConformanceCase]) {
    cases.withLock { $0[index] = found }
    // Relaxed: a number for people.
    done.wrappingAdd(1, ordering: .relaxed)
  }

  var doneCount: Int { done.load(ordering: .relaxed) }
  var all: [[ConformanceCase]] { cases.withLock { $0 } }
}
