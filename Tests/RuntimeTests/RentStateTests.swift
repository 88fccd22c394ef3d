import Ledger
import Testing

@testable import Runtime

@Suite struct RentStateTests {
  private static let empty = RentState(lamports: 0, dataByteCount: 0, rent: Rent())
  private static let poor = RentState(lamports: 100, dataByteCount: 10, rent: Rent())
  private static let exempt = RentState(lamports: 890_880, dataByteCount: 0, rent: Rent())

  @Test func statesGoByBalanceAndSize() {
    #expect(Self.empty == .uninitialized)
    #expect(Self.poor == .rentPaying(lamports: 100, dataByteCount: 10))
    #expect(Self.exempt == .exempt)
    #expect(RentState(lamports: 890_880, dataByteCount: 1, rent: Rent()) != .exempt)
  }

  @Test func nothingMayStartPayingRent() {
    for state in [Self.empty, Self.poor, Self.exempt] {
      #expect(state.mayBecome(.uninitialized))
      #expect(state.mayBecome(.exempt))
    }
    #expect(!Self.empty.mayBecome(Self.poor))
    #expect(!Self.exempt.mayBecome(Self.poor))
    #expect(Self.poor.mayBecome(Self.poor))
    #expect(Self.poor.mayBecome(.rentPaying(lamports: 99, dataByteCount: 10)))
    #expect(!Self.poor.mayBecome(.rentPaying(lamports: 101, dataByteCount: 10)))
    #expect(!Self.poor.mayBecome(.rentPaying(lamports: 99, dataByteCount: 9)))
  }
}
