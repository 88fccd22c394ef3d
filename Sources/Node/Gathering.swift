// Work that is cheaper for many at once: what comes while some is done waits and is done together. What comes alone is done at
// once.

import Ledger

final class Gathering<Item: Sendable, Answer: Sendable>: @unchecked Sendable {
  // Sendable: what changes is touched under `lock`.
  private struct Waiting {
    let item: Item
    let continuation: CheckedContinuation<Answer, Never>
  }

  private let lock = Lock()
  private var waiting: [Waiting] = []
  private var isBusy = false
  private let work: @Sendable ([Item]) -> [Answer]

  /// - Parameter work: gives an answer for each item, in their order.
  init(_ work: @escaping @Sendable ([Item]) -> [Answer]) { self.work = work }

  func answer(for item: Item) async -> Answer {
    await withCheckedContinuation { continuation in
      let begins = lock.withLock {
        waiting.append(Waiting(item: item, continuation: continuation))
        defer { isBusy = true }
        return !isBusy
      }
      if begins { doWaiting() }
    }
  }

  /// Does what waits now. What came in the meantime is another task's: whoever began goes on with its answer.
  private func doWaiting() {
    let taken = lock.withLock {
      defer { waiting = [] }
      return waiting
    }
    for (one, answer) in zip(taken, work(taken.map(\.item))) { one.continuation.resume(returning: answer) }
    let isDone = lock.withLock {
      isBusy = !waiting.isEmpty
      return !isBusy
    }
    if !isDone { Task { doWaiting() } }
  }
}
