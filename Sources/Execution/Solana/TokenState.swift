// What accounts of the SPL token programs hold: the part that both programs share
// (https://docs.rs/spl-token-interface, state.rs; https://docs.rs/spl-token-2022-interface, extension). Little-endian:
//
//   mint      u32 tag + 32 mint authority · 36 u64 supply · 44 u8 decimals · 45 u8 initialised · 46 u32 tag + 32 freeze
//             authority; 82 bytes
//   account   0 mint · 32 owner · 64 u64 amount · 72 u32 tag + 32 delegate · 108 u8 state · 109 u32 tag + u64 native
//             reserve · 121 u64 delegated amount · 129 u32 tag + 32 close authority; 165 bytes
//
// Token-2022's may be longer: at 165 a byte says whether it is a mint (1) or an account (2), extensions follow.

import Ledger
import Primitives

package enum TokenState {
  /// `TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA`
  package static let token = known("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
  /// `TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb`
  package static let token2022 = known("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
  /// The program of associated token accounts.
  package static let associated = known("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
  /// The mint of wrapped SOL, and Token-2022's.
  package static let nativeMints = [
    known("So11111111111111111111111111111111111111112"),
    known("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9"),
  ]
  package static let programs = [token, token2022]

  private static func known(_ text: String) -> Pubkey {
    guard let key = Pubkey(base58: text) else { preconditionFailure("a key of 32 bytes") }
    return key
  }

  private static let mintByteCount = 82
  private static let accountByteCount = 165
  private enum Kind: UInt8 {
    case mint = 1
    case account = 2
  }

  /// Whether `account` is of `kind`, as far as owner and length tell.
  private static func isShaped(_ account: Account, _ kind: Kind) -> Bool {
    let byteCount = kind == .mint ? mintByteCount : accountByteCount
    if account.data.count == byteCount { return programs.contains(account.owner) }
    return account.owner == token2022 && account.data.count > accountByteCount
      && account.data[accountByteCount] == kind.rawValue
  }

  package struct Mint: Sendable, Equatable {
    package var authority: Pubkey?
    package var supply: UInt64
    package var decimals: UInt8
    package var freezeAuthority: Pubkey?

    /// `nil` where `account` is no initialised mint of a token program.
    package init?(_ account: Account) {
      guard isShaped(account, .mint), account.data[45] == 1 else { return nil }
      (authority, freezeAuthority) = (option(account.data, at: 0), option(account.data, at: 46))
      supply = integer(account.data, at: 36)
      decimals = account.data[44]
    }
  }

  /// An account that holds tokens.
  package struct Holding: Sendable, Equatable {
    package enum State: UInt8, Sendable {
      case initialized = 1
      case frozen
    }

    package var mint: Pubkey
    package var owner: Pubkey
    package var amount: UInt64
    package var delegate: Pubkey?
    package var delegatedAmount: UInt64
    package var state: State
    /// Lamports beside the tokens, of an account of wrapped SOL.
    package var nativeReserve: UInt64?
    package var closeAuthority: Pubkey?

    /// `nil` where `account` is no initialised token account of a token program.
    package init?(_ account: Account) {
      guard isShaped(account, .account), let state = State(rawValue: account.data[108]) else { return nil }
      let data = account.data
      self.state = state
      (mint, owner) = (key(data, at: 0), key(data, at: 32))
      (amount, delegatedAmount) = (integer(data, at: 64), integer(data, at: 121))
      (delegate, closeAuthority) = (option(data, at: 72), option(data, at: 129))
      nativeReserve = data[109] == 1 ? integer(data, at: 113) : nil
    }
  }

  private static func key(_ data: [UInt8], at offset: Int) -> Pubkey {
    data.withUnsafeBytes { Pubkey(reading: $0.baseAddress.unsafelyUnwrapped + offset) }
  }

  private static func option(_ data: [UInt8], at offset: Int) -> Pubkey? {
    data[offset] == 1 ? key(data, at: offset + 4) : nil
  }

  private static func integer(_ data: [UInt8], at offset: Int) -> UInt64 {
    data.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
  }
}
