// What machine code knows of a run beside the registers: one block of memory per virtual machine, addressed
// by machine code at fixed offsets from one host register. After the fields come tables that answer "may this
// access be made here" in one comparison.
//
// For an address with region index i, an access of n bytes is allowed if the whole 64-bit address is below
// `limits[kind][i]` = (i << 32) + bound - n + 1, or 0 where the region is shorter than n. An address whose
// upper bits name no region is compared with the limit of its low three bits' region and is above it. The
// host address is then the guest address plus `biases[i]`.

struct JITState {
  var context: UnsafeMutablePointer<VMContext>
  var registers: UnsafeMutablePointer<UInt64>
  /// The host's stack pointer at the start; what lies below it belongs to the program's calls.
  var stackBase: UInt = 0
  /// A call at this stack pointer or below reaches a depth that no call has reached in this run.
  var callLimit: UInt = 0
  /// Bytes of stack frames that calls have reached.
  var reachedFrameByteCount: UInt64 = 0
  /// What turns the host address of the current frame into r10 (twice that address where frames have gaps).
  var framePointerBias: UInt64 = 0
  var stackHost: UInt64 = 0
  var spilled: UInt64 = 0
  /// Where the running executable's code starts, and the offset in it of each slot's block, or 0.
  var codeStart: UInt = 0
  var entries: UnsafePointer<UInt32>
  /// The running executable, unretained: its caller keeps it.
  var executable: UnsafeRawPointer?
}

/// A checked access, by what its limits are found with.
struct AccessKind {
  /// Width's logarithm in bits 0 and 1, 4 for stores.
  let rawValue: UInt8

  static let count = 8

  init(rawValue: UInt8) { self.rawValue = rawValue & 7 }

  init(isStore: Bool, byteCountLog2: UInt8) { self.init(rawValue: (isStore ? 4 : 0) | byteCountLog2 & 3) }

  var byteCount: UInt64 { 1 << UInt64(rawValue & 3) }
  var access: MemoryAccess { rawValue & 4 == 0 ? .load : .store }
}

extension JITState {
  /// Offsets in bytes from the state's address.
  enum Offset {
    static let context: Int32 = 0
    static let registers: Int32 = 8
    static let stackBase: Int32 = 16
    static let callLimit: Int32 = 24
    static let reachedFrameByteCount: Int32 = 32
    static let framePointerBias: Int32 = 40
    static let stackHost: Int32 = 48
    static let spilled: Int32 = 56
    static let codeStart: Int32 = 64
    static let entries: Int32 = 72
    /// One word a region.
    static let biases: Int32 = 128
    /// The last offset in the host's stack at which a gapped stack allows an access, one word a kind.
    static let gapLimits: Int32 = 192
    /// One word a region, kind after kind.
    static let limits: Int32 = 256

    static func limits(_ kind: AccessKind) -> Int32 { limits + Int32(kind.rawValue) * 64 }
  }

  static let byteCount = Int(Offset.limits) + AccessKind.count * 64

  /// Memory for one machine's state; `deallocate` it.
  static func make(_ context: UnsafeMutablePointer<VMContext>) -> UnsafeMutablePointer<JITState> {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    let state = memory.bindMemory(to: JITState.self, capacity: 1)
    state.initialize(
      to: JITState(
        context: context, registers: context.pointee.registers,
        entries: UnsafePointer(OpaquePointer(context))))
    return state
  }
}

extension UnsafeMutablePointer<JITState> {
  private func words(_ offset: Int32) -> UnsafeMutablePointer<UInt64> {
    (UnsafeMutableRawPointer(self) + Int(offset)).assumingMemoryBound(to: UInt64.self)
  }

  /// Copies the bounds of every region into the tables.
  func mirrorRegions() {
    for index in 0..<GuestMemory.regionCount { mirrorRegion(index) }
    mirrorGappedStack()
  }

  /// Copies the bounds of region `index`, in 0..<8, which grow while a program runs.
  func mirrorRegion(_ index: Int) {
    let region = pointee.context.pointee.regions + index
    let start = UInt64(index) << 32
    words(Offset.biases)[index] = UInt64(UInt(bitPattern: region.pointee.host)) &- start
    for raw in 0..<UInt8(AccessKind.count) {
      let kind = AccessKind(rawValue: raw)
      let bound =
        kind.access == .load ? region.pointee.readableByteCount : region.pointee.writableByteCount
      words(Offset.limits(kind))[index] = bound >= kind.byteCount ? start &+ bound &- kind.byteCount &+ 1 : 0
    }
  }

  /// Loads may be anywhere in a gapped stack; stores below what is known to need clearing.
  func mirrorGappedStack() {
    let context = pointee.context
    guard context.pointee.hasStackGaps else { return }
    for raw in 0..<UInt8(AccessKind.count) {
      let kind = AccessKind(rawValue: raw)
      let bound = kind.access == .load ? GuestMemory.stackByteCount : context.pointee.touchedStackByteCount
      words(Offset.gapLimits)[Int(raw)] = bound &- kind.byteCount
    }
  }

  private typealias Offset = JITState.Offset
}
