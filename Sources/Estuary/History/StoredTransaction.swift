// A transaction of an earlier block as the ledger keeps it: its bytes and what came of them. The stored form, integers
// little-endian:
//
//   u8 version = 1, or 2 with contract logs · u16 length, wire bytes · u64 fee · u64 compute units · u64 loaded bytes ·
//   u32 length, error as JSON-RPC spells it (empty: none) ·
//   u8 number of keys, of each u64 lamports before and after ·
//   u8 number, keys loaded as writable · u8 number, keys loaded read-only ·
//   u16 number, inner instructions (u8 of the instruction above · u8 program · u8 height · u8 number, accounts · u16
//   length, data) · u8 number, token balances before · u8 number, after (u8 account · u8 1 for Token-2022 · mint · owner ·
//   u64 amount · u8 1 and decimals, or 0 and 0) ·
//   u16 number, log lines (u16 length, text) · u8 1 and program · u16 length, return data, or 0 ·
//   with version 2: u16 number, contract logs (address · u8 number, topics · u32 length, data)

import Execution
import Ledger
import Primitives

package struct StoredTransaction: Sendable, Equatable {
  package var wire: [UInt8]
  /// Lamports.
  package var fee: UInt64
  package var computeUnits: UInt64
  /// As JSON-RPC spells it; `nil` where it succeeded.
  package var error: JSONValue?
  package var logs: [String]
  package var returnData: TransactionResult.ReturnData?
  package var details: TransactionDetails
  /// What contracts emitted that programs called; it is in no block's receipts root.
  package var contractLogs: [EthereumTransactionResult.Log]

  package init(wire: [UInt8], _ result: TransactionResult, _ details: TransactionDetails) {
    self.wire = wire
    (fee, computeUnits) = (result.fee, result.computeUnits)
    error = result.error.map(\.json)
    (logs, returnData) = (result.logLines, result.returnData)
    self.details = details
    contractLogs = result.contractLogs
  }

  private static let version: UInt8 = 1
  private static let versionWithContractLogs: UInt8 = 2

  package func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: 512 + wire.count)
    writer.write(contractLogs.isEmpty ? Self.version : Self.versionWithContractLogs)
    writer.write(UInt16(wire.count))
    writer.write(wire)
    writer.write(fee)
    writer.write(computeUnits)
    writer.write(details.loadedByteCount)
    var text = JSONWriter()
    if let error { text.value(error) }
    writer.write(UInt32(text.bytes.count))
    writer.write(text.bytes)
    writer.write(UInt8(details.balancesBefore.count))
    for (before, after) in zip(details.balancesBefore, details.balancesAfter) {
      writer.write(before)
      writer.write(after)
    }
    for keys in [details.loadedAddresses.writable, details.loadedAddresses.readonly] {
      writer.write(UInt8(keys.count))
      for key in keys { writer.write(key) }
    }
    writer.write(UInt16(details.innerInstructions.count))
    for instruction in details.innerInstructions {
      writer.write(instruction.topLevelIndex)
      writer.write(instruction.programIndex)
      writer.write(instruction.stackHeight)
      writer.write(UInt8(instruction.accounts.count))
      writer.write(instruction.accounts)
      writer.write(UInt16(instruction.data.count))
      writer.write(instruction.data)
    }
    for balances in [details.tokensBefore, details.tokensAfter] {
      writer.write(UInt8(balances.count))
      for balance in balances { Self.write(balance, to: &writer) }
    }
    writer.write(UInt16(logs.count))
    for line in logs {
      writer.write(UInt16(line.utf8.count))
      writer.write(Array(line.utf8))
    }
    writer.writeOption(returnData) { writer, data in
      writer.write(data.programID)
      writer.write(UInt16(data.data.count))
      writer.write(data.data)
    }
    if contractLogs.isEmpty { return writer.bytes }
    writer.write(UInt16(contractLogs.count))
    for log in contractLogs {
      writer.write(log.address.bytes)
      writer.write(UInt8(log.topics.count))
      for topic in log.topics { writer.write(topic) }
      writer.write(UInt32(log.data.count))
      writer.write(log.data)
    }
    return writer.bytes
  }

  private static func write(_ balance: TransactionDetails.TokenBalance, to writer: inout ByteWriter) {
    writer.write(balance.accountIndex)
    writer.write(balance.programID == TokenState.token2022)
    writer.write(balance.mint)
    writer.write(balance.owner)
    writer.write(balance.amount)
    writer.write(balance.decimals != nil)
    writer.write(balance.decimals ?? 0)
  }

  /// `nil` where `bytes` are not what `encoded` writes.
  package init?(decoding bytes: [UInt8]) {
    let decoded = bytes.withUnsafeBytes { buffer -> StoredTransaction? in
      var reader = ByteReader(buffer)
      return try? StoredTransaction(&reader)
    }
    guard let decoded else { return nil }
    self = decoded
  }

  private init(_ reader: inout ByteReader) throws(CodecError) {
    let version = try reader.readUInt8()
    guard version == Self.version || version == Self.versionWithContractLogs else {
      throw .invalidTag(offset: 0, value: version)
    }
    wire = try Self.bytes(&reader, count: Int(try reader.readUInt16()))
    (fee, computeUnits) = (try reader.readUInt64(), try reader.readUInt64())
    var details = TransactionDetails()
    details.loadedByteCount = try reader.readUInt64()
    let text = try Self.bytes(&reader, count: Int(try reader.readUInt32()))
    error = text.isEmpty ? nil : try? JSONValue.parse(text)
    if error == nil && !text.isEmpty { throw .invalidUTF8(offset: reader.offset) }
    for _ in 0..<(try reader.readUInt8()) {
      details.balancesBefore.append(try reader.readUInt64())
      details.balancesAfter.append(try reader.readUInt64())
    }
    details.loadedAddresses = LoadedAddresses(
      writable: try Self.keys(&reader), readonly: try Self.keys(&reader))
    for _ in 0..<(try reader.readUInt16()) {
      let (top, program, height) = (
        try reader.readUInt8(), try reader.readUInt8(), try reader.readUInt8()
      )
      details.innerInstructions.append(
        TransactionDetails.InnerInstruction(
          topLevelIndex: top, programIndex: program,
          accounts: try Self.bytes(&reader, count: Int(try reader.readUInt8())),
          data: try Self.bytes(&reader, count: Int(try reader.readUInt16())), stackHeight: height))
    }
    details.tokensBefore = try Self.tokens(&reader)
    details.tokensAfter = try Self.tokens(&reader)
    self.details = details
    logs = []
    for _ in 0..<(try reader.readUInt16()) {
      logs.append(
        String(decoding: try reader.read(byteCount: Int(try reader.readUInt16())), as: UTF8.self))
    }
    returnData = try reader.readOption { reader throws(CodecError) in
      TransactionResult.ReturnData(
        programID: try reader.readPubkey(),
        data: try Self.bytes(&reader, count: Int(try reader.readUInt16())))
    }
    contractLogs = version == Self.version ? [] : try Self.logs(&reader)
    try reader.expectEnd()
  }

  private static func bytes(_ reader: inout ByteReader, count: Int) throws(CodecError) -> [UInt8] {
    [UInt8](try reader.read(byteCount: count))
  }

  private static func keys(_ reader: inout ByteReader) throws(CodecError) -> [Pubkey] {
    var keys: [Pubkey] = []
    for _ in 0..<(try reader.readUInt8()) { keys.append(try reader.readPubkey()) }
    return keys
  }

  private static func logs(
    _ reader: inout ByteReader
  ) throws(CodecError) -> [EthereumTransactionResult.Log] {
    var logs: [EthereumTransactionResult.Log] = []
    for _ in 0..<(try reader.readUInt16()) {
      let place = reader.offset
      guard let address = Address(try reader.read(byteCount: 20)) else {
        throw .endOfInput(offset: place, needed: 20, available: 0)
      }
      var topics: [Hash] = []
      for _ in 0..<(try reader.readUInt8()) { topics.append(try reader.readHash()) }
      logs.append(
        .init(address: address, topics: topics, data: try bytes(&reader, count: Int(try reader.readUInt32())))
      )
    }
    return logs
  }

  private static func tokens(
    _ reader: inout ByteReader
  ) throws(CodecError) -> [TransactionDetails.TokenBalance] {
    var balances: [TransactionDetails.TokenBalance] = []
    for _ in 0..<(try reader.readUInt8()) {
      let index = try reader.readUInt8()
      let program = try reader.readBool() ? TokenState.token2022 : TokenState.token
      let (mint, owner) = (try reader.readPubkey(), try reader.readPubkey())
      let amount = try reader.readUInt64()
      let (hasDecimals, decimals) = (try reader.readBool(), try reader.readUInt8())
      balances.append(
        TransactionDetails.TokenBalance(
          accountIndex: index, programID: program, mint: mint, owner: owner, amount: amount,
          decimals: hasDecimals ? decimals : nil))
    }
    return balances
  }
}

extension TransactionError {
  /// As JSON-RPC spells it.
  package var json: JSONValue {
    var writer = JSONWriter()
    write(to: &writer)
    // What was just written is JSON.
    return (try? JSONValue.parse(writer.bytes)) ?? .string(name)
  }
}
