// Syscalls as the VM sees them: a name, its murmur3 key and a C-convention function pointer. What a syscall
// does is the runtime's affair; the VM hands it one pointer from which it recovers its own state.

/// Called with the machine (`UnsafeMutablePointer<VMContext>` as a raw pointer) and r1–r5; returns r0.
///
/// `VMContext.remainingUnits` is exact on entry and may be lowered. A syscall that fails sets
/// `VMContext.fault` (`.syscallError`, or `.exceededMaxInstructions` when the units ran out) and its result
/// is ignored.
package typealias SyscallFunction =
  @convention(c) (
    UnsafeMutableRawPointer, UInt64, UInt64, UInt64, UInt64, UInt64
  ) -> UInt64

/// The syscalls a program may call, by key. A value: build it once, share it between loaders.
package struct SyscallRegistry: Sendable {
  package struct Entry: Sendable {
    package let name: String
    package let key: UInt32
    package let function: SyscallFunction
  }

  package private(set) var entries: [Entry] = []
  private var indexByKey = FunctionTable()

  package init() {}

  /// Registers `function` under murmur3_32(`name`).
  package mutating func register(_ name: String, _ function: @escaping SyscallFunction) {
    let key = Murmur3.hash(Array(name.utf8))
    precondition(indexByKey[key] == nil, "two syscalls share the key of \(name)")
    indexByKey[key] = entries.count
    entries.append(Entry(name: name, key: key, function: function))
  }

  /// The same unless there is a syscall of that key: whether it was registered.
  package mutating func register(ifNew name: String, _ function: @escaping SyscallFunction) -> Bool {
    if indexByKey[Murmur3.hash(Array(name.utf8))] != nil { return false }
    register(name, function)
    return true
  }

  package func index(ofKey key: UInt32) -> Int? { indexByKey[key] }
}
