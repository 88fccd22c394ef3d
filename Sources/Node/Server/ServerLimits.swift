// What one client may take of the node.

package struct ServerLimits: Sendable {
  /// Connections at a time; more are closed at once.
  package var connectionCount = 4096
  /// Bytes of a request's body; more are refused with 413.
  package var bodyByteCount = 1 << 20
  /// Seconds in which a connection has to bring a whole request, counted from its start or from the answer before.
  package var requestSeconds = 75
  /// Subscriptions of all connections together.
  package var subscriptionCount = 100_000
  /// Requests of one WebSocket connection that wait for answers.
  package var waitingRequestCount = 256
  /// Bytes of notifications that a client has not read.
  package var unreadByteCount = 64 << 20
  /// Threads that connections are served on.
  package var threadCount = 2

  package init() {}
}
