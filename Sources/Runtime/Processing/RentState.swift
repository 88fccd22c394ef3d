// Rent exemption across a transaction: an account that the transaction leaves behind is empty or exempt from
// rent; one that was neither before may stay so, if it neither grows nor gains lamports
// (https://docs.rs/solana-svm-rent-calculator).

import Ledger
import Primitives

enum RentState: Equatable {
  case uninitialized
  case rentPaying(lamports: UInt64, dataByteCount: Int)
  case exempt

  init(lamports: UInt64, dataByteCount: Int, rent: Rent) {
    if lamports == 0 {
      self = .uninitialized
    } else if rent.isExempt(lamports: lamports, dataByteCount: dataByteCount) {
      self = .exempt
    } else {
      self = .rentPaying(lamports: lamports, dataByteCount: dataByteCount)
    }
  }

  init(_ account: Account, rent: Rent) {
    self.init(lamports: account.lamports, dataByteCount: account.data.count, rent: rent)
  }

  func mayBecome(_ next: RentState) -> Bool {
    guard case .rentPaying(let lamports, let byteCount) = next else { return true }
    guard case .rentPaying(let oldLamports, let oldByteCount) = self else { return false }
    return byteCount == oldByteCount && lamports <= oldLamports
  }
}
