// Accounts and instructions of the SPL Token program (https://docs.rs/spl-token: state.rs, instruction.rs); integers are
// little-endian.

import Ledger
import Primitives

enum TokenProgram {
  /// `TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA`
  static let id = Base58.decode("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA").flatMap { Pubkey($0) } ?? .zero

  /// Accounts are named in the order in which the program takes them.
  static func instruction(_ tag: Tag, _ data: [UInt8] = [], _ accounts: [AccountMeta]) -> Instruction {
    Instruction(programID: id, accounts: accounts, data: [tag.rawValue] + data)
  }

  enum Tag: UInt8 {
    case transfer = 3
    case approve = 4
    case revoke = 5
    case mintTo = 7
    case burn = 8
    case closeAccount = 9
    case freezeAccount = 10
    case thawAccount = 11
    case initializeAccount3 = 18
    case initializeMint2 = 20
  }
}

struct TokenMint {
  static let byteCount = 82

  var supply: UInt64 = 0
  var decimals: UInt8 = 0
  var isInitialized = false
  var freezeAuthority = Pubkey.zero
  var mintAuthority = Pubkey.zero

  init() {}

  /// `nil` where `data` is no mint that was initialised.
  init?(_ data: [UInt8]) {
    guard data.count == Self.byteCount, data[45] == 1 else { return nil }
    data.withUnsafeBytes { bytes in
      mintAuthority = bytes.optionalKey(at: 0)
      supply = bytes.uint64(at: 36)
      decimals = bytes[44]
      freezeAuthority = bytes.optionalKey(at: 46)
    }
    isInitialized = true
  }
}

struct TokenHolding {
  static let byteCount = 165

  var mint = Pubkey.zero
  var owner = Pubkey.zero
  var amount: UInt64 = 0
  var delegate = Pubkey.zero
  var delegatedAmount: UInt64 = 0
  var closeAuthority = Pubkey.zero
  /// 0 uninitialised, 1 initialised, 2 frozen.
  var state: UInt8 = 0

  init() {}

  /// `nil` where `data` is no account that was initialised.
  init?(_ data: [UInt8]) {
    guard data.count == Self.byteCount, data[108] == 1 || data[108] == 2 else { return nil }
    data.withUnsafeBytes { bytes in
      mint = bytes.key(at: 0)
      owner = bytes.key(at: 32)
      amount = bytes.uint64(at: 64)
      delegate = bytes.optionalKey(at: 72)
      state = bytes[108]
      delegatedAmount = bytes.uint64(at: 121)
      closeAuthority = bytes.optionalKey(at: 129)
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func uint64(at offset: Int) -> UInt64 {
    UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  fileprivate func key(at offset: Int) -> Pubkey { Pubkey(self[offset..<offset + 32]) ?? .zero }

  /// A key behind four bytes that say whether there is one; zero where there is none.
  fileprivate func optionalKey(at offset: Int) -> Pubkey {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) == 1
      ? key(at: offset + 4) : .zero
  }
}
