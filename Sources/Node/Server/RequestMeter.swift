// How many requests there were and how long they took, for /metrics.

import Estuary
import Execution
import Synchronization

final class RequestMeter: Sendable {
  /// Upper ends of the histogram's buckets, in seconds.
  static let bounds: [Double] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

  // Relaxed throughout: each number stands for itself.
  private let buckets: [Counter]
  private let running = Counter()
  private let total = Counter()
  private let nanoseconds = Counter()

  private final class Counter: Sendable { let value = Atomic<UInt64>(0) }

  init() { buckets = Self.bounds.map { _ in Counter() } }

  func begin() -> UInt64 {
    running.value.wrappingAdd(1, ordering: .relaxed)
    return Clocks.monotonicNanoseconds()
  }

  func end(_ start: UInt64) {
    let taken = Clocks.monotonicNanoseconds() - start
    running.value.wrappingSubtract(1, ordering: .relaxed)
    total.value.wrappingAdd(1, ordering: .relaxed)
    nanoseconds.value.wrappingAdd(taken, ordering: .relaxed)
    if let place = Self.bounds.firstIndex(where: { Double(taken) <= $0 * 1e9 }) {
      buckets[place].value.wrappingAdd(1, ordering: .relaxed)
    }
  }

  func write(to text: inout MetricsText) {
    text.gauge(
      "estuary_requests_running", "Requests that are being answered.", running.value.load(ordering: .relaxed))
    var below: UInt64 = 0
    text.begin("estuary_request_seconds", "histogram", "Time from a request's last byte to its answer.")
    for (bound, counter) in zip(Self.bounds, buckets) {
      below += counter.value.load(ordering: .relaxed)
      text.line("estuary_request_seconds_bucket{le=\"\(bound)\"} \(below)")
    }
    let count = total.value.load(ordering: .relaxed)
    text.line("estuary_request_seconds_bucket{le=\"+Inf\"} \(count)")
    text.line("estuary_request_seconds_sum \(Double(nanoseconds.value.load(ordering: .relaxed)) / 1e9)")
    text.line("estuary_request_seconds_count \(count)")
  }
}

/// Prometheus' text form (https://prometheus.io/docs/instrumenting/exposition_formats).
struct MetricsText {
  private(set) var text = ""

  mutating func line(_ line: String) { text += line + "\n" }

  mutating func begin(_ name: String, _ type: String, _ help: String) {
    line("# HELP \(name) \(help)")
    line("# TYPE \(name) \(type)")
  }

  mutating func gauge(_ name: String, _ help: String, _ value: some Numeric) {
    begin(name, "gauge", help)
    line("\(name) \(value)")
  }

  mutating func counter(_ name: String, _ help: String, _ value: some Numeric) {
    begin(name, "counter", help)
    line("\(name) \(value)")
  }
}
