// The state of one translation, and its walk through the code block by block.
//
// A *line* is code that is entered at its first instruction only: it starts at the code's start or a JUMPDEST and goes
// on over JUMPIs that are not taken. A line's *stretches* end at JUMPIs: each checks the stack for itself if what has
// been checked does not suffice, and pays for itself.
//
// Positions count words from where the window stands at the line's entry: negative ones are the words found there. The
// virtual stack has an entry for each position from `lowest` to below `height`; the slot of the same position is the
// entry's *place*, where it must be when the line is left.
import SBPF
import WideIntegers

struct Translation: ~Copyable {
  /// Positions reach from here...
  static let lowestPosition = -1024
  /// ...to below here: 1,024 words, as many slots for other results, and what an operation may add before it is
  /// found that there are too many.
  static let highestPosition = 3072

  // The code.
  /// With 32 zero bytes before and behind.
  private let padded: UnsafeMutablePointer<UInt8>
  let code: UnsafePointer<UInt8>
  let byteCount: Int
  let fork: Fork
  let operations: UnsafePointer<EVMOperation>
  let isTracing: Bool
  /// How many slots a branch goes at most.
  let reach: Int
  static let maxReach = 32_767
  /// Where the operation that is translated lies.
  var pc = 0
  /// By pc: `noTarget`, `unreachedTarget` for a JUMPDEST that has not been translated yet, or its slot.
  let targets: UnsafeMutablePointer<UInt32>
  static let noTarget = UInt32.max
  static let unreachedTarget = UInt32.max - 1

  // What is emitted.
  var text: FlatBuffer<WideWord>
  let encoding = WideEncoding.shared
  let encodingBytes: UnsafeMutablePointer<UInt8>
  var pool = ConstantPool()
  var pcMap = FlatBuffer<UInt32>(capacity: 16)
  /// `wja`s to JUMPDESTs, patched at the end.
  var longJumps = FlatBuffer<PendingJump>(capacity: 64)
  /// Branches to JUMPDESTs further on, in the order of the text; those below `firstShortJump` are patched.
  var shortJumps = FlatBuffer<PendingJump>(capacity: 64)
  var firstShortJump = 0
  /// Code that is entered by a branch only, to be placed behind the next terminator.
  var stubs = FlatBuffer<Stub>(capacity: 32)
  var stubMoves = FlatBuffer<WideWord>(capacity: 64)

  // The line.
  let entries: UnsafeMutablePointer<VirtualValue>
  /// Initialised from `readyLow` to below `readyEnd`; most codes need few.
  let slots: UnsafeMutablePointer<SlotState>
  private var readyLow = 0
  private var readyEnd = 0
  /// `nextFreshSlot` from which on slots have to be prepared, or entries brought to their places.
  private(set) var freshLimit = 0
  var scratch = FlatBuffer<ScratchConstant>(capacity: 256)
  var lowest = 0
  var height = 0
  /// Positions that a `wstack` has found in the stack.
  var checkedLow = 0
  var checkedHigh = 0
  /// Whether the verifier knows it here.
  var isChecked = false
  /// How far the window has moved since the line's entry.
  var adjustment = 0
  /// Instructions before this one may not be changed but for the width of their result.
  var barrier = 0
  /// Entries below this position are in their places, all limbs written.
  var cleanBelow = 0
  /// Slots from here on, up to the limit, have not been used since the last flush.
  var nextFreshSlot = 0
  var freeSlots = FlatBuffer<Int32>(capacity: 256)
  /// Beyond all slots in use.
  var slotEnd = 0
  /// Beyond all slots used in this line.
  var usedEnd = 0
  /// Words of memory at constant offsets, up to eight.
  var knownWords = FlatBuffer<KnownWord>(capacity: 16)
  var oldestKnownWord = 0
  /// Slots whose content can be had, during parallel moves.
  var readySlots = FlatBuffer<Int32>(capacity: 64)
  var relocatedSlots = FlatBuffer<Int32>(capacity: 64)

  init(
    code bytecode: [UInt8], fork: Fork, operations: UnsafePointer<EVMOperation>, mode: TranslationMode,
    reach: Int
  ) {
    byteCount = bytecode.count
    padded = .allocate(capacity: bytecode.count + 64)
    padded.initialize(repeating: 0, count: bytecode.count + 64)
    bytecode.withUnsafeBufferPointer { [padded] bytes in
      if let base = bytes.baseAddress { (padded + 32).update(from: base, count: bytes.count) }
    }
    self.code = UnsafePointer(padded + 32)
    self.fork = fork
    self.operations = operations
    isTracing = mode == .tracing
    self.reach = reach
    targets = .allocate(capacity: bytecode.count + 1)
    targets.initialize(repeating: Translation.noTarget, count: bytecode.count + 1)
    text = FlatBuffer(capacity: bytecode.count + 64)
    encodingBytes = .allocate(capacity: 256)
    encodingBytes.initialize(from: encoding.bytes, count: 256)
    let capacity = Translation.highestPosition - Translation.lowestPosition
    entries = UnsafeMutablePointer.allocate(capacity: capacity) - Translation.lowestPosition
    slots = UnsafeMutablePointer.allocate(capacity: capacity) - Translation.lowestPosition
    findTargets()
  }

  deinit {
    padded.deallocate()
    targets.deallocate()
    encodingBytes.deallocate()
    (entries + Translation.lowestPosition).deallocate()
    (slots + Translation.lowestPosition).deallocate()
  }

  /// The JUMPDESTs that are not data of a PUSH.
  private mutating func findTargets() {
    var pc = 0
    while pc < byteCount {
      let byte = code[pc]
      if byte == EVMOpcode.jumpdest.rawValue { targets[pc] = Translation.unreachedTarget }
      // PUSH1 to PUSH32 are data-bearing in every fork.
      let dataCount = byte &- EVMOpcode.push0.rawValue
      pc &+= dataCount >= 1 && dataCount <= 32 ? Int(dataCount) &+ 1 : 1
    }
  }

  /// When so many slots beyond the places of a stretch have been used, entries go to their places.
  private static let maxFreshSlots = 960
  /// More slots than one operation uses.
  private static let readySlotCount = 32

  @inline(never) mutating func renewFreshSlots() {
    if nextFreshSlot &- checkedHigh > Translation.maxFreshSlots { flush() }
    prepareSlots(from: lowest, to: nextFreshSlot)
  }

  /// Makes slots from `low` to `readySlotCount` beyond `end` ready for use.
  mutating func prepareSlots(from low: Int, to end: Int) {
    if low < readyLow {
      (slots + low).initialize(repeating: .untouched, count: readyLow &- low)
      readyLow = low
    }
    if end &+ Translation.readySlotCount > readyEnd {
      let newEnd = min(end &+ 4 * Translation.readySlotCount, Translation.highestPosition)
      (slots + readyEnd).initialize(repeating: .untouched, count: newEnd &- readyEnd)
      readyEnd = newEnd
    }
    freshLimit = min(readyEnd &- Translation.readySlotCount, checkedHigh &+ Translation.maxFreshSlots)
  }

  // MARK: The walk

  mutating func run() {
    repeat {
      beginLine()
      if translateLine() == .ended { placeStubs() }
      // Nothing reaches the code behind a terminator but by a JUMPDEST.
      while pc < byteCount, targets[pc] == Translation.noTarget { pc &+= 1 }
    } while pc < byteCount
    // The last line may seem to the verifier to go on behind its host call.
    emit(.winvalid)
    resolveJumps()
    fillPCMap(with: byteCount)
  }

  private mutating func beginLine() {
    (slots + lowest).update(repeating: .untouched, count: max(usedEnd, height) - lowest)
    scratch.truncate(to: 0)
    freeSlots.truncate(to: 0)
    knownWords.truncate(to: 0)
    (lowest, height, checkedLow, checkedHigh, adjustment, cleanBelow) = (0, 0, 0, 0, 0, 0)
    (nextFreshSlot, slotEnd, usedEnd) = (0, 0, 0)
    isChecked = false
    barrier = text.count
    if pc < byteCount, targets[pc] != Translation.noTarget {
      targets[pc] = UInt32(truncatingIfNeeded: text.count)
    }
  }

  /// Translates until control cannot go on, or reaches a JUMPDEST, which begins the next line.
  private mutating func translateLine() -> Ending {
    guard !isTracing else { return traceLine() }
    while beginStretch() {
      let ending = translateStretch()
      if ending == .ended { return .ended }
      if ending == .joined || (pc < byteCount && targets[pc] != Translation.noTarget) {
        if ending == .branched { makeWayToLeave() }
        leaveLine()
        return .joined
      }
    }
    return .ended
  }

  /// Each operation by itself.
  private mutating func traceLine() -> Ending {
    while true {
      let here = pc
      emitTraceCall()
      let ending = beginStretch() ? translateOperation() : .ended
      if ending != .ended { leaveLine() }
      fillPCMap(with: here)
      if ending == .ended { return .ended }
      if pc < byteCount, targets[pc] != Translation.noTarget { return .joined }
      beginLine()
    }
  }

  private mutating func emitTraceCall() {
    emit(.wstack, d: 0)
    emit(.wsys, d: 0, a: 0, b: WideHookID.trace)
    isChecked = false
  }

  private mutating func fillPCMap(with pc: Int) {
    guard isTracing else { return }
    while pcMap.count < text.count { pcMap.append(UInt32(truncatingIfNeeded: pc)) }
  }

  enum Ending {
    /// A JUMPI, which goes on where it is not taken.
    case branched
    /// A terminator.
    case ended
    /// A JUMPDEST follows; or, tracing, any other operation.
    case joined
  }

  private mutating func translateStretch() -> Ending {
    while true {
      let ending = translateOperation()
      if ending != .joined { return ending }
      if pc < byteCount, targets[pc] != Translation.noTarget { return .joined }
    }
  }

  // MARK: The image

  consuming func image(of bytecode: [UInt8]) -> ProgramImage {
    var jumpTargets: [WideJumpTarget] = []
    for pc in 0..<byteCount where targets[pc] != Translation.noTarget {
      jumpTargets.append(WideJumpTarget(sourceOffset: UInt32(pc), slot: targets[pc]))
    }
    let bytes = [UInt8](
      UnsafeRawBufferPointer(start: text.base, count: text.count * MemoryLayout<WideWord>.stride))
    let map = Array(UnsafeBufferPointer(start: pcMap.base, count: pcMap.count))
    let words = Array(UnsafeBufferPointer(start: pool.words.base, count: pool.words.count))
    return ProgramImage(
      version: .wide, text: bytes,
      wide: WideTables(
        constants: words, jumpTargets: jumpTargets, bytecode: bytecode, pcMap: map, rules: fork.name))
  }
}
