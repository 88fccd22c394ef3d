// Ethereum's side of a ledger as its store keeps it, so that a ledger opened again needs no genesis file: everything of
// the genesis but the accounts.
//
// The stored form, little-endian, vectors with a u64 length before them: u8 version = 1 · u64 chain id · fork (vector,
// UTF-8) · base fee (32, big-endian) · u8 whether it stays · coinbase (20) · u64 gas limit · PREVRANDAO (32) ·
// difficulty (32) · u64 excess blob gas · beacon root (32) · u8 whether a number follows, u64 number · configuration and
// first header (vectors, RLP as the EVM writes it) · block hashes: u64 count, each u64 number, hash · withdrawals: u64
// count, each u64 index, u64 validator, address (20), u64 gwei.

import Primitives
import WideIntegers

extension EthereumGenesis {
  /// Where the store has it.
  package static let settingsKey = Array("ethereum".utf8)
  private static let settingsVersion: UInt8 = 1

  /// Everything but the accounts.
  package var settings: [UInt8] {
    var writer = ByteWriter(capacity: 512)
    writer.write(Self.settingsVersion)
    writer.write(chainID)
    writer.writeVector(Array(fork.utf8))
    writer.write(baseFeePerGas.bigEndianBytes)
    writer.write(keepsBaseFee)
    writer.write(coinbase.bytes)
    writer.write(gasLimit)
    writer.write(prevRandao.bigEndianBytes)
    writer.write(difficulty.bigEndianBytes)
    writer.write(excessBlobGas)
    writer.write(parentBeaconBlockRoot)
    writer.writeOption(number) { $0.write($1) }
    writer.writeVector(configuration)
    writer.writeVector(header)
    writer.write(UInt64(blockHashes.count))
    for (number, hash) in blockHashes {
      writer.write(number)
      writer.write(hash)
    }
    writer.write(UInt64(withdrawals.count))
    for withdrawal in withdrawals {
      writer.write(withdrawal.index)
      writer.write(withdrawal.validatorIndex)
      writer.write(withdrawal.address.bytes)
      writer.write(withdrawal.amount)
    }
    return writer.bytes
  }

  /// What `settings` wrote; `nil` for other bytes.
  package init?(settings bytes: [UInt8]) {
    let read = bytes.withUnsafeBytes { bytes -> EthereumGenesis? in
      var reader = ByteReader(bytes)
      do throws(CodecError) {
        let genesis = try Self.read(&reader)
        try reader.expectEnd()
        return genesis
      } catch {
        return nil
      }
    }
    guard let read else { return nil }
    self = read
  }

  private static func read(_ reader: inout ByteReader) throws(CodecError) -> EthereumGenesis? {
    guard try reader.readUInt8() == settingsVersion else { return nil }
    let chainID = try reader.readUInt64()
    let fork = String(decoding: try reader.readVector(), as: UTF8.self)
    let baseFee = try word(&reader)
    let keepsBaseFee = try reader.readBool()
    var genesis = EthereumGenesis(
      chainID: chainID, fork: fork, baseFeePerGas: baseFee, coinbase: try address(&reader))
    genesis.keepsBaseFee = keepsBaseFee
    genesis.gasLimit = try reader.readUInt64()
    genesis.prevRandao = try word(&reader)
    genesis.difficulty = try word(&reader)
    genesis.excessBlobGas = try reader.readUInt64()
    genesis.parentBeaconBlockRoot = try reader.readHash()
    genesis.number = try reader.readOption { reader throws(CodecError) in try reader.readUInt64() }
    genesis.configuration = Array(try reader.readVector())
    genesis.header = Array(try reader.readVector())
    for _ in 0..<(try reader.readUInt64()) {
      genesis.blockHashes.append((try reader.readUInt64(), try reader.readHash()))
    }
    for _ in 0..<(try reader.readUInt64()) {
      genesis.withdrawals.append(
        Withdrawal(
          index: try reader.readUInt64(), validatorIndex: try reader.readUInt64(),
          address: try address(&reader),
          amount: try reader.readUInt64()))
    }
    return genesis
  }

  private static func word(_ reader: inout ByteReader) throws(CodecError) -> UInt256 {
    UInt256(bigEndian: try reader.read(byteCount: 32)) ?? .zero  // 32 bytes
  }

  private static func address(_ reader: inout ByteReader) throws(CodecError) -> Address {
    Address(reading: try reader.read(byteCount: 20).baseAddress.unsafelyUnwrapped)  // 20 bytes
  }
}
