import Testing

@testable import Node

@Suite struct ProducerClockTests {
  @Test func whatWasSetComesBeforeTheMachinesTime() {
    var clock = ProducerClock()
    clock.next = 9_000_000_000
    clock.interval = 7
    #expect(clock.timestamp(after: 8_000_000_000, ethereum: 8_000_000_100) == 9_000_000_000)
    clock.next = nil
    #expect(clock.timestamp(after: 8_000_000_000, ethereum: 8_000_000_100) == 8_000_000_107)
    #expect(clock.timestamp(after: 8_000_000_200, ethereum: 8_000_000_100) == 8_000_000_207)
    #expect(clock.timestamp(after: 8_000_000_000, ethereum: nil) == 8_000_000_007)
  }

  @Test func noBlockIsBeforeTheLedgersLast() {
    var clock = ProducerClock()
    #expect(clock.timestamp(after: 8_000_000_000, ethereum: nil) == 8_000_000_000)
    clock.next = 5
    #expect(clock.timestamp(after: 8_000_000_000, ethereum: 3) == 8_000_000_000)
  }

  @Test func theClockGoesOnFromATimeThatWasSet() {
    var clock = ProducerClock()
    clock.next = 9_000_000_000
    clock.pass(9_000_000_000)
    #expect(clock.next == nil)
    #expect((9_000_000_000...9_000_000_060).contains(clock.timestamp(after: 0, ethereum: nil)))
    let offset = clock.offset
    clock.pass(5)
    #expect(clock.offset == offset)
  }
}
