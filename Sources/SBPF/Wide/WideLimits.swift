// What the verifier proves about wide code, and a machine that runs it has to provide.

@usableFromInline package enum WideLimits {
  /// Entries of a hook table.
  @inlinable package static var hookCount: Int { 512 }
  /// Words a frame's stack may hold.
  @inlinable package static var maxStackHeight: Int { 1024 }
  @inlinable package static var wordByteCount: Int { 32 }
  /// What code may address above its frame's bottom: 2048 words, and the arguments of a hook.
  @inlinable package static var frameByteCount: Int { (2 * maxStackHeight + 32) * wordByteCount }
}
