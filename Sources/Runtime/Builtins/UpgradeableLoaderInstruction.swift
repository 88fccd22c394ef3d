// The upgradeable loader's instructions and account states and their wire forms: a u32 number, then the
// fields (bincode 1) (https://docs.rs/solana-loader-v3-interface). Numbers 8 (migrate) and 9 (extend with
// authority) exist only behind features that no cluster has; they decode as unknown ones do.

import Ledger
import Primitives

package enum UpgradeableLoaderInstruction: Equatable, Sendable {
  case initializeBuffer
  case write(offset: UInt32, bytes: [UInt8])
  case deployWithMaxDataLength(UInt64)
  case upgrade
  case setAuthority
  case close
  case extendProgram(additionalByteCount: UInt32)
  case setAuthorityChecked

  package static func decode(_ reader: inout ByteReader) throws(CodecError) -> UpgradeableLoaderInstruction {
    let start = reader.offset
    let tag = try reader.readUInt32()
    switch tag {
    case 0: return .initializeBuffer
    case 1:
      let offset = try reader.readUInt32()
      return .write(offset: offset, bytes: Array(try reader.readVector()))
    case 2: return .deployWithMaxDataLength(try reader.readUInt64())
    case 3: return .upgrade
    case 4: return .setAuthority
    case 5: return .close
    case 6: return .extendProgram(additionalByteCount: try reader.readUInt32())
    case 7: return .setAuthorityChecked
    default: throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: tag))
    }
  }

  package func encode() -> [UInt8] {
    var writer = ByteWriter(capacity: 16)
    switch self {
    case .initializeBuffer: writer.write(0 as UInt32)
    case .write(let offset, let bytes):
      writer.write(1 as UInt32)
      writer.write(offset)
      writer.writeVector(bytes)
    case .deployWithMaxDataLength(let length):
      writer.write(2 as UInt32)
      writer.write(length)
    case .upgrade: writer.write(3 as UInt32)
    case .setAuthority: writer.write(4 as UInt32)
    case .close: writer.write(5 as UInt32)
    case .extendProgram(let count):
      writer.write(6 as UInt32)
      writer.write(count)
    case .setAuthorityChecked: writer.write(7 as UInt32)
    }
    return writer.bytes
  }
}

/// What an account of the upgradeable loader is, from the start of its data.
package enum UpgradeableLoaderState: Equatable, Sendable {
  case uninitialized
  /// `authority` may write; the bytes to deploy follow.
  case buffer(authority: Pubkey?)
  case program(programData: Pubkey)
  /// The slot of the last deployment and who may upgrade; the ELF follows.
  case programData(slot: UInt64, authority: Pubkey?)

  package static let uninitializedByteCount = 4
  /// Offset of a buffer's bytes, whether or not it has an authority.
  package static let bufferMetadataByteCount = 37
  package static let programByteCount = 36
  /// Offset of the ELF, whether or not there is an authority.
  package static let programDataMetadataByteCount = 45

  package static func decode(_ reader: inout ByteReader) throws(CodecError) -> UpgradeableLoaderState {
    let start = reader.offset
    let tag = try reader.readUInt32()
    switch tag {
    case 0: return .uninitialized
    case 1: return .buffer(authority: try reader.readOptionalPubkey())
    case 2: return .program(programData: try reader.readPubkey())
    case 3:
      let slot = try reader.readUInt64()
      return .programData(slot: slot, authority: try reader.readOptionalPubkey())
    default: throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: tag))
    }
  }

  /// As short as the state is: a missing authority leaves the bytes where one stood.
  package func encode() -> [UInt8] {
    var writer = ByteWriter(capacity: Self.programDataMetadataByteCount)
    switch self {
    case .uninitialized: writer.write(0 as UInt32)
    case .buffer(let authority):
      writer.write(1 as UInt32)
      writer.writeOption(authority) { $0.write($1) }
    case .program(let programData):
      writer.write(2 as UInt32)
      writer.write(programData)
    case .programData(let slot, let authority):
      writer.write(3 as UInt32)
      writer.write(slot)
      writer.writeOption(authority) { $0.write($1) }
    }
    return writer.bytes
  }
}

extension ByteReader {
  fileprivate mutating func readOptionalPubkey() throws(CodecError) -> Pubkey? {
    try readOption { (reader) throws(CodecError) in try reader.readPubkey() }
  }
}

extension BorrowedAccount {
  func upgradeableLoaderState() throws(InstructionError) -> UpgradeableLoaderState {
    try data.decodeAccountState { (reader) throws(CodecError) in try UpgradeableLoaderState.decode(&reader) }
  }
}
