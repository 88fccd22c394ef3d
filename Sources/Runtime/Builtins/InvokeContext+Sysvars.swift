// What built-in programs ask of sysvars: that the instruction names the right account, and the block's own
// values. Programs do not read the account they are given; the values come from the block
// (https://docs.rs/solana-program-runtime, get_sysvar_with_account_check). And of derived addresses.

import Ledger
import Primitives

extension InvokeContext {
  /// Throws unless the instruction's account at `index` is the sysvar `id`.
  func checkSysvar(_ id: Pubkey, at index: Int) throws(InstructionError) {
    if try key(at: index) != id { throw .invalidArgument }
  }

  /// Lamports with which an account of `dataByteCount` bytes is exempt from rent in this block.
  func minimumBalance(dataByteCount: Int) -> UInt64 {
    environment.sysvars.rent.minimumBalance(dataByteCount: dataByteCount)
  }

  /// Throws `accountBorrowFailed` where two of the instruction's accounts that must be open at once are the
  /// same.
  func checkDistinct(_ first: BorrowedAccount, _ second: BorrowedAccount) throws(InstructionError) {
    if first.indexInTransaction == second.indexInTransaction { throw .accountBorrowFailed }
  }
}

extension ProgramAddress {
  /// The address of `base`, `seed` and `owner`; a refusal is `custom` with the number of its reason.
  static func derived(base: Pubkey, seed: [UInt8], owner: Pubkey) throws(InstructionError) -> Pubkey {
    do throws(ProgramAddressError) {
      return try createWithSeed(base: base, seed: seed, owner: owner)
    } catch {
      switch error {
      case .maxSeedLengthExceeded: throw .custom(0)
      case .invalidSeeds: throw .custom(1)
      case .illegalOwner: throw .custom(2)
      }
    }
  }
}
