// What a worker notes at an account before it touches it, so that transactions which declare nothing can run side by side:
// in a *wave*, an account is read by many workers, or by one that may change it as well. The first touch in a wave is a
// compare-and-exchange; the others are mostly a look. A claim that another worker's forbids is a *conflict*.
//
// A balance is claimed apart, because credits commute: workers that only add to it get along with each other, and with
// those that read everything but the balance. Who adds to an account that it does not own keeps the credit to itself until
// the wave ends, so nobody ever changes bytes that another worker may read.

/// The 64 bits of a claim; those of an earlier wave count as none.
struct Claim: Equatable {
  let bits: UInt64

  enum Mode: UInt64 { case readByOne, readByMany, owned }
  enum Balance: UInt64 { case untouched, read, credited }

  // wave 28 · first position 12 · last write + 1 12 · worker 8 · mode 2 · balance 2
  private static let (firstShift, lastShift, workerShift, modeShift) = (24 as UInt64, 12 as UInt64, 4 as UInt64, 2 as UInt64)
  static let waveShift: UInt64 = 36
  /// Positions in a wave are below.
  static let positionLimit = 4095
  /// Waves are numbered below.
  static let waveLimit: UInt64 = 1 << 28

  init(bits: UInt64) { self.bits = bits }

  init(
    wave: UInt64, first: UInt32, lastWrite: UInt32 = 0, worker: UInt32, mode: Mode, balance: Balance = .untouched
  ) {
    bits =
      wave &<< Self.waveShift | UInt64(first) &<< Self.firstShift | UInt64(lastWrite) &<< Self.lastShift
      | UInt64(worker) &<< Self.workerShift | mode.rawValue &<< Self.modeShift | balance.rawValue
  }

  var wave: UInt64 { bits &>> Self.waveShift }
  /// Of the first transaction that touched the account in the wave.
  var first: UInt32 { UInt32(truncatingIfNeeded: bits &>> Self.firstShift & 0xfff) }
  /// One more than the position of the owner's last transaction that changed it; 0 for none.
  var lastWrite: UInt32 { UInt32(truncatingIfNeeded: bits &>> Self.lastShift & 0xfff) }
  /// Whose it is, unless many read it.
  var worker: UInt32 { UInt32(truncatingIfNeeded: bits &>> Self.workerShift & 0xff) }
  var mode: Mode { Mode(rawValue: bits &>> Self.modeShift & 3) ?? .owned }
  var balance: Balance { Balance(rawValue: bits & 3) ?? .credited }

  func with(first: UInt32? = nil, lastWrite: UInt32? = nil, mode: Mode? = nil, balance: Balance? = nil) -> Claim {
    Claim(
      wave: wave, first: first ?? self.first, lastWrite: lastWrite ?? self.lastWrite, worker: worker,
      mode: mode ?? self.mode, balance: balance ?? self.balance)
  }
}

/// Who claims: a worker, for the transaction that it runs.
struct Claimant {
  var wave: UInt64
  var worker: UInt32
  /// In the wave.
  var position: UInt32 = 0

  func owns(_ claim: Claim) -> Bool {
    claim.wave == wave && claim.worker == worker && claim.mode == .owned
  }

  /// Whether nobody else has touched the account.
  func isAlone(_ claim: Claim) -> Bool {
    claim.wave == wave && claim.worker == worker && claim.mode != .readByMany
  }
}

/// Another worker's claim forbids one's own.
struct ClaimConflict: Error {
  /// The first transaction of the wave that touched the account.
  let first: UInt32
}
