import Testing

@testable import WideIntegers

struct UInt256Tests {
  @Test func layoutIsFourLimbsLowestFirst() {
    #expect(MemoryLayout<UInt256>.size == 32)
    #expect(MemoryLayout<UInt256>.stride == 32)
    #expect(MemoryLayout<UInt256>.alignment == 8)
    withUnsafeBytes(of: UInt256(1, 2, 3, 4)) {
      #expect(Array($0.bindMemory(to: UInt64.self)) == [1, 2, 3, 4])
    }
  }
}
