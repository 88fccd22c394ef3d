// The distinct constants of one translation, in the order of their first use, found again by an open hash table.
import WideIntegers

struct ConstantPool: ~Copyable {
  /// From here on a new constant is put together from the bytes' constants (`Translation.buildConstant`); the rest
  /// of the 16,384 is for those, for the constants that are already on the virtual stack then, and for shift counts
  /// and masks of powers of two.
  static let fullCount = 12_288

  private(set) var words = FlatBuffer<UInt256>(capacity: 64)
  /// Index + 1 in `words`, 0 where free; a power of two in size, at most half full.
  private var table: UnsafeMutablePointer<UInt32>
  private var mask: Int
  private let hash = KeyedHash.shared

  init() {
    mask = 255
    table = .allocate(capacity: mask + 1)
    table.initialize(repeating: 0, count: mask + 1)
  }

  deinit { table.deallocate() }

  var isFull: Bool { words.count >= ConstantPool.fullCount }

  /// The constant's index.
  mutating func index(of word: UInt256) -> Int {
    let place = place(of: word)
    if table[place] != 0 { return Int(table[place]) &- 1 }
    words.append(word)
    table[place] = UInt32(truncatingIfNeeded: words.count)
    if words.count * 2 > mask { grow() }
    return words.count &- 1
  }

  func contains(_ word: UInt256) -> Bool { table[place(of: word)] != 0 }

  /// Where the word is, or where it would go.
  @inline(__always) private func place(of word: UInt256) -> Int {
    var place = Int(truncatingIfNeeded: hash.of(word)) & mask
    while table[place] != 0, words[Int(table[place]) &- 1] != word { place = (place &+ 1) & mask }
    return place
  }

  private mutating func grow() {
    table.deallocate()
    mask = mask * 2 + 1
    table = .allocate(capacity: mask + 1)
    table.initialize(repeating: 0, count: mask + 1)
    for index in 0..<words.count { table[place(of: words[index])] = UInt32(index + 1) }
  }

  consuming func array() -> [UInt256] { Array(UnsafeBufferPointer(start: words.base, count: words.count)) }
}
