// The system program's instructions and their wire form: a u32 number, then the fields in order (bincode 1)
// (https://docs.rs/solana-system-interface, SystemInstruction). Seeds are kept as UTF-8.

import Primitives

package enum SystemInstruction: Equatable, Sendable {
  case createAccount(lamports: UInt64, space: UInt64, owner: Pubkey)
  case assign(owner: Pubkey)
  case transfer(lamports: UInt64)
  case createAccountWithSeed(base: Pubkey, seed: [UInt8], lamports: UInt64, space: UInt64, owner: Pubkey)
  case advanceNonceAccount
  case withdrawNonceAccount(lamports: UInt64)
  case initializeNonceAccount(authority: Pubkey)
  case authorizeNonceAccount(authority: Pubkey)
  case allocate(space: UInt64)
  case allocateWithSeed(base: Pubkey, seed: [UInt8], space: UInt64, owner: Pubkey)
  case assignWithSeed(base: Pubkey, seed: [UInt8], owner: Pubkey)
  case transferWithSeed(lamports: UInt64, seed: [UInt8], owner: Pubkey)
  case upgradeNonceAccount
  /// Creates an account that may already hold lamports (SIMD-0312).
  case createAccountAllowPrefund(lamports: UInt64, space: UInt64, owner: Pubkey)

  package static func decode(_ reader: inout ByteReader) throws(CodecError) -> SystemInstruction {
    let start = reader.offset
    let tag = try reader.readUInt32()
    switch tag {
    case 0, 13:
      let (lamports, space) = (try reader.readUInt64(), try reader.readUInt64())
      let owner = try reader.readPubkey()
      return tag == 0
        ? .createAccount(lamports: lamports, space: space, owner: owner)
        : .createAccountAllowPrefund(lamports: lamports, space: space, owner: owner)
    case 1: return .assign(owner: try reader.readPubkey())
    case 2: return .transfer(lamports: try reader.readUInt64())
    case 3:
      let (base, seed) = (try reader.readPubkey(), try reader.readSeed())
      let (lamports, space) = (try reader.readUInt64(), try reader.readUInt64())
      return .createAccountWithSeed(
        base: base, seed: seed, lamports: lamports, space: space, owner: try reader.readPubkey())
    case 4: return .advanceNonceAccount
    case 5: return .withdrawNonceAccount(lamports: try reader.readUInt64())
    case 6: return .initializeNonceAccount(authority: try reader.readPubkey())
    case 7: return .authorizeNonceAccount(authority: try reader.readPubkey())
    case 8: return .allocate(space: try reader.readUInt64())
    case 9:
      let (base, seed) = (try reader.readPubkey(), try reader.readSeed())
      let space = try reader.readUInt64()
      return .allocateWithSeed(base: base, seed: seed, space: space, owner: try reader.readPubkey())
    case 10:
      let (base, seed) = (try reader.readPubkey(), try reader.readSeed())
      return .assignWithSeed(base: base, seed: seed, owner: try reader.readPubkey())
    case 11:
      let (lamports, seed) = (try reader.readUInt64(), try reader.readSeed())
      return .transferWithSeed(lamports: lamports, seed: seed, owner: try reader.readPubkey())
    case 12: return .upgradeNonceAccount
    default: throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: tag))
    }
  }

  /// The lamports of `data` where it is a `transfer`; `nil` where it is another instruction or none.
  @inline(__always) static func lamportsOfTransfer(_ data: UnsafeRawBufferPointer) -> UInt64? {
    guard data.count >= 12, let base = data.baseAddress, base.loadUnaligned(as: UInt32.self).littleEndian == 2
    else { return nil }
    return base.loadUnaligned(fromByteOffset: 4, as: UInt64.self).littleEndian
  }

  package func encode() -> [UInt8] {
    var writer = ByteWriter(capacity: 52)
    switch self {
    case .createAccount(let lamports, let space, let owner):
      writer.write(0 as UInt32)
      writer.write(lamports)
      writer.write(space)
      writer.write(owner)
    case .assign(let owner):
      writer.write(1 as UInt32)
      writer.write(owner)
    case .transfer(let lamports):
      writer.write(2 as UInt32)
      writer.write(lamports)
    case .createAccountWithSeed(let base, let seed, let lamports, let space, let owner):
      writer.write(3 as UInt32)
      writer.write(base)
      writer.writeVector(seed)
      writer.write(lamports)
      writer.write(space)
      writer.write(owner)
    case .advanceNonceAccount: writer.write(4 as UInt32)
    case .withdrawNonceAccount(let lamports):
      writer.write(5 as UInt32)
      writer.write(lamports)
    case .initializeNonceAccount(let authority):
      writer.write(6 as UInt32)
      writer.write(authority)
    case .authorizeNonceAccount(let authority):
      writer.write(7 as UInt32)
      writer.write(authority)
    case .allocate(let space):
      writer.write(8 as UInt32)
      writer.write(space)
    case .allocateWithSeed(let base, let seed, let space, let owner):
      writer.write(9 as UInt32)
      writer.write(base)
      writer.writeVector(seed)
      writer.write(space)
      writer.write(owner)
    case .assignWithSeed(let base, let seed, let owner):
      writer.write(10 as UInt32)
      writer.write(base)
      writer.writeVector(seed)
      writer.write(owner)
    case .transferWithSeed(let lamports, let seed, let owner):
      writer.write(11 as UInt32)
      writer.write(lamports)
      writer.writeVector(seed)
      writer.write(owner)
    case .upgradeNonceAccount: writer.write(12 as UInt32)
    case .createAccountAllowPrefund(let lamports, let space, let owner):
      writer.write(13 as UInt32)
      writer.write(lamports)
      writer.write(space)
      writer.write(owner)
    }
    return writer.bytes
  }
}

extension ByteReader {
  /// A string as its UTF-8 bytes.
  fileprivate mutating func readSeed() throws(CodecError) -> [UInt8] { Array(try readString().utf8) }
}
