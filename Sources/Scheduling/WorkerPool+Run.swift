// Running a conflict graph on a pool: the workers' loop.
//
// A worker looks for its next transaction in this order: a successor that its last transaction released (its
// accounts are in this worker's cache), its own stash, the queue, the other workers' stashes. With nothing to
// be found it hands in its count and waits.
//
// Transactions are added before the run, by worker 0 during it, or by whichever worker finds too few ready (a
// `TransactionFeed`).
//
// One worker needs none of this: block order is itself an order that the graph allows.

/// Adds a block's transactions to a graph while workers run it, in small steps that any of them may be asked for.
package protocol TransactionFeed: AnyObject, Sendable {
  /// Takes a step: adds some transactions (in block order, however many workers ask at once) or does work towards it.
  /// With the last transaction it calls `ConflictGraph.endAdding`.
  func feed() -> FeedStep

  /// Whether `feed` would find something to do.
  var mayFeed: Bool { get }
}

package enum FeedStep: Sendable {
  /// Something was done.
  case progress
  /// Other workers are doing all that can be done now.
  case busy
  /// Everything has been added.
  case finished
}

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

  /// As above, transactions being added by `feed`. The timeline is recorded where asked for.
  package func run(
    _ graph: ConflictGraph, feed: any TransactionFeed, recording: Bool = false,
    _ body: @Sendable (WorkerIndex, TransactionIndex) -> Void
  ) -> Timeline? {
    graph.ordersOnly = workerCount == 1
    defer { graph.ordersOnly = false }
    if !recording {
      execute(graph, feed: feed, recorder: NoRecorder(), body)
      return nil
    }
    let recorder = TimelineRecorder(capacity: graph.transactionCapacity, workerCount: workerCount)
    graph.recorder = recorder
    execute(graph, feed: feed, recorder: recorder, body)
    graph.recorder = nil
    return recorder.timeline(of: graph)
  }

  private func execute(
    _ graph: ConflictGraph, feed: any TransactionFeed, recorder: some RunRecorder,
    _ body: @Sendable (WorkerIndex, TransactionIndex) -> Void
  ) {
    graph.beginRun()
    defer { graph.endRun() }
    graph.queue.prepare(workerCount: workerCount)
    let isAlone = workerCount == 1
    perform { worker in
      if isAlone {
        while Self.step(feed, by: worker, recorder: recorder) != .finished {}
        Self.runInOrder(graph, on: worker, recorder: recorder, body)
      } else {
        Self.work(on: graph, as: worker, feed: feed, recorder: recorder, body)
      }
    }
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

  @inline(__always)
  private static func step(
    _ feed: any TransactionFeed, by worker: WorkerIndex, recorder: some RunRecorder
  ) -> FeedStep {
    let start = recorder.now()
    let step = feed.feed()
    if step != .busy { recorder.noteFeeding(by: worker, from: start, to: recorder.now()) }
    return step
  }

  private static func work(
    on graph: ConflictGraph, as worker: WorkerIndex, feed wholeFeed: (any TransactionFeed)? = nil,
    recorder: some RunRecorder, _ body: (WorkerIndex, TransactionIndex) -> Void
  ) {
    let queue = graph.queue
    let number = worker.position
    var feed = wholeFeed
    var released: UInt32?
    var group: UInt32 = 0
    var doneCount = 0
    while true {
      var next = released ?? queue.takeOwn(number)
      if next == nil {
        if let active = feed, queue.isLow, step(active, by: worker, recorder: recorder) == .finished {
          feed = nil
        }
        next = queue.claim(number, current: group, group: graph.group(of:)) ?? queue.steal(number)
      }
      guard let transaction = next else {
        if let active = feed, active.mayFeed { continue }
        queue.idle.handIn(doneCount)
        doneCount = 0
        if queue.idle.wait(until: { queue.mayHaveWork() || feed?.mayFeed ?? false }) { continue }
        return
      }
      group = graph.group(of: transaction)
      let start = recorder.now()
      body(worker, TransactionIndex(transaction))
      let end = recorder.now()
      recorder.noteRun(of: transaction, on: worker, from: start, to: end)
      released = graph.complete(transaction, recorder: recorder, at: end)
      recorder.noteSettled(transaction, at: recorder.now())
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
