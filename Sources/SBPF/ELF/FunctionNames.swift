// What functions are called, for people: nothing read here decides whether a program runs or what it does. Files come from
// transactions, so only so much of one is looked at, whether it gives names or not.
import CElfTypes

struct FunctionNames {
  private(set) var byPC: [Int: String] = [:]
  private var left = Self.byteCountLimit

  /// Of names looked at, each counted with the least that it costs.
  static let byteCountLimit = 2 << 20
  private static let leastByteCount = 64
  /// Of a name with its terminator.
  static let nameLimit = 1024

  /// Adds the name of the function at `pc`, unless it has one.
  ///
  /// - Parameter window: where the name begins, with its terminator if it has one there; `nil` if it lies outside of the file.
  /// - Returns: whether there is room for more.
  mutating func add(_ pc: Int, _ window: UnsafeRawBufferPointer?) -> Bool {
    if byPC[pc] != nil { return true }
    let length = window?.firstIndex(of: 0)
    left -= max(Self.leastByteCount, length ?? window?.count ?? 0)
    if left < 0 { return false }
    if let window, let length, length > 0 {
      byPC[pc] = String(decoding: window[..<length], as: UTF8.self)
    }
    return true
  }

  /// Names the entry point, unless it has a name.
  mutating func addEntry(_ pc: Int) { byPC[pc] = byPC[pc] ?? "entrypoint" }
}
