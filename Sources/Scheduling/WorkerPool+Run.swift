// Running a conflict graph on a pool: the workers' loop.
//
// A worker looks for its next transaction in this order: a successor that its last transaction released (its
// accounts are in this worker's cache), its own stash, the queue, the other workers' stashes. With nothing to
// be found it hands in its count and waits.
//
// One worker needs none of this: block order is itself an order that the graph allows.

extension WorkerPool {
  /// Runs all transactions added to `graph`, each once, in an order that the graph allows.
  ///
  /// - Parameter body: executes a transaction and publishes its effects; called on the workers' threads.
  package func run(_ graph: ConflictGraph, _ body: @Sendable (WorkerIndex, TransactionIndex) -> Void) {
    run(graph, adding: {}, body)
  }

  /// Runs transactions while they are being added.
  ///
  /// - Parameters:
  ///   - graph: reset with capacities that hold the whole block; may hold transactions already.
  ///   - adding: adds the block's transactions, in order; called once, on worker 0's thread, which helps the
  ///     others afterwards.
  ///   - body: as above. May be called for a transaction before `add` of the same has returned.
  package func run(
    _ graph: ConflictGraph, adding: @Sendable () -> Void,
    _ body: @Sendable (WorkerIndex, TransactionIndex) -> Void
  ) {
    graph.ordersOnly = workerCount == 1
    execute(graph, adding: adding, recorder: NoRecorder(), body)
    graph.ordersOnly = false
  }

  /// Runs on one worker through the queue and the releases that several would need; for measuring them.
  func runThroughQueue(_ graph: ConflictGraph, _ body: @Sendable (WorkerIndex, TransactionIndex) -> Void) {
    precondition(workerCount == 1, "a measurement of one worker")
    graph.beginRun()
    defer { graph.endRun() }
    graph.queue.prepare(workerCount: 1)
    perform { worker in
      graph.endAdding()
      Self.work(on: graph, as: worker, recorder: NoRecorder(), body)
    }
  }

  /// As `run(_:adding:_:)`, and records when and where each transaction ran and what it waited for.
  package func runRecorded(
    _ graph: ConflictGraph, adding: @Sendable () -> Void = {},
    _ body: @Sendable (WorkerIndex, TransactionIndex) -> Void
  ) -> Timeline {
    let recorder = TimelineRecorder(capacity: graph.transactionCapacity, workerCount: workerCount)
    graph.recorder = recorder
    execute(graph, adding: adding, recorder: recorder, body)
    graph.recorder = nil
    return recorder.timeline(of: graph)
  }

  private func execute(
    _ graph: ConflictGraph, adding: @Sendable () -> Void, recorder: some RunRecorder,
    _ body: @Sendable (WorkerIndex, TransactionIndex) -> Void
  ) {
    graph.beginRun()
    defer { graph.endRun() }
    graph.queue.prepare(workerCount: workerCount)
    if workerCount == 1 {
      perform { worker in
        adding()
        Self.runInOrder(graph, on: worker, recorder: recorder, body)
      }
      return
    }
    perform { worker in
      if worker.rawValue == 0 {
        adding()
        graph.endAdding()
      }
      Self.work(on: graph, as: worker, recorder: recorder, body)
    }
  }

  private static func runInOrder(
    _ graph: ConflictGraph, on worker: WorkerIndex, recorder: some RunRecorder,
    _ body: (WorkerIndex, TransactionIndex) -> Void
  ) {
    for transaction in 0..<UInt32(graph.count) {
      let start = recorder.now()
      body(worker, TransactionIndex(transaction))
      recorder.noteRun(of: transaction, on: worker, from: start, to: recorder.now())
    }
  }

  private static func work(
    on graph: ConflictGraph, as worker: WorkerIndex, recorder: some RunRecorder,
    _ body: (WorkerIndex, TransactionIndex) -> Void
  ) {
    let queue = graph.queue
    let number = worker.position
    var released: UInt32?
    var group: UInt32 = 0
    var doneCount = 0
    while true {
      guard
        let transaction = released ?? queue.takeOwn(number)
          ?? queue.claim(number, current: group, group: graph.group(of:)) ?? queue.steal(number)
      else {
        queue.idle.handIn(doneCount)
        doneCount = 0
        if queue.idle.wait(until: queue.mayHaveWork) { continue }
        return
      }
      group = graph.group(of: transaction)
      let start = recorder.now()
      body(worker, TransactionIndex(transaction))
      let end = recorder.now()
      recorder.noteRun(of: transaction, on: worker, from: start, to: end)
      released = graph.complete(transaction, recorder: recorder, at: end)
      doneCount += 1
    }
  }
}

/// A worker's own state, such as an arena, made on the worker's thread.
///
/// Each worker may use its own element during a job; nobody else may use any of them then.
package final class WorkerLocal<State>: @unchecked Sendable {
  // Sendable: the elements are disjoint, and the pool's mutex separates a worker's use from the owner's.
  @usableFromInline let states: UnsafeMutablePointer<State>
  package let count: Int

  package init(_ pool: WorkerPool, make: @Sendable (WorkerIndex) -> State) {
    count = pool.workerCount
    states = .allocate(capacity: count)
    nonisolated(unsafe) let states = states  // each worker initialises its own element
    pool.perform { worker in (states + worker.position).initialize(to: make(worker)) }
  }

  deinit {
    states.deinitialize(count: count)
    states.deallocate()
  }

  @inlinable package subscript(worker: WorkerIndex) -> State {
    _read { yield states[worker.position] }
    _modify { yield &states[worker.position] }
  }
}
