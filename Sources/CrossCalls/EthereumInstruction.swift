// Instructions of the EVM program (docs/crosscalls.md has the layout, Programs/include/estuary_evm.h the same in C). Integers
// are little-endian, but for wei and salts, which are words as Ethereum has them: 32 bytes, big-endian.

import EVM
import Ledger
import Primitives
import WideIntegers

package enum EthereumInstruction: Equatable, Sendable {
  /// Runs contracts. `catches`: a call that fails is an instruction that succeeds, whose return data says how it ended.
  case run(Run, catches: Bool)
  /// The signer's lamports become wei of `address`.
  case deposit(lamports: UInt64, to: Address)
  /// Wei of the signer's address become lamports of the second account.
  case withdraw(lamports: UInt64)

  package struct Run: Equatable, Sendable {
    package var kind: BorderRequest.Kind
    /// Wei of the signer's address.
    package var value: UInt256
    /// At most; what is there is less as a rule.
    package var gas: UInt64
    /// Calldata or initcode.
    package var input: [UInt8]

    package init(
      _ kind: BorderRequest.Kind, value: UInt256 = .zero, gas: UInt64 = .max, input: [UInt8] = []
    ) {
      (self.kind, self.value, self.gas, self.input) = (kind, value, gas, input)
    }
  }

  private enum Tag: UInt8 { case call, staticCall, create, create2, deposit, withdraw }

  private static let catchFlag: UInt8 = 1
}

package enum EthereumInstructionError: Error, Equatable, CustomStringConvertible {
  case truncated(CodecError)
  case unknownTag(UInt8)
  case unknownFlags(UInt8)

  package var description: String {
    switch self {
    case .truncated(let error): "instruction data of the EVM program: \(error)"
    case .unknownTag(let tag):
      "the EVM program has no instruction \(tag): 0 to 5 are call, static call, create, create2, deposit, withdraw"
    case .unknownFlags(let flags):
      "flags \(flags) of an instruction of the EVM program: calls and creations know 1, catch, the others none"
    }
  }
}

extension EthereumInstruction {
  package init(decoding bytes: UnsafeRawBufferPointer) throws(EthereumInstructionError) {
    guard let tag = bytes.first else {
      throw .truncated(.endOfInput(offset: 0, needed: 1, available: 0))
    }
    guard let known = Tag(rawValue: tag) else { throw .unknownTag(tag) }
    var reader = ByteReader(bytes)
    let flags: UInt8
    do throws(CodecError) {
      _ = try reader.readUInt8()
      flags = try reader.readUInt8()
    } catch { throw .truncated(error) }
    let knownFlags = known.rawValue < Tag.deposit.rawValue ? Self.catchFlag : 0
    guard flags & ~knownFlags == 0 else { throw .unknownFlags(flags) }
    do throws(CodecError) { self = try Self.read(known, catches: flags != 0, &reader) } catch {
      throw .truncated(error)
    }
  }

  private static func read(_ tag: Tag, catches: Bool, _ reader: inout ByteReader) throws(CodecError) -> Self {
    switch tag {
    case .call:
      let (gas, value) = (try reader.readUInt64(), try reader.readWord())
      let kind = BorderRequest.Kind.call(try reader.readAddress())
      return .run(Run(kind, value: value, gas: gas, input: try reader.rest()), catches: catches)
    case .staticCall:
      let gas = try reader.readUInt64()
      let kind = BorderRequest.Kind.staticCall(try reader.readAddress())
      return .run(Run(kind, gas: gas, input: try reader.rest()), catches: catches)
    case .create:
      let (gas, value) = (try reader.readUInt64(), try reader.readWord())
      return .run(Run(.create, value: value, gas: gas, input: try reader.rest()), catches: catches)
    case .create2:
      let (gas, value) = (try reader.readUInt64(), try reader.readWord())
      let kind = BorderRequest.Kind.create2(salt: try reader.readWord())
      return .run(Run(kind, value: value, gas: gas, input: try reader.rest()), catches: catches)
    case .deposit:
      let lamports = try reader.readUInt64()
      let address = try reader.readAddress()
      try reader.expectEnd()
      return .deposit(lamports: lamports, to: address)
    case .withdraw:
      let lamports = try reader.readUInt64()
      try reader.expectEnd()
      return .withdraw(lamports: lamports)
    }
  }

  package func encode() -> [UInt8] {
    var writer = ByteWriter(capacity: 96)
    switch self {
    case .run(let run, let catches):
      let tag: Tag =
        switch run.kind {
        case .call: .call
        case .staticCall: .staticCall
        case .create: .create
        case .create2: .create2
        }
      writer.write(tag.rawValue)
      writer.write(catches ? Self.catchFlag : 0)
      writer.write(run.gas)
      if tag != .staticCall { writer.write(run.value.bigEndianBytes) }
      switch run.kind {
      case .call(let target), .staticCall(let target): writer.write(target.bytes)
      case .create: break
      case .create2(let salt): writer.write(salt.bigEndianBytes)
      }
      writer.write(run.input)
    case .deposit(let lamports, let address):
      writer.write(Tag.deposit.rawValue)
      writer.write(0 as UInt8)
      writer.write(lamports)
      writer.write(address.bytes)
    case .withdraw(let lamports):
      writer.write(Tag.withdraw.rawValue)
      writer.write(0 as UInt8)
      writer.write(lamports)
    }
    return writer.bytes
  }
}

extension ByteReader {
  fileprivate mutating func readWord() throws(CodecError) -> UInt256 {
    let bytes = try read(byteCount: 32)
    return bytes.baseAddress.map { UInt256(bigEndianAt: $0) } ?? .zero
  }

  fileprivate mutating func readAddress() throws(CodecError) -> Address {
    let bytes = try read(byteCount: 20)
    return bytes.baseAddress.map { Address(reading: $0) } ?? .zero
  }

  fileprivate mutating func rest() throws(CodecError) -> [UInt8] { Array(try read(byteCount: remaining)) }
}

/// Who a signer of Solana's is for contracts: the last 20 bytes of Keccak-256 of its key.
package enum SignerIdentity {
  package static func address(of key: Pubkey) -> Address { Address(Keccak256.hash(key.bytes)) }
}

/// Custom errors of the EVM program, by number.
package enum EthereumProgramError: UInt32 {
  /// A call reverted, or a creation did.
  case reverted = 1
  case outOfGas = 2
  case depthExceeded = 3
  /// The caller's address has fewer wei than the call sends or the withdrawal takes.
  case insufficientBalance = 4
  /// A frame ended exceptionally in another way; the log names it.
  case halted = 5
  /// Something about the accounts, which the log names.
  case refused = 6
  /// The log names it: the vault has too few lamports, or can hold no more.
  case vault = 7

  init(_ halt: EVMHalt) {
    switch halt {
    case .revert: self = .reverted
    case .outOfGas: self = .outOfGas
    case .callDepthExceeded: self = .depthExceeded
    case .insufficientBalance: self = .insufficientBalance
    default: self = .halted
    }
  }
}

/// Return data of an instruction that runs contracts, at most 1,024 bytes.
package enum EthereumReturnData {
  /// Of an instruction that catches: how it ended (0 success, 1 revert, 2 anything else), the length of the whole output
  /// (u32), and as much of the output as there is room for.
  static let headerByteCount = 5

  static func encode(_ result: BorderResult, catches: Bool, limit: Int) -> [UInt8] {
    let output = result.created.map(\.bytes) ?? result.output
    if !catches { return Array(output.prefix(limit)) }
    var writer = ByteWriter(capacity: limit)
    writer.write((result.halt == nil ? 0 : result.halt == .revert ? 1 : 2) as UInt8)
    writer.write(UInt32(truncatingIfNeeded: output.count))
    writer.write(Array(output.prefix(limit - headerByteCount)))
    return writer.bytes
  }
}
