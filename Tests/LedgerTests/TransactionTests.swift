// The wire format: what decodes, what does not, what sanitising refuses, and that no damage to bytes gets
// through unnoticed. The results in the tables are LiteSVM's.

import Primitives
import Testing

@testable import Ledger

@Suite struct TransactionTests {
  /// A two-signature v0 transaction with a lookup, from the builder.
  static func sample(seed: UInt64, version: MessageVersion = .v0) throws -> Transaction {
    var generator = SplitMix64(seed: seed)
    let payer = generator.keyPair()
    let second = generator.keyPair()
    let looked = generator.pubkey()
    let instruction = Instruction(
      programID: generator.pubkey(),
      accounts: [
        AccountMeta(key: second.pubkey, isSigner: true, isWritable: false),
        AccountMeta(key: looked, isSigner: false, isWritable: true),
        AccountMeta(key: generator.pubkey(), isSigner: false, isWritable: true),
      ], data: generator.bytes(200))
    let builder = TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: generator.hash(), instructions: [instruction, instruction],
      version: version, lookupTables: [(generator.pubkey(), [generator.pubkey(), looked])])
    return try builder.signed(by: [second, payer])
  }

  @Test(arguments: [MessageVersion.legacy, .v0])
  func builtTransactionsDecodeAndVerify(version: MessageVersion) throws {
    let transaction = try Self.sample(seed: 1, version: version)
    #expect(transaction.message.version == version)
    #expect(transaction.signatureCount == 2)
    #expect(transaction.message.addressTableLookups.count == (version == .v0 ? 1 : 0))
    #expect(transaction.message.instructions.count == 2)
    let message = Array(transaction.message.messageBytes)
    for index in 0..<2 {
      let key = transaction.message.staticKey(at: index)
      #expect(Ed25519.verify(transaction.signature(at: index), of: message, by: key))
    }
    try transaction.sanitize()
    #expect(try Transaction.decode(transaction.bytes) == transaction)
  }

  @Test(arguments: [MessageVersion.legacy, .v0])
  func everyTruncationIsRefused(version: MessageVersion) throws {
    let bytes = try Self.sample(seed: 2, version: version).bytes
    for count in 0..<bytes.count {
      #expect {
        try Transaction.decode(Array(bytes[..<count]))
      } throws: { error in
        if case .truncated(let offset) = error as? TransactionDecodingError { return offset <= count }
        return false
      }
    }
    #expect(throws: TransactionDecodingError.trailingBytes(offset: bytes.count)) {
      try Transaction.decode(bytes + [0])
    }
  }

  @Test(arguments: [MessageVersion.legacy, .v0])
  func everyBitFlipIsRefusedOrStaysWhatTheBytesSay(version: MessageVersion) throws {
    let bytes = try Self.sample(seed: 3, version: version).bytes
    var accepted = 0
    for bit in 0..<bytes.count * 8 {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let transaction = try? Transaction.decode(flipped) else { continue }
      accepted += 1
      #expect(transaction.bytes == flipped)
      #expect(try Self.reencode(transaction) == flipped)
      // Whatever sanitises resolves without a trap.
      _ = try? ResolvedTransaction(transaction) { (_) throws(TransactionError) in
        throw .addressLookupTableNotFound
      }
    }
    #expect(accepted > bytes.count)  // keys, signatures, data: most flips make another transaction
  }

  /// The wire form, put together again from what was decoded.
  private static func reencode(_ transaction: Transaction) throws -> [UInt8] {
    let message = transaction.message
    var writer = ByteWriter()
    writer.writeCompactU16(UInt16(transaction.signatureCount))
    for signature in transaction.signatures { writer.write(signature) }
    if message.version == .v0 { writer.write(0x80 as UInt8) }
    writer.write(message.header.requiredSignatureCount)
    writer.write(message.header.readonlySignedCount)
    writer.write(message.header.readonlyUnsignedCount)
    writer.writeCompactU16(UInt16(message.staticKeyCount))
    for key in message.staticKeys { writer.write(key) }
    writer.write(message.recentBlockhash)
    func list(_ bytes: ArraySlice<UInt8>) {
      writer.writeCompactU16(UInt16(bytes.count))
      writer.write(Array(bytes))
    }
    writer.writeCompactU16(UInt16(message.instructions.count))
    for instruction in message.instructions {
      writer.write(instruction.programIndex)
      list(message.accountIndices(of: instruction))
      list(message.data(of: instruction))
    }
    if message.version == .v0 {
      writer.writeCompactU16(UInt16(message.addressTableLookups.count))
      for lookup in message.addressTableLookups {
        writer.write(lookup.tableKey)
        list(message.bytes[lookup.writableIndices])
        list(message.bytes[lookup.readonlyIndices])
      }
    }
    return writer.bytes
  }

  @Test func randomBytesNeverTrap() {
    var generator = SplitMix64(seed: 4)
    for _ in 0..<20_000 {
      var bytes = generator.bytes(Int(generator.next() % 300))
      // Few signatures and small counts get further into the decoder.
      if !bytes.isEmpty { bytes[0] %= 3 }
      for _ in 0..<4 where bytes.count > 70 { bytes[Int(generator.next() % UInt64(bytes.count))] %= 4 }
      if let transaction = try? Transaction.decode(bytes) { _ = try? transaction.sanitize() }
    }
  }

  struct WireCase: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let error: TransactionDecodingError
    var testDescription: String { name }
  }

  static let message: [UInt8] = [0, 0, 0, 0] + [UInt8](repeating: 0, count: 32) + [0]

  static let malformed: [WireCase] = [
    WireCase(name: "empty", bytes: [], error: .truncated(offset: 0)),
    WireCase(name: "aliased signature count", bytes: [0x80, 0] + message, error: .tooManySignatures),
    WireCase(name: "129 signatures", bytes: [0x81, 1] + message, error: .tooManySignatures),
    WireCase(name: "version 1", bytes: [0, 0x81] + message, error: .unsupportedVersion(1)),
    WireCase(name: "off-chain message", bytes: [0, 0xff] + message, error: .unsupportedVersion(127)),
    WireCase(name: "aliased zero keys", bytes: [0, 1, 0, 0, 0x80, 0], error: .invalidLength(offset: 4)),
    WireCase(name: "aliased 127 keys", bytes: [0, 1, 0, 0, 0xff, 0x80, 0], error: .invalidLength(offset: 4)),
    WireCase(name: "65,536 keys", bytes: [0, 1, 0, 0, 0x80, 0x80, 4], error: .invalidLength(offset: 4)),
    WireCase(
      name: "length of four bytes", bytes: [0, 1, 0, 0, 0x80, 0x80, 0x83, 1], error: .invalidLength(offset: 4)
    ),
    WireCase(name: "length cut off", bytes: [0, 1, 0, 0, 0x80], error: .truncated(offset: 5)),
    WireCase(name: "65,535 keys", bytes: [0, 1, 0, 0, 0xff, 0xff, 3], error: .truncated(offset: 7)),
    WireCase(name: "trailing byte", bytes: [0] + message + [7], error: .trailingBytes(offset: 38)),
    WireCase(
      name: "1,233 bytes", bytes: [UInt8](repeating: 0, count: 1233), error: .tooLong(byteCount: 1233)),
  ]

  @Test(arguments: malformed)
  func malformedBytesAreRefused(example: WireCase) {
    #expect(throws: example.error) { try Transaction.decode(example.bytes) }
  }

  @Test func lengthsOfTwoAndThreeBytesDecode() throws {
    // 300 bytes of data take a two-byte length; three bytes only fit a packet when the rest is missing.
    let transaction = try RawMessage(
      keys: [.zero, ProgramID.vote], instructions: [(1, [], [UInt8](repeating: 7, count: 300))]
    ).transaction()
    #expect(transaction.message.instructions[0].data.count == 300)
  }

  struct SaneCase: CustomTestStringConvertible, Sendable {
    let name: String
    var header: [UInt8] = [1, 0, 1]
    var program: UInt8 = 2
    var accounts: [UInt8] = [0, 1]
    var signatureCount: Int? = nil
    var lookups: [([UInt8], [UInt8])] = []
    var version = MessageVersion.legacy
    var isSane = false
    var testDescription: String { name }
  }

  static let sanitising: [SaneCase] = [
    SaneCase(name: "transfer", isSane: true),
    SaneCase(name: "transfer, v0", version: .v0, isSane: true),
    SaneCase(name: "every key read-only but the payer", header: [1, 0, 2], isSane: true),
    SaneCase(name: "no signer", header: [0, 0, 1]),
    SaneCase(name: "payer read-only", header: [1, 1, 1]),
    SaneCase(name: "groups overlap", header: [2, 0, 2]),
    SaneCase(name: "more signers than keys", header: [4, 0, 0]),
    SaneCase(name: "more read-only than keys", header: [1, 0, 255]),
    SaneCase(name: "signature missing", signatureCount: 0),
    SaneCase(name: "signature too many", signatureCount: 2),
    SaneCase(name: "payer as program", program: 0),
    SaneCase(name: "program out of range", program: 3),
    SaneCase(name: "account out of range", accounts: [0, 3]),
    SaneCase(name: "account out of range, v0", accounts: [0, 3], version: .v0),
    SaneCase(name: "looked-up account", accounts: [0, 4], lookups: [([0], [1])], version: .v0, isSane: true),
    SaneCase(name: "beyond the looked-up accounts", accounts: [0, 5], lookups: [([0], [1])], version: .v0),
    SaneCase(name: "looked-up program", program: 3, lookups: [([0], [1])], version: .v0),
    SaneCase(name: "lookup of nothing", lookups: [([], [])], version: .v0),
    SaneCase(
      name: "256 keys", lookups: [([UInt8](repeating: 0, count: 253), [])], version: .v0, isSane: true),
    SaneCase(name: "257 keys", lookups: [([UInt8](repeating: 0, count: 253), [1])], version: .v0),
  ]

  @Test(arguments: sanitising)
  func sanitisingIsAgaves(example: SaneCase) throws {
    var generator = SplitMix64(seed: 5)
    let message = RawMessage(
      version: example.version, header: example.header,
      keys: [generator.pubkey(), generator.pubkey(), ProgramID.system],
      instructions: [(example.program, example.accounts, transferData(1))],
      lookups: example.lookups.map { (generator.pubkey(), $0.0, $0.1) })
    let transaction = try message.transaction(signatureCount: example.signatureCount)
    if example.isSane {
      try transaction.sanitize()
    } else {
      #expect(throws: TransactionError.sanitizeFailure) { try transaction.sanitize() }
    }
  }

  /// SIMD-0160 and SIMD-0406.
  @Test(arguments: [(64, 1, true), (65, 1, false), (1, 255, true), (1, 256, false)])
  func instructionsAndTheirAccountsAreLimited(instructions: Int, accounts: Int, isSane: Bool) throws {
    let one: (UInt8, [UInt8], [UInt8]) = (1, [UInt8](repeating: 0, count: accounts), [])
    let transaction = try RawMessage(
      keys: [ProgramID.vote, ProgramID.system],
      instructions: [(UInt8, [UInt8], [UInt8])](repeating: one, count: instructions)
    ).transaction()
    if isSane {
      try transaction.sanitize()
    } else {
      #expect(throws: TransactionError.sanitizeFailure) { try transaction.sanitize() }
    }
  }

  @Test func buildingNamesWhatIsMissing() throws {
    var generator = SplitMix64(seed: 6)
    let payer = generator.keyPair()
    let absent = generator.pubkey()
    var builder = TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: .zero,
      instructions: [
        Instruction(
          programID: ProgramID.system,
          accounts: [AccountMeta(key: absent, isSigner: true, isWritable: false)], data: [])
      ])
    #expect(throws: TransactionBuildingError.missingSigner(absent)) { try builder.signed(by: [payer]) }
    builder.instructions = [
      Instruction(programID: ProgramID.system, accounts: [], data: [UInt8](repeating: 0, count: 1300))
    ]
    #expect(throws: TransactionBuildingError.self) { try builder.signed(by: [payer]) }
    let accounts = (0..<300).map { _ in
      AccountMeta(key: generator.pubkey(), isSigner: false, isWritable: true)
    }
    builder.instructions = [Instruction(programID: ProgramID.system, accounts: accounts, data: [])]
    #expect(throws: TransactionBuildingError.tooManyKeys) { try builder.messageBytes() }
  }
}
